//! Intents and outcomes.

use rusqlite::{Connection as Database, Row, params};
use serde_json::Value as Json;

use super::ids::{RunId, StepId};
use super::schema;
use crate::contract::Value;
use crate::sync::values;

/// What is about to be done.
#[derive(Debug, Clone)]
pub struct Intent {
    /// When, in RFC 3339.
    pub at: String,
    /// To whom; none for an account that no row names.
    pub person: Option<String>,
    /// What the account is called, for people.
    pub name: Option<String>,
    /// `create`, `update`, `reactivate` or `deactivate`.
    pub action: String,
    /// To which account; none before it is made.
    pub account: Option<String>,
    /// What tells, by reading, whether it was done.
    pub wanted: Json,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused, and nothing was done.
    Failed,
    /// It may have been done: stays open until somebody reads.
    Unknown,
    /// Reading shows that it was not done.
    NotDone,
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotDone => "not-done",
        }
    }
}

/// What is noted of a step's end.
#[derive(Debug, Clone)]
pub struct Conclusion {
    /// When, in RFC 3339.
    pub at: String,
    /// What came of it.
    pub outcome: Outcome,
    /// In a sentence, where there is more to say.
    pub detail: Option<String>,
    /// The account that it was about, where it is known now.
    pub account: Option<String>,
    /// Whose account that is now.
    pub link: Option<(String, String)>,
    /// Of the link's person: what was stored in another spelling than it was sent in.
    pub spellings: Vec<Spelling>,
}

/// A value that the upstream stores in its own spelling.
#[derive(Debug, Clone, PartialEq)]
pub struct Spelling {
    /// The attribute.
    pub attribute: String,
    /// What was sent.
    pub sent: Vec<Value>,
    /// What was there afterwards.
    pub stored: Vec<Value>,
}

/// An intent without an outcome, or one whose outcome is not known.
#[derive(Debug, Clone)]
pub struct OpenStep {
    /// Its number.
    pub id: StepId,
    /// What was intended.
    pub intent: Intent,
    /// Whether an answer was waited for and did not come; otherwise the run was stopped.
    pub unknown: bool,
}

pub(super) fn intend(database: &Database, run: RunId, intent: &Intent) -> rusqlite::Result<StepId> {
    database
        .prepare_cached(
            "INSERT INTO step (run, person, name, action, account, wanted, began)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            run,
            intent.person,
            intent.name,
            intent.action,
            intent.account,
            intent.wanted.to_string(),
            intent.at,
        ])?;
    Ok(database.last_insert_rowid())
}

pub(super) fn conclude(
    database: &Database,
    step: StepId,
    conclusion: &Conclusion,
) -> rusqlite::Result<()> {
    let transaction = database.unchecked_transaction()?;
    transaction
        .prepare_cached(
            "UPDATE step SET ended = ?2, outcome = ?3, detail = ?4, account = coalesce(?5, account)
             WHERE id = ?1",
        )?
        .execute(params![
            step,
            conclusion.at,
            conclusion.outcome.name(),
            conclusion.detail,
            conclusion.account,
        ])?;
    if let Some((person, account)) = &conclusion.link {
        schema::link(&transaction, person, account, &conclusion.at)?;
        for spelling in &conclusion.spellings {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO spelling (person, attribute, sent, stored)
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    person,
                    spelling.attribute,
                    values::to_json(&spelling.sent).to_string(),
                    values::to_json(&spelling.stored).to_string(),
                ])?;
        }
    }
    transaction.commit()
}

pub(super) fn open(database: &Database) -> rusqlite::Result<Vec<OpenStep>> {
    let mut steps = database.prepare(
        "SELECT id, person, name, action, account, wanted, began, outcome FROM step
         WHERE outcome IS NULL OR outcome = 'unknown' ORDER BY id",
    )?;
    let rows = steps.query_map([], |row| {
        let outcome: Option<String> = row.get(7)?;
        Ok(OpenStep {
            id: row.get(0)?,
            unknown: outcome.is_some(),
            intent: Intent {
                person: row.get(1)?,
                name: row.get(2)?,
                action: row.get(3)?,
                account: row.get(4)?,
                wanted: json(row, 5)?,
                at: row.get(6)?,
            },
        })
    })?;
    rows.collect()
}

pub(super) fn spellings(database: &Database, person: &str) -> rusqlite::Result<Vec<Spelling>> {
    let mut spellings = database
        .prepare_cached("SELECT attribute, sent, stored FROM spelling WHERE person = ?1")?;
    let rows = spellings.query_map([person], |row| {
        Ok(Spelling {
            attribute: row.get(0)?,
            sent: values::from_json(&json(row, 1)?).unwrap_or_default(),
            stored: values::from_json(&json(row, 2)?).unwrap_or_default(),
        })
    })?;
    rows.collect()
}

/// A column of JSON; null where somebody has put something else there.
pub(super) fn json(row: &Row<'_>, column: usize) -> rusqlite::Result<Json> {
    let text: Option<String> = row.get(column)?;
    let read = text.and_then(|text| serde_json::from_str(&text).ok());
    Ok(read.unwrap_or(Json::Null))
}
