//! Accounts are made: the two that all later checks work on.

use std::collections::BTreeSet;

use super::expect::{ALREADY_EXISTS, count, done, other_effect, refused};
use super::first_state::{edits, edits_to};
use super::outcome::told;
use super::outcome::{Checked, Stop};
use super::trial::{Made, Trial, is_ours};
use super::values::{Slot, is_unique};
use crate::attributes::{spec, values};
use crate::contract::{
    self, Account, AccountStatus, Attribute, Change, Deletion, DeletionEffect, Draft, Effect,
    FailureKind, Mutability, Operations, Outcome,
};
use crate::failure::Failure;

/// So often a draft is tried with fewer attributes.
const MOST_ATTEMPTS: usize = 20;

pub(super) async fn create(trial: &mut Trial) -> Checked {
    trial.claims(Operations::CREATE, "create")?;
    let wanted = trial.values.everything(Slot::First);
    if let Some(earlier) = trial.first.take() {
        let taken_up = removed_or_taken_up(trial, earlier).await?;
        if let Some(made) = taken_up {
            trial.first = Some(made);
            return Err(Stop::skip(
                "an earlier run made the account, and it is taken up again; another --prefix \
                 makes a new one",
            ));
        }
    }
    let outcome = made(trial, wanted.clone()).await?;
    let account = outcome.account.clone();
    trial.first = Some(Made {
        account: account.clone(),
        wanted: wanted.clone(),
    });
    if outcome.effect != Effect::Created {
        return Err(other_effect(outcome.effect, "created"));
    }
    if account.status != AccountStatus::Active {
        return Err(Stop::fail("the account is not active, as the draft was"));
    }
    let wanted = kept(trial, wanted);
    trial.holds("the outcome", &account, &wanted, &outcome.notices)?;
    is_shown(trial, &account).await
}

/// That `get` shows what an outcome showed: it is what came of the operation, not what was asked.
async fn is_shown(trial: &mut Trial, account: &Account) -> Checked {
    if !trial.manifest().operations.contains(Operations::GET) {
        return Ok(());
    }
    let shown = done("`get` of the account", trial.get(&account.id).await)?;
    trial.alike("`get` after the outcome", account, &shown)
}

/// What an earlier run left: deleted if that can be, else as it was.
async fn removed_or_taken_up(trial: &mut Trial, earlier: Made) -> Result<Option<Made>, Stop> {
    let manifest = trial.manifest();
    let removes = manifest.operations.contains(Operations::DELETE)
        && manifest.deletion == DeletionEffect::Removes;
    let id = earlier.account.id.clone();
    if removes {
        let deleted = trial.delete(&id).await;
        match done("deleting what an earlier run left", deleted)? {
            Deletion::Gone => return Ok(None),
            Deletion::Kept(_) => {}
        }
    }
    trial.take_up(&id);
    let update = edits_to(trial.manifest(), &earlier, &trial.left_out);
    let updated = trial.update(&id, &update).await;
    let account = match updated {
        Ok(outcome) => outcome.account,
        Err(failure) => restored_in_part(trial, &earlier, failure).await?,
    };
    for attribute in &earlier.wanted {
        if values(&account, &attribute.name).is_empty() {
            trial.left_out.insert(attribute.name.clone());
        }
    }
    Ok(Some(Made { account, ..earlier }))
}

/// One attribute after the other, without those that the tenant does not take.
async fn restored_in_part(
    trial: &mut Trial,
    earlier: &Made,
    failure: Failure,
) -> Result<Account, Stop> {
    let mut account = earlier.account.clone();
    let id = account.id.clone();
    let all = edits_to(trial.manifest(), earlier, &trial.left_out);
    let mut any = false;
    let mut status = edits(Vec::new());
    status.status = all.status;
    let single = all.changes.into_iter().map(|change| edits(vec![change]));
    for update in std::iter::once(status).chain(single) {
        match trial.update(&id, &update).await {
            Ok(outcome) => (account, any) = (outcome.account, true),
            Err(failure) => {
                if let Some(Change::Set(attribute)) = update.changes.first() {
                    leave_out(trial, &attribute.name.clone(), &told(&failure));
                }
            }
        }
    }
    if any {
        return Ok(account);
    }
    Err(Stop::Fail(format!(
        "the account of an earlier run could not be taken up: {}",
        told(&failure)
    )))
}

