//! `attributes` and `excludedAttributes` (RFC 7644 §3.9): which parts of a resource are answered.
//! `id` and `schemas` always are.

use serde_json::{Map, Value};

use super::answer::Refusal;
use super::schema::{Names, Target};

/// Which attributes to answer.
#[derive(Clone, Debug, Default)]
pub(super) enum Projection {
    #[default]
    Everything,
    Only(Vec<Target>),
    Without(Vec<Target>),
}

impl Projection {
    /// Reads the two parameters, of which one may be given. Names that the tenant does not know
    /// are ignored.
    pub(super) fn read(
        attributes: Option<&str>,
        excluded: Option<&str>,
        names: &Names,
    ) -> Result<Self, Refusal> {
        let targets = |list: &str| {
            list.split(',')
                .filter_map(|written| names.resolve(written.trim()))
                .collect()
        };
        match (attributes, excluded) {
            (None, None) => Ok(Self::Everything),
            (Some(list), None) => Ok(Self::Only(targets(list))),
            (None, Some(list)) => Ok(Self::Without(targets(list))),
            (Some(_), Some(_)) => Err(Refusal::value(
                "attributes and excludedAttributes exclude each other.",
            )),
        }
    }

    /// Takes out of a rendered resource what is not wanted.
    pub(super) fn apply(&self, resource: Value, names: &Names) -> Value {
        let Value::Object(mut all) = resource else {
            return resource;
        };
        match self {
            Self::Everything => Value::Object(all),
            Self::Only(targets) => {
                let mut chosen = Map::new();
                for always in ["id", "schemas"] {
                    chosen.extend(all.get(always).map(|v| (always.to_owned(), v.clone())));
                }
                for target in targets {
                    choose(target, &all, &mut chosen, names);
                }
                Value::Object(chosen)
            }
            Self::Without(targets) => {
                for target in targets {
                    if target.attribute.returned != "always" {
                        leave_out(target, &mut all, names);
                    }
                }
                Value::Object(all)
            }
        }
    }
}

fn choose(target: &Target, all: &Map<String, Value>, into: &mut Map<String, Value>, names: &Names) {
    if let Some(urn) = target.extension.and_then(|urn| names.outside(urn)) {
        if let Some(Value::Object(members)) = all.get(urn) {
            let entry = into.entry(urn).or_insert_with(|| Value::Object(Map::new()));
            if let Some(chosen) = entry.as_object_mut() {
                choose(
                    &Target {
                        extension: None,
                        ..*target
                    },
                    members,
                    chosen,
                    names,
                );
            }
        }
        return;
    }
    let name = target.attribute.name;
    let Some(value) = all.get(name) else { return };
    let Some(part) = target.part else {
        into.insert(name.to_owned(), value.clone());
        return;
    };
    let one = |element: &Value| {
        let mut members = Map::new();
        members.extend(
            element
                .get(part.name)
                .map(|v| (part.name.to_owned(), v.clone())),
        );
        members
    };
    match (value, into.get_mut(name)) {
        (Value::Array(elements), Some(Value::Array(chosen))) => {
            for (element, chosen) in elements.iter().zip(chosen) {
                if let Some(members) = chosen.as_object_mut() {
                    members.extend(one(element));
                }
            }
        }
        (Value::Array(elements), _) => {
            let chosen = elements.iter().map(|element| Value::Object(one(element)));
            into.insert(name.to_owned(), chosen.collect());
        }
        (single, Some(Value::Object(chosen))) => chosen.extend(one(single)),
        (single, _) => {
            into.insert(name.to_owned(), Value::Object(one(single)));
        }
    }
}

fn leave_out(target: &Target, from: &mut Map<String, Value>, names: &Names) {
    if let Some(urn) = target.extension.and_then(|urn| names.outside(urn)) {
        if let Some(Value::Object(members)) = from.get_mut(urn) {
            leave_out(
                &Target {
                    extension: None,
                    ..*target
                },
                members,
                names,
            );
        }
        return;
    }
    match (target.part, from.get_mut(target.attribute.name)) {
        (None, _) => {
            from.remove(target.attribute.name);
        }
        (Some(part), Some(Value::Object(members))) => {
            members.remove(part.name);
        }
        (Some(part), Some(Value::Array(elements))) => {
            for element in elements {
                if let Some(members) = element.as_object_mut() {
                    members.remove(part.name);
                }
            }
        }
        _ => {}
    }
}
