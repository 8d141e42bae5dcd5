//! Accounts, drafts and edits: between the contract's records and SCIM resources, with
//! every rule of the attribute table applied before anything is sent.

use alloc::borrow::Cow;

use crate::attributes::{Attribute, TABLE};
use crate::case;
use crate::contract::manifest::Mutability;
use crate::contract::{
    Account, AccountStatus, AttributeValues, Change, Draft, Edits, Notice, Problem, Value,
};
use crate::json::owned;
use crate::prelude::*;
use crate::scim::{Path, Reading, Resource};
use crate::settings::Tenant;

/// A user that needs the answer it came in no longer. Large, so it travels in a box.
pub type User = Box<State<'static>>;

/// A user as the service last showed it.
#[derive(Debug, Clone, PartialEq)]
pub struct State<'a> {
    /// A valid id; see [`is_id`].
    pub id: Cow<'a, str>,
    /// The whole resource.
    pub resource: Resource<'a>,
    values: Vec<(Attribute, Cow<'a, str>)>,
    active: bool,
}

impl<'a> State<'a> {
    /// Reads a resource; `None` where it has no id, or one that is no path segment, or where
    /// it cannot be told whether the user is active.
    #[must_use]
    pub fn read(resource: Resource<'a>, tenant: &Tenant) -> Option<Self> {
        let id = resource.id().filter(|id| is_id(id))?;
        let mut values = Vec::with_capacity(TABLE.len());
        for spec in &TABLE {
            if let Some(value) = read(&resource, spec.attribute, tenant).value() {
                values.push((spec.attribute, value));
            }
        }
        let active = resource.active()?;
        Some(Self {
            id,
            resource,
            values,
            active,
        })
    }

    /// A copy that needs the answer no longer.
    #[must_use]
    pub fn owned(&self) -> User {
        let values = self.values.iter();
        Box::new(State {
            id: owned(&self.id),
            resource: self.resource.owned(),
            values: values
                .map(|(named, value)| (*named, owned(value)))
                .collect(),
            active: self.active,
        })
    }

    /// The value of an attribute.
    #[must_use]
    pub fn value(&self, attribute: Attribute) -> Option<&str> {
        let mut values = self.values.iter();
        let (_, value) = values.find(|(named, _)| *named == attribute)?;
        Some(value)
    }

    /// Whether the person can use the account.
    #[must_use]
    pub fn active(&self) -> bool {
        self.active
    }

    /// Whether the attribute's value is this one, by the attribute's own rule.
    #[must_use]
    pub fn has(&self, attribute: Attribute, value: &str) -> bool {
        self.value(attribute)
            .is_some_and(|found| attribute.same(found, value))
    }

    /// As the contract has it.
    #[must_use]
    pub fn account(&self) -> Account {
        let attributes = self
            .values
            .iter()
            .map(|(attribute, value)| AttributeValues {
                name: attribute.name().to_owned(),
                values: vec![Value::Text((**value).to_owned())],
            });
        Account {
            id: (*self.id).to_owned(),
            status: status(self.active),
            attributes: attributes.collect(),
            version: self.resource.version().map(str::to_owned),
        }
    }
}

/// What stands at an attribute's path. A site is looked for under either URN.
#[must_use]
pub fn read<'a>(resource: &Resource<'a>, attribute: Attribute, tenant: &Tenant) -> Reading<'a> {
    if attribute != Attribute::Site {
        return resource.read(attribute.path(&tenant.site_schema));
    }
    for schema in tenant.site_schemas() {
        let reading = resource.read(attribute.path(schema));
        if reading != Reading::Absent {
            return reading;
        }
    }
    Reading::Absent
}

/// Escapes of what an id must not hold.
const ESCAPES: [&str; 7] = ["%2e", "%2f", "%5c", "%00", "%0a", "%0d", "%25"];

