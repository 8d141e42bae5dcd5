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

use alloc::borrow::Cow;

use crate::json::{Json, Object};

/// A member of an object, its name compared without case (RFC 7643 §2.1). `null`, an empty
/// array and an empty text count as absent (§2.5).
fn member<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o Json<'a>> {
    let value = object.get(name).or_else(|| {
        object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })?;
    (!is_absent(value)).then_some(value)
}

fn is_absent(value: &Json<'_>) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Text(text) => is_blank(text),
        _ => false,
    }
}

fn is_blank(text: &str) -> bool {
    let begins = text.as_bytes().first();
    !begins.is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// The name that an object already uses for a member, or else the one given.
fn spelled<'a>(object: &Object<'a>, name: &'a str) -> Cow<'a, str> {
    object
        .iter()
        .map(|(key, _)| key)
        .find(|key| key.eq_ignore_ascii_case(name))
        .cloned()
        .unwrap_or(Cow::Borrowed(name))
}

/// A scalar as text: some services send numbers where the schema says string.
fn scalar<'a>(value: &Json<'a>) -> Option<Cow<'a, str>> {
    match value {
        Json::Text(text) => (!is_blank(text)).then(|| text.clone()),
        Json::Number(number) => Some(number.clone()),
        Json::Bool(true) => Some(Cow::Borrowed("true")),
        Json::Bool(false) => Some(Cow::Borrowed("false")),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Whether `schemas` lists a URN that passes (RFC 7643 §3).
fn lists_schema(object: &Object<'_>, passes: impl Fn(&str) -> bool) -> bool {
    member(object, "schemas").is_some_and(|schemas| {
        let mut schemas = schemas.items().iter();
        schemas.any(|schema| schema.as_str().is_some_and(&passes))
    })
}

/// What the body of a success shows, if it is one: nothing, or an object that is no error.
///
/// # Errors
///
/// It is a page, or an error.
pub fn after_success(body: &[u8]) -> Result<Option<Resource<'_>>, NotScim> {
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    match object(body) {
        Some(members) if !error::is_error(&members) => Ok(Resource::from_object(members)),
        _ => Err(NotScim),
    }
}

/// Nothing that a SCIM service says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotScim;

/// Parses a body by its content, whatever its media type says. A byte-order mark is no
/// part of JSON (RFC 8259 §8.1) and is passed over.
fn object(body: &[u8]) -> Option<Object<'_>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match Json::parse(body)? {
        Json::Object(object) => Some(object),
        _ => None,
    }
}
