//! Runs connectors in a sandbox.
