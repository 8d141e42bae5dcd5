//! What is to be done to one person: a pure function of what their row wants, what was found,
//! and the policy. Never the wrong person: whatever leaves a doubt about whose account it is
//! is a conflict.

use super::document::{Action, AttributeChange, Entry, PlanNotice, Seen};
use crate::attributes::{same, spec, values};
use crate::contract::{Account, AccountStatus, Manifest, Mutability, Value};
use crate::sync::journal::Spelling;
use crate::sync::scratch::{Candidates, Owner};
use crate::sync::tenant::hex;
use crate::sync::values::{attributes_to_json, is_hidden, shown};
use crate::sync::{Leavers, Policy, Standing, Wish};

use sha2::{Digest as _, Sha256};

/// How an account was found to be a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The journal says so.
    Link,
    /// It has the person's identity key.
    Identity,
    /// It has the person's name, and that is all.
    Name,
}

/// What was found of a person.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Their account.
    pub(super) account: Option<(Account, How)>,
    /// The journal knows an account that is gone.
    pub(super) gone: Option<String>,
    /// Somebody else's account that has the name that this person is to have.
    pub(super) holder: Option<Holder>,
    /// What the upstream made of what was sent earlier.
    pub(super) spellings: Vec<Spelling>,
    /// Why the account must not be touched.
    pub(super) protected: Option<String>,
    /// The upstream offers no way to look for the identity key.
    pub(super) identity_unchecked: bool,
}

/// Who has the name that somebody else is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) account: String,
    pub(super) owner: Option<Owner>,
}

/// The account that is a person's beyond doubt, by the journal or the identity key.
///
/// # Errors
///
/// Why there is a doubt.
pub(super) fn sure<'a>(
    wish: &Wish,
    candidates: &'a Candidates,
    manifest: &Manifest,
) -> Result<Option<(&'a Account, How)>, String> {
    let identity = wish.identity.as_ref();
    let key = identity.map_or("identity key", |identity| &identity.name);
    match (&candidates.linked, candidates.by_identity.as_slice()) {
        (_, [one, another, ..]) => Err(format!(
            "Several accounts have this person's {key}: {} and {}. Find out which of them is \
             theirs.",
            one.id, another.id
        )),
        (Some(linked), [other]) if other.id != linked.id => Err(format!(
            "This person's account was {} so far, and {} has their {key}. Find out which of the \
             two is theirs.",
            linked.id, other.id
        )),
        (Some(linked), _) => match identity_of(wish, linked, manifest) {
            Some(theirs) if theirs.differs => Err(format!(
                "This person's account was {} so far, and its {key} is another one now ({}). If \
                 it is the same person, correct the {key} on one side.",
                linked.id, theirs.held
            )),
            _ => Ok(Some((linked, How::Link))),
        },
        (None, [one]) => Ok(Some((one, How::Identity))),
        (None, []) => Ok(None),
    }
}

/// What an account says of who it is.
struct Identity {
    held: String,
    differs: bool,
}

/// `None` where either side says nothing.
fn identity_of(wish: &Wish, account: &Account, manifest: &Manifest) -> Option<Identity> {
    let identity = wish.identity.as_ref()?;
    let held = values(account, &identity.name);
    let spec = spec(manifest, &identity.name)?;
    if held.is_empty() || identity.values.is_empty() {
        return None;
    }
    Some(Identity {
        held: if is_hidden(spec) {
            "not shown".to_owned()
        } else {
            shown(held)
        },
        differs: !same(spec, held, &identity.values),
    })
}

