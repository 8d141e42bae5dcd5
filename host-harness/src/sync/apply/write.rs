//! One write: a last look, the intent, the write, the outcome.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::{Applying, Ended};
use crate::attributes::{same, spec, values};
use crate::contract::{
    Account, AccountStatus, Attribute, Change, Draft, Edits, FailureKind, Manifest,
    Outcome as Answer,
};
use crate::failure::Failure;
use crate::sync::directory::{Search, find, names_nobody};
use crate::sync::journal::{Conclusion, Intent, Outcome, Spelling};
use crate::sync::plan::{Action, Entry};
use crate::sync::report::is_open;
use crate::sync::values::to_json;

impl Applying<'_> {
    pub(super) async fn one(&self, entry: &Entry, done: &HashSet<String>) -> Ended {
        if self.halt.is_stopped() {
            return Ended::NotBegun;
        }
        if let Some(owner) = &entry.after
            && !done.contains(owner)
        {
            let reason = format!("This waits for the change of {owner}, which was not made.");
            return Ended::Left("waits", reason);
        }
        let moved = match entry.action {
            Action::Create => self.somebody_turned_up(entry).await,
            _ => self.account_moved(entry).await,
        };
        if let Some(ended) = moved {
            return ended;
        }
        let intent = Intent {
            at: self.now(),
            person: entry.person.clone(),
            name: entry.name.clone(),
            action: entry.action.name().to_owned(),
            account: entry.account.clone(),
            wanted: wanted(entry),
        };
        let step = match self.journal.intend(self.run, &intent) {
            Ok(step) => step,
            Err(error) => return Ended::Journal(error.to_string()),
        };
        let result = self.send(entry).await;
        let conclusion = self.conclusion(entry, &result);
        if let Err(error) = self.journal.conclude(step, &conclusion) {
            return Ended::Journal(error.to_string());
        }
        match result {
            Ok(answer) => Ended::Done(answer.notices),
            Err(failure) => Ended::Failed(failure),
        }
    }

    /// The plan may be minutes old: whoever is there by now is not made once more.
    async fn somebody_turned_up(&self, entry: &Entry) -> Option<Ended> {
        let manifest = self.connection.manifest();
        let keys = [
            self.policy.identity_key.as_deref(),
            Some(self.policy.lookup_key.as_str()),
        ];
        for key in keys.into_iter().flatten() {
            let change = entry.changes.iter().find(|change| change.attribute == key);
            let Some(change) = change.filter(|_| manifest.lookup_keys.iter().any(|one| one == key))
            else {
                continue;
            };
            let attribute = Attribute {
                name: key.to_owned(),
                values: change.new.clone(),
            };
            let reason = match find(self.connection, &attribute).await {
                Ok(Search::Nobody) => continue,
                // Said in the plan; the name is looked for all the same.
                Ok(Search::Unsupported) if key != self.policy.lookup_key => continue,
                Ok(Search::Unsupported) => {
                    format!("Nobody can be looked for by {key} here, so nobody is made.")
                }
                Ok(Search::Found(account)) => format!(
                    "The account {} has this person's {key}, and had not when the plan was made.",
                    account.id
                ),
                Ok(Search::Several) => format!("Several accounts have this person's {key} now."),
                Err(failure) => return Some(Ended::Failed(failure)),
            };
            return Some(Ended::Left("moved", reason));
        }
        None
    }

    /// An account that is not any more as it was read may be somebody else's by now, or hold
    /// what somebody else has decided since. Where accounts have versions, the write names
    /// the one that was read, and no look is needed.
    async fn account_moved(&self, entry: &Entry) -> Option<Ended> {
        let id = entry.account.as_deref()?;
        let seen = entry.seen.as_ref();
        if seen.is_some_and(|seen| seen.version.is_some()) {
            return None;
        }
        let manifest = self.connection.manifest();
        let before = self.scratch.account(id).ok().flatten();
        let reason = match self.connection.get(id).await {
            Ok(now) if before.is_some_and(|before| alike(manifest, &before, &now)) => return None,
            Ok(_) => format!("The account {id} has changed since the plan was made."),
            Err(failure) if names_nobody(&failure) => {
                format!("The account {id} is gone, and was there when the plan was made.")
            }
            Err(failure) => return Some(Ended::Failed(failure)),
        };
        Some(Ended::Left("moved", reason))
    }

    async fn send(&self, entry: &Entry) -> Result<Answer, Failure> {
        let status = match entry.action {
            Action::Create => {
                let draft = Draft {
                    status: AccountStatus::Active,
                    attributes: entry.changes.iter().map(attribute).collect(),
                };
                return self.connection.create(&draft).await;
            }
            Action::Reactivate => Some(AccountStatus::Active),
            Action::Deactivate => Some(AccountStatus::Inactive),
            _ => None,
        };
        let changes = entry.changes.iter().map(|change| {
            if change.new.is_empty() {
                Change::Clear(change.attribute.clone())
            } else {
                Change::Set(attribute(change))
            }
        });
        let edits = Edits {
            status,
            changes: changes.collect(),
            expected_version: entry.seen.as_ref().and_then(|seen| seen.version.clone()),
        };
        let id = entry.account.as_deref().unwrap_or_default();
        self.connection.update(id, &edits).await
    }

    fn conclusion(&self, entry: &Entry, result: &Result<Answer, Failure>) -> Conclusion {
        let (outcome, account, detail) = match result {
            Ok(answer) => (Outcome::Done, Some(answer.account.id.clone()), None),
            Err(failure) => {
                let outcome = if is_open(failure) {
                    Outcome::Unknown
                } else {
                    Outcome::Failed
                };
                (
                    outcome,
                    left_behind(entry, failure),
                    Some(failure.message()),
                )
            }
        };
        let link = entry.person.clone().zip(account.clone());
        let spellings = match result {
            Ok(answer) => self.spellings(entry, answer),
            Err(_) => Vec::new(),
        };
        Conclusion {
            at: self.now(),
            outcome,
            detail,
            account,
            link,
            spellings,
        }
    }

    /// What was stored in another spelling than it was sent in. Would it be sent again, it
    /// would be stored the same again.
    fn spellings(&self, entry: &Entry, answer: &Answer) -> Vec<Spelling> {
        let manifest = self.connection.manifest();
        let sent = entry.changes.iter().filter(|change| !change.hidden);
        sent.filter_map(|change| {
            let spec = spec(manifest, &change.attribute)?;
            let stored = values(&answer.account, &change.attribute);
            (!same(spec, stored, &change.new)).then(|| Spelling {
                attribute: change.attribute.clone(),
                sent: change.new.clone(),
                stored: stored.to_vec(),
            })
        })
        .collect()
    }
}

