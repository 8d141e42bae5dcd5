//! What an account is to become: drafts and edits, checked against the manifest's attributes
//! before anything is sent, and compared with what is there by each attribute's own rules.

use crate::contract::manifest::{AttributeSpec, Manifest, Mutability, ValueType};
use crate::contract::{Account, AccountStatus, Attribute, Change, Draft, Edits, Problem, Value};
use crate::failure::problem;
use crate::service::TITLE;

/// What an account is to hold. What it does not name stays as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The status, where it matters.
    pub status: Option<AccountStatus>,
    /// The values of each named attribute; none of them clears it.
    pub values: Vec<(String, Vec<Value>)>,
}

impl Wish {
    /// What a draft asks for.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    pub fn from_draft(manifest: &Manifest, draft: &Draft) -> Result<Self, Vec<Problem>> {
        let given = draft.attributes.iter();
        let given = given.map(|attribute| Given::set(&attribute.name, &attribute.values));
        let mut problems = Vec::new();
        let edits = checked(manifest, given.collect(), &mut problems);
        for spec in manifest.attributes.iter().filter(|spec| spec.required) {
            let named = |edit: &Edit| edit.name == spec.name && !edit.values.is_empty();
            let known = problems.iter().any(|problem| problem.name == spec.name);
            if !known && !edits.iter().any(named) {
                problems.push(missing(spec));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let values = edits.into_iter().filter(|edit| !edit.values.is_empty());
        Ok(Self {
            status: Some(draft.status),
            values: values.map(|edit| (edit.name, edit.values)).collect(),
        })
    }

    /// The values wanted of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[Value]> {
        let mut values = self.values.iter();
        let (_, values) = values.find(|(named, _)| named == name)?;
        Some(values)
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.status.is_none() && self.values.is_empty()
    }

    /// The part that an account does not meet.
    #[must_use]
    pub fn unmet(&self, manifest: &Manifest, account: &Account) -> Self {
        let met = |name: &str, wanted: &[Value]| {
            let spec = spec(manifest, name);
            spec.is_some_and(|spec| same(spec, wanted, values(account, name)))
        };
        let mut values = self.values.clone();
        values.retain(|(name, wanted)| !met(name, wanted));
        Self {
            status: self.status.filter(|status| *status != account.status),
            values,
        }
    }

    /// What is asked for, by name.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let status = self.status.map(|_| "status");
        let names = self.values.iter().map(|(name, _)| name.as_str());
        names.chain(status).collect()
    }
}

/// Edits that passed every check which needs no account.
#[derive(Debug, Clone)]
pub struct Plan {
    status: Option<AccountStatus>,
    edits: Vec<Edit>,
}

#[derive(Debug, Clone)]
struct Edit {
    name: String,
    how: How,
    values: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Set,
    Add,
    Remove,
}

impl Plan {
    /// What edits ask for.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    pub fn from_edits(manifest: &Manifest, edits: &Edits) -> Result<Self, Vec<Problem>> {
        let given = edits.changes.iter().map(|change| match change {
            Change::Set(attribute) => Given::set(&attribute.name, &attribute.values),
            Change::Clear(name) => Given::set(name, &[]),
            Change::Add(attribute) => Given::new(How::Add, attribute),
            Change::Remove(attribute) => Given::new(How::Remove, attribute),
        });
        let mut problems = Vec::new();
        let checked = checked(manifest, given.collect(), &mut problems);
        for edit in checked.iter().filter(|edit| edit.how == How::Set) {
            let spec = spec(manifest, &edit.name);
            if let Some(spec) = spec.filter(|spec| spec.required && edit.values.is_empty()) {
                problems.push(missing(spec));
            }
        }
        if problems.is_empty() {
            Ok(Self {
                status: edits.status,
                edits: checked,
            })
        } else {
            Err(problems)
        }
    }

    /// What the edits make of an account, as far as it differs from what is there.
    ///
    /// # Errors
    ///
    /// What shows only against the account: a set-once attribute that has another value, a
    /// required one that would lose its last.
    pub fn against(&self, manifest: &Manifest, now: &Account) -> Result<Wish, Vec<Problem>> {
        let mut wish = Wish {
            status: self.status,
            values: Vec::new(),
        };
        for edit in &self.edits {
            let Some(spec) = spec(manifest, &edit.name) else {
                continue;
            };
            let held = values(now, &edit.name);
            let has = |list: &[Value], value: &Value| list.iter().any(|v| equal(spec, v, value));
            let wanted = match edit.how {
                How::Set => edit.values.clone(),
                How::Add => {
                    let new = edit.values.iter().filter(|value| !has(held, value));
                    held.iter().chain(new).cloned().collect()
                }
                How::Remove => {
                    let kept = held.iter().filter(|value| !has(&edit.values, value));
                    kept.cloned().collect()
                }
            };
            wish.values.push((edit.name.clone(), wanted));
        }
        let wish = wish.unmet(manifest, now);
        let mut problems = Vec::new();
        for (name, wanted) in &wish.values {
            let Some(spec) = spec(manifest, name) else {
                continue;
            };
            if spec.mutability == Mutability::SetOnce && !values(now, name).is_empty() {
                let message = format!("{TITLE} does not let {name} change once it is set.");
                problems.push(problem(name, "set-once", message));
            } else if spec.required && wanted.is_empty() {
                problems.push(missing(spec));
            }
        }
        if problems.is_empty() {
            Ok(wish)
        } else {
            Err(problems)
        }
    }
}