/// Somebody who is not known: the account that has their name, if it can be theirs.
///
/// # Errors
///
/// Why it cannot be told.
pub(super) fn by_name<'a>(
    wish: &Wish,
    candidates: &'a Candidates,
    manifest: &Manifest,
    identity_key: Option<&str>,
    owner: impl FnOnce(&Account) -> Option<Owner>,
) -> Result<(Option<&'a Account>, Option<Holder>), String> {
    let name = wish.lookup.as_ref().map_or("name", |lookup| &lookup.name);
    match candidates.by_name.as_slice() {
        [] => Ok((None, None)),
        [account] => {
            let holder = owner(account);
            if holder.is_some() {
                let holder = Holder {
                    account: account.id.clone(),
                    owner: holder,
                };
                return Ok((None, Some(holder)));
            }
            match identity_of(wish, account, manifest) {
                Some(identity) if identity.differs => Err(format!(
                    "The account {} has this person's {name} and belongs to somebody else: its {} \
                     is {}. If it is the same person, correct that on one side; if not, give this \
                     person another {name}.",
                    account.id,
                    wish.identity
                        .as_ref()
                        .map_or("identity key", |key| &key.name),
                    identity.held
                )),
                None if identity_key.is_some_and(|key| !values(account, key).is_empty()) => {
                    let key = identity_key.unwrap_or_default();
                    Err(format!(
                        "The account {} has this person's {name} and says whose it is by its {key}; \
                         the row has none. Fill in the person's {key}, or give them another {name}.",
                        account.id
                    ))
                }
                _ => Ok((Some(account), None)),
            }
        }
        [one, another, ..] => Err(format!(
            "Several accounts have this person's {name}: {} and {}. Find out which of them is \
             theirs.",
            one.id, another.id
        )),
    }
}

/// Decides for one person.
pub(super) fn decide(wish: &Wish, found: &Found, policy: &Policy, manifest: &Manifest) -> Entry {
    let mut entry = Entry {
        person: Some(wish.key.clone()),
        line: Some(wish.line),
        name: wish
            .lookup
            .as_ref()
            .map(|lookup| shown(&lookup.values))
            .filter(|name| !name.is_empty()),
        action: Action::Nothing,
        account: None,
        seen: None,
        changes: Vec::new(),
        after: None,
        reason: None,
        notices: Vec::new(),
        approved: None,
    };
    if let Some((account, _)) = &found.account {
        entry.account = Some(account.id.clone());
        entry.seen = Some(seen(account, manifest));
    }
    if let Some(rule) = wish.protected.as_ref().or(found.protected.as_ref()) {
        entry.becomes(Action::Skipped, format!("Protected: {rule}."));
        return entry;
    }
    match (&wish.standing, &found.account) {
        (Standing::Wanted { role }, None) => {
            entry.reason = role.as_ref().map(|role| format!("Role {role}."));
            join(&mut entry, wish, found, policy, manifest);
        }
        (Standing::Wanted { role }, Some((account, how))) => {
            entry.reason = role.as_ref().map(|role| format!("Role {role}."));
            keep(&mut entry, wish, account, *how, found, policy, manifest);
        }
        (Standing::NotYet { from }, None) => {
            entry.becomes(Action::Skipped, format!("Not before {from}."));
        }
        (Standing::NotYet { from }, Some((account, _))) => match account.status {
            AccountStatus::Inactive => {
                entry.becomes(Action::Skipped, format!("Not before {from}."));
            }
            AccountStatus::Active => entry.becomes(
                Action::Skipped,
                format!("Not before {from}, and active already: left as it is."),
            ),
        },
        (Standing::NoLonger { reason }, None) => {
            entry.becomes(
                Action::Skipped,
                format!("{}, and there is no account.", plain(reason)),
            );
        }
        (Standing::NoLonger { reason }, Some((account, how))) => {
            leave(&mut entry, reason, account, *how, policy);
        }
    }
    entry
}

