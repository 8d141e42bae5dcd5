//! What a connection is made of.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::egress::{Credentials, Network, StaticCredentials, Wire};
use crate::limits::Limits;
use crate::trace::Observer;

/// How long a sandbox lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SandboxLifetime {
    /// Nothing that one operation left behind reaches the next.
    #[default]
    FreshEachOperation,
    /// Kept for the next operation unless something went wrong in it; for long runs. It
    /// holds one of the host's places
    /// ([`HostOptions::max_instances`](crate::HostOptions::max_instances)) while it waits,
    /// and is not kept where more than half of them are taken.
    OnePerConnection,
}

/// What a connection is made of.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectionOptions {
    /// The manifest's settings, by name.
    pub settings: BTreeMap<String, String>,
    /// Where the secrets come from.
    pub credentials: Arc<dyn Credentials>,
    /// How the network may be used.
    pub network: Network,
    /// What an operation may use up.
    pub limits: Limits,
    /// Sees every exchange, and what each operation used up, which is measured only where
    /// there is an observer. Of several, `Arc::new(vec![one, another])` makes one.
    pub observer: Option<Arc<dyn Observer>>,
    /// Reads are sent; the first write ends the operation with [`Failure::DryRun`](crate::Failure::DryRun).
    pub dry_run: bool,
    /// What [`Connection::learned`](crate::Connection::learned) gave for the same component and settings.
    pub learned: Option<String>,
    /// How long a sandbox lives.
    pub sandbox: SandboxLifetime,
    /// What carries the requests, around the network or in its place: a
    /// [`Recorder`](crate::recording::Recorder), a [`Replay`](crate::recording::Replay), an
    /// [`InProcess`](crate::InProcess). Default: the network.
    pub wire: Option<Arc<dyn Wire>>,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self {
            settings: BTreeMap::new(),
            credentials: Arc::new(StaticCredentials::new()),
            network: Network::default(),
            limits: Limits::default(),
            observer: None,
            dry_run: false,
            learned: None,
            sandbox: SandboxLifetime::default(),
            wire: None,
        }
    }
}

impl ConnectionOptions {
    /// Without settings, credentials or anything unusual.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this setting.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// With something that carries the requests.
    #[must_use]
    pub fn wire(mut self, wire: impl Wire + 'static) -> Self {
        self.wire = Some(Arc::new(wire));
        self
    }

    /// With this source of secrets.
    #[must_use]
    pub fn credentials(mut self, credentials: impl Credentials + 'static) -> Self {
        self.credentials = Arc::new(credentials);
        self
    }
}

impl fmt::Debug for ConnectionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionOptions")
            .field("settings", &self.settings)
            .field("network", &self.network)
            .field("limits", &self.limits)
            .field("dry_run", &self.dry_run)
            .field("sandbox", &self.sandbox)
            .field("wire", &self.wire)
            .finish_non_exhaustive()
    }
}
