//! Connectors by id and version, from a folder or an OCI layout on disk, for platforms that run
//! for long and load new versions meanwhile.
//!
//! - [`Registry::open`] loads what is there; [`Registry::get`] has the newest version of a
//!   connector, [`Registry::get_version`] a certain one. Id and version are those of the
//!   connector's own manifest, whatever its file is called.
//! - [`Registry::refresh`] looks again. It is cheap where nothing has changed (the stamps of the
//!   files are compared), so a platform may call it every few seconds, or when it is told of a
//!   change. What is broken, unsigned or not the pinned component is [`Refused`], and what was
//!   loaded from its place before stays.
//! - [`Registry::connect`] gives a [`LiveConnection`], which moves on to a new version between two
//!   operations. An operation ends on the version that it began on, and the code of a version
//!   that is no longer offered is dropped with its last operation
//!   ([`Registry::retired`] lists those that still run).
//!
//! A folder holds `*.wasm`, each with its signature beside it (`.minisig`) where one is demanded.
//! An OCI image layout (`oci-layout`, `index.json`, `blobs/`) holds artifacts of
//! `application/vnd.wasm.config.v0+json` with one layer `application/wasm`; every digest and size
//! is verified, a tag or annotation that names another version or connector is an error, and a
//! signature is a further layer whose title ends in `.minisig`.
//!
//! A registry takes up to 1,000 components, and reads up to 1 GiB of them at once; where there are
//! more it says so. Of what is pinned or signed nothing is read before its digest, or the
//! signature's key, is known to be the right one.
//!
//! ```no_run
//! use host_harness::registry::{Registry, RegistryOptions};
//! use host_harness::{ConnectionOptions, Host, HostOptions, StaticCredentials};
//!
//! # async fn run(token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::new(HostOptions::default())?;
//! let registry = Registry::open(&host, "connectors", RegistryOptions::default()).await?;
//! let tenant = ConnectionOptions::new()
//!     .setting("instance-url", "https://platform.8x8.com/udi/customers/A1/scim/v2")
//!     .credentials(StaticCredentials::new().with("api-token", token));
//! let acme = registry.connect("8x8", tenant).await?;
//! loop {
//!     // One operation, on the newest version there is.
//!     let report = acme.current().await.check().await?;
//!     println!("{} {report:?}", acme.version());
//!     for refused in registry.refresh().await?.refused {
//!         eprintln!("{refused}");
//!     }
//! #   break;
//! }
//! # Ok(())
//! # }
//! ```

mod folder;
mod live;
mod loading;
mod oci;
mod place;
mod shelf;

pub use live::LiveConnection;
pub use shelf::Release;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use self::loading::{Failed, Loading};
use self::place::{Found, Place, Source};
use self::shelf::Shelf;
use crate::component::{Component, WeakComponent};
use crate::connection::ConnectionOptions;
use crate::failure::Failure;
use crate::host::Host;
use crate::load_error::LoadError;

/// Components that a registry takes: as many as anybody has versions of connectors.
const MOST_PLACES: usize = 1_000;

/// What a registry demands of components. Nothing is demanded by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryOptions {
    /// The public key of minisign, in base64, that each component must be signed with.
    pub public_key: Option<String>,
    /// The SHA-256 digests, in hexadecimal, of the components that are taken; empty takes all.
    pub sha256: Vec<String>,
}

/// Connectors from one place on disk. Clones are the same registry.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    host: Host,
    source: Source,
    options: RegistryOptions,
    /// One refresh at a time.
    known: tokio::sync::Mutex<Known>,
    shelf: RwLock<Shelf>,
    /// No longer offered; held only by what still runs on them.
    retired: Mutex<Vec<(Release, WeakComponent)>>,
}

/// What the last refresh left.
#[derive(Default)]
struct Known {
    places: Vec<Place>,
    failed: Failed,
}

/// What a [refresh](Registry::refresh) came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refreshed {
    /// Offered from now on.
    pub added: Vec<Release>,
    /// Not offered any more.
    pub removed: Vec<Release>,
    /// Found anew or changed, and not taken.
    pub refused: Vec<Refused>,
}

/// Something that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The file's name; in a layout the tag, or the digest where there is none.
    pub place: String,
    /// What is wrong, in a sentence.
    pub reason: String,
    /// What goes on being offered from this place.
    pub kept: Option<Release>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)?;
        match &self.kept {
            Some(kept) => write!(f, " {kept} goes on."),
            None => Ok(()),
        }
    }
}

impl Registry {
    /// Loads every connector at `path`: a folder of `*.wasm`, or an OCI image layout, which is
    /// recognised by its file `oci-layout`. What is not taken is among [`refused`](Self::refused).
    ///
    /// # Errors
    ///
    /// [`Failure::Component`]: there is no such folder, or the layout cannot be read.
    pub async fn open(
        host: &Host,
        path: impl AsRef<Path>,
        options: RegistryOptions,
    ) -> Result<Self, Failure> {
        let registry = Self(Arc::new(Inner {
            host: host.clone(),
            source: Source::at(path.as_ref()),
            options,
            known: tokio::sync::Mutex::default(),
            shelf: RwLock::default(),
            retired: Mutex::default(),
        }));
        registry.refresh().await?;
        Ok(registry)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.source.path()
    }

