//! The one way out of the sandbox, and everything that stands in it. A request passes, in
//! this order: [grant](Grant) → header rules → method → budget → dry run, and then the seam
//! ([`Wire`]), below which the network has it: turn → credential → address → socket. Nothing is
//! resolved, connected or fetched before the grant has passed.

mod address;
mod attempt;
mod broken;
mod credential;
mod grant;
mod headers;
mod http;
mod in_process;
mod network;
mod operation;
mod outgoing;
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
mod upstream;
mod upstream_carrier;
mod watched;
mod wire;

pub use address::AddressRange;
pub use attempt::Attempt;
pub use credential::{CredentialError, Credentials, StaticCredentials};
pub use grant::Grant;
pub(crate) use headers::is_hosts_own as is_hosts_own_header;
#[cfg(feature = "cli")]
pub(crate) use headers::{ALLOWED as USUAL_HEADERS, HeaderRules};
pub(crate) use http::{Egress, EgressOptions};
pub use in_process::InProcess;
pub use network::Network;
pub(crate) use operation::Operation;
pub use outgoing::Outgoing;
pub use secret_source::{CredentialSources, SecretSource};
pub use wire::{Answer, Begun, Carrier, Connected, Given, Wire};

#[cfg(test)]
mod tests;
