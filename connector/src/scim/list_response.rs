//! Query answers (RFC 7644 §3.4.2, RFC 9865 §2), read as leniently as is safe.

use alloc::borrow::Cow;

use super::{Resource, lists_schema, member, object, spelled};
use crate::json::{Json, Object};
use crate::prelude::*;

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct ListResponse<'a> {
    /// In the order of the answer.
    pub resources: Vec<Resource<'a>>,
    /// `totalResults`, where it is a number that makes sense.
    pub total: Option<u32>,
    /// `nextCursor` (RFC 9865): where to go on. Its absence is the end.
    pub next_cursor: Option<Cow<'a, str>>,
}

/// Why a body is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// No JSON object at all, such as a web page.
    NotScim,
    /// A JSON object without what a list needs.
    NotAList,
}

impl<'a> ListResponse<'a> {
    /// # Errors
    ///
    /// Where the body cannot be taken for a list. `Resources` may be missing where
    /// `totalResults` is 0 (RFC 7644 §3.4.2), or where the service never counts and the body
    /// calls itself a list; nowhere else.
    pub fn from_body(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut members = object(body).ok_or(Malformed::NotScim)?;
        let total = member(&members, "totalResults").and_then(count);
        let next_cursor = match member(&members, "nextCursor") {
            Some(Json::Text(cursor)) => Some(cursor.clone()),
            _ => None,
        };
        let key = spelled(&members, "Resources");
        let resources = match members.remove(&key) {
            Some(Json::Array(items)) => {
                let mut resources = Vec::with_capacity(items.len());
                for item in items {
                    resources.push(Resource::from_json(item).ok_or(Malformed::NotAList)?);
                }
                resources
            }
            None | Some(Json::Null)
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
fn is_list(members: &Object<'_>) -> bool {
    lists_schema(members, |schema| {
        schema.eq_ignore_ascii_case("urn:ietf:params:scim:api:messages:2.0:ListResponse")
    })
}

fn counted(members: &Object<'_>) -> bool {
    member(members, "totalResults").is_some()
}

/// A count, also where it came as text. Anything else is not known.
fn count(value: &Json<'_>) -> Option<u32> {
    let count: u64 = match value {
        Json::Number(number) => number.parse().ok()?,
        Json::Text(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    u32::try_from(count).ok()
}
