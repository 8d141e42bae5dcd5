//! What `harness history` shows, and what is forgotten.

use rusqlite::{Connection as Database, params};
use serde_json::Value as Json;

use super::ids::{RunId, StepId};
use super::steps::json;

/// A run as the journal has it.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// When it began, in RFC 3339.
    pub began: String,
    /// When it ended; none while it is under way, or where it was killed.
    pub ended: Option<String>,
    /// How it ended: `done`, `in-part`, `stopped`; none as for `ended`.
    pub state: Option<String>,
    /// How many rows the roster had.
    pub rows: u64,
    /// The report's counts; null as for `ended`.
    pub counts: Json,
}

/// A step as the journal has it.
#[derive(Debug, Clone)]
pub struct StepRecord {
    /// Its number.
    pub id: StepId,
    /// The run that it belongs to.
    pub run: RunId,
    /// To whom; none for an account that no row names.
    pub person: Option<String>,
    /// What the account was called.
    pub name: Option<String>,
    /// `create`, `update`, `reactivate` or `deactivate`.
    pub action: String,
    /// The account.
    pub account: Option<String>,
    /// When it began, in RFC 3339.
    pub began: String,
    /// When its outcome was known.
    pub ended: Option<String>,
    /// `done`, `failed`, `unknown` or `not-done`; none for an intent without outcome.
    pub outcome: Option<String>,
    /// In a sentence, where there is more to say.
    pub detail: Option<String>,
    /// What was to change.
    pub wanted: Json,
}

pub(super) fn runs(database: &Database, most: u32) -> rusqlite::Result<Vec<RunRecord>> {
    let mut runs = database.prepare(
        "SELECT id, began, ended, state, rows, counts FROM run ORDER BY id DESC LIMIT ?1",
    )?;
    let rows = runs.query_map([most], |row| {
        Ok(RunRecord {
            id: row.get(0)?,
            began: row.get(1)?,
            ended: row.get(2)?,
            state: row.get(3)?,
            rows: row.get(4)?,
            counts: json(row, 5)?,
        })
    })?;
    rows.collect()
}

pub(super) fn steps_of(database: &Database, person: &str) -> rusqlite::Result<Vec<StepRecord>> {
    let mut steps = database.prepare(
        "SELECT id, run, person, name, action, account, began, ended, outcome, detail, wanted
         FROM step
         WHERE person = ?1 OR account = ?1 OR name = ?1
            OR account = (SELECT account FROM link WHERE person = ?1)
         ORDER BY id",
    )?;
    let rows = steps.query_map([person], |row| {
        Ok(StepRecord {
            id: row.get(0)?,
            run: row.get(1)?,
            person: row.get(2)?,
            name: row.get(3)?,
            action: row.get(4)?,
            account: row.get(5)?,
            began: row.get(6)?,
            ended: row.get(7)?,
            outcome: row.get(8)?,
            detail: row.get(9)?,
            wanted: json(row, 10)?,
        })
    })?;
    rows.collect()
}

pub(super) fn forget_before(database: &Database, moment: &str) -> rusqlite::Result<usize> {
    let transaction = database.unchecked_transaction()?;
    let steps = transaction.execute(
        "DELETE FROM step
         WHERE began < ?1 AND outcome IS NOT NULL AND outcome <> 'unknown'",
        params![moment],
    )?;
    // The last one about everybody is the measure of the next roster.
    transaction.execute(
        "DELETE FROM run
         WHERE began < ?1 AND id NOT IN (SELECT run FROM step)
           AND id <> coalesce((SELECT max(id) FROM run WHERE whole), -1)",
        params![moment],
    )?;
    transaction.commit()?;
    Ok(steps)
}
