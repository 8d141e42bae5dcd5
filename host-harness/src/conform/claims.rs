//! The manifest itself, what it does not claim, and what the connector said in words.

use std::collections::BTreeSet;

use super::expect::{UNSUPPORTED, done, refused};
use super::first_state::edits;
use super::outcome::{Checked, Stop};
use super::trial::Trial;
use super::values::Slot;
use crate::attributes::spec;
use crate::contract::{
    AccountStatus, Draft, Edits, Manifest, Mutability, Operations, PageQuery, SettingKind,
    ValueType,
};

pub(super) async fn says_the_same(trial: &mut Trial) -> Checked {
    let limits = &trial.options.limits;
    let host = trial.component.host();
    let again = host.within("describe", limits.operation_time, async {
        let mut sandbox = trial.component.sandbox(limits, None, None).await?;
        Ok([sandbox.describe().await?, sandbox.describe().await?])
    });
    let again = done("`describe`", again.await)?;
    if again.iter().any(|again| again != trial.manifest()) {
        return Err(Stop::fail(
            "`describe` says something else when asked again",
        ));
    }
    Ok(())
}

pub(super) async fn is_coherent(trial: &mut Trial) -> Checked {
    let wrong = contradictions(trial.manifest());
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Stop::Fail(wrong.join("; ")))
}

/// What cannot be true at the same time, beyond what the host looks at when it loads a
/// component.
fn contradictions(manifest: &Manifest) -> Vec<String> {
    let mut wrong = Vec::new();
    let finds = manifest.operations.contains(Operations::FIND);
    if finds == manifest.lookup_keys.is_empty() {
        wrong.push("`find` and `lookup-keys` go together, and one is missing".to_owned());
    }
    let needs = |operation, needed, text: &str| {
        (manifest.operations.contains(operation) && !manifest.operations.contains(needed))
            .then(|| text.to_owned())
    };
    wrong.extend(needs(
        Operations::UPDATE,
        Operations::GET,
        "`update` is claimed without `get`, so that nobody sees what it did",
    ));
    if manifest.operations.contains(Operations::SET_STATUS)
        && !manifest.operations.contains(Operations::CREATE)
        && !manifest.operations.contains(Operations::UPDATE)
    {
        wrong.push("`set-status` is claimed without `create` and `update`".to_owned());
    }
    let keys = manifest.lookup_keys.iter().chain(&manifest.identity_key);
    for key in keys.filter_map(|key| spec(manifest, key)) {
        if key.mutability == Mutability::WriteOnly {
            wrong.push(format!("{} is a key and can never be read", key.name));
        }
    }
    for attribute in &manifest.attributes {
        let name = &attribute.name;
        let mut claim = |holds: bool, text: &str| {
            if !holds {
                wrong.push(format!("{name} {text}"));
            }
        };
        let is_text = attribute.value_type == ValueType::Text;
        claim(
            !attribute.required || attribute.mutability != Mutability::ReadOnly,
            "is required and read-only",
        );
        claim(
            is_text || attribute.max_length.is_none(),
            "has a length and is no text",
        );
        claim(
            is_text || attribute.format.is_none(),
            "has a format and is no text",
        );
        claim(attribute.max_length != Some(0), "may hold nothing");
        let choices: BTreeSet<_> = attribute.choices.iter().collect();
        claim(
            choices.len() == attribute.choices.len(),
            "has a choice twice",
        );
        let fits = attribute.choices.iter().all(|choice| {
            let short = attribute
                .max_length
                .is_none_or(|most| choice.chars().count() <= most as usize);
            let typed = match attribute.value_type {
                ValueType::Text => !choice.is_empty(),
                ValueType::Boolean => matches!(choice.as_str(), "true" | "false"),
                ValueType::Integer => choice.parse::<i64>().is_ok(),
            };
            short && typed
        });
        claim(fits, "has a choice that does not fit its type or length");
    }
    for setting in &manifest.settings {
        let fits = match (&setting.default, &setting.kind) {
            (Some(default), SettingKind::Choice(choices)) => choices.contains(default),
            (Some(default), SettingKind::Boolean) => matches!(default.as_str(), "true" | "false"),
            _ => true,
        };
        if !fits {
            wrong.push(format!(
                "the setting {} has a default that it would not take",
                setting.name
            ));
        }
    }
    wrong
}

