//! [`Registry`]: what is offered, and how it is refreshed.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::loading::{Failed, Loading};
use super::options::RegistryOptions;
use super::place::{Found, Place};
use super::refreshed::{Refreshed, Refused};
use super::shelf::{Release, Shelf};
use super::source::Source;
use crate::component::{Component, WeakComponent};
use crate::failure::Failure;
use crate::host::Host;

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
    /// somebody keeps. A [`LiveConnection`](super::LiveConnection) lets go of it when it is next asked for the current
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
