//! The connection file: which component, which settings, where the secrets are, and how
//! the network may be used. Everything wrong with it is reported at once, with file and
//! line; a key that is not known is an error, since a mistyped limit would be no limit.

mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use crate::connection::ConnectionOptions;
use crate::contract::Problem;
use crate::egress::{CredentialSources, Network};
use crate::failure::Failure;
use crate::host::HostOptions;
use crate::limits::{Limits, STACK_BYTES};
use crate::provenance::Provenance;
use crate::toml_file::Reader;

/// A connection file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// The component it names, if it names one.
    pub component: Option<PathBuf>,
    /// What it demands of the component, the bundled one too.
    pub provenance: Provenance,
    /// The settings.
    pub settings: BTreeMap<String, String>,
    /// Where each secret is.
    pub credentials: CredentialSources,
    /// How the network may be used.
    pub network: Network,
    /// What an operation may use up.
    pub limits: Limits,
    /// The guest's stack in bytes; see [`HostOptions::stack_bytes`].
    pub stack_bytes: usize,
}

impl Default for ConnectionFile {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            component: None,
            provenance: Provenance::default(),
            settings: BTreeMap::new(),
            credentials: CredentialSources::default(),
            network: Network::default(),
            limits: Limits::default(),
            stack_bytes: STACK_BYTES,
        }
    }
}

impl ConnectionFile {
    /// Reads a connection file. Paths in it are relative to its folder.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidSettings`] with every problem found. The name of a problem is the
    /// key at fault, or the file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::InvalidSettings {
            problems: vec![Problem {
                name: path.display().to_string(),
                code: "unreadable".to_owned(),
                message: format!(
                    "The connection file {} cannot be read: {error}.",
                    path.display()
                ),
            }],
        })?;
        Self::parse(path, &text)
    }

    /// Reads a connection file's text; `path` is for messages and relative paths.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let mut reader = Reader::new(path, text);
        let mut file = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        match DeTable::parse(text) {
            Ok(document) => reader.document(document.get_ref(), &mut file),
            Err(error) => reader.problem(
                &path.display().to_string(),
                "not-toml",
                error.span(),
                format!("this is not TOML: {}", error.message()),
            ),
        }
        if reader.problems.is_empty() {
            Ok(file)
        } else {
            Err(Failure::InvalidSettings {
                problems: reader.problems,
            })
        }
    }

    /// Reads each secret once, so that a missing one is known before anything is sent.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidSettings`] with a problem for each secret that is not there.
    pub fn check_credentials(&self) -> Result<(), Failure> {
        let problems: Vec<Problem> = self
            .credentials
            .0
            .iter()
            .filter_map(|(name, source)| {
                let error = source.read(name).err()?;
                Some(Problem {
                    name: name.clone(),
                    code: error.code.to_owned(),
                    message: error.message,
                })
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Failure::InvalidSettings { problems })
        }
    }

    /// The options of a host for this connection alone: what `[limits]` says of the things
    /// that a host decides for all.
    #[must_use]
    pub fn host_options(&self) -> HostOptions {
        HostOptions {
            stack_bytes: self.stack_bytes,
            count_fuel: self.limits.fuel.is_some(),
            limits: self.limits.clone(),
            ..HostOptions::default()
        }
    }

    /// The options of a connection as this file has them.
    #[must_use]
    pub fn options(&self) -> ConnectionOptions {
        let mut options = ConnectionOptions::new();
        options.settings = self.settings.clone();
        options.credentials = Arc::new(self.credentials.clone());
        options.network = self.network.clone();
        options.limits = self.limits.clone();
        options
    }
}
