//! What a connector runs in: its limits, and the store that enforces them.

mod calls;
mod fault;
mod limits;
mod store;
mod text;

#[cfg(feature = "cli")]
pub(crate) use limits::LimitValue;
pub(crate) use limits::{
    CODE_BYTES, COMPONENT_BYTES, CURSOR_BYTES, ID_BYTES, MANIFEST_ENTRIES, MOST_HEADER_BYTES,
    MOST_STACK, SETTING_BYTES, STACK_BYTES, URL_BYTES,
};
pub use limits::{Limit, Limits, MOST_MEMORY, MOST_TABLE_ELEMENTS};
pub(crate) use store::{Sandbox, StoreState};
#[cfg(feature = "cli")]
pub(crate) use text::clean;
pub(crate) use text::is_wild;
