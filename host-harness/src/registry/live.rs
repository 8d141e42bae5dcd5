//! A connection that moves on to new versions.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::catalog::Registry;
use crate::component::Component;
use crate::connection::{Connection, ConnectionOptions};
use crate::failure::Failure;
use crate::load_error::LoadError;

/// One upstream tenant, on whatever version of its connector is the newest. Clones are the same.
///
/// [`current`](Self::current) hands out a [`Connection`] for the next operation or for a few:
/// whoever keeps one keeps its version, and its code. Where a new version cannot be connected,
/// since it wants another setting, say, the one before goes on, and [`problem`](Self::problem)
/// tells; where the connector is withdrawn altogether, likewise.
#[derive(Clone)]
pub struct LiveConnection(Arc<Inner>);

struct Inner {
    registry: Registry,
    id: String,
    options: ConnectionOptions,
    /// One move at a time.
    moving: tokio::sync::Mutex<()>,
    state: RwLock<State>,
}

struct State {
    connection: Connection,
    /// The component that could not be connected, by its digest, and why.
    problem: Option<(String, Failure)>,
}

impl Registry {
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
}

impl LiveConnection {
    pub(super) async fn open(
        registry: Registry,
        id: &str,
        options: ConnectionOptions,
    ) -> Result<Self, Failure> {
        let component = registry.get(id).ok_or_else(|| LoadError::NotInRegistry {
            id: id.to_owned(),
            path: registry.path().to_owned(),
        })?;
        let connection = component.connect(options.clone()).await?;
        Ok(Self(Arc::new(Inner {
            registry,
            id: id.to_owned(),
            // A note of the same component, which another one does not get.
            options: ConnectionOptions {
                learned: None,
                ..options
            },
            moving: tokio::sync::Mutex::default(),
            state: RwLock::new(State {
                connection,
                problem: None,
            }),
        })))
    }

    /// The connection for the next operation: on the newest version of the connector, as far as
    /// the last [refresh](Registry::refresh) has seen it. Opens it where it is not open yet, which
    /// sends nothing. What the version before had learned of the upstream is not handed on.
    pub async fn current(&self) -> Connection {
        if self.newer().is_none() {
            return self.connection();
        }
        let _moving = self.0.moving.lock().await;
        // Somebody else may have moved meanwhile.
        let Some(component) = self.newer() else {
            return self.connection();
        };
        let connected = component.connect(self.0.options.clone()).await;
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        match connected {
            Ok(connection) => {
                state.connection = connection;
                state.problem = None;
            }
            Err(failure) => {
                let digest = component.inspection().sha256.clone();
                tracing::warn!(
                    "{} {} is not connected, and the version before goes on: {failure}",
                    self.0.id,
                    component.manifest().version
                );
                state.problem = Some((digest, failure));
            }
        }
        state.connection.clone()
    }

    /// The version that operations are on.
    #[must_use]
    pub fn version(&self) -> String {
        self.connection().manifest().version.clone()
    }

    /// Why the newest version is not the one in use.
    #[must_use]
    pub fn problem(&self) -> Option<Failure> {
        let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
        state.problem.as_ref().map(|(_, failure)| failure.clone())
    }

    fn connection(&self) -> Connection {
        let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
        state.connection.clone()
    }

    /// The newest component, if it is another one than is connected, and was not tried in vain.
    fn newer(&self) -> Option<Component> {
        let newest = self.0.registry.get(&self.0.id)?;
        let digest = &newest.inspection().sha256;
        let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
        let connected = state.connection.component().inspection();
        let tried = state
            .problem
            .as_ref()
            .is_some_and(|(tried, _)| tried == digest);
        (connected.sha256 != *digest && !tried).then(|| newest.clone())
    }
}

impl fmt::Debug for LiveConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveConnection")
            .field("id", &self.0.id)
            .field("connection", &self.connection())
            .finish_non_exhaustive()
    }
}
