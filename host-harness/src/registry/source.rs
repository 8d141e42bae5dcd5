//! Where components are found: a folder, or an OCI layout.

use std::path::{Path, PathBuf};

use super::place::{Found, Place, Stamp};
use super::unreadable::unreadable;
use super::{folder, oci};
use crate::load_error::LoadError;

/// What a registry reads.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Folder(PathBuf),
    OciLayout(PathBuf),
}

impl Source {
    pub(super) fn at(path: &Path) -> Self {
        if path.join(oci::MARK).is_file() {
            Self::OciLayout(path.to_owned())
        } else {
            Self::Folder(path.to_owned())
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::OciLayout(path) => path,
        }
    }

    /// Reads what is not as it was, off the threads that operations run on.
    pub(super) async fn look(&self, places: &[Place]) -> Result<Vec<Found>, LoadError> {
        // A blob that was not there yet, or not whole, changes without a trace in the index.
        let again = matches!(self, Self::OciLayout(_))
            && places.iter().any(|place| place.problem.is_some());
        let known: Vec<(String, Stamp)> = places
            .iter()
            .filter(|_| !again)
            .map(|place| (place.name.clone(), place.stamp.clone()))
            .collect();
        let source = self.clone();
        let look = tokio::task::spawn_blocking(move || match &source {
            Self::Folder(path) => folder::look(path, &known),
            Self::OciLayout(path) => oci::look(path, &known),
        });
        look.await.map_err(|error| unreadable(self.path(), error))?
    }
}
