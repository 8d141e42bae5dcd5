//! The plan's file: one JSON document, an entry a line, written as it goes, its owner's alone.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::document::{Plan, VERSION};
use crate::private_file::Replacement;
use crate::sync::error::SyncError;

impl Plan {
    /// Writes it, in place of whatever was there.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), SyncError> {
        let write = || {
            let mut file = Replacement::of(path)?;
            let mut to = BufWriter::new(file.file());
            self.write_to(&mut to)?;
            to.flush()?;
            drop(to);
            file.finish()
        };
        write().map_err(|source| SyncError::File {
            path: path.to_owned(),
            what: "written",
            source,
        })
    }

    /// Writes the document.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_to(&self, to: &mut impl std::io::Write) -> std::io::Result<()> {
        let Self {
            version,
            tenant,
            tenant_digest,
            made_at,
            roster,
            rules,
            counts,
            notices,
            entries,
        } = self;
        write!(
            to,
            "{{\"version\": {version},\n \"tenant\": {},\n \"tenant-digest\": {},\n \"made-at\": {},\n \
             \"roster\": {},\n \"rules\": {},\n \"counts\": {},\n \"notices\": {},\n \"entries\": [",
            serde_json::to_string(tenant)?,
            serde_json::to_string(tenant_digest)?,
            serde_json::to_string(made_at)?,
            serde_json::to_string(roster)?,
            serde_json::to_string(rules)?,
            serde_json::to_string(counts)?,
            serde_json::to_string(notices)?,
        )?;
        for (position, entry) in entries.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(to, "{comma}\n  ")?;
            serde_json::to_writer(&mut *to, entry)?;
        }
        writeln!(to, "\n]}}")
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// There is none, it is no plan, or one of another version.
    pub fn read(path: &Path) -> Result<Self, SyncError> {
        let text = std::fs::read(path).map_err(|source| SyncError::File {
            path: path.to_owned(),
            what: "read",
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Reads a file's text.
    pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<Self, SyncError> {
        let plan: Self = serde_json::from_slice(text).map_err(|error| {
            SyncError::Usage(format!("{} is no plan: {error}.", path.display()))
        })?;
        if plan.version != VERSION {
            return Err(SyncError::Usage(format!(
                "{} is a plan of version {}, and this program knows version {VERSION}. Make it \
                 anew.",
                path.display(),
                plan.version
            )));
        }
        Ok(plan)
    }
}
