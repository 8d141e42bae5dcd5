//! All attacks in one go, on one host, with the 8x8 connector at work beside them.

use std::time::Duration;

use component_8x8::CONNECTOR_8X8;
use host_harness::contract::{AccountStatus, Attribute, Draft, Edits, Effect, Value};
use host_harness::{Component, Connection, ConnectionOptions, SandboxLifetime, StaticCredentials};
use simulated_8x8::{SimulatedTenant, TenantOptions};

use super::upstream::Upstream;
use super::{HOSTILE, connected, describing, host, options};

const ATTACKS: [&str; 30] = [
    "endless-loop in get",
    "memory-bomb in get",
    "deep-recursion in get",
    "wide-frames in get",
    "trap in get",
    "panic in get",
    "log-flood in get",
    "log-escapes in get",
    "many-fields in get",
    "heavy-messages in get",
    "heavy-texts in get",
    "heavy-bodies in get",
    "heavy-headers in get",
    "heavy-credentials in get",
    "call-storm in get",
    "refused-storm in get",
    "another in get",
    "unlisted in get",
    "failure-escapes in get",
    "huge-text in get",
    "million-attributes in get",
    "million-values in get",
    "failure-megabytes in get",
    "endless-loop in open",
    "memory-bomb in open",
    "panic in open",
    "hoard in open",
    "endless-loop in reach",
    "million in reach",
    "megabytes in learned",
];

async fn healthy(component: &Component, tenant: &SimulatedTenant) -> Connection {
    let mut options = ConnectionOptions::new()
        .setting("instance-url", tenant.instance_url())
        .setting("customer-id", tenant.customer_id())
        .credentials(StaticCredentials::new().with("api-token", tenant.token()));
    options.network.allow_loopback_http = true;
    connected(component, options).await.unwrap()
}

fn text(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        values: vec![Value::Text(value.to_owned())],
    }
}

/// One person's life, each step as it should be.
async fn one_life(connection: &Connection, number: usize) {
    let name = format!("person-{number}@example.com");
    let draft = Draft {
        status: AccountStatus::Active,
        attributes: vec![
            text("userName", &name),
            text("givenName", "Ada"),
            text("familyName", "Lovelace"),
            text("workEmail", &name),
            text("site", "London"),
        ],
    };
    let made = connection.create(&draft).await.unwrap();
    assert_eq!(made.effect, Effect::Created);
    let found = connection.find("userName", &Value::Text(name)).await;
    assert_eq!(found.unwrap().unwrap().id, made.account.id);
    let left = Edits {
        status: Some(AccountStatus::Inactive),
        changes: vec![],
        expected_version: None,
    };
    let left = connection.update(&made.account.id, &left).await.unwrap();
    assert_eq!(left.account.status, AccountStatus::Inactive);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_attacks_at_once_leave_a_healthy_connection_every_operation() {
    let host = host(|_| {});
    let hostile = Component::from_bytes(&host, HOSTILE).await.unwrap();
    let connector = Component::from_bytes(&host, CONNECTOR_8X8).await.unwrap();
    let tenant = SimulatedTenant::start(TenantOptions::default())
        .await
        .unwrap();
    let connection = healthy(&connector, &tenant).await;

    let mut attacks = tokio::task::JoinSet::new();
    for attack in ATTACKS {
        let hostile = hostile.clone();
        attacks.spawn(async move {
            let upstream = Upstream::start().await;
            let mut options = options(&upstream, attack);
            options.limits.cpu = Duration::from_secs(1);
            match connected(&hostile, options).await {
                Ok(connection) => {
                    let request = format!("GET {}/Users", upstream.base());
                    let _stopped = connection.get(&request).await;
                }
                Err(_stopped) => {}
            }
        });
    }
    for attack in ["endless-loop", "memory-bomb", "megabytes", "panic"] {
        let host = host.clone();
        attacks.spawn(async move {
            let loaded = Component::from_bytes(&host, &describing(attack)).await;
            assert!(loaded.is_err());
        });
    }
    let mut lives = 0;
    while !attacks.is_empty() {
        one_life(&connection, lives).await;
        lives += 1;
        while let Some(ended) = attacks.try_join_next() {
            ended.unwrap();
        }
        assert!(lives < 10_000, "the attacks do not end");
    }
    one_life(&connection, lives).await;
    assert!(lives > 1);
    assert_eq!(tenant.users().len(), lives + 1);
}

#[tokio::test]
async fn a_connection_that_waits_with_every_operation_leaves_places_to_the_others() {
    let host = host(|options| options.max_instances = 8);
    let component = Component::from_bytes(&host, HOSTILE).await.unwrap();
    let upstream = Upstream::start().await;
    let waiting = connected(&component, options(&upstream, "")).await.unwrap();
    let silent = format!("GET {}/silent | once", upstream.base());
    let mut operations = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (waiting, silent) = (waiting.clone(), silent.clone());
        operations.spawn(async move { waiting.get(&silent).await });
    }
    while upstream.requests().len() < 2 {
        tokio::task::yield_now().await;
    }

    let mut quick = options(&upstream, "");
    quick.limits.operation_time = Duration::from_secs(5);
    let other = connected(&component, quick).await.unwrap();
    let request = format!("GET {}/Users", upstream.base());
    for _ in 0..10 {
        other.get(&request).await.unwrap();
    }
    assert_eq!(operations.len(), 50);
    assert!(operations.try_join_next().is_none(), "none was given up");
}

#[tokio::test]
async fn sandboxes_that_are_kept_for_later_leave_places_to_the_others() {
    let host = host(|options| options.max_instances = 4);
    let component = Component::from_bytes(&host, HOSTILE).await.unwrap();
    let upstream = Upstream::start().await;
    let request = format!("GET {}/Users", upstream.base());
    let mut connections = Vec::new();
    for _ in 0..8 {
        let mut keeping = options(&upstream, "");
        keeping.sandbox = SandboxLifetime::OnePerConnection;
        keeping.limits.operation_time = Duration::from_secs(5);
        let connection = connected(&component, keeping).await.unwrap();
        connection.get(&request).await.unwrap();
        connections.push(connection);
    }
}
