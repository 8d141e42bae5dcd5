//! PATCH (RFC 7644 §3.5.2): paths with sub-attributes, value filters and extension URNs, and
//! operations without a path. All operations of a request apply or none.
//!
//! Choices where the RFC leaves one: `op` is read in any case, since Entra writes `Replace`;
//! `add` on a value filter without a match makes the element that the filter describes, since
//! Entra relies on it, while `replace` and `remove` are `noTarget`; an unknown name in a path is
//! `invalidPath`, an unknown name in a value without path is ignored.

use serde_json::{Map, Value};

use super::answer::{Refusal, ScimType};
use super::edit::{Verb, set, set_in_every, set_where, within};
use super::filter::{self, Filter, shortened};
use super::schema::{Attribute, Mutability, Names, Schema, Target};
use super::stored::Attributes;
use super::switches::{Switch, Switches};

const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

#[derive(Debug)]
enum Path {
    /// A whole extension.
    Extension(&'static Schema),
    Attribute {
        target: Target,
        filter: Option<Filter>,
    },
}

#[derive(Debug)]
struct Operation {
    verb: Verb,
    path: Option<Path>,
    value: Value,
}

/// The operations of a PATCH body.
#[derive(Debug)]
pub(super) struct Patch {
    operations: Vec<Operation>,
}

impl Patch {
    /// Reads a PATCH body, resolving every path.
    pub(super) fn read(body: &Value, names: &Names, switches: &Switches) -> Result<Self, Refusal> {
        let members = body
            .as_object()
            .ok_or_else(|| Refusal::syntax("The body is no JSON object."))?;
        let schemas = member(members, "schemas");
        let is_patch = |schemas: &Vec<Value>| {
            let mut urns = schemas.iter().filter_map(Value::as_str);
            urns.any(|urn| urn.eq_ignore_ascii_case(PATCH_SCHEMA))
        };
        match schemas {
            None if !switches.contains(Switch::SchemasRequired) => {}
            Some(Value::Array(schemas)) if is_patch(schemas) => {}
            _ => {
                return Err(Refusal::syntax(format!(
                    "schemas does not list {PATCH_SCHEMA}."
                )));
            }
        }
        let operations = match member(members, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            _ => return Err(Refusal::syntax("Operations is missing or empty.")),
        };
        let operations = operations
            .iter()
            .map(|operation| Operation::read(operation, names))
            .collect::<Result<_, _>>()?;
        Ok(Self { operations })
    }

    /// Whether nothing but `active` is touched.
    pub(super) fn touches_only_active(&self) -> bool {
        self.operations
            .iter()
            .all(|operation| match (&operation.path, &operation.value) {
                (Some(path), _) => path.is_active(),
                (None, Value::Object(members)) => members
                    .keys()
                    .all(|name| name.eq_ignore_ascii_case("active")),
                (None, _) => false,
            })
    }

    /// Leaves only what concerns `active`.
    pub(super) fn keep_only_active(&mut self) {
        self.operations.retain_mut(|operation| {
            if let (None, Value::Object(members)) = (&operation.path, &mut operation.value) {
                members.retain(|name, _| name.eq_ignore_ascii_case("active"));
            }
            operation.path.as_ref().is_none_or(Path::is_active)
        });
    }

    /// Applies the operations in turn. After a refusal the attributes are half changed, so hand
    /// in a copy.
    pub(super) fn apply(
        &self,
        attributes: &mut Attributes,
        names: &Names,
        switches: &Switches,
    ) -> Result<(), Refusal> {
        for Operation { verb, path, value } in &self.operations {
            match path {
                None => without_path(*verb, value, attributes, names, switches)?,
                Some(Path::Extension(schema)) => whole(*verb, schema, value, attributes)?,
                Some(Path::Attribute { target, filter }) => {
                    at(*verb, target, filter.as_ref(), value, attributes)?;
                }
            }
        }
        Ok(())
    }
}

impl Operation {
    fn read(operation: &Value, names: &Names) -> Result<Self, Refusal> {
        let members = operation
            .as_object()
            .ok_or_else(|| Refusal::syntax("An operation is no object."))?;
        let op = member(members, "op")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let verb = match op.to_ascii_lowercase().as_str() {
            "add" => Verb::Add,
            "replace" => Verb::Replace,
            "remove" => Verb::Remove,
            _ => return Err(Refusal::syntax("op is none of add, replace, remove.")),
        };
        let path = match member(members, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) => Some(Path::read(path, names)?),
            Some(_) => return Err(Refusal::path("A path is no string.")),
        };
        let value = member(members, "value").cloned();
        if value.is_none() && verb != Verb::Remove {
            return Err(Refusal::value(format!("{op} without a value.")));
        }
        if path.is_none() && verb == Verb::Remove {
            return Err(Refusal::bad(ScimType::NoTarget, "remove without a path."));
        }
        Ok(Self {
            verb,
            path,
            value: value.unwrap_or_default(),
        })
    }
}

