//! [`Connection`]: one upstream tenant, as an operator configured it. Each operation runs
//! in a sandbox of its own, against a deadline.

mod connected;
mod listing;
mod not_needed;
mod options;

pub use connected::Connection;
pub use listing::Listing;
pub use options::{ConnectionOptions, SandboxLifetime};
