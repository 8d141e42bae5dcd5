//! Loads what a look has found: one component at a time, each once, and nothing of what is pinned
//! or signed before it is known whose it claims to be.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::options::RegistryOptions;
use super::place::{Bytes, Item, Place, Stamp};
use super::shelf::Entry;
use crate::component::Component;
use crate::host::Host;
use crate::load_error::LoadError;
use crate::provenance::{Provenance, sha256};

/// Bytes of all components that one refresh reads.
const MOST_BYTES: u64 = 1 << 30;

/// A blob's digest, and where its signature is, if it has one of its own.
type Name = (String, Option<PathBuf>);

/// Blobs that were read and not taken: they are not read again until their files change.
pub(super) type Failed = BTreeMap<Name, (Stamp, String)>;

/// One refresh's loading.
pub(super) struct Loading<'a> {
    host: &'a Host,
    options: &'a RegistryOptions,
    /// What was there before.
    places: &'a [Place],
    /// What blobs came to, by digest and signature: many entries may name one.
    blobs: BTreeMap<Name, Result<Component, String>>,
    failed_before: &'a Failed,
    failed: Failed,
    read: u64,
}

impl<'a> Loading<'a> {
    pub(super) fn new(
        host: &'a Host,
        options: &'a RegistryOptions,
        places: &'a [Place],
        failed_before: &'a Failed,
    ) -> Self {
        Self {
            host,
            options,
            places,
            blobs: BTreeMap::new(),
            failed_before,
            failed: Failed::new(),
            read: 0,
        }
    }

    /// What was read and not taken, for the next refresh.
    pub(super) fn failed(self) -> Failed {
        self.failed
    }

    pub(super) async fn load(&mut self, item: Result<Item, LoadError>) -> Result<Entry, String> {
        let item = item.map_err(|error| error.to_string())?;
        let component = match item.bytes.sha256() {
            None => self.component(&item).await?,
            Some(digest) => {
                let name = (digest.to_owned(), item.signature.clone());
                match self.blobs.get(&name) {
                    Some(known) => known.clone()?,
                    _ => {
                        let component = self.unless_failed(&item, &name).await;
                        self.blobs.insert(name, component.clone());
                        component?
                    }
                }
            }
        };
        let entry = Entry::of(component)?;
        item.agrees(&entry.release)?;
        Ok(entry)
    }

    /// The component of a blob, unless it is the one that was read before and not taken.
    async fn unless_failed(&mut self, item: &Item, name: &Name) -> Result<Component, String> {
        let path = item.bytes.path();
        let signature = item.signature.as_deref();
        let stamp = match signature {
            Some(signature) => Stamp::of_both(path, signature),
            None => Stamp::of(path),
        };
        let Ok(stamp) = stamp else {
            return self.component(item).await;
        };
        let read = self.read;
        let component = match self.failed_before.get(name) {
            Some((before, problem)) if *before == stamp => {
                self.failed.insert(name.clone(), (stamp, problem.clone()));
                return Err(problem.clone());
            }
            _ => self.component(item).await,
        };
        if let Err(problem) = &component
            && self.read > read
        {
            self.failed.insert(name.clone(), (stamp, problem.clone()));
        }
        component
    }

    async fn component(&mut self, item: &Item) -> Result<Component, String> {
        let provenance = Provenance {
            sha256: None,
            public_key: self.options.public_key.clone(),
            signature: item.signature.clone(),
        };
        if let Some(digest) = item.bytes.sha256() {
            self.pinned(digest)?;
            // Of what was loaded before, nothing is left to be read but by a signature.
            if provenance.public_key.is_none()
                && let Some(component) = self.loaded(digest)
            {
                return Ok(component);
            }
        }
        provenance
            .look_for_signature(item.bytes.path())
            .map_err(|error| error.to_string())?;
        let read = self.read.saturating_add(item.bytes.most());
        if read > MOST_BYTES {
            return Err(format!(
                "It was not read: a registry reads up to {MOST_BYTES} bytes of components at \
                 once, and those before it have as many."
            ));
        }
        self.read = read;
        let (digest, bytes) = digested(item.bytes.clone()).await?;
        self.pinned(&digest)?;
        provenance
            .verify(&bytes, Some(item.bytes.path()))
            .map_err(|error| error.to_string())?;
        match self.loaded(&digest) {
            Some(component) => Ok(component),
            None => Component::from_bytes(self.host, &bytes)
                .await
                .map_err(|failure| failure.message()),
        }
    }

    /// Whether components of this digest are taken.
    fn pinned(&self, digest: &str) -> Result<(), String> {
        let pins = &self.options.sha256;
        let mut given = pins.iter().map(|pin| pin.trim().to_ascii_lowercase());
        if pins.is_empty() || given.any(|pin| pin == digest) {
            return Ok(());
        }
        Err(format!(
            "The component is none of the pinned ones: its digest is {digest}."
        ))
    }

    /// The component of this digest, where it was loaded before.
    fn loaded(&self, digest: &str) -> Option<Component> {
        let entries = self.places.iter().filter_map(|place| place.entry.as_ref());
        let mut components = entries.map(|entry| &entry.component);
        components
            .find(|component| component.inspection().sha256 == digest)
            .cloned()
    }
}

/// Off the threads that operations run on: the digest, and the bytes.
async fn digested(bytes: Bytes) -> Result<(String, Vec<u8>), String> {
    let read = tokio::task::spawn_blocking(move || {
        let bytes = bytes.read().map_err(|error| error.to_string())?;
        Ok((sha256(&bytes), bytes))
    });
    read.await.unwrap_or_else(|error| Err(error.to_string()))
}