/// Whether an account is in the same state, those values included that nobody is shown.
fn alike(manifest: &Manifest, before: &Account, now: &Account) -> bool {
    let mut specs = manifest.attributes.iter();
    before.status == now.status
        && specs.all(|spec| same(spec, values(before, &spec.name), values(now, &spec.name)))
}

/// The account that a failed create made all the same, if the failure says so.
fn left_behind(entry: &Entry, failure: &Failure) -> Option<String> {
    if entry.action != Action::Create {
        return entry.account.clone();
    }
    // The contract's word for "made, and a part of the draft was dropped".
    let made = failure
        .contract()
        .is_some_and(|failed| failed.kind == FailureKind::Unsupported);
    failure.account().filter(|_| made).map(str::to_owned)
}

fn attribute(change: &crate::sync::plan::AttributeChange) -> Attribute {
    Attribute {
        name: change.attribute.clone(),
        values: change.new.clone(),
    }
}

/// What tells, by reading, whether it was done. No values that are nobody's to read.
fn wanted(entry: &Entry) -> Json {
    let set: serde_json::Map<String, Json> = entry
        .changes
        .iter()
        .filter(|change| !change.hidden)
        .map(|change| (change.attribute.clone(), to_json(&change.new)))
        .collect();
    json!({ "attributes": set })
}
