//! What has to hold after any number of kills.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use simulated_8x8::Received;

use crate::town::{Kind, Town};

/// The tenant is as the roster has it, and its log shows nobody made twice.
pub(crate) fn judge(town: &Town) {
    everybody_has_one_account_and_it_is_right(town);
    nobody_is_made_twice_without_a_look(town, &town.tenant.log());
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

/// Each create is carried out once, and where one is sent again somebody has read in between
/// whether the first came to pass.
fn nobody_is_made_twice_without_a_look(town: &Town, log: &[Received]) {
    assert_eq!(town.tenant.log_dropped(), 0);
    let mut made: BTreeMap<String, u32> = BTreeMap::new();
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    for (position, received) in log.iter().enumerate() {
        if received.method != "POST" {
            continue;
        }
        let body: Json = serde_json::from_slice(&received.body).unwrap();
        let id = body["externalId"].as_str().unwrap().to_owned();
        let name = body["userName"].as_str().unwrap();
        *made.entry(id.clone()).or_default() += u32::from(received.committed);
        if let Some(before) = sent.insert(id.clone(), position) {
            let looked = log[before..position].iter().any(|between| {
                let path = &between.path;
                let asks = path.contains(&id) || path.contains(name.split('@').next().unwrap());
                between.method == "GET" && path.contains("filter=") && asks
            });
            assert!(looked, "{id} was sent twice without a look");
        }
    }
    let joiners = town
        .people
        .iter()
        .filter(|person| person.kind == Kind::Joiner);
    for person in joiners {
        assert_eq!(made.remove(&person.id), Some(1), "{person:?}");
    }
    assert_eq!(made, BTreeMap::new());
}
