//! Drafts and edits that the manifest forbids: refused by name, before anything is written.

use super::expect::{INVALID_ACCOUNT, names, refused};
use super::first_state::edits;
use super::outcome::{Checked, Stop};
use super::trial::Trial;
use super::values::{Slot, is_given};
use crate::attributes::values;
use crate::contract::{
    AccountStatus, Attribute, AttributeSpec, Change, Draft, Edits, Mutability, Operations, Value,
    ValueType,
};

/// No connector has an attribute of this name.
pub(super) const UNKNOWN: &str = "conformUnknown";

fn unknown() -> Attribute {
    Attribute {
        name: UNKNOWN.to_owned(),
        values: vec![Value::Text("conform".to_owned())],
    }
}

/// The first attribute of the manifest that is like this.
fn some(trial: &Trial, like: impl Fn(&AttributeSpec) -> bool) -> Option<AttributeSpec> {
    let mut specs = trial.manifest().attributes.iter();
    specs.find(|spec| like(spec)).cloned()
}

/// A good draft with this attribute in place of its own. Its name is nobody else's: where it is
/// taken all the same, the other checks still know who is nobody.
fn draft_with(trial: &Trial, attribute: Attribute) -> Vec<Attribute> {
    let keys = &trial.manifest().lookup_keys;
    let mut attributes = trial.values.least(Slot::Refused, keys);
    attributes.retain(|known| known.name != attribute.name);
    attributes.push(attribute);
    attributes
}

/// That a draft is refused for these attributes, and nothing is sent.
async fn create_refused(
    trial: &mut Trial,
    what: &str,
    attributes: Vec<Attribute>,
    at_fault: &[&str],
) -> Checked {
    trial.claims(Operations::CREATE, "create")?;
    let draft = Draft {
        status: AccountStatus::Active,
        attributes,
    };
    let failure = refused(what, trial.create(&draft).await, &[INVALID_ACCOUNT])?;
    for name in at_fault {
        names(what, &failure, name)?;
    }
    trial.sent_nothing(what)
}

pub(super) async fn create_missing_required(trial: &mut Trial) -> Checked {
    let specs = trial.manifest().attributes.iter();
    let required = specs.filter(|spec| spec.required);
    let required: Vec<_> = required.map(|spec| spec.name.clone()).collect();
    if required.is_empty() {
        return Err(Stop::skip("no attribute is required"));
    }
    let optional = some(trial, |spec| !spec.required && is_given(spec));
    let optional = optional.map(|spec| trial.values.attribute(&spec, Slot::Refused));
    let required: Vec<_> = required.iter().map(String::as_str).collect();
    let what = "creating without the required attributes";
    create_refused(trial, what, optional.into_iter().collect(), &required).await
}

pub(super) async fn create_unknown(trial: &mut Trial) -> Checked {
    let attributes = draft_with(trial, unknown());
    let what = "creating with an unknown attribute";
    create_refused(trial, what, attributes, &[UNKNOWN]).await
}

pub(super) async fn create_read_only(trial: &mut Trial) -> Checked {
    let Some(spec) = some(trial, |spec| spec.mutability == Mutability::ReadOnly) else {
        return Err(Stop::skip("no attribute is read-only"));
    };
    let attributes = draft_with(trial, trial.values.attribute(&spec, Slot::Refused));
    let what = format!("creating with the read-only {}", spec.name);
    create_refused(trial, &what, attributes, &[&spec.name]).await
}

pub(super) async fn create_twice_named(trial: &mut Trial) -> Checked {
    let Some(spec) = some(trial, is_given) else {
        return Err(Stop::skip("no attribute can be given"));
    };
    let twice = trial.values.attribute(&spec, Slot::Refused);
    let mut attributes = draft_with(trial, twice.clone());
    attributes.push(twice);
    let what = format!("creating with {} named twice", spec.name);
    create_refused(trial, &what, attributes, &[&spec.name]).await
}

