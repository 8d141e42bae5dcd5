//! An OCI image layout (image-spec v1.1, `image-layout.md`) with WebAssembly artifacts (the
//! CNCF's "Wasm OCI Artifact layout"). Every digest and size is verified before what it covers is
//! read.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::place::{Found, Item, Stamp};
use super::unreadable;
use crate::component::LoadError;
use crate::provenance::sha256;
use crate::sandbox::COMPONENT_BYTES;

/// The file by which a layout is recognised.
pub(super) const MARK: &str = "oci-layout";
const INDEX: &str = "index.json";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
const LAYER_TYPE: &str = "application/wasm";
const TAG: &str = "org.opencontainers.image.ref.name";
const VERSION: &str = "org.opencontainers.image.version";
const TITLE: &str = "org.opencontainers.image.title";
/// What registries take of a manifest, by and large; image-spec recommends it.
const MOST_JSON: u64 = 4 << 20;
/// How deep an index lies in an index.
const MOST_DEPTH: usize = 4;

pub(super) fn look(layout: &Path, known: &[(String, Stamp)]) -> Result<Vec<Found>, LoadError> {
    let index = layout.join(INDEX);
    // What an index refers to, it names by digest, so that another artifact is another index.
    let stamp = Stamp::of(&index).map_err(|error| unreadable(&index, error))?;
    if !known.is_empty() && known.iter().all(|(_, was)| *was == stamp) {
        let same = known.iter().map(|(name, stamp)| Found {
            name: name.clone(),
            stamp: stamp.clone(),
            item: None,
        });
        return Ok(same.collect());
    }
    let mark = json(&read(&layout.join(MARK), MOST_JSON)?, &layout.join(MARK))?;
    match mark["imageLayoutVersion"].as_str() {
        Some("1.0.0") => {}
        other => {
            let other = other.unwrap_or("none");
            return Err(wrong(format!(
                "{} has image layout version {other}, and this host reads 1.0.0.",
                layout.display()
            )));
        }
    }
    let root = json(&read(&index, MOST_JSON)?, &index)?;
    let mut found = Vec::new();
    walk(layout, &root, &stamp, 0, &mut found);
    Ok(found)
}

/// Every artifact of an index. What is wrong with one is no other's fault.
fn walk(layout: &Path, index: &Json, stamp: &Stamp, depth: usize, found: &mut Vec<Found>) {
    for descriptor in index["manifests"].as_array().into_iter().flatten() {
        let digest = descriptor["digest"].as_str().unwrap_or("(no digest)");
        let tag = descriptor["annotations"][TAG].as_str();
        // A tag that moves on is still the same place.
        let name = tag.unwrap_or(digest).to_owned();
        let item = match descriptor["mediaType"].as_str() {
            Some(INDEX_TYPE) if depth < MOST_DEPTH => {
                let inner = blob(layout, descriptor, MOST_JSON)
                    .and_then(|(bytes, path)| json(&bytes, &path));
                match inner {
                    Ok(inner) => {
                        walk(layout, &inner, stamp, depth + 1, found);
                        continue;
                    }
                    Err(error) => Err(error),
                }
            }
            Some(MANIFEST_TYPE) => match artifact(layout, descriptor, tag) {
                Ok(Some(item)) => Ok(item),
                // An image of something else.
                Ok(None) => continue,
                Err(error) => Err(error),
            },
            _ => continue,
        };
        found.push(Found {
            name,
            stamp: stamp.clone(),
            item: Some(item),
        });
    }
}