/// Makes the first account, without what this tenant does not take.
async fn made(trial: &mut Trial, mut attributes: Vec<Attribute>) -> Result<Outcome, Stop> {
    let optional = optional(trial);
    for _ in 0..MOST_ATTEMPTS {
        let draft = Draft {
            status: AccountStatus::Active,
            attributes: attributes.clone(),
        };
        let failure = match trial.create(&draft).await {
            Ok(outcome) => return Ok(outcome),
            Err(Failure::Connector(failure)) => *failure,
            Err(failure) => return Err(not_made(&failure)),
        };
        match failure.kind {
            FailureKind::InvalidAccount => {
                let problems = failure.problems.iter();
                let named: BTreeSet<_> = problems.map(|problem| problem.name.clone()).collect();
                let named: Vec<_> = named.intersection(&optional).cloned().collect();
                let given = |name: &String| attributes.iter().any(|a| a.name == *name);
                if named.is_empty() || !named.iter().any(given) {
                    return piecemeal(trial, attributes, &optional, failure).await;
                }
                for name in named {
                    leave_out(trial, &name, &failure.message);
                    attributes.retain(|attribute| attribute.name != name);
                }
            }
            FailureKind::Unsupported => return in_part(trial, &attributes, failure).await,
            FailureKind::AlreadyExists => return unfound(trial, &attributes, failure).await,
            _ => return Err(not_made(&Failure::Connector(Box::new(failure)))),
        }
    }
    Err(Stop::fail("no draft was taken, whatever was left out"))
}

/// Attributes that an account can be made without, and whose value is the tenant's to decide.
fn optional(trial: &Trial) -> BTreeSet<String> {
    let keys = &trial.manifest().lookup_keys;
    let specs = trial.manifest().attributes.iter();
    let optional = specs.filter(|spec| {
        !spec.required && !keys.contains(&spec.name) && !trial.values.is_given(&spec.name)
    });
    optional.map(|spec| spec.name.clone()).collect()
}

fn leave_out(trial: &mut Trial, name: &str, why: &str) {
    let note = format!(
        "{name} is left out: {}. Give a value that the tenant takes: --value {name}=…",
        why.trim_end_matches('.')
    );
    if trial.left_out.insert(name.to_owned()) {
        trial.notes.push(note);
    }
}

fn not_made(failure: &Failure) -> Stop {
    let hint = match failure.kind() {
        "invalid-account" => " Values that the tenant decides are given with --value NAME=VALUE.",
        "held-elsewhere" => " Another --prefix gives other names.",
        _ => "",
    };
    Stop::Fail(format!("creating failed: {}.{hint}", told(failure)))
}

/// A draft was refused, and nobody said for what: what is needed first, then the rest, one by one.
async fn piecemeal(
    trial: &mut Trial,
    attributes: Vec<Attribute>,
    optional: &BTreeSet<String>,
    refused: contract::Failure,
) -> Result<Outcome, Stop> {
    let (rest, needed): (Vec<_>, Vec<_>) = attributes
        .into_iter()
        .partition(|attribute| optional.contains(&attribute.name));
    if rest.is_empty() {
        return Err(not_made(&Failure::Connector(Box::new(refused))));
    }
    let draft = Draft {
        status: AccountStatus::Active,
        attributes: needed,
    };
    let created = trial.create(&draft).await;
    let mut outcome = created.map_err(|failure| not_made(&failure))?;
    for attribute in rest {
        let name = attribute.name.clone();
        let set = edits(vec![Change::Set(attribute)]);
        match trial.update(&outcome.account.id, &set).await {
            Ok(updated) => outcome.account = updated.account,
            Err(failure) => leave_out(trial, &name, &failure.message()),
        }
    }
    Ok(outcome)
}

/// The account was made, and the upstream dropped a part of the draft.
async fn in_part(
    trial: &mut Trial,
    attributes: &[Attribute],
    failure: contract::Failure,
) -> Result<Outcome, Stop> {
    let Some(id) = failure.account.clone() else {
        return Err(not_made(&Failure::Connector(Box::new(failure))));
    };
    let account = done("`get` of the account that was made", trial.get(&id).await)?;
    for attribute in attributes {
        let spec = spec(trial.manifest(), &attribute.name);
        let seen = spec.is_some_and(|spec| spec.mutability != Mutability::WriteOnly);
        if seen && values(&account, &attribute.name).is_empty() {
            let why = format!("the upstream does not keep it ({})", failure.message);
            leave_out(trial, &attribute.name, &why);
        }
    }
    Ok(Outcome {
        account,
        effect: Effect::Created,
        notices: Vec::new(),
    })
}

