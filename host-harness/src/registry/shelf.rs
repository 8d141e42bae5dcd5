//! What a registry offers, by id and version.

use std::collections::BTreeMap;
use std::fmt;

use semver::Version;

use crate::component::Component;

/// A version of a connector. Another digest is another release, whatever its version says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Release {
    /// The connector, as its manifest calls itself.
    pub id: String,
    /// Its version, semantic.
    pub version: String,
    /// The digest of the component, in lower-case hexadecimal.
    pub sha256: String,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.sha256.get(..12).unwrap_or(&self.sha256);
        write!(f, "{} {} ({short})", self.id, self.version)
    }
}

/// A component and what it says it is.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) release: Release,
    version: Version,
    pub(super) component: Component,
}

impl Entry {
    /// Fails where the version has no order.
    pub(super) fn of(component: Component) -> Result<Self, String> {
        let manifest = component.manifest();
        let version = Version::parse(&manifest.version).map_err(|error| {
            format!(
                "The connector `{}` says that its version is `{}`, which is no semantic version: \
                 {error}.",
                manifest.id, manifest.version
            )
        })?;
        Ok(Self {
            release: Release {
                id: manifest.id.clone(),
                version: manifest.version.clone(),
                sha256: component.inspection().sha256.clone(),
            },
            version,
            component,
        })
    }
}

/// Everything on offer.
#[derive(Debug, Default)]
pub(super) struct Shelf(BTreeMap<String, BTreeMap<Version, Entry>>);

impl Shelf {
    /// Adds one, unless another component has its id and version.
    pub(super) fn put(&mut self, entry: Entry) -> Result<(), String> {
        let versions = self.0.entry(entry.release.id.clone()).or_default();
        match versions.get(&entry.version) {
            Some(other) if other.release.sha256 != entry.release.sha256 => Err(format!(
                "The registry has another component that is {} too, and one version is one \
                 component.",
                other.release
            )),
            _ => {
                versions.insert(entry.version.clone(), entry);
                Ok(())
            }
        }
    }

    pub(super) fn newest(&self, id: &str) -> Option<&Entry> {
        let versions = self.0.get(id)?;
        let mut released = versions
            .values()
            .rev()
            .filter(|entry| entry.version.pre.is_empty());
        released.next().or_else(|| versions.values().next_back())
    }

    pub(super) fn version(&self, id: &str, version: &str) -> Option<&Entry> {
        self.0.get(id)?.get(&Version::parse(version).ok()?)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.values().flat_map(BTreeMap::values)
    }

    pub(super) fn releases(&self) -> Vec<Release> {
        self.entries().map(|entry| entry.release.clone()).collect()
    }
}
