//! [`Network`]: how a connection uses the network.

use std::path::PathBuf;

use super::address::AddressRange;

/// How a connection uses the network: `[network]` in a connection file. Its timeouts are
/// among the [`Limits`](crate::Limits).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Network {
    /// Nothing but GET and HEAD passes, whatever the operation.
    pub read_only: bool,
    /// Plain http is taken to loopback addresses.
    pub allow_loopback_http: bool,
    /// Addresses off the public internet that names may lead to.
    pub allow_addresses: Vec<AddressRange>,
    /// Requests at once. Default 2. Operations run twice as many at once; further ones wait,
    /// so that one connection leaves places in the host to the others.
    pub max_concurrency: usize,
    /// Requests that start within any minute. Default: not limited.
    pub max_requests_per_minute: Option<u32>,
    /// The proxy to go through; those of the environment are ignored. The proxy resolves
    /// the upstream's name, so that where it leads is the proxy's to check.
    pub proxy: Option<String>,
    /// PEM certificates to trust beside the public ones.
    pub ca_file: Option<PathBuf>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            read_only: false,
            allow_loopback_http: false,
            allow_addresses: Vec::new(),
            max_concurrency: 2,
            max_requests_per_minute: None,
            proxy: None,
            ca_file: None,
        }
    }
}
