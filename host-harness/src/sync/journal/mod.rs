//! The journal: what was about to be done, what came of it, and which account is whose.
//!
//! An intent is committed before a write is sent, and its outcome after. A run that is stopped in
//! between, even by `kill -9`, leaves an intent without an outcome, and the next run reads
//! what became of it before it plans anything. The link from a person to their account makes
//! a changed user name an update, and not a second account.
//!
//! One SQLite file, its owner's alone, bound to one tenant. It holds no secrets: values of
//! sensitive and write-only attributes are left out.

mod history;
mod ids;
mod schema;
mod steps;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection as Database, OpenFlags, OptionalExtension as _, params};
use serde_json::Value as Json;

pub use self::history::{RunRecord, StepRecord};
pub use self::ids::{RunId, StepId};
pub use self::steps::{Conclusion, Intent, OpenStep, Outcome, Spelling};
use super::tenant::Tenant;
use crate::private_file;

/// The journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// It was begun for another tenant.
    #[error(
        "{} is the journal of {theirs}, and this is {ours}. Name another with --journal.",
        path.display()
    )]
    OtherTenant {
        /// Where it is.
        path: PathBuf,
        /// Whose it is.
        theirs: String,
        /// Who asks.
        ours: String,
    },
    /// It was written by a newer version of this program.
    #[error(
        "{} was written by a newer version of this program; it is not touched.",
        path.display()
    )]
    Newer {
        /// Where it is.
        path: PathBuf,
    },
    /// There is none.
    #[error("There is no journal at {}: no sync has run yet.", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It cannot be opened, read or written.
    #[error("The journal {} cannot be used: {cause}.", path.display())]
    Unusable {
        /// Where it is.
        path: PathBuf,
        /// What SQLite or the operating system said.
        cause: String,
    },
}

/// How a run began.
#[derive(Debug, Clone, Default)]
pub struct RunStart {
    /// When, in RFC 3339.
    pub at: String,
    /// The roster's digest.
    pub roster: String,
    /// The rules' digest.
    pub rules: String,
    /// How many rows the roster has.
    pub rows: u64,
    /// Whether it is about everybody; if not, its rows are no measure for the next roster.
    pub whole: bool,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    database: Mutex<Database>,
}

impl Journal {
    /// Opens a tenant's journal, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// It is another tenant's, of a newer version, or cannot be used.
    pub fn open(path: &Path, tenant: &Tenant) -> Result<Self, JournalError> {
        let unusable = |cause: std::io::Error| JournalError::Unusable {
            path: path.to_owned(),
            cause: cause.to_string(),
        };
        // SQLite gives the files beside it the same mode. One of them that was not whole when a run
        // was killed is carried out.
        let checked = || {
            private_file::open(path)?;
            for beside in ["-journal", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(beside);
                private_file::if_there(Path::new(&name))?;
            }
            in_its_real_folder(path)
        };
        let real = checked().map_err(unusable)?;
        let journal = Self::over(path, opened(&real))?;
        journal.bind(tenant)?;
        Ok(journal)
    }

    /// Opens a journal that is there, whosever it is, to look at.
    ///
    /// # Errors
    ///
    /// There is none, it is of a newer version, or it cannot be used.
    pub fn look_into(path: &Path) -> Result<Self, JournalError> {
        if !path.is_file() {
            return Err(JournalError::Missing {
                path: path.to_owned(),
            });
        }
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Self::over(path, opened(&real))
    }

    /// One that is gone with the process: for a plan alone, where there was no journal yet.
    ///
    /// # Errors
    ///
    /// No memory, in essence.
    pub fn in_memory() -> Result<Self, JournalError> {
        Self::over(Path::new(":memory:"), Database::open_in_memory())
    }