    /// The newest version of a connector; one before its release (`2.0.0-rc.1`) only where there
    /// is no other.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Component> {
        self.shelf(|shelf| shelf.newest(id).map(|entry| entry.component.clone()))
    }

    /// A certain version of a connector, as its manifest spells it.
    #[must_use]
    pub fn get_version(&self, id: &str, version: &str) -> Option<Component> {
        self.shelf(|shelf| {
            shelf
                .version(id, version)
                .map(|entry| entry.component.clone())
        })
    }

    /// Everything that is offered, by id, the oldest version first.
    #[must_use]
    pub fn releases(&self) -> Vec<Release> {
        self.shelf(Shelf::releases)
    }

    /// What is not offered any more and still runs: operations under way, and connections that
    /// somebody keeps. A [`LiveConnection`] lets go of it when it is next asked for the current
    /// one.
    #[must_use]
    pub fn retired(&self) -> Vec<Release> {
        let mut retired = self
            .0
            .retired
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        retired.retain(|(_, component)| component.is_alive());
        retired.iter().map(|(release, _)| release.clone()).collect()
    }

    /// Everything that is there and not taken.
    pub async fn refused(&self) -> Vec<Refused> {
        let known = self.0.known.lock().await;
        known.places.iter().filter_map(Place::refused).collect()
    }

    /// Looks for what was added, changed and removed since the last time. Operations go on
    /// meanwhile. Where a refresh is dropped before its end, the next one does its work.
    ///
    /// # Errors
    ///
    /// [`Failure::Component`]: the folder or the layout's index cannot be read. Everything is
    /// offered as before.
    pub async fn refresh(&self) -> Result<Refreshed, Failure> {
        let mut known = self.0.known.lock().await;
        let Known { places, failed } = &*known;
        let found = self.0.source.look(places).await?;
        let mut loading = Loading::new(&self.0.host, &self.0.options, places, failed);
        let mut next = Vec::with_capacity(found.len());
        let mut refused = Vec::new();
        for Found { name, stamp, item } in found {
            let before = places.iter().find(|place| place.name == name);
            let mut place = Place {
                name,
                stamp,
                entry: before.and_then(|before| before.entry.clone()),
                problem: None,
            };
            match item {
                None => place.problem = before.and_then(|before| before.problem.clone()),
                Some(item) => {
                    match loading.load(item).await {
                        Ok(entry) => place.entry = Some(entry),
                        Err(problem) => place.problem = Some(problem),
                    }
                    if before.is_none_or(|before| before.problem != place.problem) {
                        refused.extend(place.refused());
                    }
                }
            }
            next.push(place);
        }
        let mut shelf = Shelf::default();
        for place in &mut next {
            let Some(entry) = &place.entry else { continue };
            if let Err(problem) = shelf.put(entry.clone()) {
                let news = place.problem.as_ref() != Some(&problem);
                place.entry = None;
                place.problem = Some(problem);
                if news {
                    refused.extend(place.refused());
                }
            }
        }
        let failed = loading.failed();
        *known = Known {
            places: next,
            failed,
        };
        Ok(self.offer(shelf, refused))
    }

    /// A connection that moves on to new versions of the connector `id` by itself.
    ///
    /// # Errors
    ///
    /// [`LoadError::NotInRegistry`], and those of [`Component::connect`].
    pub async fn connect(
        &self,
        id: &str,
        options: ConnectionOptions,
    ) -> Result<LiveConnection, Failure> {
        LiveConnection::open(self.clone(), id, options).await
    }

    /// Offers what is on the new shelf from now on.
    fn offer(&self, shelf: Shelf, refused: Vec<Refused>) -> Refreshed {
        let mut offered = self.0.shelf.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *offered, shelf);
        let (now, then) = (offered.releases(), before.releases());
        drop(offered);
        let mut retired = self
            .0
            .retired
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Offered once more is not retired.
        retired.retain(|(release, component)| component.is_alive() && !now.contains(release));
        for entry in before.entries() {
            if !now.contains(&entry.release) {
                retired.push((entry.release.clone(), entry.component.downgrade()));
            }
        }
        Refreshed {
            added: now
                .iter()
                .filter(|one| !then.contains(one))
                .cloned()
                .collect(),
            removed: then
                .iter()
                .filter(|one| !now.contains(one))
                .cloned()
                .collect(),
            refused,
        }
    }

    fn shelf<T>(&self, look: impl FnOnce(&Shelf) -> T) -> T {
        look(&self.0.shelf.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("path", &self.path())
            .field("releases", &self.releases())
            .finish_non_exhaustive()
    }
}

fn unreadable(path: &Path, error: impl fmt::Display) -> LoadError {
    LoadError::Unreadable {
        path: PathBuf::from(path),
        reason: error.to_string(),
    }
}