/// What the manifest does not claim.
pub(super) async fn unclaimed_operations(trial: &mut Trial) -> Checked {
    let claimed = trial.manifest().operations;
    if claimed == Operations::all() {
        return Err(Stop::skip("the manifest claims every operation"));
    }
    let subject = trial.subject().await.ok();
    let id = subject.map_or_else(|| trial.values.name(Slot::Nobody), |account| account.id);
    let everything = trial.values.everything(Slot::Nobody);
    let due = [UNSUPPORTED];
    if !claimed.contains(Operations::LIST) {
        let query = PageQuery {
            cursor: None,
            limit: 1,
        };
        refused("`list`", trial.list(query).await, &due)?;
        trial.sent_nothing("`list`")?;
    }
    if !claimed.contains(Operations::GET) {
        refused("`get`", trial.get(&id).await, &due)?;
        trial.sent_nothing("`get`")?;
    }
    if !claimed.contains(Operations::FIND)
        && let Some(attribute) = everything.first()
        && let Some(value) = attribute.values.first()
    {
        let found = trial.find(&attribute.name, value).await;
        refused("`find`", found, &due)?;
        trial.sent_nothing("`find`")?;
    }
    if !claimed.contains(Operations::CREATE) {
        let draft = Draft {
            status: AccountStatus::Active,
            attributes: everything.clone(),
        };
        refused("`create`", trial.create(&draft).await, &due)?;
        trial.sent_nothing("`create`")?;
    }
    if !claimed.contains(Operations::UPDATE) {
        let change = crate::contract::Change::Set;
        let changes = everything.iter().take(1).cloned().map(change).collect();
        refused("`update`", trial.update(&id, &edits(changes)).await, &due)?;
        trial.sent_nothing("`update`")?;
    }
    if !claimed.contains(Operations::DELETE) {
        refused("`delete`", trial.delete(&id).await, &due)?;
        trial.sent_nothing("`delete`")?;
    }
    if claimed.contains(Operations::UPDATE) && !claimed.contains(Operations::SET_STATUS) {
        let inactive = Edits {
            status: Some(AccountStatus::Inactive),
            ..edits(Vec::new())
        };
        refused(
            "setting the status",
            trial.update(&id, &inactive).await,
            &due,
        )?;
        trial.wrote_nothing("setting the status")?;
    }
    Ok(())
}

/// Whatever was said in this run, in words.
pub(super) async fn failures(trial: &mut Trial) -> Checked {
    let manifest = trial.manifest();
    let known = manifest.attributes.iter().map(|spec| spec.name.as_str());
    let known = known
        .chain(
            manifest
                .settings
                .iter()
                .map(|setting| setting.name.as_str()),
        )
        .chain(manifest.credentials.iter().map(|c| c.name.as_str()))
        .chain(["id", "status", super::refusals::UNKNOWN]);
    let known: BTreeSet<_> = known.collect();
    for failure in &trial.failures {
        let of = format!("a failure `{}`", crate::failure::kind_name(failure.kind));
        if failure.message.trim().is_empty() {
            return Err(Stop::Fail(format!("{of} says nothing to a person")));
        }
        let codes = failure.code.iter();
        let codes = codes.chain(failure.problems.iter().map(|problem| &problem.code));
        if let Some(code) = codes.into_iter().find(|code| !is_kebab(code)) {
            return Err(Stop::Fail(format!(
                "{of} has the code `{}`, which is not kebab-case",
                code.escape_debug()
            )));
        }
        for problem in &failure.problems {
            if !known.contains(problem.name.as_str()) {
                return Err(Stop::Fail(format!(
                    "{of} has a problem with `{}`, which is no attribute and no setting",
                    problem.name.escape_debug()
                )));
            }
            if problem.message.trim().is_empty() {
                return Err(Stop::Fail(format!(
                    "{of} has a problem with {} that says nothing to a person",
                    problem.name
                )));
            }
        }
    }
    for notice in &trial.notices {
        let attribute = notice.attribute.as_deref();
        let exists = attribute.is_none_or(|name| spec(manifest, name).is_some());
        if !is_kebab(&notice.code) || notice.message.trim().is_empty() || !exists {
            return Err(Stop::Fail(format!(
                "the notice `{}` is not one: kebab-case, a sentence, an attribute of the manifest",
                notice.code.escape_debug()
            )));
        }
    }
    Ok(())
}

