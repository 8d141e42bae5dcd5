//! How a roster is written, and what one row of it says.

use std::collections::{BTreeMap, HashMap};

use cel::Value as Cel;

/// The longest row, in bytes.
pub(super) const MOST_ROW_BYTES: usize = 1 << 20;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    Csv,
    JsonLines,
}

/// How a roster is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterFormat {
    /// `None` takes what the file's name says, and CSV for standard input.
    pub(crate) notation: Option<Notation>,
    /// What stands between the cells of a CSV file.
    pub(crate) delimiter: u8,
    /// Columns that hold lists, and what stands between their items.
    pub(crate) lists: BTreeMap<String, String>,
}

impl Default for RosterFormat {
    fn default() -> Self {
        Self {
            notation: None,
            delimiter: b',',
            lists: BTreeMap::new(),
        }
    }
}

/// One row: what the roster says of one person.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its line, from 1.
    pub line: u64,
    pub(crate) members: HashMap<String, Cel>,
}

/// What a roster calls its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Columns {
    /// By its header: all of them.
    InHeader(Vec<String>),
    /// All that any of its rows has; it was read to its end.
    InRows(Vec<String>),
    /// Each row has its own, and not all are read; or none could be, or they have too many.
    Unknown,
}

impl Columns {
    /// Their names, as far as they are known.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::InHeader(names) | Self::InRows(names) => names,
            Self::Unknown => &[],
        }
    }
}

/// A cell of a list column.
pub(super) fn list(text: &str, separator: &str) -> Cel {
    let items = text.split(separator).map(str::trim);
    let items = items.filter(|item| !item.is_empty());
    items.map(Cel::from).collect::<Vec<_>>().into()
}

pub(super) fn too_long(line: u64) -> String {
    format!(
        "the row that begins at line {line} is longer than {MOST_ROW_BYTES} bytes; a quote may \
         not be closed"
    )
}
