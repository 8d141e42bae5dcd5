//! How attributes change under `add`, `replace` and `remove` (RFC 7644 §3.5.2.1 to §3.5.2.3):
//! simple ones, complex ones, and the elements of multi-valued ones.

use serde_json::{Map, Value, json};

use super::answer::{Refusal, ScimType};
use super::filter::Filter;
use super::resource::{accept, accept_one, is_unassigned};
use super::schema::Attribute;

/// The `op` of a PATCH operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Replace,
    Remove,
}

/// Works on an object inside another, which is made where it is missing and taken out where it
/// ends up empty.
pub(super) fn within(
    container: &mut Map<String, Value>,
    name: Option<&str>,
    work: impl FnOnce(&mut Map<String, Value>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let Some(name) = name else {
        return work(container);
    };
    let mut members = match container.remove(name) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    work(&mut members)?;
    if !members.is_empty() {
        container.insert(name.to_owned(), Value::Object(members));
    }
    Ok(())
}

/// Adds, replaces or removes a whole attribute.
pub(super) fn set(
    verb: Verb,
    attribute: &'static Attribute,
    value: &Value,
    container: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    if verb == Verb::Remove || (verb == Verb::Replace && is_unassigned(value)) {
        // RFC 7644 §3.5.2.2: a required attribute cannot become unassigned.
        if attribute.required {
            return Err(Refusal::mutability(format!(
                "{} is required and cannot be removed.",
                attribute.name
            )));
        }
        container.remove(attribute.name);
        return Ok(());
    }
    if is_unassigned(value) {
        return Ok(());
    }
    if attribute.multi_valued {
        return set_elements(verb, attribute, value, container);
    }
    if attribute.parts().is_empty() {
        if let Some(value) = accept(attribute, value)? {
            container.insert(attribute.name.to_owned(), value);
        }
        return Ok(());
    }
    // RFC 7644 §3.5.2.3: sub-attributes that are not specified are left unchanged.
    let given = value
        .as_object()
        .ok_or_else(|| Refusal::value(format!("{} is no object.", attribute.name)))?;
    within(container, Some(attribute.name), |members| {
        for (name, value) in given {
            if let Some(part) = attribute.part(name) {
                set(verb, part, value, members)?;
            }
        }
        Ok(())
    })
}

/// Adds elements that are not there yet, or puts the given ones in place of all.
fn set_elements(
    verb: Verb,
    attribute: &'static Attribute,
    value: &Value,
    container: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let given = match value {
        Value::Array(elements) => elements.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut elements = match verb {
        Verb::Add => elements_of(attribute, container),
        Verb::Replace | Verb::Remove => Vec::new(),
    };
    for element in given {
        if let Some(element) = accept_one(attribute, element)?
            && !elements.iter().any(|old| same_element(old, &element))
        {
            elements.push(element);
        }
    }
    container.insert(attribute.name.to_owned(), Value::Array(elements));
    Ok(())
}

/// `primary` is ignored, so it makes no two elements differ.
fn same_element(old: &Value, new: &Value) -> bool {
    ["value", "type"]
        .iter()
        .all(|part| old.get(part) == new.get(part))
}

fn elements_of(attribute: &Attribute, container: &Map<String, Value>) -> Vec<Value> {
    match container.get(attribute.name) {
        Some(Value::Array(elements)) => elements.clone(),
        _ => Vec::new(),
    }
}

/// A path like `emails.value`: every element is meant.
pub(super) fn set_in_every(
    verb: Verb,
    attribute: &'static Attribute,
    part: &'static Attribute,
    value: &Value,
    container: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let mut elements = elements_of(attribute, container);
    if elements.is_empty() && verb != Verb::Remove {
        elements.push(json!({}));
    }
    for element in &mut elements {
        if let Some(members) = element.as_object_mut() {
            set(verb, part, value, members)?;
        }
    }
    container.insert(attribute.name.to_owned(), Value::Array(elements));
    Ok(())
}

/// A path like `emails[type eq "work"]` or `emails[type eq "work"].value`.
pub(super) fn set_where(
    verb: Verb,
    attribute: &'static Attribute,
    filter: &Filter,
    part: Option<&'static Attribute>,
    value: &Value,
    container: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let mut elements = elements_of(attribute, container);
    if !elements
        .iter()
        .any(|element| filter.matches_element(element))
    {
        let described = match verb {
            Verb::Add => described_element(filter),
            Verb::Replace | Verb::Remove => None,
        };
        elements.push(described.ok_or_else(|| {
            Refusal::bad(
                ScimType::NoTarget,
                format!("No element of {} matches the filter.", attribute.name),
            )
        })?);
    }
    if verb == Verb::Remove && part.is_none() {
        elements.retain(|element| !filter.matches_element(element));
    }
    for element in &mut elements {
        if !filter.matches_element(element) {
            continue;
        }
        match (part, element.as_object_mut()) {
            (Some(part), Some(members)) => set(verb, part, value, members)?,
            (None, Some(members)) => {
                let Some(Value::Object(given)) = accept_one(attribute, value)? else {
                    return Err(Refusal::value("The value of an element is an object."));
                };
                // RFC 7644 §3.5.2.3: matching values are replaced; §3.5.2.1: added to.
                if verb == Verb::Replace {
                    members.clear();
                }
                members.extend(given);
            }
            (_, None) => {}
        }
    }
    container.insert(attribute.name.to_owned(), Value::Array(elements));
    Ok(())
}

fn described_element(filter: &Filter) -> Option<Value> {
    let element = Value::Object(
        filter
            .equalities()?
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    );
    filter.matches_element(&element).then_some(element)
}
