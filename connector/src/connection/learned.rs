//! What a connection found out about its service, for the next instance: a small note,
//! opaque to the host. Correctness never depends on it.

use serde::{Deserialize, Serialize};

/// The note. What is absent is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
        note.and_then(|note| serde_json::from_str(note).ok())
            .unwrap_or_default()
    }

    pub(super) fn note(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        serde_json::to_string(self).ok()
    }
}
