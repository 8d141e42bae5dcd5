//! Changes of the run's first account. Each check begins with the account in its first state.

use std::collections::BTreeSet;

use super::expect::{ALREADY_EXISTS, done, other_effect, refused};
use super::first_state::{edits, with_status};
use super::outcome::told;
use super::outcome::{Checked, Stop};
use super::trial::{Made, Trial};
use super::values::{Slot, is_unique};
use crate::attributes::{same, values};
use crate::contract::{
    Account, AccountStatus, Attribute, AttributeSpec, Change, Edits, Effect, FailureKind,
    Mutability, Operations, Outcome, Value,
};
use crate::failure::Failure;

/// Attributes that are free to change: no key, by which the account is found again, and not
/// unique.
pub(super) fn free(trial: &Trial, made: &Made) -> Vec<AttributeSpec> {
    let manifest = trial.manifest();
    let free = manifest.attributes.iter().filter(|spec| {
        spec.mutability == Mutability::ReadWrite
            && !is_unique(spec)
            && !manifest.lookup_keys.contains(&spec.name)
            && manifest.identity_key.as_ref() != Some(&spec.name)
            && !trial.left_out.contains(&spec.name)
            && !values(&made.account, &spec.name).is_empty()
    });
    free.cloned().collect()
}

fn set(name: &str, value: Value) -> Change {
    Change::Set(Attribute {
        name: name.to_owned(),
        values: vec![value],
    })
}

/// `get` after a change, or the outcome's own account where there is no `get`.
pub(super) async fn seen(trial: &mut Trial, outcome: &Outcome) -> Result<Account, Stop> {
    if !trial.manifest().operations.contains(Operations::GET) {
        return Ok(outcome.account.clone());
    }
    done(
        "`get` after the update",
        trial.get(&outcome.account.id).await,
    )
}

/// Whether an update was refused for reasons of the tenant's, which is noted.
pub(super) fn is_the_tenants(trial: &mut Trial, failure: &Failure, name: &str) -> bool {
    let Failure::Connector(failure) = failure else {
        return false;
    };
    let tenants = matches!(
        failure.kind,
        FailureKind::InvalidAccount | FailureKind::Unsupported
    );
    if tenants {
        trial.notes.push(format!(
            "{name} does not take another value here: {}",
            failure.message
        ));
    }
    tenants
}

pub(super) async fn update(trial: &mut Trial) -> Checked {
    let made = trial.ready().await?;
    let specs = free(trial, &made);
    let others = specs.iter().filter_map(|spec| {
        let other = trial.values.other(spec, Slot::First)?;
        Some((spec.name.clone(), other))
    });
    let others: Vec<_> = others.collect();
    if others.is_empty() {
        return Err(Stop::skip(
            "no attribute has another value to take; --value gives some",
        ));
    }
    let all: Vec<_> = others.iter().map(|(n, v)| set(n, v.clone())).collect();
    let (changes, outcome) = match trial.update(&made.account.id, &edits(all.clone())).await {
        Ok(outcome) => (all, outcome),
        Err(_) => one_by_one(trial, &made, others).await?,
    };
    if outcome.effect != Effect::Updated {
        return Err(other_effect(outcome.effect, "updated"));
    }
    let wanted: Vec<_> = changes
        .into_iter()
        .filter_map(|change| match change {
            Change::Set(attribute) => Some(attribute),
            _ => None,
        })
        .collect();
    trial.holds("the outcome", &outcome.account, &wanted, &outcome.notices)?;
    let shown = seen(trial, &outcome).await?;
    trial.holds("`get`", &shown, &wanted, &outcome.notices)?;
    trial.alike("`get` after the update", &outcome.account, &shown)
}

/// The tenant may not take each of the values that were made up: those that it does.
async fn one_by_one(
    trial: &mut Trial,
    made: &Made,
    others: Vec<(String, Value)>,
) -> Result<(Vec<Change>, Outcome), Stop> {
    let mut changed = Vec::new();
    let mut last = None;
    let mut refusals = BTreeSet::new();
    for (name, value) in others {
        let change = set(&name, value);
        let update = edits(vec![change.clone()]);
        match trial.update(&made.account.id, &update).await {
            Ok(outcome) => {
                changed.push(change);
                last = Some(outcome);
            }
            Err(failure) if is_the_tenants(trial, &failure, &name) => {
                refusals.insert(failure.kind());
            }
            Err(failure) => {
                return Err(Stop::Fail(format!(
                    "changing {name} failed: {}",
                    told(&failure)
                )));
            }
        }
    }
    match last {
        Some(outcome) => Ok((changed, outcome)),
        None if refusals.contains("invalid-account") => Err(Stop::fail(
            "not one attribute took another value, where the manifest calls them read-write",
        )),
        None => Err(Stop::skip("this upstream changes no attribute")),
    }
}