struct Given<'a> {
    how: How,
    name: &'a str,
    values: &'a [Value],
}

impl<'a> Given<'a> {
    fn new(how: How, attribute: &'a Attribute) -> Self {
        Self {
            how,
            name: &attribute.name,
            values: &attribute.values,
        }
    }

    fn set(name: &'a str, values: &'a [Value]) -> Self {
        let how = How::Set;
        Self { how, name, values }
    }
}

/// What of it is good; the rest becomes problems.
fn checked(manifest: &Manifest, given: Vec<Given<'_>>, problems: &mut Vec<Problem>) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for given in given {
        let name = given.name;
        let fault = match spec(manifest, name) {
            None => Some(("unknown", format!("{TITLE} has no attribute {name}."))),
            Some(_) if edits.iter().any(|edit| edit.name == name) => {
                Some(("repeated", format!("{name} is named twice.")))
            }
            Some(spec) => match values_of(spec, &given) {
                Ok(values) => {
                    edits.push(Edit {
                        name: name.to_owned(),
                        how: given.how,
                        values,
                    });
                    None
                }
                Err(fault) => Some(fault),
            },
        };
        if let Some((code, message)) = fault {
            problems.push(problem(name, code, message));
        }
    }
    edits
}

/// The values without blanks around them, without empty ones, and no two alike.
fn values_of(
    spec: &AttributeSpec,
    given: &Given<'_>,
) -> Result<Vec<Value>, (&'static str, String)> {
    let name = &spec.name;
    if spec.mutability == Mutability::ReadOnly {
        return Err(("read-only", format!("{name} is read-only.")));
    }
    let mut values: Vec<Value> = Vec::new();
    for value in given.values {
        let value = match (value, spec.value_type) {
            (Value::Text(text), ValueType::Text) if text.trim().is_empty() => continue,
            (Value::Text(text), ValueType::Text) => Value::Text(text.trim().to_owned()),
            (Value::Boolean(_), ValueType::Boolean) | (Value::Integer(_), ValueType::Integer) => {
                value.clone()
            }
            _ => {
                let message = format!("{name} is {}.", kind_of(spec.value_type));
                return Err(("wrong-type", message));
            }
        };
        if let Value::Text(text) = &value {
            let choice = |choice: &String| *choice == *text;
            if !spec.choices.is_empty() && !spec.choices.iter().any(choice) {
                let message = format!("{name} is one of {}.", spec.choices.join(", "));
                return Err(("not-a-choice", message));
            }
            let most = spec.max_length.and_then(|most| usize::try_from(most).ok());
            if let Some(most) = most.filter(|most| text.chars().count() > *most) {
                return Err(("too-long", format!("{name} has at most {most} characters.")));
            }
        }
        if !values.iter().any(|known| equal(spec, known, &value)) {
            values.push(value);
        }
    }
    if !spec.multi_valued && (values.len() > 1 || given.how != How::Set) {
        let message = format!("{name} holds one value: set or clear it.");
        return Err(("single-valued", message));
    }
    Ok(values)
}

fn kind_of(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "a text",
        ValueType::Boolean => "true or false",
        ValueType::Integer => "a whole number",
    }
}

fn missing(spec: &AttributeSpec) -> Problem {
    let message = format!("{TITLE} has no account without {}.", spec.name);
    problem(&spec.name, "missing", message)
}

/// The spec of an attribute.
#[must_use]
pub fn spec<'a>(manifest: &'a Manifest, name: &str) -> Option<&'a AttributeSpec> {
    manifest.attributes.iter().find(|spec| spec.name == name)
}

/// The values of an account's attribute.
#[must_use]
pub fn values<'a>(account: &'a Account, name: &str) -> &'a [Value] {
    let mut attributes = account.attributes.iter();
    let found = attributes.find(|attribute| attribute.name == name);
    found.map_or(&[], |attribute| &attribute.values)
}

/// Whether two lists of values are the same: order never counts, blanks around a text do not,
/// and case only where the manifest says so.
#[must_use]
pub fn same(spec: &AttributeSpec, a: &[Value], b: &[Value]) -> bool {
    let within = |a: &[Value], b: &[Value]| a.iter().all(|x| b.iter().any(|y| equal(spec, x, y)));
    within(a, b) && within(b, a)
}

fn equal(spec: &AttributeSpec, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) if spec.case_exact => a.trim() == b.trim(),
        (Value::Text(a), Value::Text(b)) => {
            let lower = |text: &str| -> String {
                text.trim().chars().flat_map(char::to_lowercase).collect()
            };
            lower(a) == lower(b)
        }
        _ => a == b,
    }
}
