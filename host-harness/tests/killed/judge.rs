//! Where a run was killed, by what it has left; and what has to hold after any number of kills.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::journal::Journal;
use crate::point::{Killed, Point};
use crate::relay::Request;
use crate::town::{Kind, Town};

/// Journal, trace and the tenant's log agree that the run was killed at this point, and at the
/// writes of these people.
pub(crate) fn who_was_killed_there(
    point: Point,
    town: &Town,
    killed: &Killed,
    log_before: usize,
) -> Vec<String> {
    let journal = town.journal();
    let log = town.tenant.log_since(log_before);
    let people = match point {
        Point::BeforeIntent => {
            assert!(journal.open().is_empty(), "{journal:?}");
            let looks = killed.held.iter();
            looks.map(|look| town.whom(look).unwrap()).collect()
        }
        _ => intended_and_sent(&journal, town, killed),
    };
    for person in &people {
        // No outcome: it would have linked them.
        assert!(!journal.links.contains_key(person), "{journal:?}");
        let steps = journal.steps_of(person);
        assert_eq!(steps.is_empty(), point == Point::BeforeIntent, "{steps:?}");
        let arrived: Vec<bool> = log
            .iter()
            .filter(|one| one.method != "GET")
            .filter(|one| town.whom(&Request::from(*one)).as_ref() == Some(person))
            .map(|one| one.committed)
            .collect();
        let carried_out: &[bool] = if point.is_carried_out() { &[true] } else { &[] };
        assert_eq!(arrived, carried_out, "{person}");
    }
    for held in &killed.held {
        let is_read = killed.last_answered.as_deref() == Some(&held.line);
        assert_eq!(is_read, point.is_read(), "{:?}", killed.last_answered);
        assert_eq!(held.body.is_none(), point == Point::Connected);
    }
    people
}

/// Those whose intent has no outcome are those whose writes are held up.
fn intended_and_sent(journal: &Journal, town: &Town, killed: &Killed) -> Vec<String> {
    let open = journal.open();
    assert_eq!(open.len(), killed.held.len(), "{open:?}");
    for write in &killed.held {
        let matches = open.iter().any(|step| {
            let sent = match town.whom(write) {
                Some(person) => person == step.person,
                // The body was not read: only that it is a create is known.
                None => write.body.is_none(),
            };
            let makes = write.line.starts_with("POST ");
            sent && makes == (step.action == "create") && step.run == journal.run
        });
        assert!(matches, "{} {open:?}", write.line);
    }
    open.iter().map(|step| step.person.clone()).collect()
}

/// Everybody has one account, as the roster has it, and the journal knows which; nothing was done
/// twice.
pub(crate) fn judge(town: &Town) {
    everybody_has_one_account_and_it_is_right(town);
    everybody_is_linked_to_their_account(town);
    everybodys_write_came_once(town);
}

fn everybody_has_one_account_and_it_is_right(town: &Town) {
    let users = town.tenant.users();
    let mut accounts: BTreeMap<&str, Vec<&Json>> = BTreeMap::new();
    for user in &users {
        accounts
            .entry(user["externalId"].as_str().unwrap())
            .or_default()
            .push(user);
    }
    assert_eq!(users.len(), town.people.len());
    for person in &town.people {
        let [account] = accounts.remove(person.id.as_str()).unwrap_or_default()[..] else {
            panic!("{person:?} has none, or several");
        };
        assert_eq!(account["userName"], person.email(), "{person:?}");
        assert_eq!(account["title"], "Analyst", "{person:?}");
        assert_eq!(account["active"], person.kind != Kind::Leaver, "{person:?}");
    }
}

fn everybody_is_linked_to_their_account(town: &Town) {
    let journal = town.journal();
    let users = town.tenant.users();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let links: BTreeMap<String, String> = users
        .iter()
        .map(|user| (text(&user["externalId"]), text(&user["id"])))
        .collect();
    assert_eq!(journal.links, links);
    assert!(journal.open().is_empty(), "{journal:?}");
}

/// Those that were held up before the tenant never came to it, and were sent again; the others were
/// not.
fn everybodys_write_came_once(town: &Town) {
    assert_eq!(town.tenant.log_dropped(), 0);
    let log = town.tenant.log();
    let writes = log.iter().filter(|received| received.method != "GET");
    let mut came: Vec<String> = Vec::new();
    for write in writes {
        assert!(write.committed, "{write:?}");
        came.extend(town.whom(&Request::from(write)));
    }
    came.sort();
    let everybody: Vec<&str> = town.people.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(came, everybody);
}
