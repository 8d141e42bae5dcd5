//! What a connection found out about its service, for the next instance: a small note,
//! opaque to the host. Correctness never depends on it.

use crate::json::{Json, Object};
use crate::prelude::*;

/// The note. What is absent is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Learned {
    /// PATCH is not served, or not for everything: seen once, or, where it is true, twice in
    /// a row. Once may have been a gateway's passing trouble, and PUT is the riskier write.
    pub(super) no_patch: Option<bool>,
    /// `application/scim+json` is refused in requests.
    pub(super) plain_json: bool,
    /// What the service says of ETags in its configuration.
    pub(super) etag: Option<bool>,
}

impl Learned {
    /// What cannot be read is ignored.
    pub(super) fn read(note: Option<&str>) -> Self {
        let note = note.and_then(|note| Json::parse(note.as_bytes()));
        let member = |name: &str| note.as_ref()?.as_object()?.get(name);
        let flag = |name: &str| match member(name)? {
            Json::Bool(flag) => Some(*flag),
            _ => None,
        };
        #[cfg(feature = "planted-faults")]
        if let Some(name) = member("planted").and_then(Json::as_str) {
            crate::planted::read(name);
        }
        Self {
            no_patch: flag("no-patch"),
            plain_json: flag("plain-json").unwrap_or_default(),
            etag: flag("etag"),
        }
    }

    pub(super) fn note(&self) -> Option<String> {
        let mut note = Object::default();
        #[cfg(feature = "planted-faults")]
        if let Some(name) = crate::planted::name() {
            note.insert("planted".into(), name.into());
        }
        if *self == Self::default() && note.is_empty() {
            return None;
        }
        let known = [
            ("no-patch", self.no_patch),
            ("plain-json", self.plain_json.then_some(true)),
            ("etag", self.etag),
        ];
        for (name, flag) in known {
            if let Some(flag) = flag {
                note.insert(name.into(), Json::Bool(flag));
            }
        }
        Some(Json::Object(note).to_text())
    }
}
