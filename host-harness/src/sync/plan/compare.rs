//! An approved plan against one that was made just now: only what is in both is carried out.

use std::collections::HashMap;

use super::document::{Action, Entry, Plan};
use super::left::Left;

/// What is left of an approved plan.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// What is in both.
    pub(crate) entries: Vec<Entry>,
    /// What is in one of them, or differs, and why it is not carried out.
    pub(crate) moved: Vec<Left>,
    /// What a reviewer rejected, or did not look at.
    pub(crate) rejected: Vec<Left>,
}

/// Compares what was approved with what would be done now.
pub(crate) fn compare(approved: &Plan, fresh: Vec<Entry>) -> Comparison {
    let reviewed = approved
        .entries
        .iter()
        .any(|entry| entry.approved.is_some());
    let mut open: HashMap<Key, &Entry> = approved
        .entries
        .iter()
        .filter(|entry| entry.action.writes())
        .map(|entry| (key(entry), entry))
        .collect();
    let mut comparison = Comparison::default();
    for mut entry in fresh {
        let Some(old) = open.remove(&key(&entry)) else {
            if entry.action.writes() {
                let reason = format!("`{}` is not in the plan.", entry.action.name());
                comparison.moved.push(Left::of(&entry, reason));
            } else {
                comparison.entries.push(entry);
            }
            continue;
        };
        match (old.approved, moved(old, &entry)) {
            (Some(false), _) => {
                let reason = "Rejected in review.".to_owned();
                comparison.rejected.push(Left::of(old, reason));
            }
            (None, _) if reviewed => {
                let reason = "Not approved in review.".to_owned();
                comparison.rejected.push(Left::of(old, reason));
            }
            (_, Some(reason)) => {
                // A conflict by now says itself why.
                if entry.action == Action::Conflict {
                    comparison.entries.push(entry);
                } else {
                    comparison.moved.push(Left::of(old, reason));
                }
            }
            (approved, None) => {
                entry.approved = approved;
                comparison.entries.push(entry);
            }
        }
    }
    // Of those that are left nothing is to be done any more: an earlier run did it, as a rule.
    comparison
}

/// Whom an entry is about: a person, or an account that no row names.
type Key = (Option<String>, Option<String>);

fn key(entry: &Entry) -> Key {
    match &entry.person {
        Some(person) => (Some(person.clone()), None),
        None => (None, entry.account.clone()),
    }
}

/// What is not as the plan has it.
fn moved(old: &Entry, new: &Entry) -> Option<String> {
    if old.action != new.action {
        return Some(format!(
            "The plan says `{}`, and now it would be `{}`.",
            old.action.name(),
            new.action.name()
        ));
    }
    if old.account != new.account {
        return Some("It would be another account now.".to_owned());
    }
    let seen = |entry: &Entry| {
        entry.seen.clone().map(|seen| match seen.version {
            Some(version) => version,
            None => seen.fingerprint,
        })
    };
    if seen(old) != seen(new) {
        return Some("The account has changed since the plan was made.".to_owned());
    }
    let same = old.changes.len() == new.changes.len()
        && old.changes.iter().zip(&new.changes).all(|(old, new)| {
            let values = old.hidden || old.old == new.old && old.new == new.new;
            old.attribute == new.attribute && old.hidden == new.hidden && values
        });
    if !same {
        return Some("Other changes would be made now.".to_owned());
    }
    // Who waits for nobody any more gets what was agreed to: the name that they waited for is
    // free, since an earlier run of this plan was stopped after it was given up.
    let waits = new.after.is_some() && old.after != new.after;
    waits.then(|| "It would wait for somebody else now.".to_owned())
}
