//! What the standard library's prelude adds to core's, without which each module would begin
//! with the same four lines, and how this crate puts texts together.

pub(crate) use alloc::borrow::ToOwned;
pub(crate) use alloc::boxed::Box;
pub(crate) use alloc::string::{String, ToString};
pub(crate) use alloc::vec::Vec;

/// A text of its parts. What `format!` needs, to be ready for whatever has a `Display`, would
/// be a twentieth of the component.
macro_rules! text {
    ($($part:expr),+ $(,)?) => {
        <[&str]>::concat(&[$(AsRef::<str>::as_ref(&$part)),+])
    };
}
pub(crate) use text;

/// A number in a text.
pub(crate) fn number(number: impl Into<u64>) -> String {
    number.into().to_string()
}
