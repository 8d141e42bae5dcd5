//! What a registry demands, and the bounds that hold for each.

/// Components that a registry takes: as many as anybody has versions of connectors.
pub(super) const MOST_PLACES: usize = 1_000;

/// What a registry demands of components. Nothing is demanded by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryOptions {
    /// The public key of minisign, in base64, that each component must be signed with.
    pub public_key: Option<String>,
    /// The SHA-256 digests, in hexadecimal, of the components that are taken; empty takes all.
    pub sha256: Vec<String>,
}
