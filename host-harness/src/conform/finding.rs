//! Accounts by the value of a lookup key.

use super::expect::{UNSUPPORTED, done, refused};
use super::outcome::told;
use super::outcome::{Checked, Stop};
use super::trial::Trial;
use super::values::Slot;
use crate::attributes::{spec, values};
use crate::contract::{Account, AttributeSpec, FailureKind, Operations, Value, ValueType};
use crate::failure::Failure;

/// What a search language may stumble over.
const AWKWARD: [&str; 6] = [
    "\"",
    "' or '1'='1",
    "*",
    "a\\",
    "%) or (a pr",
    "&x=1#\u{e9}",
];

fn keys(trial: &Trial) -> Result<Vec<AttributeSpec>, Stop> {
    trial.claims(Operations::FIND, "find")?;
    let manifest = trial.manifest();
    let keys = manifest.lookup_keys.iter();
    let keys: Vec<_> = keys
        .filter_map(|key| spec(manifest, key).cloned())
        .collect();
    if keys.is_empty() {
        return Err(Stop::skip("the manifest lists no lookup key"));
    }
    Ok(keys)
}

/// Finds by one value. This upstream may offer no way to be sure, and then that is an answer;
/// nothing is told of it but a note.
async fn find(
    trial: &mut Trial,
    key: &AttributeSpec,
    value: &Value,
    what: &str,
) -> Result<Option<Option<Account>>, Stop> {
    match trial.find(&key.name, value).await {
        Err(Failure::Connector(failure)) if failure.kind == FailureKind::Unsupported => {
            trial.notes.push(format!(
                "{} cannot be searched here: {}",
                key.name, failure.message
            ));
            Ok(None)
        }
        result => done(what, result).map(Some),
    }
}

/// That at least one key could be searched.
fn any(searched: usize, trial: &Trial, nothing: &str) -> Checked {
    match (searched, trial.notes.first()) {
        (0, Some(note)) => Err(Stop::Skip(note.clone())),
        (0, None) => Err(Stop::skip(nothing)),
        _ => Ok(()),
    }
}

pub(super) async fn by_each_key(trial: &mut Trial) -> Checked {
    let mut searched = 0;
    for key in keys(trial)? {
        let subject = trial.subject().await?;
        for value in values(&subject, &key.name) {
            let what = format!("`find` by {}", key.name);
            let Some(found) = find(trial, &key, value, &what).await? else {
                continue;
            };
            searched += 1;
            let Some(found) = found else {
                return Err(Stop::Fail(format!("{what} finds nobody")));
            };
            trial.alike(&what, &subject, &found)?;
        }
    }
    any(searched, trial, "the account has no value of a lookup key")
}

pub(super) async fn by_case(trial: &mut Trial) -> Checked {
    let mut searched = 0;
    for key in keys(trial)? {
        let subject = trial.subject().await?;
        let Some(Value::Text(text)) = values(&subject, &key.name).first() else {
            continue;
        };
        let turned = in_other_case(text);
        if turned == *text {
            continue;
        }
        let what = format!("`find` by {} in other case", key.name);
        let Some(found) = find(trial, &key, &Value::Text(turned), &what).await? else {
            continue;
        };
        searched += 1;
        match (found, key.case_exact) {
            (Some(_), true) => {
                return Err(Stop::Fail(format!(
                    "{what} finds somebody, where case counts"
                )));
            }
            (None, false) => {
                return Err(Stop::Fail(format!(
                    "{what} finds nobody, where case does not count"
                )));
            }
            (Some(found), false) if found.id != subject.id => {
                return Err(Stop::Fail(format!("{what} finds somebody else")));
            }
            _ => {}
        }
    }
    any(searched, trial, "no lookup key of the account has letters")
}

fn in_other_case(text: &str) -> String {
    let turn = |c: char| {
        if c.is_ascii_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    text.chars().map(turn).collect()
}

pub(super) async fn nobody(trial: &mut Trial) -> Checked {
    let mut searched = 0;
    for key in keys(trial)? {
        let nobody = trial.values.name(Slot::Nobody);
        let mut tried = vec![Value::Text(nobody.clone())];
        if key.value_type == ValueType::Text {
            let awkward = AWKWARD.iter();
            tried.extend(awkward.map(|end| Value::Text(format!("{nobody}{end}"))));
        } else {
            tried = vec![trial.values.value(&key, Slot::Nobody)];
        }
        for value in tried {
            let what = format!("`find` by {} {value:?}", key.name);
            let Some(found) = find(trial, &key, &value, &what).await? else {
                break;
            };
            searched += 1;
            if found.is_some() {
                return Err(Stop::Fail(format!(
                    "{what} finds somebody, where nobody has it"
                )));
            }
        }
    }
    any(searched, trial, "there is no lookup key")
}

pub(super) async fn by_no_key(trial: &mut Trial) -> Checked {
    let keys = keys(trial)?;
    let manifest = trial.manifest();
    let mut specs = manifest.attributes.iter();
    let other = specs.find(|spec| !keys.iter().any(|key| key.name == spec.name));
    let mut names = vec![(
        super::refusals::UNKNOWN.to_owned(),
        Value::Text("x".to_owned()),
    )];
    names.extend(other.map(|spec| (spec.name.clone(), trial.values.value(spec, Slot::First))));
    for (name, value) in names {
        let what = format!("`find` by {name}, which is no lookup key,");
        refused(&what, trial.find(&name, &value).await, &[UNSUPPORTED])?;
        trial.sent_nothing(&what)?;
    }
    Ok(())
}

/// Whether nobody has any of these values any more.
pub(super) async fn is_found(trial: &mut Trial, account: &Account) -> Result<bool, Stop> {
    let Ok(keys) = keys(trial) else {
        return Ok(false);
    };
    for key in keys {
        for value in values(account, &key.name) {
            match trial.find(&key.name, value).await {
                Ok(Some(found)) if found.id == account.id => return Ok(true),
                Ok(_) => {}
                Err(Failure::Connector(failure)) if failure.kind == FailureKind::Unsupported => {}
                Err(failure) => {
                    return Err(Stop::Fail(format!(
                        "`find` by {} failed: {}",
                        key.name,
                        told(&failure)
                    )));
                }
            }
        }
    }
    Ok(false)
}
