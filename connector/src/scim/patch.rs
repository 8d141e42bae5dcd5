//! PATCH (RFC 7644 §3.5.2): the operation that brings one path from what it holds to what
//! is wanted, without touching its neighbours.

use serde_json::{Map, Value};

use super::resource::new_element;
use super::{Path, Reading, Resource, member};

/// RFC 7644 §8.2.
pub const PATCH_OP_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// One operation of a PATCH.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// As it is sent.
    pub json: Value,
    /// Whether applying it twice is the same as applying it once. `add` of an element is
    /// not, on services that do not look for it first.
    pub repeatable: bool,
}

impl Operation {
    /// `active`, always as a boolean.
    #[must_use]
    pub fn activate(active: bool) -> Self {
        Self::repeatable("replace", "active".into(), Some(active.into()))
    }

    /// The operation that puts `value` at `path`, given what the resource holds now; `None`
    /// where several elements answer to the path, so that it would hit more than one.
    ///
    /// `replace` with a value filter that matches nothing is `noTarget` (§3.5.2.3), so an
    /// absent element is added whole. `replace` of a list without a filter would wipe its
    /// other values, so a list is replaced only where the one element has no type to
    /// filter by.
    #[must_use]
    pub fn set(resource: &Resource, path: &Path, value: Option<&str>) -> Option<Self> {
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
            return Some(Self::plain(&path.to_string(), &now, value));
        };
        let elements = resource.elements(attribute);
        let typed = elements.iter().any(|element| has_type(element, kind));
        let untyped = match elements.as_slice() {
            [element] if *only && member(element, "type").is_none() => Some(*element),
            _ => None,
        };
        let filter = format!("{attribute}[type eq \"{kind}\"]");
        Some(match (value, untyped) {
            (Some(value), _) if typed => {
                Self::repeatable("replace", format!("{filter}.value"), Some(value.into()))
            }
            (Some(value), Some(element)) => {
                let mut element = element.clone();
                element.insert("value".into(), value.into());
                Self::repeatable("replace", attribute.clone(), Some(list_of(element)))
            }
            (Some(value), None) => {
                let element = new_element(kind, value);
                Self {
                    repeatable: false,
                    ..Self::repeatable("add", attribute.clone(), Some(list_of(element)))
                }
            }
            (None, Some(_)) => Self::repeatable("remove", attribute.clone(), None),
            (None, None) => Self::repeatable("remove", filter, None),
        })
    }

    fn plain(path: &str, now: &Reading, value: Option<&str>) -> Self {
        let op = match value {
            // §3.5.2.1: `add` to a single-valued attribute replaces it.
            Some(_) if *now == Reading::Absent => "add",
            Some(_) => "replace",
            None => "remove",
        };
        Self::repeatable(op, path.to_owned(), value.map(Value::from))
    }

    fn repeatable(op: &str, path: String, value: Option<Value>) -> Self {
        let mut json = Map::new();
        json.insert("op".into(), op.into());
        json.insert("path".into(), path.into());
        if let Some(value) = value {
            json.insert("value".into(), value);
        }
        Self {
            json: Value::Object(json),
            repeatable: true,
        }
    }
}

fn list_of(element: Map<String, Value>) -> Value {
    Value::Array(vec![Value::Object(element)])
}

fn has_type(element: &Map<String, Value>, kind: &str) -> bool {
    member(element, "type")
        .and_then(Value::as_str)
        .is_some_and(|found| found.eq_ignore_ascii_case(kind))
}

/// The body of a PATCH request.
#[must_use]
pub fn patch_body(operations: &[Operation]) -> Vec<u8> {
    let operations = operations.iter().map(|operation| operation.json.clone());
    let mut body = Map::new();
    body.insert("schemas".into(), Value::Array(vec![PATCH_OP_SCHEMA.into()]));
    body.insert("Operations".into(), Value::Array(operations.collect()));
    Value::Object(body).to_string().into_bytes()
}
