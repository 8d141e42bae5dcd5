//! Attributes as people and files give them, `NAME=VALUE`, against a manifest: turned into
//! the contract's values, or refused by name before anything is sent.

use std::borrow::Cow;

use crate::contract::{
    Account, AccountStatus, Attribute, AttributeSpec, Change, Draft, Edits, Failure as Refusal,
    FailureKind, Manifest, Mutability, Problem, RetryAdvice, Value, ValueType,
};
use crate::failure::Failure;
use crate::nearest::nearest;

/// A name and a value as they were typed; an empty value clears.
pub type Pair = (String, String);

/// The spec of an attribute.
#[must_use]
pub fn spec<'a>(manifest: &'a Manifest, name: &str) -> Option<&'a AttributeSpec> {
    manifest.attributes.iter().find(|spec| spec.name == name)
}

/// The values of an account's attribute.
#[must_use]
pub fn values<'a>(account: &'a Account, name: &str) -> &'a [Value] {
    account
        .attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .map_or(&[], |attribute| &attribute.values)
}

/// Whether two lists of values are the same by the attribute's rules: order never counts,
/// blanks around a text do not, and case only where the manifest says so.
#[must_use]
pub fn same(spec: &AttributeSpec, a: &[Value], b: &[Value]) -> bool {
    let within = |a: &[Value], b: &[Value]| a.iter().all(|x| b.iter().any(|y| equal(spec, x, y)));
    within(a, b) && within(b, a)
}

fn equal(spec: &AttributeSpec, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => comparable(spec, a) == comparable(spec, b),
        _ => a == b,
    }
}

/// A text in the spelling that all texts share which are the same by the attribute's rules.
#[must_use]
pub(crate) fn comparable<'a>(spec: &AttributeSpec, text: &'a str) -> Cow<'a, str> {
    let text = text.trim();
    if spec.case_exact {
        Cow::Borrowed(text)
    } else {
        // By characters, so that a letter's form at a word's end makes no difference.
        Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
    }
}

/// Whether an attribute's values stay out of whatever is kept: journal, plan, report, trace,
/// recording.
pub(crate) fn is_hidden(spec: &AttributeSpec) -> bool {
    spec.sensitive || spec.mutability == Mutability::WriteOnly
}

/// A lookup: one name and its value.
///
/// # Errors
///
/// `invalid-account` where the name is unknown or the value of another type.
pub fn lookup(manifest: &Manifest, pair: &Pair) -> Result<Attribute, Failure> {
    let mut given = Given::new(manifest);
    given.take_all(std::slice::from_ref(pair));
    given.refuse_clearing();
    given.finish()?.pop().ok_or_else(|| {
        refuse(vec![problem(
            &pair.0,
            "missing",
            "A value is needed.".to_owned(),
        )])
    })
}

/// A new, active account. A name given twice gives two values.
///
/// # Errors
///
/// `invalid-account` with every problem: unknown names (and the nearest right one), wrong
/// types, read-only ones, missing required ones.
pub fn draft(manifest: &Manifest, pairs: &[Pair]) -> Result<Draft, Failure> {
    let mut given = Given::new(manifest);
    given.take_all(pairs);
    given.refuse_clearing();
    given.require();
    Ok(Draft {
        status: AccountStatus::Active,
        attributes: given.finish()?,
    })
}

/// Changes of an account: `NAME=VALUE` sets, `NAME=` clears.
///
/// # Errors
///
/// As for [`draft`]; and where a required attribute would be cleared.
pub fn edits(manifest: &Manifest, pairs: &[Pair]) -> Result<Edits, Failure> {
    let mut given = Given::new(manifest);
    given.take_all(pairs);
    for name in &given.cleared {
        if spec(manifest, name).is_some_and(|spec| spec.required) {
            given.problems.push(problem(
                name,
                "required",
                format!("{name} is required and cannot be cleared."),
            ));
        }
        if given
            .attributes
            .iter()
            .any(|attribute| attribute.name == *name)
        {
            given.problems.push(problem(
                name,
                "contradiction",
                format!("{name} is both set and cleared."),
            ));
        }
    }
    let cleared = std::mem::take(&mut given.cleared);
    let set = given.finish()?.into_iter().map(Change::Set);
    Ok(Edits {
        status: None,
        changes: set.chain(cleared.into_iter().map(Change::Clear)).collect(),
        expected_version: None,
    })
}

