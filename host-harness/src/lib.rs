//! Runs provisioning connectors that need not be trusted.
//!
//! A connector is a WebAssembly component that knows one upstream service. It runs in a
//! sandbox whose only way out is one HTTP capability; this library supplies it, decides
//! what it may reach, keeps the credentials, and shows what was sent. Three things with
//! three lifetimes:
//!
//! - a [`Host`] is wasmtime, configured once for a process;
//! - a [`Component`] is a connector that was found to ask for nothing beyond the
//!   [`contract`], compiled, and has described itself;
//! - a [`Connection`] is one upstream tenant: settings, credentials, network and
//!   [`Limits`]. Each operation on it runs in a sandbox of its own.
//!
//! Whatever goes wrong is a [`Failure`]; [`json`] has its agreed shape for scripts. An
//! operation is cancelled by dropping its future.
//!
//! ```no_run
//! use host_harness::contract::Value;
//! use host_harness::{Component, ConnectionOptions, Host, HostOptions, StaticCredentials, json};
//!
//! # async fn run(token_from_the_vault: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::new(HostOptions::default())?;
//! let connector = Component::from_file(&host, "connector.wasm").await?;
//! let options = ConnectionOptions::new()
//!     .setting("instance-url", "https://platform.8x8.com/udi/customers/A1/scim/v2")
//!     .credentials(StaticCredentials::new().with("api-token", token_from_the_vault));
//! let connection = connector.connect(options).await?;
//! let name = Value::Text("ada@example.com".to_owned());
//! if let Some(account) = connection.find("userName", &name).await? {
//!     println!("{}", json::account(connection.manifest(), &account));
//! }
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]
// What the program prints goes through `cli::terminal`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod attributes;
mod bindings;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod compiler;
mod component;
pub mod conform;
mod connection;
mod connection_file;
mod egress;
mod engine;
mod failure;
mod host;
mod inspection;
pub mod json;
mod limits;
mod load_error;
mod manifest;
mod nearest;
mod private_file;
mod promises;
mod provenance;
pub mod provision;
pub mod recording;
pub mod registry;
mod safe_text;
mod sandbox;
mod scrub;
mod settings;
#[cfg(feature = "sync")]
pub mod sync;
mod text;
mod toml_file;
pub mod trace;
pub mod wire;

pub use bindings::contract;
pub use component::Component;
pub use connection::{Connection, ConnectionOptions, Listing, SandboxLifetime};
pub use connection_file::ConnectionFile;
pub use egress::{
    AddressRange, CredentialError, CredentialSources, Credentials, Grant, InProcess, Network,
    SecretSource, StaticCredentials,
};
pub use engine::{CompiledCode, HostError};
pub use failure::Failure;
pub use futures_util::future::BoxFuture;
pub use host::{Host, HostOptions};
pub use inspection::{Function, Inside, Inspection, Interface};
pub use limits::{Limit, Limits, MOST_MEMORY, MOST_TABLE_ELEMENTS};
pub use load_error::LoadError;
pub use provenance::Provenance;
pub use secrecy::{self, SecretString};