pub(super) async fn create_wrong_type(trial: &mut Trial) -> Checked {
    let Some(spec) = some(trial, is_given) else {
        return Err(Stop::skip("no attribute can be given"));
    };
    let wrong = match spec.value_type {
        ValueType::Text => Value::Integer(1),
        ValueType::Boolean | ValueType::Integer => Value::Text("conform".to_owned()),
    };
    let wrong = Attribute {
        name: spec.name.clone(),
        values: vec![wrong],
    };
    let what = format!("creating with a {} of another type", spec.name);
    create_refused(trial, &what, draft_with(trial, wrong), &[&spec.name]).await
}

pub(super) async fn create_several_values(trial: &mut Trial) -> Checked {
    let single = |spec: &AttributeSpec| {
        !spec.multi_valued && is_given(spec) && trial.values.other(spec, Slot::Refused).is_some()
    };
    let Some(spec) = some(trial, single) else {
        return Err(Stop::skip("no attribute holds one value of several"));
    };
    let mut several = trial.values.attribute(&spec, Slot::Refused);
    several
        .values
        .extend(trial.values.other(&spec, Slot::Refused));
    let what = format!("creating with two values for {}", spec.name);
    create_refused(trial, &what, draft_with(trial, several), &[&spec.name]).await
}

pub(super) async fn create_beyond_choices(trial: &mut Trial) -> Checked {
    let chosen = |spec: &AttributeSpec| {
        !spec.choices.is_empty() && spec.value_type == ValueType::Text && is_given(spec)
    };
    let Some(spec) = some(trial, chosen) else {
        return Err(Stop::skip("no attribute has choices"));
    };
    let wrong = Attribute {
        name: spec.name.clone(),
        values: vec![Value::Text(beyond(&spec.choices))],
    };
    let what = format!("creating with a {} that is none of its choices", spec.name);
    create_refused(trial, &what, draft_with(trial, wrong), &[&spec.name]).await
}

/// A text that is none of these.
fn beyond(choices: &[String]) -> String {
    let mut text = "conform".to_owned();
    while choices.contains(&text) {
        text.push('x');
    }
    text
}

pub(super) async fn create_too_long(trial: &mut Trial) -> Checked {
    let bounded = |spec: &AttributeSpec| {
        spec.max_length.is_some() && spec.choices.is_empty() && is_given(spec)
    };
    let Some(spec) = some(trial, bounded) else {
        return Err(Stop::skip("no attribute has a `max-length`"));
    };
    let most = spec.max_length.map_or(0, |most| most as usize);
    let long = Attribute {
        name: spec.name.clone(),
        values: vec![Value::Text("x".repeat(most.saturating_add(1)))],
    };
    let what = format!("creating with a {} of {} characters", spec.name, most + 1);
    create_refused(trial, &what, draft_with(trial, long), &[&spec.name]).await
}

pub(super) async fn create_all_problems(trial: &mut Trial) -> Checked {
    let mut at_fault = vec![UNKNOWN.to_owned()];
    let mut attributes = draft_with(trial, unknown());
    if let Some(required) = some(trial, |spec| spec.required) {
        attributes.retain(|known| known.name != required.name);
        at_fault.push(required.name);
    }
    let other = some(trial, |spec| {
        is_given(spec) && !at_fault.contains(&spec.name)
    });
    if let Some(other) = other {
        attributes.retain(|known| known.name != other.name);
        let twice = trial.values.attribute(&other, Slot::Refused);
        attributes.extend([twice.clone(), twice]);
        at_fault.push(other.name);
    }
    if at_fault.len() < 2 {
        return Err(Stop::skip("a draft can be wrong in one way only"));
    }
    let at_fault: Vec<_> = at_fault.iter().map(String::as_str).collect();
    let what = "creating with several problems";
    create_refused(trial, what, attributes, &at_fault).await
}

/// That edits of the run's first account are refused for an attribute, and nothing is written.
async fn update_refused(
    trial: &mut Trial,
    what: &str,
    edits: &Edits,
    at_fault: Option<&str>,
) -> Checked {
    let made = trial.ready().await?;
    let updated = trial.update(&made.account.id, edits).await;
    let failure = refused(what, updated, &[INVALID_ACCOUNT])?;
    trial.wrote_nothing(what)?;
    match at_fault {
        Some(name) => names(what, &failure, name),
        None => Ok(()),
    }
}

