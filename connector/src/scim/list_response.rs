//! Query answers (RFC 7644 §3.4.2, RFC 9865 §2), read as leniently as is safe.

use serde_json::{Map, Value};

use super::{Resource, member, parse};

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct ListResponse {
    /// In the order of the answer.
    pub resources: Vec<Resource>,
    /// `totalResults`, where it is a number that makes sense.
    pub total: Option<u32>,
    /// `nextCursor` (RFC 9865): where to go on. Its absence is the end.
    pub next_cursor: Option<String>,
}

/// Why a body is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// No JSON object at all, such as a web page.
    NotScim,
    /// A JSON object without what a list needs.
    NotAList,
}

impl ListResponse {
    /// # Errors
    ///
    /// Where the body cannot be taken for a list. `Resources` may be missing where
    /// `totalResults` is 0 (RFC 7644 §3.4.2), or where the service never counts and the body
    /// calls itself a list; nowhere else.
    pub fn from_body(body: &[u8]) -> Result<Self, Malformed> {
        let Some(Value::Object(mut members)) = parse(body) else {
            return Err(Malformed::NotScim);
        };
        let total = member(&members, "totalResults").and_then(count);
        let next_cursor = member(&members, "nextCursor")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let key = members
            .keys()
            .find(|key| key.eq_ignore_ascii_case("Resources"))
            .cloned();
        let resources = match key.and_then(|key| members.remove(&key)) {
            Some(Value::Array(resources)) => resources
                .into_iter()
                .map(Resource::from_value)
                .collect::<Option<_>>()
                .ok_or(Malformed::NotAList)?,
            None | Some(Value::Null)
                if total == Some(0) || is_list(&members) && !counted(&members) =>
            {
                Vec::new()
            }
            _ => return Err(Malformed::NotAList),
        };
        Ok(Self {
            resources,
            total,
            next_cursor,
        })
    }
}

/// Whether the body says of itself that it is a list.
fn is_list(members: &Map<String, Value>) -> bool {
    member(members, "schemas")
        .and_then(Value::as_array)
        .is_some_and(|schemas| {
            schemas.iter().filter_map(Value::as_str).any(|schema| {
                schema.eq_ignore_ascii_case("urn:ietf:params:scim:api:messages:2.0:ListResponse")
            })
        })
}

fn counted(members: &Map<String, Value>) -> bool {
    member(members, "totalResults").is_some_and(|total| !total.is_null())
}

/// A count, also where it came as text. Anything else is not known.
fn count(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|count| u32::try_from(count).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
