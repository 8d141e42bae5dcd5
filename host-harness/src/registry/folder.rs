//! A folder of `*.wasm`.

use std::path::Path;

use super::options::MOST_PLACES;
use super::place::{Bytes, Found, Item, Stamp};
use super::unreadable::unreadable;
use crate::load_error::LoadError;

/// What else may lie in it: signatures, licences, what a deployment left.
const MOST_FILES: usize = 10 * MOST_PLACES;

pub(super) fn look(folder: &Path, known: &[(String, Stamp)]) -> Result<Vec<Found>, LoadError> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let mut found = Vec::new();
    for (number, entry) in entries.enumerate() {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if number >= MOST_FILES {
            return Err(too_many(folder));
        }
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        // Gone since it was listed.
        let Ok(stamp) = Stamp::of(&path) else {
            continue;
        };
        if !path.is_file() {
            continue;
        }
        if found.len() >= MOST_PLACES {
            return Err(too_many(folder));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        let same = known
            .iter()
            .any(|(place, was)| *place == name && *was == stamp);
        let item = (!same).then(|| {
            Ok(Item {
                bytes: Bytes::File {
                    size: stamp.size(),
                    path,
                },
                signature: None,
                versions: Vec::new(),
                id: None,
            })
        });
        found.push(Found { name, stamp, item });
    }
    // What is taken where two are of one version does not hang on the disk's own order.
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

fn too_many(folder: &Path) -> LoadError {
    LoadError::Layout {
        what: format!(
            "{} has more than {MOST_PLACES} components, or {MOST_FILES} files, the most that a \
             registry takes.",
            folder.display()
        ),
    }
}