/// Changes one attribute; which, and what came of it.
async fn one_changed(
    trial: &mut Trial,
    made: &Made,
) -> Result<(AttributeSpec, Value, Outcome), Stop> {
    for spec in free(trial, made) {
        let Some(other) = trial.values.other(&spec, Slot::First) else {
            continue;
        };
        let update = edits(vec![set(&spec.name, other.clone())]);
        match trial.update(&made.account.id, &update).await {
            Ok(outcome) => return Ok((spec, other, outcome)),
            Err(failure) if is_the_tenants(trial, &failure, &spec.name) => {}
            Err(failure) => {
                return Err(Stop::Fail(format!(
                    "changing {} failed: {}",
                    spec.name,
                    told(&failure)
                )));
            }
        }
    }
    Err(Stop::skip("no attribute takes another value here"))
}

pub(super) async fn leaves_the_rest(trial: &mut Trial) -> Checked {
    let made = trial.ready().await?;
    let before = done("`get`", trial.get(&made.account.id).await)?;
    let (changed, _, outcome) = one_changed(trial, &made).await?;
    let after = seen(trial, &outcome).await?;
    if before.status != after.status {
        return Err(Stop::Fail(format!(
            "changing {} changed the status",
            changed.name
        )));
    }
    for spec in &trial.manifest().attributes {
        let (was, is) = (values(&before, &spec.name), values(&after, &spec.name));
        if spec.name != changed.name && !same(spec, was, is) {
            // What the upstream derives is its own affair.
            if spec.mutability == Mutability::ReadOnly {
                continue;
            }
            return Err(Stop::Fail(format!(
                "changing {} changed {}, too",
                changed.name, spec.name
            )));
        }
    }
    let set_status = trial.manifest().operations;
    if !set_status.contains(Operations::SET_STATUS) {
        return Ok(());
    }
    let result = stays_inactive(trial, &made, &changed).await;
    // Whatever happened, it is active for the checks that follow.
    let active = with_status(AccountStatus::Active);
    let activated = trial.update(&made.account.id, &active).await;
    result?;
    done("activating", activated).map(drop)
}

/// That a change of an inactive account does not wake it. Some upstreams take none.
async fn stays_inactive(trial: &mut Trial, made: &Made, changed: &AttributeSpec) -> Checked {
    let id = made.account.id.as_str();
    let inactive = trial
        .update(id, &with_status(AccountStatus::Inactive))
        .await;
    let back = edits(vec![Change::Set(trial_value(trial, changed))]);
    // Whether an account can be deactivated is the business of `set-status`.
    if inactive.is_err()
        || trial
            .get(id)
            .await
            .is_ok_and(|a| a.status == AccountStatus::Active)
    {
        return Ok(());
    }
    if trial.update(id, &back).await.is_err() {
        return Ok(());
    }
    let shown = done("`get`", trial.get(id).await)?;
    if shown.status == AccountStatus::Active {
        return Err(Stop::Fail(format!(
            "changing {} of an inactive account activated it",
            changed.name
        )));
    }
    Ok(())
}

pub(super) async fn without_difference(trial: &mut Trial) -> Checked {
    let made = trial.ready().await?;
    let again = super::first_state::edits_to(trial.manifest(), &made, &trial.left_out);
    for (what, update) in [
        ("an update to what is there already", again),
        ("an update without changes", edits(Vec::new())),
    ] {
        unchanged(trial, &made, what, &update).await?;
    }
    Ok(())
}

/// That an update changes nothing, and sends no write.
pub(super) async fn unchanged(
    trial: &mut Trial,
    made: &Made,
    what: &str,
    update: &Edits,
) -> Checked {
    let outcome = done(what, trial.update(&made.account.id, update).await)?;
    trial.wrote_nothing(what)?;
    if outcome.effect != Effect::Unchanged {
        return Err(Stop::Fail(format!("{what} is not `unchanged`")));
    }
    Ok(())
}

pub(super) async fn clears(trial: &mut Trial) -> Checked {
    let made = trial.ready().await?;
    let optional: Vec<_> = free(trial, &made)
        .into_iter()
        .filter(|spec| !spec.required)
        .collect();
    let mut cleared = 0;
    for spec in optional {
        let name = &spec.name;
        let clear = edits(vec![Change::Clear(name.clone())]);
        let what = format!("clearing {name}");
        let outcome = match trial.update(&made.account.id, &clear).await {
            Err(failure) if is_the_tenants(trial, &failure, name) => continue,
            result => done(&what, result)?,
        };
        let shown = seen(trial, &outcome).await?;
        let noticed = outcome
            .notices
            .iter()
            .any(|notice| notice.attribute.as_ref() == Some(name));
        let held = values(&shown, name);
        if !held.is_empty() {
            // The upstream may have a value of its own for those who have none.
            let default = !same(&spec, held, values(&made.account, name));
            if !(default && noticed) {
                return Err(Stop::Fail(format!("after {what} it has a value still")));
            }
        } else {
            let what = format!("clearing {name} once more");
            unchanged(trial, &made, &what, &clear).await?;
        }
        cleared += 1;
    }
    if cleared == 0 {
        return Err(Stop::skip("no attribute of the account can be cleared"));
    }
    Ok(())
}

