//! One blob of an OCI layout, which is what its digest and its size say or is not taken.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::unreadable::unreadable;
use crate::load_error::LoadError;
use crate::provenance::sha256;

/// Where the bytes of a descriptor are, and what they have to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) path: PathBuf,
    /// In lower-case hexadecimal.
    pub(super) sha256: String,
    pub(super) size: u64,
}

impl Blob {
    pub(super) fn of(layout: &Path, descriptor: &Json, most: u64) -> Result<Self, LoadError> {
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        let hex = digest.strip_prefix("sha256:").filter(|hex| {
            hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        });
        let Some(hex) = hex else {
            return Err(wrong(format!(
                "The layout names something by the digest `{}`, which is no sha256 in lower-case \
                 hexadecimal.",
                digest.escape_debug()
            )));
        };
        let path = layout.join("blobs").join("sha256").join(hex);
        let Some(size) = descriptor["size"].as_u64() else {
            return Err(wrong(format!(
                "The descriptor of {} says nothing of its size.",
                path.display()
            )));
        };
        if size > most {
            return Err(LoadError::TooLarge { most }.in_file(&path));
        }
        Ok(Self {
            path,
            sha256: hex.to_owned(),
            size,
        })
    }

    /// Its bytes, which have the digest and the size of the descriptor.
    pub(super) fn read(&self) -> Result<Vec<u8>, LoadError> {
        // One byte more tells what is larger than it says, so that no more need be read.
        let bytes = read_up_to(&self.path, self.size.saturating_add(1))?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length != self.size {
            let more = if length > self.size { "more than " } else { "" };
            return Err(wrong(format!(
                "{} has {more}{} bytes, and its descriptor says {}.",
                self.path.display(),
                length.min(self.size),
                self.size
            )));
        }
        let found = sha256(&bytes);
        if found != self.sha256 {
            return Err(wrong(format!(
                "{} is not what its digest names: it has {found}.",
                self.path.display()
            )));
        }
        Ok(bytes)
    }
}

pub(super) fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>, LoadError> {
    use std::io::Read as _;

    let read = || {
        if !std::fs::metadata(path)?.is_file() {
            // A pipe would be waited for.
            return Err(std::io::Error::other("it is not a file"));
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path)?;
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error: std::io::Error| unreadable(path, error))
}

pub(super) fn wrong(what: String) -> LoadError {
    LoadError::Layout { what }
}
