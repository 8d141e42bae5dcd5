//! The one way out of the sandbox, and everything that stands in it. A request passes, in
//! this order: [grant](Grant) → header rules → method → budget → dry run → credential →
//! address → socket; nothing is resolved, connected or fetched before the grant has passed.

mod address;
mod broken;
mod credential;
mod grant;
mod headers;
mod http;
#[cfg(feature = "testing")]
mod in_process;
mod network;
mod operation;
mod rate;
mod refused;
mod retry;
mod sealed;
mod secret_check;
mod secret_file;
mod secret_source;
mod secrets;
mod spelling;
mod tls;
mod wire;
mod without_network;

pub use address::AddressRange;
pub use credential::{CredentialError, Credentials, StaticCredentials};
pub use grant::Grant;
pub(crate) use headers::is_hosts_own as is_hosts_own_header;
#[cfg(feature = "cli")]
pub(crate) use headers::{ALLOWED as USUAL_HEADERS, HeaderRules};
pub(crate) use http::{Egress, EgressOptions};
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use in_process::InProcess;
pub use network::Network;
pub(crate) use operation::Operation;
pub use secret_source::{CredentialSources, SecretSource};

#[cfg(test)]
mod tests;
