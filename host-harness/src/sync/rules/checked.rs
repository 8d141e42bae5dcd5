//! [`Rules`], read and checked.

use std::collections::BTreeSet;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::parts::{Dates, Placed, Protect, Provision, Target};
use super::policy::Policy;
use crate::contract::{Manifest, Problem};
use crate::failure::Failure;
use crate::nearest::nearest;
use crate::sync::{Columns, RosterFormat};

/// Rules, read and checked against a manifest.
#[derive(Debug)]
pub struct Rules {
    pub(super) manifest: Manifest,
    pub(super) name: String,
    pub(super) digest: String,
    pub(super) format: RosterFormat,
    pub(super) policy: Policy,
    pub(super) key: Placed,
    /// Instead of what `[attributes]` gives the lookup key.
    pub(super) lookup: Option<Placed>,
    pub(super) provision: Provision,
    pub(super) targets: Vec<Target>,
    pub(super) protect: Protect,
    pub(super) dates: Dates,
    pub(super) time_zone: TimeZone,
}

impl Rules {
    /// Refuses a roster that lacks a column that the rules name: in its header, or, where it
    /// has none and was read to its end, in all of its rows. There, what a rule asks for with
    /// `has(…)` may be missing.
    ///
    /// # Errors
    ///
    /// `invalid-settings` with a problem for each of them.
    pub fn fit(&self, columns: &Columns) -> Result<(), Failure> {
        let mut told = BTreeSet::new();
        let mut problems = Vec::new();
        for placed in self.about_persons() {
            for column in placed.expression.columns() {
                let may_be_missing = match columns {
                    Columns::InHeader(_) => false,
                    Columns::InRows(_) => placed.expression.asked().contains(column),
                    Columns::Unknown => true,
                };
                if columns.names().contains(column) || may_be_missing || !told.insert(column) {
                    continue;
                }
                let names = columns.names().iter();
                let hint = match nearest(column, names.map(String::as_str)) {
                    Some(near) => format!("did you mean `person.{near}`?"),
                    None => format!("it has {}.", columns.names().join(", ")),
                };
                let missing = match columns {
                    Columns::InRows(_) => "no row of the roster has",
                    _ => "the roster has no column",
                };
                problems.push(Problem {
                    name: column.clone(),
                    code: "no-column".to_owned(),
                    message: format!(
                        "{}:{}: {missing} `{}`; {hint}",
                        self.name,
                        placed.line,
                        column.escape_debug()
                    ),
                });
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Failure::InvalidSettings { problems })
        }
    }

    /// Every expression about a person.
    fn about_persons(&self) -> impl Iterator<Item = &Placed> {
        let roles = match &self.provision {
            Provision::Everyone => &[],
            Provision::Roles(roles) => roles.as_slice(),
        };
        let dates = [&self.dates.start, &self.dates.end, &self.dates.disabled];
        std::iter::once(&self.key)
            .chain(&self.lookup)
            .chain(self.targets.iter().map(|target| &target.value))
            .chain(roles.iter().map(|(_, role)| role))
            .chain(dates.into_iter().flatten())
            .chain(&self.protect.people)
    }

    /// SHA-256 of the file, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What a run may do.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How the roster is read.
    #[must_use]
    pub fn roster_format(&self) -> &RosterFormat {
        &self.format
    }

    /// The day that it is in the rules' time zone.
    #[must_use]
    pub fn today(&self, now: SystemTime) -> Date {
        let now = Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH);
        now.to_zoned_datetime(self.time_zone.clone()).date()
    }
}

pub(super) fn about(placed: &Placed, what: &str, name: &str, error: &str) -> String {
    format!("{what} ({name}:{}): {error}", placed.line)
}
