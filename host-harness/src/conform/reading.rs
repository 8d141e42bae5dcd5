//! One account by its id, and ids that nobody has.

use super::expect::{INVALID_ACCOUNT, NOT_FOUND, done, refused};
use super::first_state::edits;
use super::outcome::{Checked, Stop};
use super::trial::Trial;
use super::values::Slot;
use crate::contract::{Change, Deletion, Mutability, Operations};

/// What `get` says of an id that nobody has.
const NOT_FOUND_OR_INVALID: [&str; 2] = ["not-found", "invalid-account"];

/// Ids that would lead elsewhere, were they written into an address as they are.
const IMPOSSIBLE: [&str; 7] = ["", ".", "..", "../x", "a/b", "a?b=c", "a%2Fb#c"];

/// What a careless address would make into another part of itself, after an id that exists.
const BESIDE: [&str; 3] = ["/", "?b=c", "#b"];

pub(super) async fn get(trial: &mut Trial) -> Checked {
    trial.claims(Operations::GET, "get")?;
    let subject = trial.subject().await?;
    let shown = done("`get`", trial.get(&subject.id).await)?;
    trial.alike("`get`", &subject, &shown)
}

/// How many ids are tried until one is nobody's: where they are counted up, the next ones are
/// other people's.
const MOST_TRIED: usize = 8;

/// An id in the shape of those that this tenant gives, of which `get` says that nobody has it:
/// what is then written to it must reach nobody.
pub(super) async fn unknown_id(trial: &mut Trial) -> Result<String, Stop> {
    let mut id = match trial.subject().await {
        Ok(subject) => nobodys(&subject.id),
        Err(_) => trial.values.name(Slot::Nobody),
    };
    for _ in 0..MOST_TRIED {
        match trial.get(&id).await {
            Err(failure) if NOT_FOUND_OR_INVALID.contains(&failure.kind()) => return Ok(id),
            _ => id = nobodys(&id),
        }
    }
    let id = trial.values.name(Slot::Nobody);
    match trial.get(&id).await {
        Err(failure) if NOT_FOUND_OR_INVALID.contains(&failure.kind()) => Ok(id),
        _ => Err(Stop::skip("no id could be found that is surely nobody's")),
    }
}

/// Each letter and digit is replaced by another one, so that its shape stays.
fn nobodys(id: &str) -> String {
    let turned = |c: char| match c {
        '0'..='8' | 'a'..='e' | 'A'..='E' | 'g'..='y' | 'G'..='Y' => {
            char::from_u32(u32::from(c) + 1).unwrap_or(c)
        }
        '9' => '1',
        'f' => 'a',
        'F' => 'A',
        'z' => 'g',
        'Z' => 'G',
        other => other,
    };
    let turned: String = id.chars().rev().map(turned).collect();
    // The last characters alone may be checked digits; the first ones tell variants of ids.
    let kept = id.chars().count() / 2;
    let end = turned.chars().take(id.chars().count() - kept);
    let end: Vec<_> = end.collect();
    let start = id.chars().take(kept);
    start.chain(end.into_iter().rev()).collect()
}

pub(super) async fn get_unknown(trial: &mut Trial) -> Checked {
    trial.claims(Operations::GET, "get")?;
    let what = "`get` of an id that nobody has";
    let due = [NOT_FOUND, INVALID_ACCOUNT];
    if let Ok(subject) = trial.subject().await {
        let mut id = nobodys(&subject.id);
        for _ in 0..MOST_TRIED {
            match trial.get(&id).await {
                // Somebody's, after all.
                Ok(_) => id = nobodys(&id),
                failed => {
                    refused(what, failed, &due)?;
                    break;
                }
            }
        }
    }
    let id = trial.values.name(Slot::Nobody);
    refused(what, trial.get(&id).await, &due).map(drop)
}

pub(super) async fn get_impossible(trial: &mut Trial) -> Checked {
    trial.claims(Operations::GET, "get")?;
    let mut ids = IMPOSSIBLE.map(str::to_owned).to_vec();
    if let Ok(subject) = trial.subject().await {
        // Where a part of it is taken for all of it, somebody is there.
        ids.extend(BESIDE.map(|end| format!("{}{end}", subject.id)));
    }
    for id in ids {
        let what = format!("`get` of the id {id:?}");
        refused(&what, trial.get(&id).await, &[NOT_FOUND, INVALID_ACCOUNT])?;
    }
    Ok(())
}

pub(super) async fn update_unknown(trial: &mut Trial) -> Checked {
    trial.claims(Operations::UPDATE, "update")?;
    let specs = &trial.manifest().attributes;
    let changed = specs
        .iter()
        .find(|spec| spec.mutability == Mutability::ReadWrite && spec.choices.is_empty());
    let Some(spec) = changed else {
        return Err(Stop::skip("no attribute can be changed"));
    };
    let set = edits(vec![Change::Set(
        trial.values.attribute(spec, Slot::Nobody),
    )]);
    let id = unknown_id(trial).await?;
    let what = "an update of an id that nobody has";
    let result = trial.update(&id, &set).await;
    refused(what, result, &[NOT_FOUND, INVALID_ACCOUNT])?;
    trial.wrote_nothing(what)
}

/// What comes of deleting an id that nobody has.
pub(super) async fn delete_unknown(trial: &mut Trial, id: &str) -> Checked {
    let what = "deleting an id that nobody has";
    match trial.delete(id).await {
        Ok(Deletion::Gone) => Ok(()),
        Ok(Deletion::Kept(_)) => Err(Stop::Fail(format!("{what} kept somebody's account"))),
        failed => refused(what, failed, &[INVALID_ACCOUNT]).map(drop),
    }
}