/// The account is there already, though nobody found it beforehand.
async fn unfound(
    trial: &mut Trial,
    attributes: &[Attribute],
    failure: contract::Failure,
) -> Result<Outcome, Stop> {
    let refused = Failure::Connector(Box::new(failure.clone()));
    let Some(id) = failure.account else {
        return Err(not_made(&refused));
    };
    let account = done("`get` of the account in the way", trial.get(&id).await)?;
    if !is_ours(trial.manifest(), &account, attributes) {
        return Err(not_made(&refused));
    }
    let earlier = Made {
        account,
        wanted: attributes.to_vec(),
    };
    match removed_or_taken_up(trial, earlier).await? {
        Some(made) => {
            trial.first = Some(made);
            Err(Stop::skip(
                "an earlier run made the account, which no lookup key finds; another --prefix \
                 makes a new one",
            ))
        }
        None => {
            let draft = Draft {
                status: AccountStatus::Active,
                attributes: attributes.to_vec(),
            };
            let created = trial.create(&draft).await;
            created.map_err(|failure| not_made(&failure))
        }
    }
}

/// Without what was left out.
fn kept(trial: &Trial, mut wanted: Vec<Attribute>) -> Vec<Attribute> {
    wanted.retain(|attribute| !trial.left_out.contains(&attribute.name));
    wanted
}

pub(super) async fn create_inactive(trial: &mut Trial) -> Checked {
    trial.claims(Operations::CREATE, "create")?;
    let manifest = trial.manifest();
    let wanted = trial.values.least(Slot::Second, &manifest.lookup_keys);
    let status = if manifest.operations.contains(Operations::SET_STATUS) {
        AccountStatus::Inactive
    } else {
        AccountStatus::Active
    };
    if let Some(earlier) = trial.second.take() {
        let taken_up = removed_or_taken_up(trial, earlier).await?;
        if let Some(made) = taken_up {
            trial.second = Some(made);
            return Err(Stop::skip(
                "an earlier run made the account, and it is taken up again; another --prefix \
                 makes a new one",
            ));
        }
    }
    let draft = Draft {
        status,
        attributes: wanted.clone(),
    };
    let created = trial.create(&draft).await;
    let outcome = created.map_err(|failure| not_made(&failure))?;
    let account = outcome.account.clone();
    trial.second = Some(Made {
        account: account.clone(),
        wanted: wanted.clone(),
    });
    let active = edits_to_active(status);
    let shown = done("`get` of the account", trial.get(&account.id).await);
    // All later checks have it active.
    if let Some(active) = active {
        let activated = trial.update(&account.id, &active).await;
        done("activating the account", activated)?;
    }
    let shown = shown?;
    if outcome.effect != Effect::Created {
        return Err(other_effect(outcome.effect, "created"));
    }
    if account.status != status || shown.status != status {
        return Err(Stop::fail("the account has another status than the draft"));
    }
    trial.holds("the outcome", &account, &wanted, &outcome.notices)
}

fn edits_to_active(status: AccountStatus) -> Option<contract::Edits> {
    let mut active = edits(Vec::new());
    active.status = Some(AccountStatus::Active);
    (status == AccountStatus::Inactive).then_some(active)
}

pub(super) async fn create_twice(trial: &mut Trial) -> Checked {
    trial.claims(Operations::CREATE, "create")?;
    if !trial.manifest().attributes.iter().any(is_unique) {
        return Err(Stop::skip("no attribute is unique, so two may be alike"));
    }
    let Some(first) = trial.first.clone() else {
        return Err(Stop::skip("there is no account: see `create`"));
    };
    let draft = Draft {
        status: AccountStatus::Active,
        attributes: kept(trial, first.wanted),
    };
    let what = "creating the same account once more";
    let failure = refused(what, trial.create(&draft).await, &[ALREADY_EXISTS])?;
    match failure.account {
        Some(id) if id == first.account.id => {}
        Some(_) => return Err(Stop::fail("the failure names another account")),
        None => {
            return Err(Stop::fail(
                "the failure does not name the account in the way",
            ));
        }
    }
    if !failure.problems.is_empty() {
        let unique = |name: &str| spec(trial.manifest(), name).is_some_and(is_unique);
        let others = failure.problems.iter().filter(|p| !unique(&p.name)).count();
        if others > 0 {
            return Err(Stop::Fail(format!(
                "{} of the failure are of attributes that are not unique",
                count(others, "problem")
            )));
        }
    }
    Ok(())
}
