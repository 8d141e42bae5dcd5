//! From a roster and rules to what everybody is to have.

use jiff::civil::Date;

use super::error::{Duplicate, SyncError};
use super::run::{Company, OnProgress, Prepared, Progress, SyncOptions, prepare};
use super::scratch::Scratch;
use super::{Roster, Rules};
use crate::connection::Connection;

/// How many rows pass between two reports of progress.
const TELL_EVERY: u64 = 200;
/// So many duplicates are named; the rest of the roster is not read for more.
const MOST_DUPLICATES: usize = 100;

/// Reads a roster by its rules, finds out what earlier runs left open, reads the tenant, and
/// plans. Nothing is written upstream.
///
/// # Errors
///
/// Rules that name columns which the roster lacks; two rows with one key; another run; a
/// journal of another tenant; a tenant that cannot be read as a whole.
pub async fn plan_for<'a>(
    connection: &'a Connection,
    roster: Roster,
    rules: &Rules,
    options: SyncOptions,
    progress: OnProgress<'_>,
) -> Result<Prepared<'a>, SyncError> {
    rules.fit(&roster.columns())?;
    let today = rules.today(options.clock.wall());
    let mut roster = Some(roster);
    let mut read = |scratch: &Scratch| {
        let Some(roster) = roster.take() else {
            return Err(SyncError::Usage("The roster was read already.".to_owned()));
        };
        wishes(roster, rules, today, scratch, progress)
    };
    let company = Company {
        policy: rules.policy(),
        protects: &|account| rules.protects(account, today),
        read: &mut read,
        rules: rules.digest().to_owned(),
    };
    prepare(connection, company, options, progress).await
}

/// Takes in every row; the roster's digest.
fn wishes(
    mut roster: Roster,
    rules: &Rules,
    today: Date,
    scratch: &Scratch,
    progress: OnProgress<'_>,
) -> Result<String, SyncError> {
    let mut duplicates: Vec<Duplicate> = Vec::new();
    let mut rows = 0;
    while let Some(row) = roster.next()? {
        let duplicate = match row.and_then(|row| rules.wish(&row, today)) {
            Ok(wish) => scratch.add_wish(&wish)?,
            Err(bad) => scratch.add_bad(&bad)?,
        };
        duplicates.extend(duplicate);
        if duplicates.len() > MOST_DUPLICATES {
            break;
        }
        rows += 1;
        if rows % TELL_EVERY == 0 {
            progress(Progress::Rows(rows));
        }
    }
    progress(Progress::Rows(rows));
    rules.fit(&roster.columns())?;
    if duplicates.is_empty() {
        Ok(roster.digest())
    } else {
        Err(SyncError::DuplicateKeys(duplicates))
    }
}
