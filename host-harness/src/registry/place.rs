//! One place where a component is found: a file of a folder, or an artifact of an OCI layout.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::blob::Blob;
use super::refreshed::Refused;
use super::shelf::{Entry, Release};
use crate::limits::COMPONENT_BYTES;
use crate::load_error::{self, LoadError};
use crate::provenance::beside;

/// What tells without reading a file, or its signature, that it is another than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    file: FileStamp,
    signature: Option<FileStamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FileStamp {
    size: u64,
    modified: Option<SystemTime>,
    /// Node and time of change: another file of the same size and age has others.
    #[cfg(unix)]
    node: (u64, i64, i64),
}

impl Stamp {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Self::of_both(path, &beside(path))
    }

    pub(super) fn of_both(path: &Path, signature: &Path) -> io::Result<Self> {
        let signature = std::fs::metadata(signature);
        Ok(Self {
            file: FileStamp::of(&std::fs::metadata(path)?),
            signature: signature.ok().as_ref().map(FileStamp::of),
        })
    }
}

impl Stamp {
    /// Bytes of the file.
    pub(super) fn size(&self) -> u64 {
        self.file.size
    }
}

impl FileStamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;

        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            node: (metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What is known of a place since the last look.
#[derive(Debug)]
pub(super) struct Place {
    /// The file's name, or the artifact's tag, or its digest where it has none.
    pub(super) name: String,
    pub(super) stamp: Stamp,
    /// The last good component that was found here.
    pub(super) entry: Option<Entry>,
    /// Why what is here now was not taken.
    pub(super) problem: Option<String>,
}

impl Place {
    pub(super) fn refused(&self) -> Option<Refused> {
        Some(Refused {
            place: self.name.clone(),
            reason: self.problem.clone()?,
            kept: self.entry.as_ref().map(|entry| entry.release.clone()),
        })
    }
}

/// What a look shows of a place.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) stamp: Stamp,
    /// What is there; `None` where it is what was there before.
    pub(super) item: Option<Result<Item, LoadError>>,
}

/// Where a component's bytes are. They are read one component at a time, once it is known that
/// they are wanted.
#[derive(Debug, Clone)]
pub(super) enum Bytes {
    File { path: PathBuf, size: u64 },
    Blob(Blob),
}

impl Bytes {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File { path, .. } | Self::Blob(Blob { path, .. }) => path,
        }
    }

    /// How many will be read, at most.
    pub(super) fn most(&self) -> u64 {
        match self {
            Self::File { size, .. } | Self::Blob(Blob { size, .. }) => *size.min(&COMPONENT_BYTES),
        }
    }

    /// The digest that they have or else are not taken, in lower-case hexadecimal, where it is
    /// known without reading them.
    pub(super) fn sha256(&self) -> Option<&str> {
        match self {
            Self::File { .. } => None,
            Self::Blob(blob) => Some(&blob.sha256),
        }
    }

    pub(super) fn read(&self) -> Result<Vec<u8>, LoadError> {
        match self {
            Self::File { path, .. } => load_error::read(path),
            Self::Blob(blob) => blob.read(),
        }
    }
}

/// A component that was found, and what was said of it outside.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) bytes: Bytes,
    /// Where it is not beside the file.
    pub(super) signature: Option<PathBuf>,
    /// The version that a tag or an annotation names, and what says so.
    pub(super) versions: Vec<(&'static str, String)>,
    /// The name before the tag.
    pub(super) id: Option<String>,
}

impl Item {
    /// Whether the connector is what it was said to be.
    pub(super) fn agrees(&self, release: &Release) -> Result<(), String> {
        for (what, version) in &self.versions {
            if *version != release.version {
                return Err(format!(
                    "The {what} says {version}, and the connector itself says {}.",
                    release.version
                ));
            }
        }
        match &self.id {
            Some(id) if *id != release.id => Err(format!(
                "The name before the tag is `{id}`, and the connector calls itself `{}`.",
                release.id
            )),
            _ => Ok(()),
        }
    }
}
