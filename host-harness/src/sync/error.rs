//! Why a run could not be carried out, and what the program's exit code for it is.

use std::io;
use std::path::PathBuf;

use super::guard::Stopped;
use super::journal::JournalError;
use super::lock::LockError;
use crate::failure::Failure;

/// Two rows with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The key.
    pub person: String,
    /// The line of the first row.
    pub first: u64,
    /// The line of the second.
    pub second: u64,
}

/// Why a run could not be carried out. Nothing was written where it says nothing else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// Roster, rules, plan or command line do not fit.
    #[error("{0}")]
    Usage(String),
    /// Rows that are about the same person.
    #[error("{}", duplicates(.0))]
    DuplicateKeys(Vec<Duplicate>),
    /// Guards stopped it.
    #[error("{}", stopped(.0))]
    Stopped(Vec<Stopped>),
    /// Another run is under way.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The upstream or the connector failed, before anything was planned.
    #[error("{}", .0.message())]
    Failed(#[from] Failure),
    /// The upstream showed fewer accounts than it says there are.
    #[error(
        "The upstream says that it has {total} accounts and showed {listed}. A plan over a part of \
         them could make somebody an account who has one: nothing was planned. Try again; if it \
         stays so, its listing is broken."
    )]
    IncompleteListing {
        /// How many it showed, each counted once.
        listed: u64,
        /// How many it says there are.
        total: u64,
    },
    /// The scratch database on this machine failed: a full disk, as a rule.
    #[error("The scratch database on this machine failed: {0}.")]
    Scratch(#[from] rusqlite::Error),
    /// A file cannot be read or written.
    #[error("{} cannot be {what}: {source}.", path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl SyncError {
    /// 1: the run could not be carried out · 2: wrong usage, rules or roster · 4: a guard
    /// stopped it, or another run.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::DuplicateKeys(_)
            | Self::File { .. }
            | Self::Journal(
                JournalError::OtherTenant { .. }
                | JournalError::Missing { .. }
                | JournalError::Newer { .. },
            ) => 2,
            Self::Stopped(_) | Self::Lock(LockError::Held { .. }) => 4,
            Self::Failed(failure) if failure.kind() == "invalid-settings" => 2,
            _ => 1,
        }
    }

    /// Kebab-case, for scripts.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::DuplicateKeys(_) => "duplicate-keys",
            Self::Stopped(_) => "guard",
            Self::Lock(_) => "locked",
            Self::Journal(_) => "journal",
            Self::Failed(failure) => failure.kind(),
            Self::IncompleteListing { .. } => "incomplete-listing",
            Self::Scratch(_) => "scratch",
            Self::File { .. } => "file",
        }
    }
}

/// More than so many say nothing new.
const MOST_SHOWN: usize = 10;

fn duplicates(duplicates: &[Duplicate]) -> String {
    let mut lines: Vec<_> = duplicates
        .iter()
        .take(MOST_SHOWN)
        .map(
            |Duplicate {
                 person,
                 first,
                 second,
             }| {
                format!(
                    "{} is in line {first} and in line {second}",
                    person.escape_debug()
                )
            },
        )
        .collect();
    if duplicates.len() > MOST_SHOWN {
        lines.push(format!("and {} more", duplicates.len() - MOST_SHOWN));
    }
    format!(
        "Rows of the roster have the same key, which names one person: {}. Nothing was sent.",
        lines.join("; ")
    )
}

fn stopped(stopped: &[Stopped]) -> String {
    let messages: Vec<_> = stopped.iter().map(Stopped::message).collect();
    messages.join(" ")
}
