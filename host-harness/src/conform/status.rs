//! Accounts are deactivated and activated.

use super::expect::done;
use super::first_state::with_status;
use super::outcome::{Checked, Stop};
use super::trial::{Made, Trial};
use super::updating::{seen, unchanged};
use crate::attributes::{same, values};
use crate::contract::{Account, AccountStatus, Effect, Mutability, Operations};
use crate::failure::Failure;

pub(super) async fn set_status(trial: &mut Trial) -> Checked {
    trial.claims(Operations::SET_STATUS, "set-status")?;
    let made = trial.ready().await?;
    let result = status_changed(trial, &made).await;
    // Whatever happened, it is active for the checks that follow.
    let active = with_status(AccountStatus::Active);
    let activated = trial.update(&made.account.id, &active).await;
    result?;
    done("activating", activated).map(drop)
}

/// The account as it is, or as it was first where there is no `get`.
async fn seen_before(trial: &mut Trial, made: &Made) -> Result<Account, Failure> {
    if !trial.manifest().operations.contains(Operations::GET) {
        return Ok(made.account.clone());
    }
    trial.get(&made.account.id).await
}

async fn status_changed(trial: &mut Trial, made: &Made) -> Checked {
    for (what, status) in [
        ("deactivating", AccountStatus::Inactive),
        ("activating", AccountStatus::Active),
    ] {
        let update = with_status(status);
        let before = done("`get`", seen_before(trial, made).await)?;
        let outcome = done(what, trial.update(&made.account.id, &update).await)?;
        if outcome.account.status != status {
            return Err(Stop::Fail(format!("{what} leaves the status as it was")));
        }
        if outcome.effect != Effect::Updated {
            return Err(Stop::Fail(format!("{what} is not `updated`")));
        }
        let shown = seen(trial, &outcome).await?;
        if shown.status != status {
            return Err(Stop::Fail(format!(
                "after {what} `get` shows another status"
            )));
        }
        for spec in &trial.manifest().attributes {
            let (was, is) = (values(&before, &spec.name), values(&shown, &spec.name));
            if !same(spec, was, is) && spec.mutability != Mutability::ReadOnly {
                return Err(Stop::Fail(format!("{what} changed {}", spec.name)));
            }
        }
        unchanged(trial, made, &format!("{what} once more"), &update).await?;
    }
    Ok(())
}
