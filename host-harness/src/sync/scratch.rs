//! What a run has to look things up in and is too much for memory: whose row wants what, and
//! the tenant's accounts as they were read. A SQLite database that has no name, is on disk as
//! far as it is large, and is gone with the process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection as Database, OptionalExtension as _, params};
use serde_json::{Value as Json, json};

use super::error::{Duplicate, SyncError};
use super::journal::Journal;
use super::values::{
    account_from_json, account_to_json, attributes_from_json, attributes_to_json, from_json,
    to_json,
};
use super::{BadRow, Policy, Standing, Wish};
use crate::attributes::{comparable, spec, values};
use crate::contract::{Account, AccountStatus, Attribute, AttributeSpec, Manifest, Value};
use crate::failure::Failure;
use crate::limits::{Limit, Limits};

/// Those with a body have rowids: without them a row of more than a kilobyte takes a page of its
/// own beyond its place in the tree, and the file grows to five times what is in it.
const TABLES: &str = "
    PRAGMA journal_mode = off;
    PRAGMA synchronous = off;
    PRAGMA cache_size = -8192;
    CREATE TABLE wish (
        person TEXT NOT NULL PRIMARY KEY, line INTEGER NOT NULL, wanted INTEGER NOT NULL,
        lookup TEXT, identity TEXT, body TEXT NOT NULL
    );
    CREATE UNIQUE INDEX wish_line ON wish (line);
    CREATE INDEX wish_lookup ON wish (lookup);
    CREATE INDEX wish_identity ON wish (identity);
    CREATE TABLE seen (person TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE bad (line INTEGER NOT NULL, person TEXT, reason TEXT NOT NULL);
    CREATE INDEX bad_person ON bad (person);
    CREATE TABLE account (
        id TEXT NOT NULL PRIMARY KEY, active INTEGER NOT NULL, lookup TEXT, identity TEXT,
        body TEXT NOT NULL
    );
    CREATE INDEX account_lookup ON account (lookup);
    CREATE INDEX account_identity ON account (identity);
    CREATE TABLE several (key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (key, value));
    CREATE TABLE link (person TEXT PRIMARY KEY, account TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX link_account ON link (account);
    CREATE TABLE claim (person TEXT PRIMARY KEY, account TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX claim_account ON claim (account);
";

/// The most pages that SQLite counts.
const MOST_PAGES: u64 = 4_294_967_294;
/// What a row takes beyond its own bytes at most, where the trees that it goes into are split.
const SPARE_PAGES: u64 = 32;
const HALF_A_PAGE: u64 = 2_048;

/// The scratch database of one run.
pub(crate) struct Scratch {
    database: Mutex<Database>,
    /// How large it may grow, in pages.
    most_pages: u64,
    /// What the run is told that does not fit into as many.
    full: Failure,
    lookup: Option<AttributeSpec>,
    identity: Option<AttributeSpec>,
}

/// What the reading of roster and tenant came to for one person.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    /// The account that the journal says is theirs.
    pub(crate) link: Option<String>,
    /// That account, where it is still there.
    pub(crate) linked: Option<Account>,
    /// Those with the person's identity key; two are enough to know that there are several.
    pub(crate) by_identity: Vec<Account>,
    /// Those with the person's name; likewise.
    pub(crate) by_name: Vec<Account>,
}

impl Scratch {
    pub(crate) fn new(
        manifest: &Manifest,
        policy: &Policy,
        limits: &Limits,
    ) -> Result<Self, SyncError> {
        // Without a name: private to this connection, and in a file that nobody can open.
        let database = Database::open("")?;
        database.execute_batch(TABLES)?;
        let page: u64 = database.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let most_pages = (limits.scratch_bytes / page.max(1)).clamp(1, MOST_PAGES);
        // It is never less than what is there already, and says what it is now.
        let most_pages = database.query_row(
            &format!("PRAGMA max_page_count = {most_pages}"),
            [],
            |row| row.get(0),
        )?;
        // What is lost with the process need not be committed in pieces.
        database.execute_batch("BEGIN")?;
        let identity = policy.identity_key.as_deref();
        Ok(Self {
            database: Mutex::new(database),
            most_pages,
            full: Failure::LimitReached {
                limit: Limit::ScratchBytes,
                message: Limit::ScratchBytes.message(limits),
            },
            lookup: spec(manifest, &policy.lookup_key).cloned(),
            identity: identity.and_then(|name| spec(manifest, name)).cloned(),
        })
    }

    /// Whether a row of so many bytes may be added. Asked before: what SQLite itself refuses it
    /// cannot be asked about any more.
    fn room(&self, database: &Database, bytes: usize) -> Result<(), SyncError> {
        let count = |question: &str| {
            let mut question = database.prepare_cached(question)?;
            question.query_row([], |row| row.get::<_, u64>(0))
        };
        let free = count("PRAGMA freelist_count")?;
        let used = count("PRAGMA page_count")?.saturating_sub(free);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let wanted = (bytes / HALF_A_PAGE).saturating_add(SPARE_PAGES);
        if used.saturating_add(wanted) > self.most_pages {
            return Err(SyncError::Failed(self.full.clone()));
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a row wants; its forerunner's line where it is not the first with its key.
    pub(crate) fn add_wish(&self, wish: &Wish) -> Result<Option<Duplicate>, SyncError> {
        let body = wish_to_json(wish).to_string();
        let database = self.held();
        self.room(&database, body.len())?;
        if let Some(duplicate) = meet(&database, &wish.key, wish.line)? {
            return Ok(Some(duplicate));
        }
        database
            .prepare_cached("INSERT INTO wish VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                wish.key,
                wish.line,
                matches!(wish.standing, Standing::Wanted { .. }),
                self.name_of(wish.lookup.as_ref()),
                self.identity_of(wish.identity.as_ref()),
                body,
            ])?;
        Ok(None)
    }

    pub(crate) fn add_bad(&self, bad: &BadRow) -> Result<Option<Duplicate>, SyncError> {
        let database = self.held();
        self.room(&database, bad.reason.len())?;
        if let Some(person) = &bad.key
            && let Some(duplicate) = meet(&database, person, bad.line)?
        {
            return Ok(Some(duplicate));
        }
        database
            .prepare_cached("INSERT INTO bad VALUES (?1, ?2, ?3)")?
            .execute(params![bad.line, bad.key, bad.reason])?;
        Ok(None)
    }

    pub(crate) fn bad_rows(&self) -> Result<Vec<BadRow>, SyncError> {
        let database = self.held();
        let mut bad = database.prepare("SELECT line, person, reason FROM bad ORDER BY line")?;
        let rows = bad.query_map([], |row| {
            Ok(BadRow {
                line: row.get(0)?,
                key: row.get(1)?,
                reason: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether a row that cannot be read is about somebody.
    pub(crate) fn is_bad(&self, person: &str) -> Result<bool, SyncError> {
        let database = self.held();
        let mut bad = database.prepare_cached("SELECT 1 FROM bad WHERE person = ?1")?;
        Ok(bad.exists([person])?)
    }

    /// The people in the order of their lines, a few hundred at a time: those whose line is
    /// beyond `after`.
    pub(crate) fn wishes_after(&self, after: u64, most: u32) -> Result<Vec<Wish>, SyncError> {
        let database = self.held();
        let mut wishes = database
            .prepare_cached("SELECT body FROM wish WHERE line > ?1 ORDER BY line LIMIT ?2")?;
        let rows = wishes.query_map(params![after, most], |row| row.get::<_, String>(0))?;
        let mut read = Vec::new();
        for text in rows {
            read.push(parsed(&text?, wish_from_json)?);
        }
        Ok(read)
    }

    pub(crate) fn wish(&self, person: &str) -> Result<Option<Wish>, SyncError> {
        let database = self.held();
        let body: Option<String> = database
            .prepare_cached("SELECT body FROM wish WHERE person = ?1")?
            .query_row([person], |row| row.get(0))
            .optional()?;
        Ok(body.map(|text| parsed(&text, wish_from_json)).transpose()?)
    }

    pub(crate) fn count(&self, what: Count) -> Result<u64, SyncError> {
        let question = match what {
            Count::Wishes => "SELECT count(*) FROM wish",
            Count::BadRows => "SELECT count(*) FROM bad",
            Count::Accounts => "SELECT count(*) FROM account",
            Count::Active => "SELECT count(*) FROM account WHERE active",
        };
        Ok(self.held().query_row(question, [], |row| row.get(0))?)
    }

    /// Whether somebody else of the roster has this person's identity key.
    pub(crate) fn shares_identity(&self, wish: &Wish) -> Result<Option<u64>, SyncError> {
        let Some(identity) = self.identity_of(wish.identity.as_ref()) else {
            return Ok(None);
        };
        let other = "SELECT line FROM wish WHERE identity = ?1 AND person <> ?2 LIMIT 1";
        let database = self.held();
        let line = database
            .prepare_cached(other)?
            .query_row(params![identity, wish.key], |row| row.get(0))
            .optional()?;
        Ok(line)
    }

    pub(crate) fn add_account(&self, account: &Account) -> Result<(), SyncError> {
        let named = |spec: Option<&AttributeSpec>| {
            let spec = spec?;
            comparable_value(spec, values(account, &spec.name))
        };
        let body = account_to_json(account).to_string();
        let database = self.held();
        self.room(&database, body.len())?;
        database
            .prepare_cached("INSERT OR REPLACE INTO account VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                account.id,
                account.status == AccountStatus::Active,
                named(self.lookup.as_ref()),
                named(self.identity.as_ref()),
                body,
            ])?;
        Ok(())
    }

    /// Forgets the accounts, to read them once more.
    pub(crate) fn clear_accounts(&self) -> Result<(), SyncError> {
        Ok(self.held().execute_batch("DELETE FROM account")?)
    }

    /// The upstream says that several accounts have this value.
    pub(crate) fn add_several(&self, key: &Attribute) -> Result<(), SyncError> {
        let spec = [&self.lookup, &self.identity]
            .into_iter()
            .flatten()
            .find(|spec| spec.name == key.name);
        if let Some(value) = spec.and_then(|spec| comparable_value(spec, &key.values)) {
            let database = self.held();
            self.room(&database, value.len())?;
            database
                .prepare_cached("INSERT OR IGNORE INTO several VALUES (?1, ?2)")?
                .execute(params![key.name, value])?;
        }
        Ok(())
    }

    pub(crate) fn is_several(&self, key: &Attribute) -> Result<bool, SyncError> {
        let spec = [&self.lookup, &self.identity]
            .into_iter()
            .flatten()
            .find(|spec| spec.name == key.name);
        let Some(value) = spec.and_then(|spec| comparable_value(spec, &key.values)) else {
            return Ok(false);
        };
        let held = self
            .held()
            .prepare_cached("SELECT 1 FROM several WHERE key = ?1 AND value = ?2")?
            .exists(params![key.name, value])?;
        Ok(held)
    }

    pub(crate) fn copy_links(&self, journal: &Journal) -> Result<(), SyncError> {
        let database = self.held();
        let mut insert = database.prepare("INSERT OR REPLACE INTO link VALUES (?1, ?2)")?;
        journal.links(|person, account| insert.execute([person, account]).map(drop))?;
        Ok(())
    }

    /// Accounts that the journal links to people of the roster, and that were not among those
    /// read.
    pub(crate) fn unseen_links(&self) -> Result<Vec<String>, SyncError> {
        let database = self.held();
        let mut links = database.prepare(
            "SELECT DISTINCT link.account FROM link JOIN wish USING (person)
             LEFT JOIN account ON account.id = link.account WHERE account.id IS NULL",
        )?;
        let rows = links.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub(crate) fn link(&self, person: &str) -> Result<Option<String>, SyncError> {
        let database = self.held();
        let account = database
            .prepare_cached("SELECT account FROM link WHERE person = ?1")?
            .query_row([person], |row| row.get(0))
            .optional()?;
        Ok(account)
    }

    pub(crate) fn account(&self, id: &str) -> Result<Option<Account>, SyncError> {
        let found = accounts(&self.held(), "SELECT body FROM account WHERE id = ?1", id)?;
        Ok(found.into_iter().next())
    }

    pub(crate) fn candidates(&self, wish: &Wish) -> Result<Candidates, SyncError> {
        let link = self.link(&wish.key)?;
        let linked = match &link {
            Some(id) => self.account(id)?,
            None => None,
        };
        let (identity, name) = (
            self.identity_of(wish.identity.as_ref()),
            self.name_of(wish.lookup.as_ref()),
        );
        let database = self.held();
        let all = |question: &str, value: Option<String>| match value {
            Some(value) => accounts(&database, question, &value),
            None => Ok(Vec::new()),
        };
        Ok(Candidates {
            link,
            linked,
            by_identity: all(
                "SELECT body FROM account WHERE identity = ?1 LIMIT 2",
                identity,
            )?,
            by_name: all("SELECT body FROM account WHERE lookup = ?1 LIMIT 3", name)?,
        })
    }

    /// Notes whose account is which.
    pub(crate) fn claim(&self, person: &str, account: &str) -> Result<(), SyncError> {
        let database = self.held();
        self.room(&database, person.len())?;
        database
            .prepare_cached("INSERT OR REPLACE INTO claim VALUES (?1, ?2)")?
            .execute([person, account])?;
        Ok(())
    }

    pub(crate) fn claim_of(&self, person: &str) -> Result<Option<String>, SyncError> {
        let database = self.held();
        let account = database
            .prepare_cached("SELECT account FROM claim WHERE person = ?1")?
            .query_row([person], |row| row.get(0))
            .optional()?;
        Ok(account)
    }

    /// Who else has a claim to an account: people of the roster first, then whoever the journal
    /// knows to have it.
    pub(crate) fn others_with(
        &self,
        account: &str,
        person: &str,
    ) -> Result<Option<Owner>, SyncError> {
        let database = self.held();
        let other = |question: &str| {
            database
                .prepare_cached(question)?
                .query_row([account, person], |row| row.get::<_, String>(0))
                .optional()
        };
        if let Some(other) =
            other("SELECT person FROM claim WHERE account = ?1 AND person <> ?2 LIMIT 1")?
        {
            return Ok(Some(Owner::InRoster(other)));
        }
        // Somebody about whom there is a doubt has no claim, and yet it may be theirs.
        if let Some(other) = other(
            "SELECT wish.person FROM account JOIN wish ON wish.identity = account.identity
             WHERE account.id = ?1 AND wish.person <> ?2 LIMIT 1",
        )? {
            return Ok(Some(Owner::InRoster(other)));
        }
        let linked = other("SELECT person FROM link WHERE account = ?1 AND person <> ?2 LIMIT 1")?;
        Ok(linked.map(Owner::Known))
    }

    /// Every claim: whose account is which.
    pub(crate) fn claims(&self) -> Result<Vec<(String, String)>, SyncError> {
        let database = self.held();
        let mut claims = database.prepare("SELECT person, account FROM claim")?;
        let rows = claims.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Active accounts that nobody of the roster has anything to do with, be it by link,
    /// identity key or name, a few hundred at a time; with the person whom the journal links
    /// to it.
    pub(crate) fn unnamed_after(
        &self,
        after: &str,
        most: u32,
    ) -> Result<Vec<(Account, Option<String>)>, SyncError> {
        let database = self.held();
        let mut unnamed = database.prepare_cached(
            "SELECT body, (SELECT min(person) FROM link WHERE link.account = account.id)
             FROM account
             WHERE id > ?1 AND active
               AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.account = account.id)
               AND NOT EXISTS (SELECT 1 FROM wish WHERE wish.lookup = account.lookup)
               AND NOT EXISTS (SELECT 1 FROM wish WHERE wish.identity = account.identity)
               AND NOT EXISTS (
                   SELECT 1 FROM link JOIN seen USING (person) WHERE link.account = account.id)
             ORDER BY id LIMIT ?2",
        )?;
        let rows = unnamed.query_map(params![after, most], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?))
        })?;
        let mut read = Vec::new();
        for row in rows {
            let (body, person) = row?;
            read.push((parsed(&body, account_from_json)?, person));
        }
        Ok(read)
    }

    fn name_of(&self, attribute: Option<&Attribute>) -> Option<String> {
        comparable_value(self.lookup.as_ref()?, &attribute?.values)
    }

    fn identity_of(&self, attribute: Option<&Attribute>) -> Option<String> {
        comparable_value(self.identity.as_ref()?, &attribute?.values)
    }
}

/// What can be counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Count {
    Wishes,
    BadRows,
    Accounts,
    Active,
}

/// Who has an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Somebody of this roster.
    InRoster(String),
    /// Somebody whom the journal knows, and the roster does not name.
    Known(String),
}

/// Meets a key for the first time, or tells where it was met before.
fn meet(database: &Database, person: &str, line: u64) -> rusqlite::Result<Option<Duplicate>> {
    let inserted = database
        .prepare_cached("INSERT OR IGNORE INTO seen VALUES (?1, ?2)")?
        .execute(params![person, line])?;
    if inserted == 1 {
        return Ok(None);
    }
    let first = database
        .prepare_cached("SELECT line FROM seen WHERE person = ?1")?
        .query_row([person], |row| row.get(0))?;
    Ok(Some(Duplicate {
        person: person.to_owned(),
        first,
        second: line,
    }))
}

fn accounts(database: &Database, question: &str, value: &str) -> rusqlite::Result<Vec<Account>> {
    let mut statement = database.prepare_cached(question)?;
    let rows = statement.query_map([value], |row| row.get::<_, String>(0))?;
    let mut read = Vec::new();
    for body in rows {
        read.push(parsed(&body?, account_from_json)?);
    }
    Ok(read)
}

/// What was written here is read back whole: somebody who cannot be read is not left out.
fn parsed<T>(text: &str, read: impl FnOnce(&Json) -> Option<T>) -> rusqlite::Result<T> {
    let json = serde_json::from_str(text).ok();
    json.as_ref()
        .and_then(read)
        .ok_or_else(|| rusqlite::Error::InvalidParameterName("a row that cannot be read".into()))
}

/// A single value, in the spelling that equal values share. Several values name nobody.
fn comparable_value(spec: &AttributeSpec, values: &[Value]) -> Option<String> {
    match values {
        [Value::Text(text)] => {
            let text = comparable(spec, text);
            (!text.is_empty()).then(|| format!("t{text}"))
        }
        [Value::Boolean(flag)] => Some(format!("b{flag}")),
        [Value::Integer(number)] => Some(format!("i{number}")),
        _ => None,
    }
}

fn wish_to_json(wish: &Wish) -> Json {
    let standing = match &wish.standing {
        Standing::Wanted { role } => json!({"wanted": role}),
        Standing::NotYet { from } => json!({"from": from.to_string()}),
        Standing::NoLonger { reason } => json!({"reason": reason}),
    };
    let key = |attribute: &Option<Attribute>| {
        attribute
            .as_ref()
            .map(|attribute| json!([attribute.name, to_json(&attribute.values)]))
    };
    json!({
        "key": wish.key,
        "line": wish.line,
        "standing": standing,
        "lookup": key(&wish.lookup),
        "identity": key(&wish.identity),
        "attributes": attributes_to_json(&wish.attributes),
        "cleared": wish.cleared,
        "protected": wish.protected,
    })
}

fn wish_from_json(json: &Json) -> Option<Wish> {
    let standing = &json["standing"];
    let standing = if let Some(from) = standing["from"].as_str() {
        Standing::NotYet {
            from: from.parse().ok()?,
        }
    } else if let Some(reason) = standing["reason"].as_str() {
        Standing::NoLonger {
            reason: reason.to_owned(),
        }
    } else {
        Standing::Wanted {
            role: standing["wanted"].as_str().map(str::to_owned),
        }
    };
    let key = |json: &Json| {
        Some(Attribute {
            name: json[0].as_str()?.to_owned(),
            values: from_json(&json[1])?,
        })
    };
    let cleared = json["cleared"].as_array()?.iter();
    Some(Wish {
        key: json["key"].as_str()?.to_owned(),
        line: json["line"].as_u64()?,
        standing,
        lookup: key(&json["lookup"]),
        identity: key(&json["identity"]),
        attributes: attributes_from_json(&json["attributes"])?,
        cleared: cleared
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect(),
        protected: json["protected"].as_str().map(str::to_owned),
    })
}
