//! What a connector runs in: its limits, and the store that enforces them.

mod calls;
mod limits;
mod store;

pub(crate) use limits::{
    CURSOR_BYTES, ID_BYTES, LEARNED_BYTES, MANIFEST_ENTRIES, SETTING_BYTES, URL_BYTES,
};
pub use limits::{Limit, Limits, MOST_MEMORY, MOST_TABLE_ELEMENTS};
pub(crate) use store::{Sandbox, StoreState};
