//! PATCH (RFC 7644 §3.5.2): the operation that brings one path from what it holds to what
//! is wanted, without touching its neighbours.

use serde_json::{Map, Value, json};

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
        Self::repeatable(json!({ "op": "replace", "path": "active", "value": active }))
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
        Some(match value {
            Some(value) if typed => Self::repeatable(
                json!({ "op": "replace", "path": format!("{filter}.value"), "value": value }),
            ),
            Some(value) => match untyped {
                Some(element) => {
                    let mut element = element.clone();
                    element.insert("value".into(), value.into());
                    Self::repeatable(
                        json!({ "op": "replace", "path": attribute, "value": [element] }),
                    )
                }
                None => Self {
                    json: json!({
                        "op": "add",
                        "path": attribute,
                        "value": [{ "type": kind, "value": value }],
                    }),
                    repeatable: false,
                },
            },
            None if untyped.is_some() => {
                Self::repeatable(json!({ "op": "remove", "path": attribute }))
            }
            None => Self::repeatable(json!({ "op": "remove", "path": filter })),
        })
    }

    fn plain(path: &str, now: &Reading, value: Option<&str>) -> Self {
        Self::repeatable(match value {
            // §3.5.2.1: `add` to a single-valued attribute replaces it.
            Some(value) => {
                let op = if *now == Reading::Absent {
                    "add"
                } else {
                    "replace"
                };
                json!({ "op": op, "path": path, "value": value })
            }
            None => json!({ "op": "remove", "path": path }),
        })
    }

    fn repeatable(json: Value) -> Self {
        Self {
            json,
            repeatable: true,
        }
    }
}

fn has_type(element: &Map<String, Value>, kind: &str) -> bool {
    member(element, "type")
        .and_then(Value::as_str)
        .is_some_and(|found| found.eq_ignore_ascii_case(kind))
}

/// The body of a PATCH request.
#[must_use]
pub fn patch_body(operations: &[Operation]) -> Vec<u8> {
    let operations: Vec<_> = operations.iter().map(|operation| &operation.json).collect();
    json!({ "schemas": [PATCH_OP_SCHEMA], "Operations": operations })
        .to_string()
        .into_bytes()
}
