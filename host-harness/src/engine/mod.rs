//! wasmtime, as it is configured here: what compiled code depends on and where it is kept, the
//! clockwork that interrupts guests, and the places that they run in.

mod cache;
mod config;
mod error;
mod key;
mod places;
mod ticker;

pub use cache::CompiledCode;
pub(crate) use cache::{CodeStore, opened};
pub(crate) use config::{Compiles, GUEST_FEATURES, LARGE_CODE, Spacing, Tuning};
pub use error::HostError;
pub(crate) use key::{entry_name, key};
pub(crate) use places::{Places, Share, Taken};
pub(crate) use ticker::{Running, TICK, Ticker};