pub(super) async fn adds_and_removes(trial: &mut Trial) -> Checked {
    let multi = |spec: &&AttributeSpec| spec.multi_valued;
    if !trial.manifest().attributes.iter().any(|spec| multi(&spec)) {
        return Err(Stop::skip("no attribute is multi-valued"));
    }
    let made = trial.ready().await?;
    let specs = free(trial, &made);
    let spec = specs.iter().find(multi);
    let other = spec.and_then(|spec| Some((spec, trial.values.other(spec, Slot::First)?)));
    let Some((spec, other)) = other else {
        return Err(Stop::skip("no multi-valued attribute can be changed"));
    };
    let one = trial.values.attribute(spec, Slot::First);
    let more = Attribute {
        name: spec.name.clone(),
        values: vec![other],
    };
    let both = [one.values.clone(), more.values.clone()].concat();
    for (what, change, left) in [
        ("adding a value", Change::Add(more.clone()), &both),
        ("removing a value", Change::Remove(more), &one.values),
    ] {
        let what = format!("{what} of {}", spec.name);
        let update = edits(vec![change]);
        let outcome = done(&what, trial.update(&made.account.id, &update).await)?;
        if outcome.effect != Effect::Updated {
            return Err(Stop::Fail(format!("{what} is not `updated`")));
        }
        let shown = seen(trial, &outcome).await?;
        if !same(spec, values(&shown, &spec.name), left) {
            return Err(Stop::Fail(format!(
                "{what} left other values than it should"
            )));
        }
        unchanged(trial, &made, &format!("{what} once more"), &update).await?;
    }
    Ok(())
}

pub(super) async fn taken_value(trial: &mut Trial) -> Checked {
    let made = trial.ready().await?;
    let Some(second) = trial.second.clone() else {
        return Err(Stop::skip(
            "there is no second account: see `create-inactive`",
        ));
    };
    let manifest = trial.manifest();
    let unique = manifest.attributes.iter().find(|spec| {
        is_unique(spec)
            && spec.mutability == Mutability::ReadWrite
            && !values(&made.account, &spec.name).is_empty()
    });
    let Some(spec) = unique.cloned() else {
        return Err(Stop::skip("no attribute that can be changed is unique"));
    };
    let change = Change::Set(Attribute {
        name: spec.name.clone(),
        values: values(&made.account, &spec.name).to_vec(),
    });
    let what = format!("changing {} to that of another account", spec.name);
    let result = trial.update(&second.account.id, &edits(vec![change])).await;
    let failure = refused(&what, result, &[ALREADY_EXISTS])?;
    match failure.account {
        Some(id) if id == made.account.id => {}
        Some(_) => return Err(Stop::fail("the failure names another account")),
        None => {
            return Err(Stop::fail(
                "the failure does not name the account in the way",
            ));
        }
    }
    let shown = done("`get`", trial.get(&second.account.id).await)?;
    let kept = values(&second.account, &spec.name);
    if !same(&spec, values(&shown, &spec.name), kept) {
        return Err(Stop::Fail(format!("{what} was refused, and happened")));
    }
    Ok(())
}

pub(super) async fn version_clash(trial: &mut Trial) -> Checked {
    let made = trial.ready().await?;
    let before = done("`get`", trial.get(&made.account.id).await)?;
    let Some(old) = before.version.clone() else {
        return Err(Stop::skip("accounts of this tenant have no version"));
    };
    let (spec, _, outcome) = one_changed(trial, &made).await?;
    let after = done("`get`", trial.get(&outcome.account.id).await)?;
    let Some(new) = after.version.clone().filter(|new| *new != old) else {
        return Err(Stop::fail(
            "a change leaves the account's version as it was",
        ));
    };
    let back = |version: String| Edits {
        expected_version: Some(version),
        ..edits(vec![Change::Set(trial_value(trial, &spec))])
    };
    let (stale, present) = (back(old), back(new));
    let due = [(FailureKind::PreconditionFailed, "precondition-failed")];
    let what = "an update with the version of an earlier state";
    refused(what, trial.update(&made.account.id, &stale).await, &due)?;
    let shown = done("`get`", trial.get(&made.account.id).await)?;
    trial.alike("after a refused update, `get`", &after, &shown)?;
    let what = "an update with the present version";
    done(what, trial.update(&made.account.id, &present).await)?;
    Ok(())
}

fn trial_value(trial: &Trial, spec: &AttributeSpec) -> Attribute {
    trial.values.attribute(spec, Slot::First)
}
