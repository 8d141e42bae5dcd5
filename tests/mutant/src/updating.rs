//! `update`.

use connector_8x8::connection::Result;
use connector_8x8::contract::manifest::Operations;
use connector_8x8::contract::{
    Account, AccountStatus, Change, Edits, Effect, FailureKind, Outcome, Value,
};
use connector_8x8::failure::invalid_account;

use crate::creating::without_problems;
use crate::wider::{self, LIST, SHORT, widened};
use crate::{Mutant, other};

fn unchanged(account: Account) -> Outcome {
    Outcome {
        account,
        effect: Effect::Unchanged,
        notices: Vec::new(),
    }
}

impl Mutant {
    pub(crate) fn updated(&self, id: &str, edits: &Edits) -> Result<Outcome> {
        if edits.status.is_some() {
            self.may(Operations::SET_STATUS, "set-status")?;
        }
        let problems = wider::problems(edits, self.is("length-in-bytes"));
        if problems.is_empty() {
            return self.changed(id, edits.clone());
        }
        let taken = self.fault.strip_prefix("update-takes-");
        if taken.is_some_and(|code| problems.iter().all(|problem| problem.code == code)) {
            let mended = Edits {
                changes: without_problems(&edits.changes, &problems),
                ..edits.clone()
            };
            return self.changed(id, mended);
        }
        if self.is("edits-refused-late") {
            self.write(id, true)?;
        }
        Err(invalid_account(problems))
    }

    /// Before it is sent.
    fn changed(&self, id: &str, mut edits: Edits) -> Result<Outcome> {
        self.misread(id, &mut edits)?;
        let relative = |change: &Change| matches!(change, Change::Add(_) | Change::Remove(_));
        let wide = edits.clone();
        if edits.changes.iter().any(relative) {
            let now = self.got(id)?;
            let changes = edits.changes.iter();
            edits.changes = changes
                .map(|change| wider::resolved(change, &now))
                .collect();
        } else {
            for change in &mut edits.changes {
                if let Change::Set(given) = change {
                    *given = wider::narrowed(given);
                }
            }
        }
        let before = match self.fault.as_str() {
            "several-changes-show-the-state-before" => self.inner.get(id).ok(),
            _ => None,
        };
        let outcome = match self.inner.update(id, &edits) {
            Ok(outcome) => outcome,
            Err(failed) => return self.failed(id, &edits, failed),
        };
        self.misreport(id, &wide, outcome, before)
    }

    /// Takes the edits for others.
    fn misread(&self, id: &str, edits: &mut Edits) -> Result<()> {
        let only = |edits: &Edits| match edits.changes.as_slice() {
            [change] => Some(change.clone()),
            _ => None,
        };
        let deactivates = edits.status == Some(AccountStatus::Inactive);
        match self.fault.as_str() {
            "several-changes-are-one" => edits.changes.truncate(1),
            "one-change-clears-another" => {
                if let Some(Change::Set(set)) = only(edits)
                    && set.name != SHORT
                {
                    edits.changes.push(Change::Clear(SHORT.to_owned()));
                }
            }
            "changes-activate" if !edits.changes.is_empty() => {
                edits.status = Some(AccountStatus::Active);
            }
            "clearing-is-ignored" => {
                if let Some(Change::Clear(name)) = only(edits)
                    && matches!(name.as_str(), LIST | SHORT)
                {
                    edits.changes.clear();
                }
            }
            "adding-replaces" => {
                if let Some(Change::Add(given)) = only(edits) {
                    edits.changes = vec![Change::Set(given)];
                }
            }
            "removing-clears" => {
                if let Some(Change::Remove(given)) = only(edits) {
                    edits.changes = vec![Change::Clear(given.name)];
                }
            }
            "versions-are-ignored" => edits.expected_version = None,
            "no-version-will-do" if edits.expected_version.is_some() => {
                return Err(other(FailureKind::PreconditionFailed));
            }
            "rare-characters-are-dropped" => rewritten(edits, |text| {
                text.chars().filter(|c| *c <= '\u{ffff}').collect()
            }),
            "long-texts-are-cut" => rewritten(edits, |text| text.chars().take(255).collect()),
            "deactivating-is-ignored" if deactivates => edits.status = None,
            "deactivating-clears-a-phone" if deactivates => {
                edits.changes.push(Change::Clear("mobilePhone".to_owned()));
            }
            "nobody-is-written-to" if self.inner.get(id).is_err() => self.write(id, true)?,
            _ => {}
        }
        Ok(())
    }

    fn failed(
        &self,
        id: &str,
        edits: &Edits,
        mut failed: connector_8x8::failure::Boxed,
    ) -> Result<Outcome> {
        let kind = failed.kind;
        match self.fault.as_str() {
            "update-takes-set-once" if failed.code.as_deref() == Some("site-set-once") => {
                return self.got(id).map(unchanged);
            }
            "nobody-is-updated" if kind == FailureKind::NotFound => {
                return Ok(unchanged(Account {
                    id: id.to_owned(),
                    status: AccountStatus::Active,
                    attributes: Vec::new(),
                    version: None,
                }));
            }
            "taken-without-its-holder" if kind == FailureKind::AlreadyExists => {
                failed.account = None;
            }
            "taken-is-anything" if kind == FailureKind::AlreadyExists => {
                failed.kind = FailureKind::Other;
            }
            "clash-is-anything" if edits.expected_version.is_some() => {
                failed.kind = FailureKind::Other;
            }
            _ => {}
        }
        Err(failed)
    }

    /// Says other things of what was done.
    fn misreport(
        &self,
        id: &str,
        edits: &Edits,
        mut outcome: Outcome,
        before: Option<Account>,
    ) -> Result<Outcome> {
        let active = outcome.account.status == AccountStatus::Active;
        let several = edits.changes.len() > 1;
        let nothing = outcome.effect == Effect::Unchanged;
        match self.fault.as_str() {
            "several-changes-show-the-state-before" if several => {
                outcome.account = before.unwrap_or(outcome.account);
            }
            "several-changes-are-none" if several && !nothing => outcome.effect = Effect::Unchanged,
            "no-change-is-a-change" if several && nothing => outcome.effect = Effect::Updated,
            "no-change-is-sent" if edits.changes.is_empty() && edits.status.is_none() => {
                self.write(id, active)?;
            }
            "same-status-is-sent"
                if edits.changes.is_empty() && edits.status.is_some() && nothing =>
            {
                self.write(id, active)?;
            }
            "same-value-is-added" if nothing => {
                if let [Change::Add(_)] = edits.changes.as_slice() {
                    self.write(id, active)?;
                }
            }
            _ => {}
        }
        outcome.account = widened(outcome.account);
        Ok(outcome)
    }
}

fn rewritten(edits: &mut Edits, rewrite: impl Fn(&str) -> String) {
    for change in &mut edits.changes {
        if let Change::Set(given) = change {
            for value in &mut given.values {
                if let Value::Text(text) = value {
                    *text = rewrite(text);
                }
            }
        }
    }
}
