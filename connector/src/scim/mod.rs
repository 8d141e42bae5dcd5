//! SCIM 2.0 as a client meets it: RFC 7643 (resources), RFC 7644 (protocol), RFC 9865
//! (cursors). Nothing of 8x8, and no I/O.

mod error;
mod filter;
mod list_response;
mod patch;
mod path;
mod resource;

pub use error::ErrorBody;
pub use filter::equals;
pub use list_response::{ListResponse, Malformed};
pub use patch::{Operation, PATCH_OP_SCHEMA, patch_body};
pub use path::Path;
pub use resource::{Reading, Resource, USER_SCHEMA};

use serde_json::{Map, Value};

/// A member of an object, its name compared without case (RFC 7643 §2.1). `null`, an empty
/// array and an empty text count as absent (§2.5).
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let value = object.get(name).or_else(|| {
        object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })?;
    (!is_absent(value)).then_some(value)
}

fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// The name that an object already uses for a member, or else the one given.
fn spelled(object: &Map<String, Value>, name: &str) -> String {
    object
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))
        .cloned()
        .unwrap_or_else(|| name.to_owned())
}

/// A scalar as text: some services send numbers where the schema says string.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.trim().is_empty()).then(|| text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a body can follow a success: nothing, or an object that is no error.
#[must_use]
pub fn is_scim_or_nothing(body: &[u8]) -> bool {
    body.trim_ascii().is_empty()
        || matches!(parse(body), Some(Value::Object(_))) && !ErrorBody::from_body(body).is_scim
}

/// Parses a body by its content, whatever its media type says. A byte-order mark is no
/// part of JSON (RFC 8259 §8.1) and is passed over.
fn parse(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).ok()
}