/// Whether a text can name an account: one path segment, and nothing that a server on the
/// way could take for a path (facts: `..` in a DELETE would reach all users).
#[must_use]
pub fn is_id(id: &str) -> bool {
    // Most are numbers or UUIDs.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if matches!(id.len(), 1..=512) && id.bytes().all(plain) {
        return true;
    }
    let escaped = || ESCAPES.iter().any(|escape| case::holds(id, escape));
    !id.trim().is_empty()
        && id.len() <= 512
        && !matches!(id, "." | "..")
        && !id.contains(|c: char| c.is_control() || matches!(c, '/' | '\\'))
        && (!id.as_bytes().contains(&b'%') || !escaped())
}

/// What an account is to become: of the attributes that it names, the value or none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Goal<'a> {
    /// The status, where it matters.
    pub active: Option<bool>,
    /// `None` clears.
    pub values: Vec<(Attribute, Option<&'a str>)>,
}

impl<'a> Goal<'a> {
    /// What a draft asks for.
    ///
    /// # Errors
    ///
    /// Every problem at once: unknown, repeated, missing or of another type.
    pub fn from_draft(draft: &'a Draft) -> Result<Self, Vec<Problem>> {
        let mut goal = Self {
            active: Some(draft.status == AccountStatus::Active),
            ..Self::default()
        };
        let mut problems = Vec::new();
        for given in &draft.attributes {
            let single = single(given);
            goal.take(&given.name, single, &mut problems);
        }
        for spec in TABLE.iter().filter(|spec| spec.required) {
            let missing = goal.value(spec.attribute).is_none();
            if missing && !problems.iter().any(|problem| problem.name == spec.name) {
                problems.push(problem(
                    spec.name,
                    "missing",
                    text!("8x8 makes no account without ", spec.name, "."),
                ));
            }
        }
        goal.values.retain(|(_, value)| value.is_some());
        if problems.is_empty() {
            Ok(goal)
        } else {
            Err(problems)
        }
    }

    /// What edits ask for.
    ///
    /// # Errors
    ///
    /// Every problem at once: unknown, repeated, of another type, or a required one
    /// cleared.
    pub fn from_edits(edits: &'a Edits) -> Result<Self, Vec<Problem>> {
        let mut goal = Self {
            active: edits.status.map(|status| status == AccountStatus::Active),
            ..Self::default()
        };
        let mut problems = Vec::new();
        for change in &edits.changes {
            match change {
                Change::Set(given) => {
                    let single = single(given);
                    goal.take(&given.name, single, &mut problems);
                }
                Change::Clear(name) => goal.take(name, Ok(None), &mut problems),
                Change::Add(given) | Change::Remove(given) => goal.take(
                    &given.name,
                    Err(("single-valued", "holds one value: set or clear it")),
                    &mut problems,
                ),
            }
        }
        if problems.is_empty() {
            Ok(goal)
        } else {
            Err(problems)
        }
    }

    fn take(
        &mut self,
        name: &str,
        value: Result<Option<&'a str>, (&str, &str)>,
        problems: &mut Vec<Problem>,
    ) {
        let Some(attribute) = Attribute::named(name) else {
            problems.push(problem(
                name,
                "unknown",
                text!("8x8 has no attribute of this name; it has ", names(), "."),
            ));
            return;
        };
        let mut refuse = |code: &str, what: &str| {
            problems.push(problem(name, code, text!(name, " ", what, ".")))
        };
        if self.touches(attribute) {
            return refuse("repeated", "is named twice");
        }
        match value {
            Ok(None) if attribute.spec().required => refuse("missing", "cannot be empty"),
            Ok(value) => {
                self.values.push((attribute, value));
            }
            Err((code, what)) => refuse(code, what),
        }
    }

