//! What a connector runs in: its limits, and the store that enforces them.

mod calls;
mod exports;
mod fault;
#[cfg(feature = "testing")]
mod floor;
mod imports;
mod limits;
mod store;
mod text;
mod work;

pub(crate) use crate::text::is_wild;
pub(crate) use exports::Exports;
#[cfg(feature = "testing")]
pub use floor::Floor;
pub(crate) use imports::add_to_linker;
#[cfg(feature = "cli")]
pub(crate) use limits::LimitValue;
pub(crate) use limits::{
    CODE_BYTES, COMPILE_EFFORT, COMPONENT_BYTES, CONNECT_TIME, CURSOR_BYTES, FIRST_BACK_OFF,
    ID_BYTES, IDLE_TIME, IN_PROCESS_CODE, IN_PROCESS_EFFORT, LEARNED_BYTES, LONGEST_BACK_OFF,
    MANIFEST_ENTRIES, MESSAGE_BYTES, MOST_ATTEMPTS, MOST_HEADER_BYTES, MOST_STACK,
    MOST_STALE_PAGES, SECRET_FILE_BYTES, SETTING_BYTES, SIGNATURE_BYTES, STACK_BYTES, URL_BYTES,
};
pub use limits::{Limit, Limits, MOST_MEMORY, MOST_TABLE_ELEMENTS};
pub(crate) use store::{Sandbox, StoreState};
pub(crate) use text::clean;
