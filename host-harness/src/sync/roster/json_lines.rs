//! JSON Lines: an object a line, a person each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader, Read as _};

use serde_json::{Map, Value as Json};

use super::bounded::Bounded;
use super::format::{Columns, MOST_ROW_BYTES, RosterFormat, Row, list, too_long};
use crate::sync::expression::from_json;
use crate::sync::person::BadRow;

/// More names than this are no columns.
const MOST_COLUMNS: usize = 1000;

pub(super) struct JsonLines {
    reader: BufReader<Bounded>,
    lists: BTreeMap<String, String>,
    line: u64,
    text: Vec<u8>,
    /// The names of all rows so far.
    names: BTreeSet<String>,
    ended: bool,
}

impl JsonLines {
    pub(super) fn new(input: Bounded, format: &RosterFormat) -> Self {
        Self {
            reader: BufReader::new(input),
            lists: format.lists.clone(),
            line: 0,
            text: Vec::new(),
            names: BTreeSet::new(),
            ended: false,
        }
    }

    pub(super) fn columns(&self) -> Columns {
        if self.ended && (1..MOST_COLUMNS).contains(&self.names.len()) {
            Columns::InRows(self.names.iter().cloned().collect())
        } else {
            Columns::Unknown
        }
    }

    /// # Errors
    ///
    /// Why the rest cannot be read, as the rest of a sentence.
    pub(super) fn next(&mut self) -> Result<Option<Result<Row, BadRow>>, String> {
        loop {
            self.reader.get_mut().renew();
            self.text.clear();
            self.line += 1;
            let mut row = (&mut self.reader).take(MOST_ROW_BYTES as u64);
            let count = row
                .read_until(b'\n', &mut self.text)
                .map_err(|error| format!("line {} cannot be read: {error}", self.line))?;
            if count == 0 {
                self.ended = true;
                return Ok(None);
            }
            if count >= MOST_ROW_BYTES {
                return Err(too_long(self.line));
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(Some(self.row()));
            }
        }
    }

    fn row(&mut self) -> Result<Row, BadRow> {
        let line = self.line;
        let bad = |reason: String| BadRow {
            line,
            key: None,
            reason,
        };
        let members: Map<String, Json> = serde_json::from_slice(&self.text).map_err(|error| {
            bad(format!(
                "it is no JSON object (at character {} of the line)",
                error.column()
            ))
        })?;
        let mut row = HashMap::with_capacity(members.len());
        for (name, value) in members {
            if self.names.len() < MOST_COLUMNS && !self.names.contains(&name) {
                self.names.insert(name.clone());
            }
            let value = match (self.lists.get(&name), &value) {
                (Some(separator), Json::String(text)) => list(text, separator),
                _ => from_json(&value),
            };
            row.insert(name, value);
        }
        Ok(Row { line, members: row })
    }

    pub(super) fn digest(self) -> String {
        self.reader.into_inner().digest()
    }
}
