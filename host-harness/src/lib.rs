//! Runs connectors in a sandbox.

#[cfg(feature = "tenant")]
pub mod simulated_tenant;