    /// The part of the goal that a state does not meet. Values that mean the same are met,
    /// however they are spelled; null, empty and absent are one.
    #[must_use]
    pub fn unmet(&self, state: &State<'_>) -> Self {
        let met = |attribute: Attribute, wanted: Option<&str>| match wanted {
            Some(wanted) => state.has(attribute, wanted),
            None => state.value(attribute).is_none(),
        };
        Self {
            active: self.active.filter(|active| *active != state.active()),
            values: self
                .values
                .iter()
                .copied()
                .filter(|(attribute, wanted)| !met(*attribute, *wanted))
                .collect(),
        }
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much is asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.active.is_some()) + self.values.len()
    }

    /// The value wanted of an attribute.
    #[must_use]
    pub fn value(&self, attribute: Attribute) -> Option<&'a str> {
        let mut values = self.values.iter();
        let (_, value) = values.find(|(named, _)| *named == attribute)?;
        *value
    }

    /// Whether the goal names the attribute, if only to clear it.
    #[must_use]
    pub fn touches(&self, attribute: Attribute) -> bool {
        self.values.iter().any(|(named, _)| *named == attribute)
    }

    /// Set-once attributes of the goal that have another value already.
    pub fn frozen(&self, state: &State<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (attribute, _) in self.unmet(state).values {
            if attribute.spec().mutability != Mutability::SetOnce {
                continue;
            }
            if let Some(now) = state.value(attribute) {
                let name = attribute.name();
                let message = text!(
                    "8x8 does not let ",
                    name,
                    " change once it is set; it is “",
                    crate::failure::cleaned(now, 80),
                    "”. To move the person, an administrator deletes the user in the Admin \
                     Console, and the account is created again."
                );
                problems.push(problem(name, "set-once", message));
            }
        }
        problems
    }

    /// Writes the goal into a resource and leaves all else as it is.
    pub fn write(&self, resource: &mut Resource<'a>, tenant: &'a Tenant) {
        if let Some(active) = self.active {
            resource.set_active(active);
        }
        for (attribute, value) in &self.values {
            resource.write(attribute.path(&tenant.site_schema), *value);
        }
    }

    /// The paths of the goal's values.
    pub fn paths(
        &self,
        tenant: &'a Tenant,
    ) -> impl Iterator<Item = (Attribute, Path<'a>, Option<&'a str>)> {
        let values = self.values.iter();
        values.map(|(attribute, value)| (*attribute, attribute.path(&tenant.site_schema), *value))
    }

    /// What 8x8 may refuse, as notices: what is known of its limits is inferred.
    #[must_use]
    pub fn unlikely(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        for (attribute, value) in &self.values {
            if let Some(message) = value.and_then(|value| attribute.unlikely(value)) {
                notices.push(notice("likely-limit", Some(*attribute), message));
            }
        }
        notices
    }
}

/// The one value of an attribute, trimmed; none where it is empty.
fn single(given: &AttributeValues) -> Result<Option<&str>, (&'static str, &'static str)> {
    match given.values.as_slice() {
        [] => Ok(None),
        [Value::Text(text)] => {
            let text = text.trim();
            Ok((!text.is_empty()).then_some(text))
        }
        [Value::Boolean(_) | Value::Integer(_)] => Err(("wrong-type", "is a text")),
        _ => Err(("single-valued", "holds one value only")),
    }
}

fn names() -> String {
    let names: Vec<_> = TABLE.iter().map(|spec| spec.name).collect();
    names.join(", ")
}

/// The contract's status.
#[must_use]
pub fn status(active: bool) -> AccountStatus {
    if active {
        AccountStatus::Active
    } else {
        AccountStatus::Inactive
    }
}

/// A notice.
#[must_use]
pub fn notice(code: &str, attribute: Option<Attribute>, message: impl Into<String>) -> Notice {
    Notice {
        code: code.to_owned(),
        attribute: attribute.map(|attribute| attribute.name().to_owned()),
        message: message.into(),
    }
}

/// A problem.
#[must_use]
pub fn problem(name: &str, code: &str, message: impl Into<String>) -> Problem {
    Problem {
        name: name.to_owned(),
        code: code.to_owned(),
        message: message.into(),
    }
}
