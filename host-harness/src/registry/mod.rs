//! Connectors by id and version, from a folder or an OCI layout on disk, for platforms that run
//! for long and load new versions meanwhile.
//!
//! - [`Registry::open`] loads what is there; [`Registry::get`] has the newest version of a
//!   connector, [`Registry::get_version`] a certain one. Id and version are those of the
//!   connector's own manifest, whatever its file is called.
//! - [`Registry::refresh`] looks again. It is cheap where nothing has changed (the stamps of the
//!   files are compared), so a platform may call it every few seconds, or when it is told of a
//!   change. What is broken, unsigned or not the pinned component is [`Refused`], and what was
//!   loaded from its place before stays.
//! - [`Registry::connect`] gives a [`LiveConnection`], which moves on to a new version between two
//!   operations. An operation ends on the version that it began on, and the code of a version
//!   that is no longer offered is dropped with its last operation
//!   ([`Registry::retired`] lists those that still run).
//!
//! A folder holds `*.wasm`, each with its signature beside it (`.minisig`) where one is demanded.
//! An OCI image layout (`oci-layout`, `index.json`, `blobs/`) holds artifacts of
//! `application/vnd.wasm.config.v0+json` with one layer `application/wasm`; every digest and size
//! is verified, a tag or annotation that names another version or connector is an error, and a
//! signature is a further layer whose title ends in `.minisig`.
//!
//! A registry takes up to 1,000 components, and reads up to 1 GiB of them at once; where there are
//! more it says so. Of what is pinned or signed nothing is read before its digest, or the
//! signature's key, is known to be the right one.
//!
//! ```no_run
//! use host_harness::registry::{Registry, RegistryOptions};
//! use host_harness::{ConnectionOptions, Host, HostOptions, StaticCredentials};
//!
//! # async fn run(token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::new(HostOptions::default())?;
//! let registry = Registry::open(&host, "connectors", RegistryOptions::default()).await?;
//! let tenant = ConnectionOptions::new()
//!     .setting("instance-url", "https://platform.8x8.com/udi/customers/A1/scim/v2")
//!     .credentials(StaticCredentials::new().with("api-token", token));
//! let acme = registry.connect("8x8", tenant).await?;
//! loop {
//!     // One operation, on the newest version there is.
//!     let report = acme.current().await.check().await?;
//!     println!("{} {report:?}", acme.version());
//!     for refused in registry.refresh().await?.refused {
//!         eprintln!("{refused}");
//!     }
//! #   break;
//! }
//! # Ok(())
//! # }
//! ```

mod blob;
mod catalog;
mod folder;
mod live;
mod loading;
mod oci;
mod options;
mod place;
mod refreshed;
mod shelf;
mod source;
mod unreadable;

pub use catalog::Registry;
pub use live::LiveConnection;
pub use options::RegistryOptions;
pub use refreshed::{Refreshed, Refused};
pub use shelf::Release;
