//! Runs connectors in a sandbox.

mod bindings;
pub mod attributes;
pub mod clock;
mod component;
mod connection;
mod connection_file;
mod egress;
mod engine;
mod failure;
pub mod json;
mod manifest;
mod promises;
pub mod provision;
mod sandbox;
mod settings;
pub mod trace;

pub use bindings::contract;
pub use component::{Component, Inspection, LoadError};
pub use connection::{Connection, ConnectionOptions, SandboxLifetime};
pub use connection_file::ConnectionFile;
pub use egress::{
    AddressRange, CredentialError, CredentialSources, Credentials, Grant, Network, SecretSource,
    StaticCredentials,
};
pub use engine::{CompiledCode, Host, HostError, HostOptions};
pub use failure::{Failure, PlannedRequest};
pub use sandbox::{Limit, Limits, MOST_MEMORY, MOST_TABLE_ELEMENTS};
