//! Values for attributes, made from their specs: the accounts of a run differ in each value
//! that may have to be unique, and are the same in every run with one prefix.

use std::collections::BTreeMap;

use super::options::Options;
use crate::attributes::{Pair, draft, spec};
use crate::contract::{
    Attribute, AttributeSpec, Manifest, Mutability, Problem, Uniqueness, Value, ValueType,
};
use crate::failure::Failure;

/// Stands for the account's name in a value of the operator's.
const NAME: &str = "{}";
/// Prefixes are part of user names, which have limits.
const MOST_PREFIX: usize = 32;

/// The accounts that a run speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    First,
    Second,
    /// Never made by a connector that refuses what it has to.
    Refused,
    /// Never made.
    Nobody,
}

/// Where values come from.
#[derive(Debug)]
pub(super) struct Values {
    specs: Vec<AttributeSpec>,
    prefix: String,
    given: BTreeMap<String, Vec<String>>,
}

impl Values {
    pub(super) fn new(manifest: &Manifest, options: &Options) -> Result<Self, Failure> {
        let mut problems = Vec::new();
        let mut problem = |name: &str, code: &str, message: String| {
            problems.push(Problem {
                name: name.to_owned(),
                code: code.to_owned(),
                message,
            });
        };
        let prefix = options.prefix.clone();
        let sane = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if prefix.is_empty() || prefix.len() > MOST_PREFIX || !prefix.chars().all(sane) {
            let message = format!(
                "The prefix is at most {MOST_PREFIX} lower-case letters, digits and hyphens, such \
                 as `conform`: it becomes part of user names."
            );
            problem("prefix", "wrong", message);
        }
        let mut values = Self {
            specs: manifest.attributes.clone(),
            prefix,
            given: BTreeMap::new(),
        };
        for (name, text) in &options.values {
            // One of the right type and length as it will be sent.
            let sent: Pair = (name.clone(), text.replace(NAME, &values.name(Slot::First)));
            let refused = draft(manifest, std::slice::from_ref(&sent)).err();
            let wrong = refused.iter().flat_map(Failure::problems);
            for wrong in wrong.filter(|wrong| wrong.name == *name) {
                problem(name, &wrong.code, wrong.message.clone());
            }
            let unique = spec(manifest, name).is_some_and(is_unique);
            if unique && !text.contains(NAME) {
                let message = format!(
                    "No two accounts may have one {name}, and a run makes two: put {NAME} into \
                     its value, which stands for the account's name."
                );
                problem(name, "not-unique", message);
            }
            let given = values.given.entry(name.clone()).or_default();
            given.push(text.clone());
        }
        if problems.is_empty() {
            Ok(values)
        } else {
            Err(Failure::InvalidSettings { problems })
        }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The names of the accounts that are made.
    pub(super) fn names(&self) -> Vec<String> {
        vec![self.name(Slot::First), self.name(Slot::Second)]
    }

    pub(super) fn name(&self, slot: Slot) -> String {
        let end = match slot {
            Slot::First => "1",
            Slot::Second => "2",
            Slot::Refused => "refused",
            Slot::Nobody => "nobody",
        };
        format!("{}-{end}", self.prefix)
    }

    /// Every attribute that a draft may give.
    pub(super) fn everything(&self, slot: Slot) -> Vec<Attribute> {
        let given = self.specs.iter().filter(|spec| is_given(spec));
        given.map(|spec| self.attribute(spec, slot)).collect()
    }

    /// The attributes without which there is no account, and the keys, by which it is found.
    pub(super) fn least(&self, slot: Slot, keys: &[String]) -> Vec<Attribute> {
        let needed =
            |spec: &&AttributeSpec| is_given(spec) && (spec.required || keys.contains(&spec.name));
        let needed = self.specs.iter().filter(needed);
        needed.map(|spec| self.attribute(spec, slot)).collect()
    }

    /// The attribute as an account of this name has it.
    pub(super) fn attribute(&self, spec: &AttributeSpec, slot: Slot) -> Attribute {
        Attribute {
            name: spec.name.clone(),
            values: vec![self.value(spec, slot)],
        }
    }

    /// The attribute as an account of this name has it.
    pub(super) fn value(&self, spec: &AttributeSpec, slot: Slot) -> Value {
        let name = self.name(slot);
        let given = self.given.get(&spec.name).and_then(|given| given.first());
        let text = match (given, spec.choices.first()) {
            (Some(given), _) => given.replace(NAME, &name),
            (None, Some(choice)) => choice.clone(),
            (None, None) => made_up(spec, &name, slot == Slot::Second),
        };
        typed(spec, &text)
    }

    /// Another value than [`Self::value`] gives, if there is one to be had.
    pub(super) fn other(&self, spec: &AttributeSpec, slot: Slot) -> Option<Value> {
        let name = self.name(slot);
        let text = match (self.given.get(&spec.name), spec.choices.as_slice()) {
            (Some(given), _) => given.get(1)?.replace(NAME, &name),
            (None, [_, other, ..]) => other.clone(),
            (None, [_]) => return None,
            (None, []) => made_up(spec, &format!("{name}-changed"), true),
        };
        let other = typed(spec, &text);
        (other != self.value(spec, slot)).then_some(other)
    }

    /// Whether the operator said what the attribute is to hold.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The texts that a run gives to accounts, to look for where they do not belong. Only those
    /// that nobody else would come to think of.
    pub(super) fn telling(&self) -> Vec<String> {
        let slots = [Slot::First, Slot::Second];
        let all = slots.into_iter().flat_map(|slot| self.everything(slot));
        let texts = all.flat_map(|attribute| attribute.values);
        texts
            .filter_map(|value| match value {
                Value::Text(text) if text.contains(&self.prefix) => Some(text),
                _ => None,
            })
            .collect()
    }
}

/// Whether no two accounts may have the same value.
pub(super) fn is_unique(spec: &AttributeSpec) -> bool {
    spec.uniqueness != Uniqueness::None
}

/// Whether a draft may give it.
pub(super) fn is_given(spec: &AttributeSpec) -> bool {
    spec.mutability != Mutability::ReadOnly
}

/// Whether it holds plain text, of which any will do as far as the manifest tells.
pub(super) fn is_plain_text(spec: &AttributeSpec) -> bool {
    spec.value_type == ValueType::Text && spec.format.is_none() && spec.choices.is_empty()
}

fn typed(spec: &AttributeSpec, text: &str) -> Value {
    match spec.value_type {
        ValueType::Text => Value::Text(text.to_owned()),
        ValueType::Boolean => Value::Boolean(text == "true"),
        ValueType::Integer => Value::Integer(text.parse().unwrap_or_default()),
    }
}

/// A value as the spec wants it. `second` makes another one where the name cannot be part of it.
fn made_up(spec: &AttributeSpec, name: &str, second: bool) -> String {
    let of_two = |one: &str, other: &str| if second { other } else { one }.to_owned();
    let number = name.bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let text = match (spec.value_type, spec.format.as_deref()) {
        (ValueType::Boolean, _) => of_two("true", "false"),
        (ValueType::Integer, _) => format!("{}", number % 90_000 + 10_000),
        // Domains and numbers that nobody can have (RFC 2606 §3, and the North American plan's
        // 555-0100 to 0199).
        (ValueType::Text, Some("email")) => format!("{name}@example.com"),
        (ValueType::Text, Some("phone")) => {
            let area = 201 + number % 700;
            format!("+1{area}55501{:02}", number / 700 % 100)
        }
        (ValueType::Text, Some("date-time")) => {
            format!("2024-01-{:02}T09:00:00Z", number % 28 + 1)
        }
        (ValueType::Text, Some("decimal")) => format!("{}.5", number % 90_000 + 10_000),
        (ValueType::Text, Some("locale")) => of_two("en-US", "en-GB"),
        (ValueType::Text, Some("time-zone")) => of_two("America/New_York", "Europe/London"),
        (ValueType::Text, _) => name.to_owned(),
    };
    let most = spec.max_length.map_or(usize::MAX, |most| most as usize);
    let length = text.chars().count();
    if length <= most {
        return text;
    }
    // The end tells the accounts apart.
    text.chars().skip(length - most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, format: Option<&str>) -> AttributeSpec {
        AttributeSpec {
            name: name.to_owned(),
            title: String::new(),
            help: String::new(),
            path: String::new(),
            value_type: ValueType::Text,
            format: format.map(str::to_owned),
            multi_valued: false,
            required: true,
            case_exact: true,
            sensitive: false,
            mutability: Mutability::ReadWrite,
            uniqueness: Uniqueness::WithinTenant,
            choices: Vec::new(),
            max_length: None,
        }
    }

    fn values(specs: &[AttributeSpec], given: &[(&str, &str)]) -> Values {
        let given = given.iter();
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in given {
            all.entry((*name).to_owned())
                .or_default()
                .push((*value).to_owned());
        }
        Values {
            specs: specs.to_vec(),
            prefix: "conform".to_owned(),
            given: all,
        }
    }

    #[test]
    fn accounts_differ_and_so_do_the_values_that_they_are_changed_to() {
        let formats = [
            None,
            Some("email"),
            Some("phone"),
            Some("date-time"),
            Some("decimal"),
            Some("locale"),
            Some("time-zone"),
            Some("shoe-size"),
        ];
        for format in formats {
            let spec = text("a", format);
            let values = values(std::slice::from_ref(&spec), &[]);
            let first = values.value(&spec, Slot::First);
            assert_ne!(first, values.value(&spec, Slot::Second), "{format:?}");
            let other = values.other(&spec, Slot::First).unwrap();
            assert_ne!(first, other, "{format:?}");
        }
    }

    #[test]
    fn a_limit_of_length_leaves_what_tells_the_accounts_apart() {
        let spec = AttributeSpec {
            max_length: Some(3),
            ..text("a", None)
        };
        let values = values(std::slice::from_ref(&spec), &[]);
        let Value::Text(first) = values.value(&spec, Slot::First) else {
            panic!("no text");
        };
        assert_eq!(first, "m-1");
        assert_ne!(Value::Text(first), values.value(&spec, Slot::Second));
    }

    #[test]
    fn the_operators_values_hold_the_accounts_name_and_the_second_is_what_is_changed_to() {
        let spec = text("site", None);
        let given = [("site", "{}@acme.example"), ("site", "Paris")];
        let values = values(std::slice::from_ref(&spec), &given);
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(
            values.value(&spec, Slot::First),
            text("conform-1@acme.example")
        );
        assert_eq!(values.other(&spec, Slot::First), Some(text("Paris")));
    }
}
