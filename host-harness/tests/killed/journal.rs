//! The journal from outside: its write lock, and what is in it after a kill.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection as Database, OpenFlags};

/// SQLite's write lock. Any other writer waits for it.
pub(crate) struct WriteLock {
    _database: Database,
}

impl WriteLock {
    /// Takes it at once: the run waits for an answer, and does not write meanwhile.
    pub(crate) fn take(journal: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let database = Database::open_with_flags(journal, flags).unwrap();
        // What a killed run leaves is for the next run to take up, and not for this test.
        let unchanged = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        database.set_db_config(unchanged, true).unwrap();
        database.busy_timeout(Duration::ZERO).unwrap();
        database.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self {
            _database: database,
        }
    }
}

/// What stands in a journal that no run has open.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) steps: Vec<Step>,
    /// From a person to their account.
    pub(crate) links: BTreeMap<String, String>,
    /// The number of the latest run.
    pub(crate) run: i64,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) run: i64,
    pub(crate) person: String,
    pub(crate) action: String,
    pub(crate) began: String,
    pub(crate) outcome: Option<String>,
}

impl Journal {
    /// Reads a copy: to read it where it is would be to repair it.
    pub(crate) fn read(journal: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.journal");
        std::fs::copy(journal, &copy).unwrap();
        let log = journal.with_extension("journal-wal");
        if log.exists() {
            std::fs::copy(log, folder.path().join("copy.journal-wal")).unwrap();
        }
        let database = Database::open(copy).unwrap();
        let mut steps = database
            .prepare("SELECT run, person, action, began, outcome FROM step ORDER BY id")
            .unwrap();
        let steps = steps.query_map([], |row| {
            Ok(Step {
                run: row.get(0)?,
                person: row.get(1)?,
                action: row.get(2)?,
                began: row.get(3)?,
                outcome: row.get(4)?,
            })
        });
        let mut links = database
            .prepare("SELECT person, account FROM link")
            .unwrap();
        let links = links.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let run = database.query_row("SELECT max(id) FROM run", [], |row| row.get(0));
        Self {
            steps: steps.unwrap().map(Result::unwrap).collect(),
            links: links.unwrap().map(Result::unwrap).collect(),
            run: run.unwrap(),
        }
    }

    pub(crate) fn steps_of(&self, person: &str) -> Vec<&Step> {
        let steps = self.steps.iter();
        steps.filter(|step| step.person == person).collect()
    }

    /// Intents without an outcome.
    pub(crate) fn open(&self) -> Vec<&Step> {
        let steps = self.steps.iter();
        steps.filter(|step| step.outcome.is_none()).collect()
    }
}
