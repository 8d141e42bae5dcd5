//! The rules: who gets an account, and what it holds. A TOML file with expressions in it; all
//! that can be known to be wrong is told before anything runs, at its line.

mod check;
mod policy;
mod starter;
mod tables;
#[cfg(test)]
mod tests;
mod wish;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

pub use self::policy::{Deactivations, Guards, Leavers, Phase, Policy, Switches, Unnamed};
pub use self::starter::starter;
use self::tables::Tables;
use super::expression::{About, Expression};
use super::{Columns, RosterFormat};
use crate::contract::{Manifest, Problem, Value};
use crate::failure::Failure;
use crate::nearest::nearest;
use crate::toml_file::Reader;

/// An expression of the file, and where it stands.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) line: usize,
    pub(crate) expression: Expression,
}

/// What an attribute is to be.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) value: Placed,
}

/// Who gets an account.
#[derive(Debug)]
pub(crate) enum Provision {
    Everyone,
    Roles(Vec<(String, Placed)>),
}

/// Accounts and people that are left alone.
#[derive(Debug, Default)]
pub(crate) struct Protect {
    pub(crate) accounts: Vec<(String, Vec<Value>)>,
    pub(crate) when: Vec<Placed>,
    pub(crate) people: Vec<Placed>,
}

/// When somebody comes and goes.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    pub(crate) start: Option<Placed>,
    pub(crate) end: Option<Placed>,
    pub(crate) disabled: Option<Placed>,
}

/// Rules, read and checked against a manifest.
#[derive(Debug)]
pub struct Rules {
    manifest: Manifest,
    name: String,
    digest: String,
    format: RosterFormat,
    policy: Policy,
    key: Placed,
    /// Instead of what `[attributes]` gives the lookup key.
    lookup: Option<Placed>,
    provision: Provision,
    targets: Vec<Target>,
    protect: Protect,
    dates: Dates,
    time_zone: TimeZone,
}

impl Rules {
    /// Reads a rules file.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and where it cannot be read.
    pub fn read(path: &Path, manifest: &Manifest) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::InvalidSettings {
            problems: vec![Problem {
                name: "rules".to_owned(),
                code: "unreadable".to_owned(),
                message: format!("The rules {} cannot be read: {error}.", path.display()),
            }],
        })?;
        Self::parse(path, &text, manifest)
    }

    /// Reads the text of a rules file; `path` is for messages.
    ///
    /// # Errors
    ///
    /// `invalid-settings` with every problem that can be known before a roster is read, each
    /// with its line: what is no TOML, unknown keys, expressions that are none, unknown and
    /// read-only targets, required ones missing, constants that an attribute does not take.
    pub fn parse(path: &Path, text: &str, manifest: &Manifest) -> Result<Self, Failure> {
        let mut tables = Tables::new(Reader::new(path, text), manifest);
        tables.document(path, text);
        let digest = Sha256::digest(text.as_bytes());
        tables.finish(
            path.display().to_string(),
            digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        )
    }

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

fn about(placed: &Placed, what: &str, name: &str, error: &str) -> String {
    format!("{what} ({name}:{}): {error}", placed.line)
}
