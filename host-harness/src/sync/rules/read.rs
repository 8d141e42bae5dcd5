//! A rules file, read.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::checked::Rules;
use super::tables::Tables;
use crate::contract::{Manifest, Problem};
use crate::failure::Failure;
use crate::toml_file::Reader;

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
}