pub(super) async fn clear_required(trial: &mut Trial) -> Checked {
    let changed = |spec: &AttributeSpec| spec.required && spec.mutability == Mutability::ReadWrite;
    let Some(spec) = some(trial, changed) else {
        return Err(Stop::skip("no attribute that can be changed is required"));
    };
    let clear = edits(vec![Change::Clear(spec.name.clone())]);
    let what = format!("clearing the required {}", spec.name);
    update_refused(trial, &what, &clear, Some(&spec.name)).await
}

pub(super) async fn update_unknown(trial: &mut Trial) -> Checked {
    let set = edits(vec![Change::Set(unknown())]);
    let what = "changing an unknown attribute";
    update_refused(trial, what, &set, Some(UNKNOWN)).await
}

pub(super) async fn update_read_only(trial: &mut Trial) -> Checked {
    let Some(spec) = some(trial, |spec| spec.mutability == Mutability::ReadOnly) else {
        return Err(Stop::skip("no attribute is read-only"));
    };
    // Another value than it may have, or else nothing would be changed.
    let mut value = trial.values.attribute(&spec, Slot::Nobody);
    if let Some(other) = trial.values.other(&spec, Slot::Nobody) {
        value.values = vec![other];
    }
    let what = format!("changing the read-only {}", spec.name);
    update_refused(
        trial,
        &what,
        &edits(vec![Change::Set(value)]),
        Some(&spec.name),
    )
    .await
}

pub(super) async fn update_set_once(trial: &mut Trial) -> Checked {
    let made = trial.ready().await?;
    let held = |spec: &AttributeSpec| {
        spec.mutability == Mutability::SetOnce && !values(&made.account, &spec.name).is_empty()
    };
    let Some(spec) = some(trial, held) else {
        let none = some(trial, |spec| spec.mutability == Mutability::SetOnce).is_none();
        return Err(Stop::skip(if none {
            "no attribute is set-once"
        } else {
            "the account has no value of a set-once attribute: give one with --value"
        }));
    };
    let other = match (trial.values.other(&spec, Slot::First), spec.value_type) {
        (Some(other), _) => Some(other),
        // It need not be one that the tenant would take: it is not to get there.
        (None, ValueType::Text) if spec.choices.is_empty() => {
            Some(Value::Text(format!("{}-other", trial.values.prefix())))
        }
        (None, _) => None,
    };
    if let Some(other) = other {
        let set = edits(vec![Change::Set(Attribute {
            name: spec.name.clone(),
            values: vec![other],
        })]);
        let what = format!("changing the set-once {}", spec.name);
        update_refused(trial, &what, &set, Some(&spec.name)).await?;
    }
    let clear = edits(vec![Change::Clear(spec.name.clone())]);
    let what = format!("clearing the set-once {}", spec.name);
    update_refused(trial, &what, &clear, Some(&spec.name)).await
}

pub(super) async fn update_twice_named(trial: &mut Trial) -> Checked {
    let changed = |spec: &AttributeSpec| spec.mutability == Mutability::ReadWrite;
    let Some(spec) = some(trial, changed) else {
        return Err(Stop::skip("no attribute can be changed"));
    };
    let value = trial.values.attribute(&spec, Slot::First);
    let twice = edits(vec![Change::Set(value.clone()), Change::Set(value)]);
    let what = format!("changing {} twice at once", spec.name);
    update_refused(trial, &what, &twice, Some(&spec.name)).await
}

pub(super) async fn add_to_single_valued(trial: &mut Trial) -> Checked {
    let single = |spec: &AttributeSpec| {
        !spec.multi_valued
            && spec.mutability == Mutability::ReadWrite
            && trial.values.other(spec, Slot::First).is_some()
    };
    let Some(spec) = some(trial, single) else {
        return Err(Stop::skip(
            "no attribute that can be changed holds one value",
        ));
    };
    let mut value = trial.values.attribute(&spec, Slot::First);
    let remove = edits(vec![Change::Remove(value.clone())]);
    let what = format!("removing a value from {}, which holds one,", spec.name);
    update_refused(trial, &what, &remove, Some(&spec.name)).await?;
    value.values = trial.values.other(&spec, Slot::First).into_iter().collect();
    let add = edits(vec![Change::Add(value)]);
    let what = format!("adding a value to {}, which holds one,", spec.name);
    update_refused(trial, &what, &add, Some(&spec.name)).await
}
