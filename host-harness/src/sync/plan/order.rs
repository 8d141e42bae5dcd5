//! Who goes before whom: names that one person gives up and another gets, and the phases.

use std::collections::HashMap;

use super::document::{Action, AttributeChange, Entry};
use crate::attributes::spec;
use crate::contract::{AttributeSpec, Manifest, Value};
use crate::sync::Phase;

/// Settles between people what was decided for each alone: two who are to get one name, and
/// those who get a name that somebody keeps after all, are conflicts.
pub(super) fn settle(entries: &mut [Entry], lookup_key: &str, manifest: &Manifest) {
    let Some(spec) = spec(manifest, lookup_key) else {
        return;
    };
    refuse_shared_names(entries, spec);
    loop {
        let kept = refuse_kept_names(entries, lookup_key);
        // Whoever waited for somebody who is a conflict now waits in vain.
        if !kept && !refuse_circles(entries) {
            return;
        }
    }
}

/// The name that somebody gets who does not have it yet.
fn gets<'a>(entry: &'a Entry, lookup_key: &str) -> Option<&'a AttributeChange> {
    let gets = matches!(
        entry.action,
        Action::Create | Action::Update | Action::Reactivate
    );
    let mut changes = entry.changes.iter();
    gets.then(|| changes.find(|change| change.attribute == lookup_key))?
}

fn refuse_shared_names(entries: &mut [Entry], spec: &AttributeSpec) {
    let mut getting: HashMap<String, Vec<usize>> = HashMap::new();
    for (position, entry) in entries.iter().enumerate() {
        let change = gets(entry, &spec.name);
        if let Some([Value::Text(name)]) = change.map(|change| change.new.as_slice()) {
            let name = crate::attributes::comparable(spec, name).into_owned();
            getting.entry(name).or_default().push(position);
        }
    }
    for positions in getting.values().filter(|positions| positions.len() > 1) {
        let people: Vec<String> = positions
            .iter()
            .filter_map(|position| entries.get(*position))
            .map(|entry| entry.who().to_owned())
            .collect();
        for position in positions {
            if let Some(entry) = entries.get_mut(*position) {
                let reason = format!(
                    "Several people are to get the same {}: {}. Give each their own.",
                    spec.name,
                    people.join(", ")
                );
                entry.becomes(Action::Conflict, reason);
            }
        }
    }
}

fn positions(entries: &[Entry]) -> HashMap<&str, usize> {
    entries
        .iter()
        .enumerate()
        .filter_map(|(position, entry)| Some((entry.person.as_deref()?, position)))
        .collect()
}

/// Whoever waits for a name that its owner does not give up. Whether there was somebody.
fn refuse_kept_names(entries: &mut [Entry], lookup_key: &str) -> bool {
    let known = positions(entries);
    let in_vain: Vec<usize> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| {
            entry.after.as_deref().is_some_and(|owner| {
                let owner = known.get(owner).and_then(|position| entries.get(*position));
                owner.is_none_or(|owner| {
                    owner.action == Action::Create || gets(owner, lookup_key).is_none()
                })
            })
        })
        .map(|(position, _)| position)
        .collect();
    for position in &in_vain {
        if let Some(entry) = entries.get_mut(*position) {
            let owner = entry.after.take().unwrap_or_default();
            let reason = format!(
                "The {lookup_key} that this person is to have is that of {owner}'s account, who \
                 does not give it up. Give one of them another {lookup_key}.",
            );
            entry.becomes(Action::Conflict, reason);
        }
    }
    !in_vain.is_empty()
}

/// People who wait for each other's names in a circle. Whether there were some.
fn refuse_circles(entries: &mut [Entry]) -> bool {
    let known = positions(entries);
    let next = |position: usize| {
        let owner = entries.get(position)?.after.as_deref()?;
        known.get(owner).copied()
    };
    // Somebody is in a circle if the way from them leads back to them.
    let is_in_circle = |start: usize| {
        let mut position = start;
        for _ in 0..entries.len() {
            match next(position) {
                Some(following) if following == start => return true,
                Some(following) => position = following,
                None => return false,
            }
        }
        false
    };
    let waiting = (0..entries.len()).filter(|position| next(*position).is_some());
    let circle: Vec<usize> = waiting.filter(|position| is_in_circle(*position)).collect();
    for position in &circle {
        if let Some(entry) = entries.get_mut(*position) {
            let owner = entry.after.take().unwrap_or_default();
            let reason = format!(
                "This person and {owner} swap names, in a circle in which nobody can be the first. \
                 Give one of them another name by hand, and run again.",
            );
            entry.becomes(Action::Conflict, reason);
        }
    }
    !circle.is_empty()
}

/// The writes of a plan in waves: all of one wave may be sent at the same time, once those
/// before have ended.
pub(crate) fn waves(entries: &[Entry], order: &[Phase]) -> Vec<Vec<usize>> {
    let known = positions(entries);
    let rank = |action: Action| {
        let phase = match action {
            Action::Create | Action::Reactivate => Phase::Joiners,
            Action::Update => Phase::Movers,
            _ => Phase::Leavers,
        };
        let place = order.iter().position(|one| *one == phase);
        place.unwrap_or(order.len())
    };
    let mut places: HashMap<usize, (usize, usize)> = HashMap::new();
    for (start, entry) in entries.iter().enumerate() {
        if !entry.action.writes() {
            continue;
        }
        // From whoever waits for nobody back to this one; `settle` has left no circle, and a
        // plan from a file may be anything.
        let mut chain = vec![start];
        let mut position = start;
        while let Some(owner) = entries
            .get(position)
            .and_then(|entry| known.get(entry.after.as_deref()?))
            .filter(|owner| !places.contains_key(owner) && !chain.contains(owner))
        {
            chain.push(*owner);
            position = *owner;
        }
        for position in chain.into_iter().rev() {
            let Some(entry) = entries.get(position) else {
                continue;
            };
            let own = rank(entry.action);
            let before = entry.after.as_deref().and_then(|owner| known.get(owner));
            let place = match before.and_then(|owner| places.get(owner)) {
                Some((rank, level)) if *rank >= own => (*rank, level + 1),
                _ => (own, 0),
            };
            places.insert(position, place);
        }
    }
    let mut waves: std::collections::BTreeMap<(usize, usize), Vec<usize>> = Default::default();
    for (position, place) in places {
        waves.entry(place).or_default().push(position);
    }
    let mut waves: Vec<Vec<usize>> = waves.into_values().collect();
    for wave in &mut waves {
        wave.retain(|position| {
            entries
                .get(*position)
                .is_some_and(|one| one.action.writes())
        });
        wave.sort_unstable();
    }
    waves
}