/// A new account.
fn join(entry: &mut Entry, wish: &Wish, found: &Found, policy: &Policy, manifest: &Manifest) {
    let name = wish.lookup.as_ref().map_or("name", |lookup| &lookup.name);
    if wish
        .lookup
        .as_ref()
        .is_none_or(|lookup| lookup.values.len() != 1)
    {
        let reason = format!("To look for an account, exactly one {name} is needed.");
        return entry.becomes(Action::Conflict, reason);
    }
    match &found.holder {
        Some(Holder {
            owner: Some(Owner::InRoster(owner)),
            ..
        }) => {
            entry.after = Some(owner.clone());
        }
        Some(Holder { account, owner }) => {
            return entry.becomes(Action::Conflict, taken(name, account, owner.as_ref()));
        }
        None => {}
    }
    if !policy.switches.create {
        return entry.becomes(Action::Skipped, switched_off("create"));
    }
    entry.action = Action::Create;
    for attribute in &wish.attributes {
        let Some(spec) = spec(manifest, &attribute.name) else {
            continue;
        };
        if spec.mutability != Mutability::ReadOnly && !attribute.values.is_empty() {
            entry.changes.push(AttributeChange {
                attribute: attribute.name.clone(),
                old: Vec::new(),
                new: attribute.values.clone(),
                hidden: is_hidden(spec),
            });
        }
    }
    if let Some(gone) = &found.gone {
        let message = "The account that this person had is gone; they get a new one.";
        notice(entry, "account-gone", None, message);
        entry.reason = Some(format!("Their account {gone} is gone."));
    }
    if found.identity_unchecked && wish.identity.is_some() {
        let message = "The upstream could not be asked who has this person's identity key: if they \
                       had an account under another name, there would be two.";
        notice(entry, "identity-not-checked", None, message);
    }
}

/// Somebody who has an account, and is to have one.
fn keep(
    entry: &mut Entry,
    wish: &Wish,
    account: &Account,
    how: How,
    found: &Found,
    policy: &Policy,
    manifest: &Manifest,
) {
    let inactive = account.status == AccountStatus::Inactive;
    if how == How::Name {
        if inactive {
            let reason = format!(
                "The account {} is inactive and has this person's name, and nothing else says that \
                 it was theirs: it may have been a namesake's. If it was theirs, give it their \
                 identity key, or activate it by hand.",
                account.id
            );
            return entry.becomes(Action::Conflict, reason);
        }
        let message = "An account was found by its name alone, and is taken for this person's from \
                       now on.";
        notice(entry, "adopted-by-name", None, message);
    }
    differences(entry, wish, account, found, policy, manifest);
    let lookup = wish.lookup.as_ref();
    let renamed = lookup.filter(|lookup| {
        let changed = |change: &AttributeChange| change.attribute == lookup.name;
        entry.changes.iter().any(changed)
    });
    if let (Some(lookup), Some(holder)) = (renamed, &found.holder) {
        match &holder.owner {
            Some(Owner::InRoster(owner)) => entry.after = Some(owner.clone()),
            owner => {
                let reason = taken(&lookup.name, &holder.account, owner.as_ref());
                return entry.becomes(Action::Conflict, reason);
            }
        }
    }
    if inactive {
        if !policy.switches.reactivate {
            return entry.becomes(Action::Skipped, switched_off("reactivate"));
        }
        entry.action = Action::Reactivate;
        if !policy.switches.update && !entry.changes.is_empty() {
            entry.changes.clear();
            entry.after = None;
            let message = "Attributes differ, and updates are switched off: they stay as they are.";
            notice(entry, "updates-switched-off", None, message);
        }
    } else if entry.changes.is_empty() {
        entry.action = Action::Nothing;
    } else if policy.switches.update {
        entry.action = Action::Update;
    } else {
        entry.becomes(Action::Skipped, switched_off("update"));
    }
}

/// Somebody who has an account, and is not to have one any longer.
fn leave(entry: &mut Entry, reason: &str, account: &Account, how: How, policy: &Policy) {
    let reason = plain(reason);
    if account.status == AccountStatus::Inactive {
        entry.action = Action::Nothing;
    } else if policy.leavers == Leavers::Keep {
        entry.becomes(
            Action::Skipped,
            format!("{reason}; the rules keep the accounts of leavers."),
        );
    } else if policy.switches.deactivate {
        entry.action = Action::Deactivate;
        entry.reason = Some(format!("{reason}."));
        if how == How::Name {
            let message = "An account was found by its name alone, and is taken for this person's.";
            notice(entry, "adopted-by-name", None, message);
        }
    } else {
        entry.becomes(Action::Skipped, switched_off("deactivate"));
    }
}

