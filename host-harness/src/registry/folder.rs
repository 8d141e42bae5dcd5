//! A folder of `*.wasm`.

use std::path::Path;

use super::place::{Found, Item, Stamp};
use super::unreadable;
use crate::component::{self, LoadError};

pub(super) fn look(folder: &Path, known: &[(String, Stamp)]) -> Result<Vec<Found>, LoadError> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
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
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        let same = known
            .iter()
            .any(|(place, was)| *place == name && *was == stamp);
        let item = (!same).then(|| {
            let bytes = component::read(&path)?;
            Ok(Item {
                bytes,
                file: path.clone(),
                ..Item::default()
            })
        });
        found.push(Found { name, stamp, item });
    }
    // What is taken where two are of one version does not hang on the disk's own order.
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}
