//! A resource on its way in and out: what a body holds becomes attributes in their canonical
//! spelling, and stored attributes become a resource with `schemas`, `id` and `meta`
//! (RFC 7643 §2 and §3).
//!
//! On the way in, `null`, `[]` and absent are one and the same (RFC 7643 §2.5), read-only
//! attributes are ignored (RFC 7644 §3.3), and so is what 8x8 does not name, unless the switch
//! `unknown-kept` is on: how 8x8 treats it is unknown.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::schema::{Attribute, Kind, Mutability, Names, USER_URN};
use super::stored::{Attributes, User};
use super::switches::{Switch, Switches};

/// Reads the attributes of a body (POST and PUT).
pub(super) fn read(
    body: &Value,
    names: &Names,
    switches: &Switches,
) -> Result<Attributes, Refusal> {
    let members = body
        .as_object()
        .ok_or_else(|| Refusal::syntax("The body is no JSON object."))?;
    check_schemas(members, names, switches)?;
    let keep_unknown = switches.contains(Switch::UnknownKept);
    let mut attributes = Attributes::new();
    for (name, value) in members {
        let (name, value) = if let Some(schema) = names.extension(name) {
            (
                schema.urn,
                extension(schema.attributes, value, name, keep_unknown)?,
            )
        } else if let Some(attribute) = names.core(name) {
            if attribute.mutability == Mutability::ReadOnly {
                continue;
            }
            (attribute.name, accept(attribute, value)?)
        } else {
            let kept = keep_unknown && !is_unassigned(value);
            (name.as_str(), kept.then(|| value.clone()))
        };
        if let Some(value) = value
            && attributes.insert(name.to_owned(), value).is_some()
        {
            return Err(Refusal::syntax(format!("{name} is there twice.")));
        }
    }
    Ok(attributes)
}

/// Reads what it can of a resource and keeps the rest as it is (Admin Console).
pub(super) fn read_leniently(resource: &Value, names: &Names) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, value) in resource.as_object().into_iter().flatten() {
        let (name, value) = if let Some(schema) = names.extension(name) {
            let members = extension(schema.attributes, value, name, true);
            (schema.urn, members.unwrap_or_default())
        } else if let Some(attribute) = names.core(name) {
            if attribute.mutability == Mutability::ReadOnly {
                continue;
            }
            (attribute.name, accept(attribute, value).unwrap_or_default())
        } else {
            (name.as_str(), Some(value.clone()))
        };
        attributes.extend(value.map(|value| (name.to_owned(), value)));
    }
    attributes
}

fn extension(
    schema: &'static [Attribute],
    value: &Value,
    urn: &str,
    keep_unknown: bool,
) -> Result<Option<Value>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::Object(members) => object(schema, members, keep_unknown),
        _ => Err(Refusal::value(format!("{urn} is no object."))),
    }
}

fn object(
    known: &'static [Attribute],
    members: &Map<String, Value>,
    keep_unknown: bool,
) -> Result<Option<Value>, Refusal> {
    let mut accepted = Map::new();
    for (name, value) in members {
        let (name, value) = match super::schema::named(known, name) {
            Some(attribute) => (attribute.name, accept(attribute, value)?),
            None if keep_unknown && !is_unassigned(value) => (name.as_str(), Some(value.clone())),
            None => continue,
        };
        if let Some(value) = value
            && accepted.insert(name.to_owned(), value).is_some()
        {
            return Err(Refusal::syntax(format!("{name} is there twice.")));
        }
    }
    Ok((!accepted.is_empty()).then_some(Value::Object(accepted)))
}

/// Brings one attribute's value into its stored form; nothing where it is unassigned.
pub(super) fn accept(
    attribute: &'static Attribute,
    value: &Value,
) -> Result<Option<Value>, Refusal> {
    if is_unassigned(value) {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return accept_one(attribute, value);
    }
    let Value::Array(elements) = value else {
        return Err(Refusal::value(format!("{} is no array.", attribute.name)));
    };
    let mut accepted = Vec::new();
    for element in elements {
        accepted.extend(accept_one(attribute, element)?);
    }
    Ok((!accepted.is_empty()).then_some(Value::Array(accepted)))
}

