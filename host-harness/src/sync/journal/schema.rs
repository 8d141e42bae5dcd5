//! The journal's tables.

use rusqlite::{Connection as Database, params};

const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE tenant (
        only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
        digest TEXT NOT NULL,
        label TEXT NOT NULL
    );
    CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        began TEXT NOT NULL,
        ended TEXT,
        -- NULL: under way, or stopped without a word
        state TEXT,
        roster TEXT NOT NULL,
        rules TEXT NOT NULL,
        rows INTEGER NOT NULL,
        whole INTEGER NOT NULL,
        counts TEXT
    );
    CREATE TABLE step (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        -- NULL: an account that no row names
        person TEXT,
        name TEXT,
        action TEXT NOT NULL,
        account TEXT,
        -- what tells, by reading, whether it was done
        wanted TEXT NOT NULL,
        began TEXT NOT NULL,
        ended TEXT,
        -- NULL: an intent without outcome
        outcome TEXT,
        detail TEXT
    );
    CREATE INDEX step_of_person ON step (person);
    CREATE INDEX step_open ON step (id) WHERE outcome IS NULL OR outcome = 'unknown';
    CREATE TABLE link (
        person TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        since TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX link_to_account ON link (account);
    CREATE TABLE spelling (
        person TEXT NOT NULL,
        attribute TEXT NOT NULL,
        sent TEXT NOT NULL,
        stored TEXT NOT NULL,
        PRIMARY KEY (person, attribute)
    ) WITHOUT ROWID;
";

/// Makes the tables where there are none; `false` where they are a newer version's.
pub(super) fn prepare(database: &Database) -> rusqlite::Result<bool> {
    database.busy_timeout(std::time::Duration::from_secs(10))?;
    // A commit is one write to one file; where the file system cannot do it, SQLite keeps to
    // its older way by itself.
    database.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // An intent is on the disk before the write that it announces is sent.
    database.pragma_update(None, "synchronous", "full")?;
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        let transaction = database.unchecked_transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok(version <= VERSION)
}

/// Notes whose account is which. `since` stays where nothing changes.
pub(super) fn link(
    database: &Database,
    person: &str,
    account: &str,
    at: &str,
) -> rusqlite::Result<()> {
    // An account is one person's.
    database
        .prepare_cached("DELETE FROM link WHERE account = ?2 AND person <> ?1")?
        .execute(params![person, account])?;
    database
        .prepare_cached(
            "INSERT INTO link (person, account, since) VALUES (?1, ?2, ?3)
             ON CONFLICT (person) DO UPDATE SET account = ?2, since = ?3 WHERE account <> ?2",
        )?
        .execute(params![person, account, at])
        .map(drop)
}
