//! An OCI image layout (image-spec v1.1, `image-layout.md`) with WebAssembly artifacts (the
//! CNCF's "Wasm OCI Artifact layout"). Every digest and size is verified before what it covers is
//! read.
//!
//! A look reads the descriptions and no component. A layout comes from outside, and an entry of
//! it costs a hundred bytes: each blob is read once, however many entries name it, and there are
//! bounds to how many entries, indexes and bytes there may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::blob::{Blob, read_up_to, wrong};
use super::options::MOST_PLACES;
use super::place::{Bytes, Found, Item, Stamp};
use super::unreadable::unreadable;
use crate::limits::{COMPONENT_BYTES, SIGNATURE_BYTES};
use crate::load_error::LoadError;

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
/// Bytes of everything that one look reads: indexes, manifests, configurations, signatures. Of
/// [`MOST_PLACES`] artifacts each may have 64 KiB, and the usual one has two.
const MOST_READ: u64 = 64 << 20;
/// Entries of all indexes, other images included.
const MOST_ENTRIES: usize = 10_000;
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
    let mut look = Look::at(layout);
    let mut found = Vec::new();
    look.walk(&root, 0, &mut |name, item| {
        if found.len() >= MOST_PLACES {
            return Err(too_many(layout));
        }
        found.push(Found {
            name,
            stamp: stamp.clone(),
            item: Some(item),
        });
        Ok(())
    })?;
    Ok(found)
}

/// What an artifact holds, whatever its tag.
#[derive(Clone)]
struct Artifact {
    bytes: Bytes,
    signature: Option<PathBuf>,
    /// The version of its annotation.
    annotated: Option<String>,
}

/// One look at a layout, and what it has read.
struct Look<'a> {
    layout: &'a Path,
    /// Blobs that were verified, and indexes that were walked through.
    verified: BTreeSet<String>,
    walked: BTreeSet<String>,
    /// What manifests came to, by their digests. Many tags may name one.
    artifacts: BTreeMap<String, Result<Option<Artifact>, LoadError>>,
    entries: usize,
    read: u64,
}

impl<'a> Look<'a> {
    fn at(layout: &'a Path) -> Self {
        Self {
            layout,
            verified: BTreeSet::new(),
            walked: BTreeSet::new(),
            artifacts: BTreeMap::new(),
            entries: 0,
            read: 0,
        }
    }

    /// Every artifact of an index. What is wrong with one is no other's fault; that there is more
    /// than anybody needs is the layout's.
    fn walk(
        &mut self,
        index: &Json,
        depth: usize,
        found: &mut dyn FnMut(String, Result<Item, LoadError>) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        for descriptor in index["manifests"].as_array().into_iter().flatten() {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                return Err(too_many(self.layout));
            }
            let digest = descriptor["digest"].as_str().unwrap_or("(no digest)");
            let tag = descriptor["annotations"][TAG].as_str();
            // A tag that moves on is still the same place.
            let name = tag.unwrap_or(digest).to_owned();
            match descriptor["mediaType"].as_str() {
                Some(INDEX_TYPE) if depth < MOST_DEPTH => {
                    let again = !self.walked.insert(digest.to_owned());
                    if again {
                        continue;
                    }
                    let inner = self
                        .blob(descriptor, MOST_JSON)
                        .and_then(|(bytes, path)| json(&bytes, &path));
                    match inner {
                        Ok(inner) => self.walk(&inner, depth + 1, found)?,
                        Err(error) => found(name, Err(error))?,
                    }
                }
                Some(MANIFEST_TYPE) => match self.artifact(descriptor, digest) {
                    Ok(Some(artifact)) => found(name, Ok(item(artifact, tag)))?,
                    // An image of something else.
                    Ok(None) => {}
                    Err(error) => found(name, Err(error))?,
                },
                _ => {}
            }
            if self.read > MOST_READ {
                return Err(wrong(format!(
                    "What describes the artifacts of {} has more than {MOST_READ} bytes, the most \
                     that is read.",
                    self.layout.display()
                )));
            }
        }
        Ok(())
    }

    /// The component of an artifact; `None` where it is no WebAssembly.
    fn artifact(&mut self, descriptor: &Json, digest: &str) -> Result<Option<Artifact>, LoadError> {
        if let Some(known) = self.artifacts.get(digest) {
            return known.clone();
        }
        let artifact = self.described(descriptor);
        self.artifacts.insert(digest.to_owned(), artifact.clone());
        artifact
    }

    fn described(&mut self, descriptor: &Json) -> Result<Option<Artifact>, LoadError> {
        let (bytes, path) = self.blob(descriptor, MOST_JSON)?;
        let manifest = json(&bytes, &path)?;
        if manifest["config"]["mediaType"].as_str() != Some(CONFIG_TYPE) {
            return Ok(None);
        }
        self.verify(&manifest["config"], MOST_JSON)?;
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
        let signature = layers.iter().find(|layer| {
            let title = layer["annotations"][TITLE].as_str();
            title.is_some_and(|title| title.ends_with(".minisig"))
        });
        let signature = match signature {
            Some(layer) => Some(self.verify(layer, SIGNATURE_BYTES)?),
            None => None,
        };
        Ok(Some(Artifact {
            bytes: Bytes::Blob(Blob::of(self.layout, component, COMPONENT_BYTES)?),
            signature,
            annotated: manifest["annotations"][VERSION].as_str().map(str::to_owned),
        }))
    }

    /// The content of a blob, and where it is.
    fn blob(&mut self, descriptor: &Json, most: u64) -> Result<(Vec<u8>, PathBuf), LoadError> {
        let blob = Blob::of(self.layout, descriptor, most)?;
        // By what is announced: what is not as announced is read no further.
        self.read = self.read.saturating_add(blob.size);
        let bytes = blob.read()?;
        self.verified.insert(blob.sha256);
        Ok((bytes, blob.path))
    }

    /// That a blob is what its descriptor says, and where it is.
    fn verify(&mut self, descriptor: &Json, most: u64) -> Result<PathBuf, LoadError> {
        let blob = Blob::of(self.layout, descriptor, most)?;
        if self.verified.contains(&blob.sha256) {
            return Ok(blob.path);
        }
        self.blob(descriptor, most).map(|(_, path)| path)
    }
}

fn item(artifact: Artifact, tag: Option<&str>) -> Item {
    let (id, tagged) = tag.map_or((None, None), named);
    let versions = [("tag", tagged), ("annotation", artifact.annotated)];
    Item {
        bytes: artifact.bytes,
        signature: artifact.signature,
        versions: versions
            .into_iter()
            .filter_map(|(what, version)| Some((what, version?)))
            .collect(),
        id,
    }
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

fn read(path: &Path, most: u64) -> Result<Vec<u8>, LoadError> {
    let bytes = read_up_to(path, most.saturating_add(1))?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > most) {
        return Err(LoadError::TooLarge { most }.in_file(path));
    }
    Ok(bytes)
}

fn json(bytes: &[u8], path: &Path) -> Result<Json, LoadError> {
    serde_json::from_slice(bytes)
        .map_err(|error| wrong(format!("{} is no JSON: {error}.", path.display())))
}

fn too_many(layout: &Path) -> LoadError {
    wrong(format!(
        "{} has more than {MOST_PLACES} artifacts, or {MOST_ENTRIES} entries in its indexes, the \
         most that a registry takes.",
        layout.display()
    ))
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
            let error = Blob::of(Path::new("."), &descriptor, 10).unwrap_err();
            assert!(error.to_string().contains("no sha256"), "{error}");
        }
    }
}
