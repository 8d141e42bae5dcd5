//! The roster: who works here, as a file of rows, CSV or JSON Lines. Read one row at a time;
//! what cannot be read is told by its line, and the rest goes on.

mod bounded;
mod csv_file;
mod format;
mod json_lines;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use self::bounded::Bounded;
use self::csv_file::CsvFile;
pub(crate) use self::format::Notation;
pub use self::format::{Columns, RosterFormat, Row};
use self::json_lines::JsonLines;
use super::BadRow;
use crate::contract::Problem;
use crate::failure::Failure;

/// Where a roster comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RosterSource {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl RosterSource {
    /// `-` is standard input.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        if path == Path::new("-") {
            Self::Stdin
        } else {
            Self::File(path.to_owned())
        }
    }

    /// For messages.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "standard input".to_owned(),
        }
    }
}

/// A roster that is being read.
pub struct Roster {
    rows: Rows,
    name: String,
}

enum Rows {
    Csv(CsvFile),
    JsonLines(JsonLines),
}

impl Roster {
    /// Opens it, and reads the header of a CSV file.
    ///
    /// # Errors
    ///
    /// `invalid-settings`: it cannot be opened, is no UTF-8, or has no usable header.
    pub fn open(source: &RosterSource, format: &RosterFormat) -> Result<Self, Failure> {
        let name = source.name();
        let input: Box<dyn Read + Send> = match source {
            RosterSource::Stdin => Box::new(std::io::stdin()),
            RosterSource::File(path) => Box::new(File::open(path).map_err(|error| {
                refuse(&name, "unreadable", format!("it cannot be opened: {error}"))
            })?),
        };
        let notation = format.notation.unwrap_or_else(|| match source {
            RosterSource::File(path) if is_json_lines(path) => Notation::JsonLines,
            _ => Notation::Csv,
        });
        let input = Bounded::new(input, notation == Notation::Csv)
            .map_err(|error| refuse(&name, "unreadable", error.to_string()))?;
        let rows = match notation {
            Notation::Csv => CsvFile::open(input, format)
                .map(Rows::Csv)
                .map_err(|message| refuse(&name, "header", message))?,
            Notation::JsonLines => Rows::JsonLines(JsonLines::new(input, format)),
        };
        Ok(Self { rows, name })
    }

    /// The columns, as far as they are known.
    #[must_use]
    pub fn columns(&self) -> Columns {
        match &self.rows {
            Rows::Csv(file) => Columns::InHeader(file.columns().to_vec()),
            Rows::JsonLines(file) => file.columns(),
        }
    }

    /// The next row, or what is wrong with it; `None` at the end.
    ///
    /// # Errors
    ///
    /// `invalid-settings`: the rest cannot be read.
    #[expect(clippy::should_implement_trait, reason = "the end may be an error")]
    pub fn next(&mut self) -> Result<Option<Result<Row, BadRow>>, Failure> {
        let row = match &mut self.rows {
            Rows::Csv(file) => file.next(),
            Rows::JsonLines(file) => file.next(),
        };
        row.map_err(|message| refuse(&self.name, "unreadable", message))
    }

    /// SHA-256 of all bytes that were read, in hexadecimal.
    #[must_use]
    pub fn digest(self) -> String {
        match self.rows {
            Rows::Csv(file) => file.digest(),
            Rows::JsonLines(file) => file.digest(),
        }
    }
}

impl std::fmt::Debug for Roster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut roster = f.debug_struct("Roster");
        roster.field("name", &self.name).finish_non_exhaustive()
    }
}

fn is_json_lines(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        ["jsonl", "ndjson", "json"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn refuse(name: &str, code: &str, message: String) -> Failure {
    let end = if message.ends_with(['.', '?']) {
        ""
    } else {
        "."
    };
    Failure::InvalidSettings {
        problems: vec![Problem {
            name: "roster".to_owned(),
            code: code.to_owned(),
            message: format!("The roster {name}: {message}{end}"),
        }],
    }
}