impl Path {
    fn read(written: &str, names: &Names) -> Result<Self, Refusal> {
        if let Some(schema) = names.extension(written) {
            return Ok(Self::Extension(schema));
        }
        let unknown = || Refusal::path(format!("There is no path {}.", shortened(written)));
        let Some((front, bracketed)) = written.split_once('[') else {
            let target = names.resolve(written).ok_or_else(unknown)?;
            return Ok(Self::Attribute {
                target,
                filter: None,
            });
        };
        let mut target = names.resolve(front).ok_or_else(unknown)?;
        if !target.attribute.multi_valued
            || target.part.is_some()
            || target.attribute.parts().is_empty()
        {
            return Err(unknown());
        }
        let (filter, rest) = filter::parse_bracketed(bracketed, names, target.attribute)
            .map_err(|refusal| Refusal::path(refusal.detail))?;
        if let Some(part) = rest.strip_prefix('.') {
            target.part = Some(target.attribute.part(part).ok_or_else(unknown)?);
        } else if !rest.is_empty() {
            return Err(unknown());
        }
        Ok(Self::Attribute {
            target,
            filter: Some(filter),
        })
    }

    fn is_active(&self) -> bool {
        match self {
            Self::Attribute { target, .. } => target.attribute.name == "active",
            Self::Extension(_) => false,
        }
    }
}

fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members
        .iter()
        .find(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// The value's members are attributes to be added or replaced (RFC 7644 §3.5.2.1).
fn without_path(
    verb: Verb,
    value: &Value,
    attributes: &mut Attributes,
    names: &Names,
    switches: &Switches,
) -> Result<(), Refusal> {
    let members = value
        .as_object()
        .ok_or_else(|| Refusal::value("Without a path the value is an object."))?;
    for (name, value) in members {
        if let Some(schema) = names.extension(name) {
            whole(verb, schema, value, attributes)?;
        } else if let Some(attribute) = names.core(name) {
            if attribute.mutability != Mutability::ReadOnly {
                set(verb, attribute, value, attributes)?;
            }
        } else if switches.contains(Switch::UnknownKept) {
            attributes.insert(name.clone(), value.clone());
        }
    }
    Ok(())
}

/// An operation on a whole extension.
fn whole(
    verb: Verb,
    schema: &'static Schema,
    value: &Value,
    attributes: &mut Attributes,
) -> Result<(), Refusal> {
    if verb == Verb::Remove || (verb == Verb::Replace && value.is_null()) {
        attributes.remove(schema.urn);
        return Ok(());
    }
    let members = value
        .as_object()
        .ok_or_else(|| Refusal::value("The value of an extension is an object."))?;
    within(attributes, Some(schema.urn), |container| {
        for (name, value) in members {
            if let Some(attribute) = super::schema::named(schema.attributes, name) {
                set(verb, attribute, value, container)?;
            }
        }
        Ok(())
    })
}

/// An operation on what a path names.
fn at(
    verb: Verb,
    target: &Target,
    filter: Option<&Filter>,
    value: &Value,
    attributes: &mut Attributes,
) -> Result<(), Refusal> {
    let Target {
        extension,
        attribute,
        part,
    } = *target;
    if attribute.mutability == Mutability::ReadOnly {
        return Err(read_only(attribute));
    }
    within(attributes, extension, |container| match (filter, part) {
        (None, None) => set(verb, attribute, value, container),
        (None, Some(part)) if attribute.multi_valued => {
            set_in_every(verb, attribute, part, value, container)
        }
        (None, Some(part)) => within(container, Some(attribute.name), |members| {
            set(verb, part, value, members)
        }),
        (Some(filter), part) => set_where(verb, attribute, filter, part, value, container),
    })
}

fn read_only(attribute: &Attribute) -> Refusal {
    Refusal::mutability(format!("{} is read-only.", attribute.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema::{ENTERPRISE_URN, SITE_URN};
    use super::*;

    const NAMES: Names = Names { site_urn: SITE_URN };

    fn patched(operations: Value) -> Result<Value, Refusal> {
        let stored = json!({
            "userName": "ada",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "title": "Analyst",
            "emails": [{"value": "a@x.com", "type": "work", "primary": true}],
            "active": true,
        });
        let mut attributes = stored.as_object().cloned().unwrap();
        let body = json!({"schemas": [PATCH_SCHEMA], "Operations": operations});
        let patch = Patch::read(&body, &NAMES, &Switches::none())?;
        patch.apply(&mut attributes, &NAMES, &Switches::none())?;
        Ok(Value::Object(attributes))
    }

    fn scim_type(operations: Value) -> Option<ScimType> {
        patched(operations).unwrap_err().scim_type
    }

    #[test]
    fn paths_reach_attributes_sub_attributes_and_extensions() {
        let department = format!("{ENTERPRISE_URN}:department");
        let user = patched(json!([
            {"op": "replace", "path": "title", "value": "Countess"},
            {"op": "Replace", "path": "NAME.givenname", "value": "Augusta"},
            {"op": "add", "path": department, "value": "R&D"},
            {"op": "add", "path": SITE_URN, "value": {"SITE": "London"}},
        ]))
        .unwrap();
        assert_eq!(user["title"], "Countess");
        assert_eq!(
            user["name"],
            json!({"givenName": "Augusta", "familyName": "Lovelace"})
        );
        assert_eq!(user[ENTERPRISE_URN]["department"], "R&D");
        assert_eq!(user[SITE_URN]["site"], "London");
    }

    #[test]
    fn a_value_filter_selects_the_element() {
        let path = "emails[type eq \"work\"].value";
        let user = patched(json!([{"op": "replace", "path": path, "value": "b@x.com"}])).unwrap();
        assert_eq!(user["emails"][0]["value"], "b@x.com");
        let user = patched(json!([{"op": "remove", "path": "emails[type eq \"work\"]"}])).unwrap();
        assert_eq!(user["emails"], json!([]));
    }

    #[test]
    fn a_value_filter_without_match_is_no_target_but_add_makes_the_element() {
        let path = "phoneNumbers[type eq \"mobile\"].value";
        let replace = json!([{"op": "replace", "path": path, "value": "1"}]);
        assert_eq!(scim_type(replace), Some(ScimType::NoTarget));
        assert_eq!(
            scim_type(json!([{"op": "remove", "path": path}])),
            Some(ScimType::NoTarget)
        );
        let user = patched(json!([{"op": "add", "path": path, "value": "1"}])).unwrap();
        assert_eq!(
            user["phoneNumbers"],
            json!([{"type": "mobile", "value": "1"}])
        );
    }

    #[test]
    fn add_appends_once_and_replace_wipes_the_others() {
        let add =
            json!({"op": "add", "path": "phoneNumbers", "value": [{"value": "1", "type": "work"}]});
        let user = patched(json!([add, add])).unwrap();
        assert_eq!(user["phoneNumbers"].as_array().unwrap().len(), 1);
        let other = json!([{"value": "2", "type": "mobile"}]);
        let replace = json!({"op": "replace", "path": "phoneNumbers", "value": other});
        assert_eq!(
            patched(json!([add, replace])).unwrap()["phoneNumbers"],
            other
        );
    }

    #[test]
    fn without_a_path_the_value_names_the_attributes() {
        let user = patched(json!([{"op": "replace", "value": {
            "TITLE": null,
            "name": {"familyName": "King"},
            (ENTERPRISE_URN): {"department": "R&D"},
            "id": "mine",
            "displayName": "ignored",
        }}]))
        .unwrap();
        assert!(user.get("title").is_none());
        assert_eq!(
            user["name"],
            json!({"givenName": "Ada", "familyName": "King"})
        );
        assert_eq!(user[ENTERPRISE_URN]["department"], "R&D");
        assert!(user.get("id").is_none() && user.get("displayName").is_none());
    }

    #[test]
    fn what_cannot_be_patched_is_refused_by_its_own_type() {
        let one = |op: &str, path: &str| json!([{"op": op, "path": path, "value": "x"}]);
        for (operations, expected) in [
            (one("replace", "displayName"), ScimType::InvalidPath),
            (one("replace", "emails[type eq"), ScimType::InvalidPath),
            (
                one("replace", "emails[type eq \"work\"]x"),
                ScimType::InvalidPath,
            ),
            (
                one("replace", "title[value eq \"x\"]"),
                ScimType::InvalidPath,
            ),
            (one("replace", ""), ScimType::InvalidPath),
            (one("replace", "id"), ScimType::Mutability),
            (one("replace", "meta.created"), ScimType::Mutability),
            (one("remove", "userName"), ScimType::Mutability),
            (one("remove", "name.givenName"), ScimType::Mutability),
            (one("move", "title"), ScimType::InvalidSyntax),
            (one("replace", "active"), ScimType::InvalidValue),
            (json!([{"op": "remove"}]), ScimType::NoTarget),
            (
                json!([{"op": "add", "path": "title"}]),
                ScimType::InvalidValue,
            ),
            (json!([{"op": "add", "value": "x"}]), ScimType::InvalidValue),
            (json!([]), ScimType::InvalidSyntax),
            (json!(["x"]), ScimType::InvalidSyntax),
            (json!(null), ScimType::InvalidSyntax),
            (
                json!([{"op": "add", "path": 5, "value": 1}]),
                ScimType::InvalidPath,
            ),
        ] {
            assert_eq!(
                scim_type(operations.clone()),
                Some(expected),
                "{operations}"
            );
        }
    }
}
