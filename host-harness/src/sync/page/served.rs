//! Pages that this program serves, and takes the forms of.

use maud::html;

use super::frame::{Place, document};

pub(super) const SERVED: Place = Place {
    script: include_str!("decide.js"),
    sends: "form-action 'self'; connect-src 'self'",
};

/// The policy that is sent along. A document cannot say of itself who may frame it.
pub(crate) fn policy() -> String {
    format!("{}; frame-ancestors 'none'", SERVED.policy())
}

/// A page that says one thing, and leads on by itself where it says where to.
pub(crate) fn message(title: &str, text: &str, onward: Option<&str>) -> String {
    let head = html! {
        @if let Some(onward) = onward {
            meta http-equiv="refresh" content=(format!("0; url={onward}"));
        }
    };
    let body = html! {
        h1 { (title) }
        p { (text) }
        @if let Some(onward) = onward { p { a href=(onward) { "Go on" } } }
    };
    document(SERVED, title, &head, &body)
}
