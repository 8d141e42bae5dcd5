//! What a connection found out about its service, for the next instance: a small note,
//! opaque to the host. Correctness never depends on it.

use serde_json::{Map, Value};

/// The note. What is absent is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Learned {
    /// PATCH is not served, or not for everything.
    pub(super) no_patch: bool,
    /// `application/scim+json` is refused in requests.
    pub(super) plain_json: bool,
    /// What the service says of ETags in its configuration.
    pub(super) etag: Option<bool>,
}

impl Learned {
    /// What cannot be read is ignored.
    pub(super) fn read(note: Option<&str>) -> Self {
        // As bytes: the parser for texts would be a second one in the component.
        let note = note.and_then(|note| serde_json::from_slice::<Value>(note.as_bytes()).ok());
        let flag = |name: &str| note.as_ref()?.get(name)?.as_bool();
        #[cfg(feature = "planted-faults")]
        if let Some(name) = note.as_ref().and_then(|note| note.get("planted")?.as_str()) {
            crate::planted::read(name);
        }
        Self {
            no_patch: flag("no-patch").unwrap_or_default(),
            plain_json: flag("plain-json").unwrap_or_default(),
            etag: flag("etag"),
        }
    }

    pub(super) fn note(&self) -> Option<String> {
        let mut note = Map::new();
        #[cfg(feature = "planted-faults")]
        if let Some(name) = crate::planted::name() {
            note.insert("planted".to_owned(), name.into());
        }
        if *self == Self::default() && note.is_empty() {
            return None;
        }
        let known = [
            ("no-patch", self.no_patch.then_some(true)),
            ("plain-json", self.plain_json.then_some(true)),
            ("etag", self.etag),
        ];
        for (name, flag) in known {
            if let Some(flag) = flag {
                note.insert(name.to_owned(), Value::Bool(flag));
            }
        }
        Some(Value::Object(note).to_string())
    }
}
