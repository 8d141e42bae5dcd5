//! A user as it is stored.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A user's attributes in their canonical spelling; extensions under their stored URN. What the
/// tenant makes itself (`id`, `meta`, `schemas`) is not among them.
pub(super) type Attributes = Map<String, Value>;

/// A stored user.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) attributes: Attributes,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    /// Counts up from 1 with every change.
    pub(super) version: u64,
    /// Made in Admin Console, not through SCIM.
    pub(super) from_console: bool,
}

impl User {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }

    pub(super) fn is_active(&self) -> bool {
        self.attributes.get("active") != Some(&Value::Bool(false))
    }
}
