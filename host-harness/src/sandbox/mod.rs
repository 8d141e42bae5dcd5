//! What a connector runs in: the store that enforces its limits, and what the guest may ask for.

mod calls;
mod exports;
mod fault;
mod imports;
mod runtime;
mod state;
mod store;
mod text;
mod work;

pub(crate) use exports::Exports;
pub(crate) use runtime::{Runtime, pooled};
pub(crate) use store::Sandbox;
