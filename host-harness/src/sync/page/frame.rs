//! The document around a page: its policy, style and script.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("style.css");

/// Where a page is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// What the page does by itself.
    pub(super) script: &'static str,
    /// What may be sent from it, as its policy says it.
    pub(super) sends: &'static str,
}

/// A file that was passed on: nothing is sent from it.
pub(super) const FILE: Place = Place {
    script: include_str!("filter.js"),
    sends: "form-action 'none'",
};

impl Place {
    /// What the page may load and send.
    pub(super) fn policy(self) -> String {
        format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; \
             {}",
            hash(STYLE),
            hash(self.script),
            self.sends
        )
    }
}

fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

/// The document.
pub(super) fn page(place: Place, title: &str, body: &Markup) -> String {
    document(place, title, &html! {}, body)
}

/// The document, with more in its head.
pub(super) fn document(place: Place, title: &str, head: &Markup, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(place.policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                (head)
                title { (title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (body) }
                script { (PreEscaped(place.script)) }
            }
        }
    }
    .into_string()
}
