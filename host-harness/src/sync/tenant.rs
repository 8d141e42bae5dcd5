//! Which tenant a run is about: what lock and journal are bound to.

use sha2::{Digest as _, Sha256};

use crate::connection::Connection;

/// One upstream tenant, as the connector's id and the granted addresses tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    label: String,
    digest: String,
}

impl Tenant {
    /// The tenant of a connection.
    #[must_use]
    pub fn of(connection: &Connection) -> Self {
        let mut grants: Vec<String> = connection
            .granted()
            .iter()
            .map(ToString::to_string)
            .collect();
        grants.sort();
        Self::named(&connection.manifest().id, &grants.join(" "))
    }

    /// A tenant by its connector's id and its addresses.
    #[must_use]
    pub fn named(connector: &str, addresses: &str) -> Self {
        let digest = Sha256::digest(format!("{connector}\n{addresses}"));
        Self {
            label: format!("{connector} at {addresses}"),
            digest: hex(&digest),
        }
    }

    /// For people.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// SHA-256, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// Bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
