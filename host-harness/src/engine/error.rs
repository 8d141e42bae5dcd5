//! Why there is no host.

/// The host cannot be set up.
#[derive(Debug, Clone, thiserror::Error)]
#[error("The host cannot be set up: {0}")]
pub struct HostError(pub(crate) String);

impl HostError {
    pub(crate) fn of(error: wasmtime::Error) -> Self {
        Self(format!("{error:#}"))
    }
}
