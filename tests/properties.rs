//! What holds for every value, with a service that reads filters and patches by itself: the
//! simulated tenant's parser and engine share nothing with the connector.

use std::collections::BTreeMap;

use host_harness::contract::Effect;
use proptest::collection::btree_map;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value as Json;
use simulated_8x8::{Received, SimulatedTenant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{ADA, Stage, draft, edits, stored, text};

const CASES: u32 = 96;

fn runner() -> TestRunner {
    TestRunner::new(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// Any text of a person's, quotes and backslashes more often than by chance.
fn words() -> impl Strategy<Value = String> {
    let c = prop_oneof![3 => any::<char>(), 1 => prop::sample::select(vec!['"', '\\', '+', '%', '&', '\'', ')', ' '])];
    prop::collection::vec(c, 1..24)
        .prop_map(|all| all.into_iter().collect::<String>().trim().to_owned())
        .prop_filter("not blank", |text| !text.is_empty())
}

#[test]
fn any_user_name_is_found_again() {
    let runtime = runtime();
    let stage = runtime.block_on(Stage::new());
    runner()
        .run(&words(), |name| {
            runtime.block_on(async {
                let attributes = [
                    ("userName", name.as_str()),
                    ("givenName", "Ada"),
                    ("familyName", "Lovelace"),
                    ("workEmail", "ada@example.com"),
                ];
                let made = match stage.connection.create(&draft(&attributes)).await {
                    Ok(made) => made.account.id,
                    // The same name in another case, from a case before.
                    Err(taken) if taken.kind() == "already-exists" => {
                        taken.account().unwrap().to_owned()
                    }
                    Err(other) => panic!("{name:?}: {other:?}"),
                };
                stage.tenant.clear_log();
                let found = stage
                    .connection
                    .find("userName", &text(&name))
                    .await
                    .unwrap();
                assert_eq!(found.map(|account| account.id), Some(made), "{name:?}");
                // By the filter, and not by reading everybody.
                assert_eq!(stage.lines().len(), 1, "{name:?}");
                stage
                    .tenant
                    .delete_in_console(stage.tenant.users()[0]["id"].as_str().unwrap());
            });
            Ok(())
        })
        .unwrap();
}

/// Attributes to change, and what to: empty clears.
fn changes() -> impl Strategy<Value = BTreeMap<&'static str, String>> {
    let phone = "\\+[1-9][0-9]{6,12}";
    let names = vec![
        "givenName",
        "familyName",
        "externalId",
        "title",
        "department",
        "mobilePhone",
        "workPhone",
    ];
    btree_map(prop::sample::select(names), words(), 0..6)
        .prop_flat_map(move |all| (Just(all), phone, any::<u8>()))
        .prop_map(|(mut all, phone, cleared)| {
            for (at, (name, value)) in all.iter_mut().enumerate() {
                if name.ends_with("Phone") {
                    value.clone_from(&phone);
                }
                if cleared & (1 << at) != 0 && !matches!(*name, "givenName" | "familyName") {
                    value.clear();
                }
            }
            all
        })
}

#[test]
fn a_patch_is_the_least_that_does_it_and_does_it_once() {
    let runtime = runtime();
    runner()
        .run(&(changes(), changes()), |(first, second)| {
            runtime.block_on(async {
                let stage = Stage::new().await;
                let id = stage
                    .connection
                    .create(&draft(&ADA))
                    .await
                    .unwrap()
                    .account
                    .id;
                for wanted in [first, second] {
                    changed(&stage, &id, &wanted).await;
                }
            });
            Ok(())
        })
        .unwrap();
}

async fn changed(stage: &Stage, id: &str, wanted: &BTreeMap<&'static str, String>) {
    let before = stored(&stage.tenant.user(id).unwrap());
    let pairs: Vec<_> = wanted
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut after = before.clone();
    for (name, value) in &pairs {
        if value.is_empty() {
            after.remove(*name);
        } else {
            after.insert((*name).to_owned(), (*value).to_owned());
        }
    }
    let differ = pairs
        .iter()
        .filter(|(name, _)| before.get(*name) != after.get(*name))
        .count();
    stage.tenant.clear_log();
    let outcome = stage.connection.update(id, &edits(&pairs)).await.unwrap();
    assert_eq!(stored(&stage.tenant.user(id).unwrap()), after, "{wanted:?}");
    let log = stage.tenant.log();
    let writes: Vec<_> = log.iter().filter(|one| one.method != "GET").collect();
    if differ == 0 {
        assert!(
            outcome.effect == Effect::Unchanged && writes.is_empty(),
            "{writes:?}"
        );
        return;
    }
    let [patch] = writes.as_slice() else {
        panic!("one PATCH is enough: {writes:?}");
    };
    let body: Json = serde_json::from_slice(&patch.body).unwrap();
    assert_eq!(
        body["Operations"].as_array().unwrap().len(),
        differ,
        "{body}"
    );
    // The same once more changes nothing, unless it adds an element, which is therefore never
    // sent as something that may be repeated.
    let adds_element = body["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .any(|operation| operation["op"] == "add" && operation["value"].is_array());
    if !adds_element {
        again(&stage.tenant, patch).await;
        assert_eq!(stored(&stage.tenant.user(id).unwrap()), after, "{body}");
    }
    stage.tenant.clear_log();
    let outcome = stage.connection.update(id, &edits(&pairs)).await.unwrap();
    assert_eq!(outcome.effect, Effect::Unchanged);
    assert!(stage.writes().is_empty());
}

/// Sends a request that the tenant received, once more.
async fn again(tenant: &SimulatedTenant, received: &Received) {
    let mut socket = TcpStream::connect(tenant.address()).await.unwrap();
    let head = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/scim+json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        received.method,
        received.path,
        tenant.address(),
        tenant.token(),
        received.body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&received.body).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    // `remove` of what is gone already may be refused, and then changes nothing either.
    let status = &answer[9..12];
    assert!(matches!(status, "200" | "204" | "400"), "{answer}");
}