fn differences(
    entry: &mut Entry,
    wish: &Wish,
    account: &Account,
    found: &Found,
    policy: &Policy,
    manifest: &Manifest,
) {
    let cleared = wish.cleared.iter().map(|name| (name, &[] as &[Value]));
    let set = wish
        .attributes
        .iter()
        .map(|attribute| (&attribute.name, attribute.values.as_slice()));
    for (name, new) in set.chain(cleared) {
        let Some(spec) = spec(manifest, name) else {
            continue;
        };
        let old = values(account, name);
        let respelt = found.spellings.iter().any(|spelling| {
            spelling.attribute == *name && spelling.sent == new && same(spec, old, &spelling.stored)
        });
        match spec.mutability {
            Mutability::ReadOnly | Mutability::WriteOnly => {}
            _ if same(spec, old, new) || respelt => {}
            // A blank cell does not make an account nobody's.
            _ if new.is_empty() && policy.identity_key.as_ref() == Some(name) => {
                let message = format!(
                    "{} says whose account it is, and is not cleared.",
                    spec.title
                );
                notice(entry, "identity-not-cleared", Some(name), &message);
            }
            Mutability::SetOnce if !old.is_empty() => {
                let message = format!(
                    "{} is another one, and {} does not let it change once it is set; it stays as \
                     it is.",
                    spec.title, manifest.title
                );
                notice(entry, "set-once-differs", Some(name), &message);
            }
            _ if new.is_empty() && spec.required => {
                let message = format!("{} is required and cannot be cleared.", spec.title);
                notice(entry, "required-not-cleared", Some(name), &message);
            }
            Mutability::SetOnce | Mutability::ReadWrite => entry.changes.push(AttributeChange {
                attribute: name.clone(),
                old: old.to_vec(),
                new: new.to_vec(),
                hidden: is_hidden(spec),
            }),
        }
    }
}

fn notice(entry: &mut Entry, code: &str, attribute: Option<&str>, message: &str) {
    entry.notices.push(PlanNotice {
        code: code.to_owned(),
        attribute: attribute.map(str::to_owned),
        message: message.to_owned(),
    });
}

fn taken(name: &str, account: &str, owner: Option<&Owner>) -> String {
    let whose = match owner {
        Some(Owner::InRoster(owner) | Owner::Known(owner)) => format!("is {owner}'s"),
        None => "is somebody else's".to_owned(),
    };
    format!(
        "The account {account} has the {name} that this person is to have, and {whose}. Give one of \
         them another {name}."
    )
}

fn switched_off(what: &str) -> String {
    format!("`{what}` is switched off.")
}

/// A reason as the beginning of a sentence: a capital letter, no full stop.
fn plain(reason: &str) -> String {
    let mut letters = reason.trim_end_matches('.').chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// What tells whether an account is still in the state that a plan was made on.
pub(super) fn seen(account: &Account, manifest: &Manifest) -> Seen {
    let mut attributes: Vec<_> = account
        .attributes
        .iter()
        .filter(|attribute| spec(manifest, &attribute.name).is_some_and(|spec| !is_hidden(spec)))
        .cloned()
        .collect();
    attributes.sort_by(|a, b| a.name.cmp(&b.name));
    for attribute in &mut attributes {
        attribute.values.sort_by_key(|value| format!("{value:?}"));
    }
    let active = account.status == AccountStatus::Active;
    let state = format!("{active} {}", attributes_to_json(&attributes));
    let digest = hex(&Sha256::digest(state));
    Seen {
        version: account.version.clone(),
        fingerprint: digest.get(..16).unwrap_or_default().to_owned(),
    }
}
