//! The run's first account, brought back to its first state before each check that changes it.

use std::collections::BTreeSet;

use super::outcome::Stop;
use super::outcome::told;
use super::trial::{Made, Trial};
use crate::attributes::{same, spec, values};
use crate::contract::{AccountStatus, Change, Edits, Manifest, Mutability, Operations};

impl Trial {
    /// The run's first account, in its first state.
    pub(super) async fn ready(&mut self) -> Result<Made, Stop> {
        self.claims(Operations::UPDATE, "update")?;
        let made = match &self.first {
            Some(made) if self.alive.contains_key(&made.account.id) => made.clone(),
            _ => return Err(Stop::skip("there is no account: see `create`")),
        };
        if self.astray {
            return Err(Stop::skip(
                "the account could not be brought back to its first state before",
            ));
        }
        let whole = edits_to(self.manifest(), &made, &self.left_out);
        if self.is_restored(&made, &whole).await.is_ok() {
            return Ok(made);
        }
        // A connector that cannot do it at once may do it one by one.
        let mut status = edits(Vec::new());
        status.status = whole.status;
        let changes = whole.changes.into_iter();
        let single = changes.map(|change| edits(vec![change]));
        for update in std::iter::once(status).chain(single) {
            if let Err(why) = self.is_restored(&made, &update).await {
                self.astray = true;
                return Err(Stop::Fail(format!(
                    "the account could not be brought back to its first state: {why}"
                )));
            }
        }
        Ok(made)
    }

    /// Updates an account, and says what it then lacks.
    async fn is_restored(&mut self, made: &Made, update: &Edits) -> Result<(), String> {
        let updated = self.update(&made.account.id, update).await;
        let outcome = updated.map_err(|failure| told(&failure))?;
        let mut shown = outcome.account;
        if self.manifest().operations.contains(Operations::GET) {
            let read = self.get(&made.account.id).await;
            shown = read.map_err(|failure| told(&failure))?;
        }
        if update.status.is_some_and(|status| status != shown.status) {
            return Err("its status is another".to_owned());
        }
        for change in &update.changes {
            let Change::Set(wanted) = change else {
                continue;
            };
            let name = &wanted.name;
            let held = values(&shown, name);
            // As it was given, or as the upstream spelled it then.
            let first = [wanted.values.as_slice(), values(&made.account, name)];
            let is = spec(self.manifest(), name)
                .is_none_or(|spec| first.iter().any(|first| same(spec, held, first)));
            if !is {
                return Err(format!("its {name} is another"));
            }
        }
        Ok(())
    }
}

/// What brings an account to the state that it had first.
pub(super) fn edits_to(manifest: &Manifest, made: &Made, left_out: &BTreeSet<String>) -> Edits {
    let changes = made.wanted.iter().filter_map(|attribute| {
        let spec = spec(manifest, &attribute.name)?;
        let given = match spec.mutability {
            Mutability::ReadWrite => true,
            Mutability::SetOnce => values(&made.account, &spec.name).is_empty(),
            // Nobody sees whether it is the same.
            Mutability::WriteOnly | Mutability::ReadOnly => false,
        };
        let wanted = given && !left_out.contains(&spec.name);
        wanted.then(|| Change::Set(attribute.clone()))
    });
    let set_status = manifest.operations.contains(Operations::SET_STATUS);
    Edits {
        status: set_status.then_some(AccountStatus::Active),
        changes: changes.collect(),
        expected_version: None,
    }
}

/// Only these changes.
pub(super) fn edits(changes: Vec<Change>) -> Edits {
    Edits {
        status: None,
        changes,
        expected_version: None,
    }
}

/// Only this status.
pub(super) fn with_status(status: AccountStatus) -> Edits {
    Edits {
        status: Some(status),
        ..edits(Vec::new())
    }
}
