//! Plans, reports and reviews as pages for people: one HTML document that loads nothing, that
//! reads on a phone and on paper, in light and in dark.
//!
//! What the pages show was written by others: rosters, upstreams, connectors. It is escaped by
//! the template, its control characters are shown as what they are ([`text`]), and a policy
//! lets the document run its own script alone, known by its hash ([`frame`]).

mod entry;
mod frame;
mod plan;
mod report;
#[cfg(feature = "cli")]
mod review;
mod sections;
#[cfg(feature = "cli")]
mod served;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;

use self::plan::plan;
use self::report::report;
#[cfg(feature = "cli")]
pub(crate) use self::review::{State, View, review, saved};
#[cfg(feature = "cli")]
pub(crate) use self::served::{message, policy};
use super::error::SyncError;
use super::plan::Plan;
use super::report::Report;
use crate::private_file::Replacement;

impl Plan {
    /// Writes it as a page, in place of whatever was there, its owner's alone to read.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write_page(&self, path: &Path) -> Result<(), SyncError> {
        PageFile::begin(path)?.write(&plan(self))
    }
}

impl Report {
    /// Writes it as a page, in place of whatever was there, its owner's alone to read.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write_page(&self, path: &Path) -> Result<(), SyncError> {
        PageFile::begin(path)?.report(self)
    }
}

/// A page's file. It is begun before the run that it tells of, so that one that cannot be
/// written is known before anything is done.
#[derive(Debug)]
pub(crate) struct PageFile<'a> {
    file: Replacement,
    path: &'a Path,
}

impl<'a> PageFile<'a> {
    pub(crate) fn begin(path: &'a Path) -> Result<Self, SyncError> {
        match Replacement::of(path) {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(unwritten(path, source)),
        }
    }

    pub(crate) fn report(self, of: &Report) -> Result<(), SyncError> {
        self.write(&report(of))
    }

    fn write(mut self, page: &str) -> Result<(), SyncError> {
        use std::io::Write as _;

        let written = self.file.file().write_all(page.as_bytes());
        written
            .and_then(|()| self.file.finish())
            .map_err(|source| unwritten(self.path, source))
    }
}

fn unwritten(path: &Path, source: std::io::Error) -> SyncError {
    SyncError::File {
        path: path.to_owned(),
        what: "written",
        source,
    }
}
