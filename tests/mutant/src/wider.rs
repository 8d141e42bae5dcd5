//! Attributes beyond 8x8's: one with several values, one of a limited length, one with choices,
//! and one that cannot be set. They are kept in attributes that 8x8 has.

use connector_8x8::account::{Goal, problem};
use connector_8x8::contract::{Account, AttributeValues, Change, Draft, Edits, Problem, Value};

/// Holds several values, which are one text in 8x8.
pub(crate) const LIST: &str = "title";
const BETWEEN: &str = " | ";
pub(crate) const SHORT: &str = "department";
pub(crate) const MOST: u32 = 40;
pub(crate) const CHOSEN: &str = "locale";
pub(crate) const CHOICES: [&str; 2] = ["en-GB", "en-US"];
/// Made of both names.
pub(crate) const DERIVED: &str = "displayName";

/// An account of 8x8's, with all that the mutant's manifest has.
pub(crate) fn widened(mut account: Account) -> Account {
    let name = |name: &str| match value(&account, name) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let derived = format!("{} {}", name("givenName"), name("familyName"));
    for held in &mut account.attributes {
        if let (LIST, [Value::Text(text)]) = (held.name.as_str(), held.values.as_slice()) {
            let texts = text.split(BETWEEN);
            held.values = texts.map(|text| Value::Text(text.to_owned())).collect();
        }
    }
    account.attributes.push(text(DERIVED, derived.trim()));
    account
}

pub(crate) fn text(name: &str, text: &str) -> AttributeValues {
    AttributeValues {
        name: name.to_owned(),
        values: vec![Value::Text(text.to_owned())],
    }
}

fn value<'a>(account: &'a Account, name: &str) -> Option<&'a Value> {
    let mut held = account.attributes.iter();
    held.find(|held| held.name == name)?.values.first()
}

/// As 8x8 keeps it.
pub(crate) fn narrowed(given: &AttributeValues) -> AttributeValues {
    let texts: Option<Vec<&str>> = given
        .values
        .iter()
        .map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    match texts {
        Some(texts) if given.name == LIST && !texts.is_empty() => text(LIST, &texts.join(BETWEEN)),
        _ => given.clone(),
    }
}

/// What the wider manifest has against an attribute that is given.
fn wrong(given: &AttributeValues, in_bytes: bool) -> Option<Problem> {
    let name = given.name.as_str();
    let too_long = |text: &str| {
        let length = if in_bytes {
            text.len()
        } else {
            text.chars().count()
        };
        length > MOST as usize
    };
    let (code, what) = match (name, given.values.as_slice()) {
        (DERIVED, _) => ("read-only", "cannot be set"),
        (SHORT, [Value::Text(text)]) if too_long(text) => ("too-long", "is too long"),
        (CHOSEN, [Value::Text(text)]) if !CHOICES.contains(&text.as_str()) => {
            ("not-a-choice", "is none of the choices")
        }
        _ => return None,
    };
    Some(problem(name, code, format!("{name} {what}.")))
}

/// A draft as 8x8's connector takes it, and everything that is wrong with it.
pub(crate) fn draft(draft: &Draft) -> (Draft, Vec<Problem>) {
    let given = draft.attributes.iter();
    let mut problems: Vec<_> = given.filter_map(|given| wrong(given, false)).collect();
    let given = draft
        .attributes
        .iter()
        .filter(|given| given.name != DERIVED);
    let narrow = Draft {
        status: draft.status,
        attributes: given.map(narrowed).collect(),
    };
    problems.extend(Goal::from_draft(&narrow).err().unwrap_or_default());
    (narrow, problems)
}

/// Everything that is wrong with edits.
pub(crate) fn problems(edits: &Edits, in_bytes: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut judged = Edits {
        changes: Vec::new(),
        ..edits.clone()
    };
    for change in &edits.changes {
        if let Change::Set(given) | Change::Add(given) = change {
            problems.extend(wrong(given, in_bytes));
        }
        judged.changes.push(match change {
            change if named(change) == DERIVED => continue,
            Change::Set(given) => Change::Set(narrowed(given)),
            Change::Add(given) | Change::Remove(given) if given.name == LIST => {
                Change::Set(narrowed(given))
            }
            change => change.clone(),
        });
    }
    problems.extend(Goal::from_edits(&judged).err().unwrap_or_default());
    problems
}

/// The attribute that a change is of.
pub(crate) fn named(change: &Change) -> &str {
    match change {
        Change::Set(given) | Change::Add(given) | Change::Remove(given) => &given.name,
        Change::Clear(name) => name,
    }
}

/// Values added to or removed from what an account has, as a change that sets or clears.
pub(crate) fn resolved(change: &Change, account: &Account) -> Change {
    let held = account.attributes.iter().find(|held| held.name == LIST);
    let mut values = held.map(|held| held.values.clone()).unwrap_or_default();
    match change {
        Change::Add(given) => {
            let more = given.values.iter().filter(|value| !values.contains(value));
            let more: Vec<_> = more.cloned().collect();
            values.extend(more);
        }
        Change::Remove(given) => values.retain(|value| !given.values.contains(value)),
        Change::Set(given) => return Change::Set(narrowed(given)),
        Change::Clear(_) => return change.clone(),
    }
    if values.is_empty() {
        return Change::Clear(LIST.to_owned());
    }
    Change::Set(narrowed(&AttributeValues {
        name: LIST.to_owned(),
        values,
    }))
}