fn is_kebab(code: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !code.is_empty() && code.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{AttributeSpec, DeletionEffect, Setting, Uniqueness};

    fn attribute(name: &str) -> AttributeSpec {
        AttributeSpec {
            name: name.to_owned(),
            title: String::new(),
            help: String::new(),
            path: String::new(),
            value_type: ValueType::Text,
            format: None,
            multi_valued: false,
            required: false,
            case_exact: true,
            sensitive: false,
            mutability: Mutability::ReadWrite,
            uniqueness: Uniqueness::None,
            choices: Vec::new(),
            max_length: None,
        }
    }

    fn coherent() -> Manifest {
        Manifest {
            id: "a".to_owned(),
            title: String::new(),
            version: String::new(),
            setup: String::new(),
            settings: vec![Setting {
                name: "way".to_owned(),
                title: String::new(),
                help: String::new(),
                kind: SettingKind::Choice(vec!["one".to_owned()]),
                required: false,
                default: Some("one".to_owned()),
            }],
            credentials: Vec::new(),
            headers: Vec::new(),
            attributes: vec![attribute("name"), attribute("colour")],
            lookup_keys: vec!["name".to_owned()],
            identity_key: None,
            operations: Operations::all(),
            deletion: DeletionEffect::Removes,
            max_page_size: 1,
            quirks: Vec::new(),
        }
    }

    type Wrong = (&'static str, fn(&mut Manifest));

    const WRONG: &[Wrong] = &[
        ("go together", |m| m.lookup_keys.clear()),
        ("go together", |m| m.operations ^= Operations::FIND),
        ("without `get`", |m| m.operations ^= Operations::GET),
        ("without `create` and `update`", |m| {
            m.operations ^= Operations::CREATE | Operations::UPDATE;
        }),
        ("can never be read", |m| {
            m.attributes[0].mutability = Mutability::WriteOnly;
        }),
        ("is required and read-only", |m| {
            m.attributes[1].required = true;
            m.attributes[1].mutability = Mutability::ReadOnly;
        }),
        ("has a length and is no text", |m| {
            m.attributes[1].value_type = ValueType::Integer;
            m.attributes[1].max_length = Some(1);
        }),
        ("has a format and is no text", |m| {
            m.attributes[1].value_type = ValueType::Boolean;
            m.attributes[1].format = Some("email".to_owned());
        }),
        ("may hold nothing", |m| m.attributes[1].max_length = Some(0)),
        ("has a choice twice", |m| {
            m.attributes[1].choices = vec!["red".to_owned(); 2];
        }),
        ("does not fit", |m| {
            m.attributes[1].choices = vec!["red".to_owned()];
            m.attributes[1].max_length = Some(2);
        }),
        ("does not fit", |m| {
            m.attributes[1].choices = vec!["red".to_owned()];
            m.attributes[1].value_type = ValueType::Integer;
        }),
        ("would not take", |m| {
            m.settings[0].default = Some("two".to_owned());
        }),
        ("would not take", |m| {
            m.settings[0].kind = SettingKind::Boolean;
        }),
    ];

    #[test]
    fn each_contradiction_is_told_and_no_other() {
        assert_eq!(contradictions(&coherent()), [""; 0]);
        for (told, make_wrong) in WRONG {
            let mut manifest = coherent();
            make_wrong(&mut manifest);
            let wrong = contradictions(&manifest);
            assert_eq!(wrong.len(), 1, "{told}: {wrong:?}");
            assert!(wrong[0].contains(told), "{told}: {wrong:?}");
        }
    }
}