struct Given<'a> {
    manifest: &'a Manifest,
    attributes: Vec<Attribute>,
    cleared: Vec<String>,
    problems: Vec<Problem>,
}

impl<'a> Given<'a> {
    fn new(manifest: &'a Manifest) -> Self {
        Self {
            manifest,
            attributes: Vec::new(),
            cleared: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn take_all(&mut self, pairs: &[Pair]) {
        for (name, text) in pairs {
            if let Err(problem) = self.take(name, text) {
                self.problems.push(problem);
            }
        }
    }

    fn take(&mut self, name: &str, text: &str) -> Result<(), Problem> {
        let Some(spec) = spec(self.manifest, name) else {
            let names = self
                .manifest
                .attributes
                .iter()
                .map(|spec| spec.name.as_str());
            let title = &self.manifest.title;
            let hint = match nearest(name, names.clone()) {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => format!("it has {}.", names.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("{title} has no attribute {}; {hint}", name.escape_debug());
            return Err(problem(name, "unknown", message));
        };
        if spec.mutability == Mutability::ReadOnly {
            let message = format!("{name} is read-only.");
            return Err(problem(name, "read-only", message));
        }
        if text.trim().is_empty() {
            if !self.cleared.iter().any(|known| known == name) {
                self.cleared.push(name.to_owned());
            }
            return Ok(());
        }
        let value = value(spec, text)?;
        let known = self.attributes.iter_mut().find(|known| known.name == name);
        match known {
            None => self.attributes.push(Attribute {
                name: name.to_owned(),
                values: vec![value],
            }),
            Some(_) if !spec.multi_valued => {
                let message = format!("{name} holds one value, and is given twice.");
                return Err(problem(name, "single-valued", message));
            }
            Some(known) if known.values.contains(&value) => {}
            Some(known) => known.values.push(value),
        }
        Ok(())
    }

    fn refuse_clearing(&mut self) {
        for name in std::mem::take(&mut self.cleared) {
            let message = format!(
                "{name} has no value. `{name}=` clears, and only an update can clear; leave it out."
            );
            self.problems.push(problem(&name, "empty", message));
        }
    }

    fn require(&mut self) {
        for spec in self.manifest.attributes.iter().filter(|spec| spec.required) {
            let given = self.attributes.iter().any(|given| given.name == spec.name);
            let blamed = self
                .problems
                .iter()
                .any(|problem| problem.name == spec.name);
            if !given && !blamed {
                let message = format!(
                    "{} is missing ({}): {} needs it for every account.",
                    spec.name, spec.title, self.manifest.title
                );
                self.problems.push(problem(&spec.name, "missing", message));
            }
        }
    }

    fn finish(self) -> Result<Vec<Attribute>, Failure> {
        if self.problems.is_empty() {
            Ok(self.attributes)
        } else {
            Err(refuse(self.problems))
        }
    }
}

fn value(spec: &AttributeSpec, text: &str) -> Result<Value, Problem> {
    let name = &spec.name;
    let value = match spec.value_type {
        ValueType::Text => Value::Text(text.to_owned()),
        ValueType::Boolean => Value::Boolean(
            text.trim()
                .parse()
                .map_err(|_| problem(name, "wrong-type", format!("{name} is true or false.")))?,
        ),
        ValueType::Integer => Value::Integer(
            text.trim()
                .parse()
                .map_err(|_| problem(name, "wrong-type", format!("{name} is a whole number.")))?,
        ),
    };
    if !spec.choices.is_empty() && !spec.choices.iter().any(|choice| choice == text) {
        let message = format!("{name} is one of {}.", spec.choices.join(", "));
        return Err(problem(name, "not-a-choice", message));
    }
    let length = text.chars().count();
    match spec.max_length {
        Some(most) if length > most as usize => {
            let message =
                format!("{name} is too long: {length} characters, where {most} is the most.");
            Err(problem(name, "too-long", message))
        }
        _ => Ok(value),
    }
}

fn problem(name: &str, code: &str, message: String) -> Problem {
    Problem {
        name: name.to_owned(),
        code: code.to_owned(),
        message,
    }
}

fn refuse(problems: Vec<Problem>) -> Failure {
    let messages: Vec<_> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    Failure::Connector(Box::new(Refusal {
        kind: FailureKind::InvalidAccount,
        code: None,
        message: messages.join(" "),
        problems,
        retry: RetryAdvice::AfterRepair,
        account: None,
        upstream: None,
    }))
}
