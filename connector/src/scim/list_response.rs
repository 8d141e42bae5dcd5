//! Query answers (RFC 7644 §3.4.2, RFC 9865 §2), read as leniently as is safe.

use serde_json::Value;

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
    /// `totalResults` is 0 (RFC 7644 §3.4.2), and only there.
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
            None | Some(Value::Null) if total == Some(0) => Vec::new(),
            _ => return Err(Malformed::NotAList),
        };
        Ok(Self {
            resources,
            total,
            next_cursor,
        })
    }
}

/// A count, also where it came as text. Anything else is not known.
fn count(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|count| u32::try_from(count).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
