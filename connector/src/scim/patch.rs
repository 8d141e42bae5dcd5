//! PATCH (RFC 7644 §3.5.2): the operation that brings one path from what it holds to what
//! is wanted, without touching its neighbours.

use super::resource::new_element;
use super::{Path, Reading, Resource, member};
use crate::json::{Json, Object};
use crate::prelude::*;

/// RFC 7644 §8.2.
pub const PATCH_OP_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// One operation of a PATCH.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation<'a> {
    json: Object<'a>,
    /// Whether applying it twice is the same as applying it once. `add` of an element is
    /// not, on services that do not look for it first.
    pub repeatable: bool,
}

impl<'a> Operation<'a> {
    /// `active`, always as a boolean.
    #[must_use]
    pub fn activate(active: bool) -> Self {
        Self::repeatable("replace", "active".to_owned(), Some(Json::Bool(active)))
    }

    /// The operation that puts `value` at `path`, given what the resource holds now; `None`
    /// where several elements answer to the path, so that it would hit more than one.
    ///
    /// `replace` with a value filter that matches nothing is `noTarget` (§3.5.2.3), so an
    /// absent element is added whole. `replace` of a list without a filter would wipe its
    /// other values, so a list is replaced only where the one element has no type to
    /// filter by.
    #[must_use]
    pub fn set(resource: &Resource<'a>, path: Path<'a>, value: Option<&'a str>) -> Option<Self> {
        let now = resource.read(path);
        if matches!(now, Reading::Several(_)) {
            return None;
        }
        let Path::Typed {
            attribute,
            kind,
            only,
        } = path
        else {
            return Some(Self::plain(path, &now, value));
        };
        let elements = resource.elements(attribute);
        let typed = elements.iter().any(|element| has_type(element, kind));
        let untyped = match elements.as_slice() {
            [element] if only && member(element, "type").is_none() => Some(*element),
            _ => None,
        };
        Some(match (value, untyped) {
            (Some(value), _) if typed => {
                Self::repeatable("replace", path.text(), Some(value.into()))
            }
            (Some(value), Some(element)) => {
                let mut element = element.owned();
                element.insert("value".into(), value.into());
                Self::repeatable("replace", attribute.to_owned(), Some(list_of(element)))
            }
            (Some(value), None) => {
                let element = new_element(kind, value);
                Self {
                    repeatable: false,
                    ..Self::repeatable("add", attribute.to_owned(), Some(list_of(element)))
                }
            }
            (None, Some(_)) => Self::repeatable("remove", attribute.to_owned(), None),
            (None, None) => {
                let element = [attribute, "[type eq \"", kind, "\"]"].concat();
                Self::repeatable("remove", element, None)
            }
        })
    }

    fn plain(path: Path<'a>, now: &Reading<'_>, value: Option<&'a str>) -> Self {
        let op = match value {
            // §3.5.2.1: `add` to a single-valued attribute replaces it.
            Some(_) if *now == Reading::Absent => "add",
            Some(_) => "replace",
            None => "remove",
        };
        Self::repeatable(op, path.text(), value.map(Json::from))
    }

    fn repeatable(op: &'a str, path: String, value: Option<Json<'a>>) -> Self {
        let mut json = Object::default();
        json.insert("op".into(), op.into());
        json.insert("path".into(), Json::Text(path.into()));
        if let Some(value) = value {
            json.insert("value".into(), value);
        }
        Self {
            json,
            repeatable: true,
        }
    }
}

fn list_of(element: Object<'_>) -> Json<'_> {
    Json::Array(vec![Json::Object(element)])
}

fn has_type(element: &Object<'_>, kind: &str) -> bool {
    member(element, "type")
        .and_then(Json::as_str)
        .is_some_and(|found| found.eq_ignore_ascii_case(kind))
}

/// The body of a PATCH request.
#[must_use]
pub fn patch_body(operations: Vec<Operation<'_>>) -> Vec<u8> {
    let operations = operations.into_iter();
    let operations = operations.map(|operation| Json::Object(operation.json));
    let mut body = Object::default();
    body.insert("schemas".into(), Json::Array(vec![PATCH_OP_SCHEMA.into()]));
    body.insert("Operations".into(), Json::Array(operations.collect()));
    Json::Object(body).to_text().into_bytes()
}
