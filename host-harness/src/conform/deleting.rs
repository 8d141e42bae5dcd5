//! Deletion, in the upstream's sense of it. The last of the checks that write.

use super::expect::{INVALID_ACCOUNT, NOT_FOUND, done, refused};
use super::finding::is_found;
use super::outcome::{Checked, Stop};
use super::reading;
use super::trial::{Made, Trial};
use crate::contract::{AccountStatus, Deletion, DeletionEffect, Effect, Operations};

/// The account that is deleted: the first, so that the second is left to compare.
fn target(trial: &Trial) -> Result<Made, Stop> {
    trial.claims(Operations::DELETE, "delete")?;
    let first = trial.first.clone();
    first.ok_or_else(|| Stop::skip("there is no account: see `create`"))
}

pub(super) async fn delete(trial: &mut Trial) -> Checked {
    let made = target(trial)?;
    let id = made.account.id.as_str();
    let deletion = done("deleting", trial.delete(id).await)?;
    match (deletion, trial.manifest().deletion) {
        (Deletion::Gone, DeletionEffect::Removes) => {
            if trial.manifest().operations.contains(Operations::GET) {
                let shown = trial.get(id).await;
                let due = [NOT_FOUND, INVALID_ACCOUNT];
                refused("`get` of a deleted account", shown, &due)?;
            }
            if is_found(trial, &made.account).await? {
                return Err(Stop::fail("a deleted account is still found"));
            }
            Ok(())
        }
        (Deletion::Kept(outcome), DeletionEffect::Deactivates) => {
            if outcome.account.status != AccountStatus::Inactive {
                return Err(Stop::fail("the account that was kept is not inactive"));
            }
            if outcome.notices.is_empty() {
                return Err(Stop::fail("no notice says why the account is kept"));
            }
            if trial.manifest().operations.contains(Operations::GET) {
                let shown = done("`get` of the account", trial.get(id).await)?;
                trial.alike(
                    "`get` of the account that was kept",
                    &outcome.account,
                    &shown,
                )?;
            }
            Ok(())
        }
        (Deletion::Kept(_), DeletionEffect::Removes) => Err(Stop::fail(
            "the account was kept, where the manifest says that deletion removes",
        )),
        (Deletion::Gone, DeletionEffect::Deactivates) => {
            // More than was promised, if it is true.
            if trial.manifest().operations.contains(Operations::GET) {
                let due = [NOT_FOUND, INVALID_ACCOUNT];
                refused(
                    "`get` of an account that is `gone`",
                    trial.get(id).await,
                    &due,
                )?;
            }
            trial.notes.push(
                "the account is gone, where the manifest says that deletion deactivates".to_owned(),
            );
            Ok(())
        }
    }
}

pub(super) async fn delete_twice(trial: &mut Trial) -> Checked {
    let made = target(trial)?;
    let what = "deleting once more";
    match done(what, trial.delete(&made.account.id).await)? {
        Deletion::Gone => Ok(()),
        Deletion::Kept(outcome) if outcome.account.status != AccountStatus::Inactive => {
            Err(Stop::fail("the account that was kept is not inactive"))
        }
        Deletion::Kept(outcome) if outcome.effect != Effect::Unchanged => Err(Stop::fail(
            "deleting once more is not `unchanged`, where nothing was left to do",
        )),
        Deletion::Kept(_) => Ok(()),
    }
}

pub(super) async fn delete_unknown(trial: &mut Trial) -> Checked {
    trial.claims(Operations::DELETE, "delete")?;
    let id = reading::unknown_id(trial).await?;
    reading::delete_unknown(trial, &id).await
}