    fn over(path: &Path, opened: rusqlite::Result<Database>) -> Result<Self, JournalError> {
        let unusable = |error: rusqlite::Error| JournalError::Unusable {
            path: path.to_owned(),
            cause: error.to_string(),
        };
        let database = opened.map_err(unusable)?;
        if !schema::prepare(&database).map_err(unusable)? {
            return Err(JournalError::Newer {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            database: Mutex::new(database),
        })
    }

    fn bind(&self, tenant: &Tenant) -> Result<(), JournalError> {
        let (digest, label) = (tenant.digest(), tenant.label());
        let theirs: Option<(String, String)> = self.with(|database| {
            database.execute(
                "INSERT OR IGNORE INTO tenant (only_one, digest, label) VALUES (1, ?1, ?2)",
                params![digest, label],
            )?;
            let held = database.query_row("SELECT digest, label FROM tenant", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            });
            held.optional()
        })?;
        match theirs {
            Some((theirs, label)) if theirs != digest => Err(JournalError::OtherTenant {
                path: self.path.clone(),
                theirs: label,
                ours: tenant.label().to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Notes that a run begins.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub fn begin_run(&self, start: &RunStart) -> Result<RunId, JournalError> {
        self.with(|database| {
            database.execute(
                "INSERT INTO run (began, roster, rules, rows, whole) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![start.at, start.roster, start.rules, start.rows, start.whole],
            )?;
            Ok(database.last_insert_rowid())
        })
    }

    /// Notes how a run ended; `counts` as the report has them.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub fn end_run(
        &self,
        run: RunId,
        at: &str,
        ended: &str,
        counts: &Json,
    ) -> Result<(), JournalError> {
        self.with(|database| {
            database.execute(
                "UPDATE run SET ended = ?2, state = ?3, counts = ?4 WHERE id = ?1",
                params![run, at, ended, counts.to_string()],
            )
        })
        .map(drop)
    }

    /// How many rows the roster of the last run about everybody had. A run counts once it
    /// began to write: one that a guard stopped is no measure.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn rows_of_last_run(&self) -> Result<Option<u64>, JournalError> {
        self.with(|database| {
            let last = "SELECT rows FROM run WHERE whole ORDER BY id DESC LIMIT 1";
            database.query_row(last, [], |row| row.get(0)).optional()
        })
    }

    /// Whose account is which, for all who are known.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or what `each` says.
    pub fn links(
        &self,
        mut each: impl FnMut(&str, &str) -> rusqlite::Result<()>,
    ) -> Result<(), JournalError> {
        self.with(|database| {
            let mut links = database.prepare("SELECT person, account FROM link")?;
            let mut rows = links.query([])?;
            while let Some(row) = rows.next()? {
                each(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?)?;
            }
            Ok(())
        })
    }

    /// Notes whose account is which, for those whom a run found. All of them, or none.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub fn link_all<'a>(
        &self,
        at: &str,
        links: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), JournalError> {
        self.with(|database| {
            let transaction = database.unchecked_transaction()?;
            for (person, account) in links {
                schema::link(&transaction, person, account, at)?;
            }
            transaction.commit()
        })
    }

    /// What a person's values became when they were stored.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn spellings(&self, person: &str) -> Result<Vec<Spelling>, JournalError> {
        self.with(|database| steps::spellings(database, person))
    }

    /// Intents without an outcome, and those whose outcome is not known, oldest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn open_steps(&self) -> Result<Vec<OpenStep>, JournalError> {
        self.with(steps::open)
    }

    /// Notes what is about to be done: on disk before this returns.
    ///
    /// # Errors
    ///
    /// The journal cannot be written; then nothing may be done.
    pub fn intend(&self, run: RunId, intent: &Intent) -> Result<StepId, JournalError> {
        self.with(|database| steps::intend(database, run, intent))
    }

    /// Notes what came of a step, whose account it is, and what was stored: all of it or none.
    ///
    /// # Errors
    ///
    /// The journal cannot be written; the step stays open.
    pub fn conclude(&self, step: StepId, conclusion: &Conclusion) -> Result<(), JournalError> {
        self.with(|database| steps::conclude(database, step, conclusion))
    }

    /// Forgets runs and concluded steps from before a moment, in RFC 3339. Open steps, links
    /// and spellings stay. How many steps went.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub fn forget_before(&self, moment: &str) -> Result<usize, JournalError> {
        self.with(|database| history::forget_before(database, moment))
    }

    /// The latest runs, newest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn runs(&self, most: u32) -> Result<Vec<RunRecord>, JournalError> {
        self.with(|database| history::runs(database, most))
    }

    /// What happened to a person, oldest first; a person is named by their key, or an account
    /// by its id or its name.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn steps_of(&self, person: &str) -> Result<Vec<StepRecord>, JournalError> {
        self.with(|database| history::steps_of(database, person))
    }

    /// A person's account, if the journal knows it.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn account_of(&self, person: &str) -> Result<Option<String>, JournalError> {
        self.with(|database| {
            let held = "SELECT account FROM link WHERE person = ?1";
            database
                .query_row(held, [person], |row| row.get(0))
                .optional()
        })
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        work(&self.held()).map_err(|error| JournalError::Unusable {
            path: self.path.clone(),
            cause: error.to_string(),
        })
    }

    fn held(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same file by a path on which no folder is a link, since SQLite is to follow none.
fn in_its_real_folder(path: &Path) -> std::io::Result<PathBuf> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize()?;
    Ok(path
        .file_name()
        .map_or(folder.clone(), |name| folder.join(name)))
}

/// A database that is there, or an empty file. SQLite opens it by its name once more: what took
/// its place meanwhile is not followed.
fn opened(path: &Path) -> rusqlite::Result<Database> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    Database::open_with_flags(path, flags)
}