/// The component of an artifact; `None` where it is no WebAssembly.
fn artifact(
    layout: &Path,
    descriptor: &Json,
    tag: Option<&str>,
) -> Result<Option<Item>, LoadError> {
    let (bytes, path) = blob(layout, descriptor, MOST_JSON)?;
    let manifest = json(&bytes, &path)?;
    if manifest["config"]["mediaType"].as_str() != Some(CONFIG_TYPE) {
        return Ok(None);
    }
    blob(layout, &manifest["config"], MOST_JSON)?;
    let layers: Vec<&Json> = manifest["layers"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let mut components = layers
        .iter()
        .filter(|layer| layer["mediaType"] == LAYER_TYPE);
    let (Some(component), None) = (components.next(), components.next()) else {
        return Err(wrong(format!(
            "{} has other than one layer of {LAYER_TYPE}.",
            path.display()
        )));
    };
    let (bytes, file) = blob(layout, component, COMPONENT_BYTES)?;
    let signature = layers.iter().find(|layer| {
        let title = layer["annotations"][TITLE].as_str();
        title.is_some_and(|title| title.ends_with(".minisig"))
    });
    let signature = match signature {
        Some(layer) => Some(blob(layout, layer, MOST_JSON)?.1),
        None => None,
    };
    let (id, tagged) = tag.map_or((None, None), named);
    let annotated = manifest["annotations"][VERSION].as_str().map(str::to_owned);
    let versions = [("tag", tagged), ("annotation", annotated)];
    Ok(Some(Item {
        bytes,
        file,
        signature,
        versions: versions
            .into_iter()
            .filter_map(|(what, version)| Some((what, version?)))
            .collect(),
        id,
    }))
}

/// The connector and the version that a tag names: `8x8:1.2.0`, `example.com/x/8x8:1.2.0` or
/// `1.2.0`. A tag such as `latest` names none.
fn named(tag: &str) -> (Option<String>, Option<String>) {
    let (name, tag) = match tag.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (Some(name), tag),
        _ => (None, tag),
    };
    let id = name.and_then(|name| name.rsplit('/').next());
    // A tag cannot hold a `+`, and `_` is what stands for it.
    let version = tag.strip_prefix('v').unwrap_or(tag).replace('_', "+");
    let version = semver::Version::parse(&version).is_ok().then_some(version);
    (id.map(str::to_owned), version)
}

/// A blob that has the digest and the size of its descriptor, and where it is.
fn blob(layout: &Path, descriptor: &Json, most: u64) -> Result<(Vec<u8>, PathBuf), LoadError> {
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
    let size = descriptor["size"].as_u64();
    if size.is_some_and(|size| size > most) {
        return Err(LoadError::TooLarge { most }.in_file(&path));
    }
    let bytes = read(&path, most)?;
    if size != u64::try_from(bytes.len()).ok() {
        return Err(wrong(format!(
            "{} has {} bytes, and its descriptor says {}.",
            path.display(),
            bytes.len(),
            size.map_or_else(|| "none".to_owned(), |size| size.to_string())
        )));
    }
    let found = sha256(&bytes);
    if found != hex {
        return Err(wrong(format!(
            "{} is not what its digest names: it has {found}.",
            path.display()
        )));
    }
    Ok((bytes, path))
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, LoadError> {
    use std::io::Read as _;

    let read = || {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path)?;
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error: std::io::Error| unreadable(path, error))?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > most) {
        return Err(LoadError::TooLarge { most }.in_file(path));
    }
    Ok(bytes)
}

fn json(bytes: &[u8], path: &Path) -> Result<Json, LoadError> {
    serde_json::from_slice(bytes)
        .map_err(|error| wrong(format!("{} is no JSON: {error}.", path.display())))
}

fn wrong(what: String) -> LoadError {
    LoadError::Layout { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_names_a_connector_a_version_both_or_neither() {
        let both = |id: Option<&str>, version: Option<&str>| {
            (id.map(str::to_owned), version.map(str::to_owned))
        };
        for (tag, named_) in [
            ("1.2.0", both(None, Some("1.2.0"))),
            ("v1.2.0-rc.1", both(None, Some("1.2.0-rc.1"))),
            ("1.2.0_build.7", both(None, Some("1.2.0+build.7"))),
            ("latest", both(None, None)),
            ("8x8:1.2.0", both(Some("8x8"), Some("1.2.0"))),
            (
                "example.com:5000/connectors/8x8:latest",
                both(Some("8x8"), None),
            ),
            ("example.com:5000/8x8", both(None, None)),
        ] {
            assert_eq!(named(tag), named_, "{tag}");
        }
    }

    #[test]
    fn a_digest_is_no_path() {
        for digest in ["sha256:../../etc/passwd", "sha512:00", "", "sha256:ABC"] {
            let descriptor = serde_json::json!({ "digest": digest, "size": 1 });
            let error = blob(Path::new("."), &descriptor, 10).unwrap_err();
            assert!(error.to_string().contains("no sha256"), "{error}");
        }
    }
}