/// The same for one value of a multi-valued attribute.
pub(super) fn accept_one(
    attribute: &'static Attribute,
    value: &Value,
) -> Result<Option<Value>, Refusal> {
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Kind::Complex(parts), Value::Object(members)) => object(parts, members, false),
        (Kind::Text | Kind::DateTime | Kind::Reference, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Integer, Value::Number(_)) => Ok(Some(value.clone())),
        (kind, _) => Err(Refusal::value(format!(
            "{} is no {}.",
            attribute.name,
            match kind {
                Kind::Complex(_) => "object",
                Kind::Boolean => "boolean",
                Kind::Integer => "number",
                Kind::Text | Kind::DateTime | Kind::Reference => "string",
            }
        ))),
    }
}

/// Whether a value is as good as absent (RFC 7643 §2.5).
pub(super) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

/// `schemas` lists the core schema and every extension in the body, each once (RFC 7643 §3).
/// A body without it passes, since some clients of 8x8 send none (docs/8x8.md §3, "Replies").
fn check_schemas(
    members: &Map<String, Value>,
    names: &Names,
    switches: &Switches,
) -> Result<(), Refusal> {
    let schemas = members
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("schemas"))
        .map(|(_, schemas)| schemas);
    let schemas = match schemas {
        None if switches.contains(Switch::SchemasRequired) => {
            return Err(Refusal::syntax("schemas is missing."));
        }
        None => return Ok(()),
        Some(Value::Array(schemas)) => schemas,
        Some(_) => return Err(Refusal::syntax("schemas is no array.")),
    };
    let mut listed = HashSet::new();
    for schema in schemas {
        let urn = schema
            .as_str()
            .ok_or_else(|| Refusal::syntax("schemas holds something that is no string."))?;
        if !listed.insert(urn.to_ascii_lowercase()) {
            return Err(Refusal::syntax("schemas holds a URN twice."));
        }
    }
    if !listed.contains(&USER_URN.to_ascii_lowercase()) {
        return Err(Refusal::syntax(format!(
            "schemas does not list {USER_URN}."
        )));
    }
    for (name, value) in members {
        if names.extension(name).is_some()
            && !is_unassigned(value)
            && !listed.contains(&name.to_ascii_lowercase())
        {
            return Err(Refusal::syntax(format!("schemas does not list {name}.")));
        }
    }
    Ok(())
}

/// The whole resource as it is answered.
pub(super) fn render(user: &User, base: &str, names: &Names, switches: &Switches) -> Value {
    let mut resource = Map::new();
    let mut schemas = vec![json!(USER_URN)];
    for (name, value) in &user.attributes {
        let name = names.outside(name).unwrap_or(name);
        // Nothing but a URN holds a colon.
        if name.contains(':') {
            schemas.push(json!(name));
        }
        resource.insert(name.to_owned(), value.clone());
    }
    if switches.contains(Switch::ActiveAsString) {
        let active = if user.is_active() { "True" } else { "False" };
        resource.insert("active".to_owned(), json!(active));
    }
    resource.insert("schemas".to_owned(), Value::Array(schemas));
    resource.insert("id".to_owned(), json!(user.id));
    let mut meta = Map::new();
    meta.insert("resourceType".to_owned(), json!("User"));
    meta.insert("created".to_owned(), json!(user.created.to_string()));
    meta.insert("lastModified".to_owned(), json!(user.modified.to_string()));
    if !switches.contains(Switch::LocationMissing) {
        meta.insert("location".to_owned(), json!(location(user, base)));
    }
    if switches.contains(Switch::Versions) {
        meta.insert("version".to_owned(), json!(etag(user)));
    }
    resource.insert("meta".to_owned(), Value::Object(meta));
    Value::Object(resource)
}

/// Where a user is.
pub(super) fn location(user: &User, base: &str) -> String {
    format!("{base}/Users/{}", user.id)
}

/// A user's version as an ETag (RFC 7644 §3.14).
pub(super) fn etag(user: &User) -> String {
    format!("W/\"{}\"", user.version)
}
