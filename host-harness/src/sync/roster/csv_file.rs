//! CSV (RFC 4180): a header row in any order, then a row a person.

use std::collections::HashMap;

use cel::Value as Cel;
use csv::{ByteRecord, Reader, ReaderBuilder};

use super::bounded::Bounded;
use super::format::{RosterFormat, Row, list, too_long};
use crate::sync::person::BadRow;

pub(super) struct CsvFile {
    reader: Reader<Bounded>,
    columns: Vec<String>,
    /// Beside each column, what stands between the items of a list.
    separators: Vec<Option<String>>,
    delimiter: u8,
    record: ByteRecord,
}

impl CsvFile {
    /// # Errors
    ///
    /// What is wrong with the header, as the rest of a sentence.
    pub(super) fn open(input: Bounded, format: &RosterFormat) -> Result<Self, String> {
        let mut reader = ReaderBuilder::new()
            .delimiter(format.delimiter)
            .has_headers(false)
            // A row of another length is told by its line, and not the end of everything.
            .flexible(true)
            .from_reader(input);
        let mut record = ByteRecord::new();
        let found = reader.read_byte_record(&mut record);
        if !found.map_err(|error| format!("the header cannot be read: {error}"))? {
            return Err("it is empty; a header row with the names of the columns is due".into());
        }
        let mut columns: Vec<String> = Vec::new();
        for (number, name) in record.iter().enumerate() {
            let name = std::str::from_utf8(name)
                .map_err(|_| "the header is no UTF-8; save the file as UTF-8".to_owned())?
                .trim();
            if name.is_empty() {
                return Err(format!("column {} of the header has no name", number + 1));
            }
            if columns.iter().any(|known| known == name) {
                return Err(format!("two columns are called `{}`", name.escape_debug()));
            }
            columns.push(name.to_owned());
        }
        if let Some(missing) = format.lists.keys().find(|name| !columns.contains(name)) {
            return Err(format!(
                "it has no column `{missing}`, which `lists` in the rules names; it has {}",
                columns.join(", ")
            ));
        }
        let separators = columns.iter();
        let separators = separators
            .map(|name| format.lists.get(name).cloned())
            .collect();
        Ok(Self {
            reader,
            columns,
            separators,
            delimiter: format.delimiter,
            record,
        })
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// # Errors
    ///
    /// Why the rest cannot be read, as the rest of a sentence.
    pub(super) fn next(&mut self) -> Result<Option<Result<Row, BadRow>>, String> {
        let place = self.reader.position().byte();
        self.reader.get_mut().renew();
        let found = self.reader.read_byte_record(&mut self.record);
        let begins = self.reader.get_mut().line(place);
        match found {
            Ok(true) => Ok(Some(self.row(begins).map_err(|reason| BadRow {
                line: begins,
                key: None,
                reason,
            }))),
            Ok(false) => Ok(None),
            Err(_) if self.reader.get_ref().is_spent() => Err(too_long(begins)),
            Err(error) => Err(format!("line {begins} cannot be read: {error}")),
        }
    }

    fn row(&self, line: u64) -> Result<Row, String> {
        let (cells, due) = (self.record.len(), self.columns.len());
        if self.record.iter().any(|cell| self.holds_rows(cell)) {
            return Err("a cell goes on over whole rows: a quote before it is not closed".into());
        }
        if cells != due {
            return Err(format!(
                "it has {cells} cells where the header has {due}; a cell with the delimiter in it \
                 stands in quotes"
            ));
        }
        let mut members = HashMap::with_capacity(due);
        for ((name, separator), cell) in self.columns.iter().zip(&self.separators).zip(&self.record)
        {
            let text = std::str::from_utf8(cell)
                .map_err(|_| format!("`{name}` is no UTF-8; save the file as UTF-8"))?;
            if text.contains('\0') {
                return Err(format!("`{name}` holds a NUL character"));
            }
            let value = match separator {
                Some(separator) => list(text, separator),
                None => Cel::from(text),
            };
            members.insert(name.clone(), value);
        }
        Ok(Row { line, members })
    }

    /// Whether a cell of several lines looks like rows that a quote has swallowed.
    fn holds_rows(&self, cell: &[u8]) -> bool {
        let delimiters = |line: &[u8]| line.iter().filter(|byte| **byte == self.delimiter).count();
        let due = self.columns.len().saturating_sub(1).max(1);
        cell.contains(&b'\n')
            && cell
                .split(|byte| *byte == b'\n')
                .any(|l| delimiters(l) >= due)
    }

    pub(super) fn digest(self) -> String {
        self.reader.into_inner().digest()
    }
}
