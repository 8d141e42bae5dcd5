//! 1,000 connections, each with its own tenant, at once: whether all get through, whether one
//! keeps the others waiting, and what an idle one takes up.

use std::time::{Duration, Instant};

use component_8x8::CONNECTOR_8X8;
use host_harness::contract::{AccountStatus, PageQuery};
use host_harness::{
    CompiledCode, Component, Connection, ConnectionOptions, Failure, Host, HostOptions,
    StaticCredentials,
};
use tokio::task::JoinSet;

use crate::child::{Served, TENANTS};
use crate::figures::{Target, Unit, median, row};
use crate::resident::here;
use crate::stage::{ADA, but, draft, edits, set_status, text};

const HOSTILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hostile.wasm"));

/// What each connection does.
const OPERATIONS: usize = 20;
/// What whoever disturbs keeps under way, more than the host has places.
const UNDER_WAY: usize = 2_000;

pub(crate) async fn measure() {
    let served = Served::start("tenants", TENANTS);
    let (connector, hostile) = host().await;
    let before = here().0;
    let mut connections = Vec::new();
    for line in &served.lines {
        connections.push(connector.connect(to(line)).await.unwrap());
    }
    let idle = (here().0 - before) / count(connections.len());
    let silent = connections.pop().unwrap();

    let undisturbed = all_at_once(&connections, "first").await;
    undisturbed.tell("1,000 connections × 20 operations", connections.len());
    row(
        "memory of an idle connection, before its first request",
        Target::Open,
        idle / 1024.0,
        Unit::KiB,
    );
    row(
        "memory of the process after all of them",
        Target::Open,
        here().0 / crate::resident::MIB,
        Unit::MiB,
    );

    let waiting = keep_busy(&silent, "nobody");
    let beside = all_at_once(&connections, "second").await;
    drop(waiting);
    beside.tell(
        "beside a tenant that does not answer 2,000 operations",
        connections.len(),
    );
    row(
        "their median, against undisturbed",
        Target::Open,
        beside.median / undisturbed.median,
        Unit::Times,
    );

    let line = served.lines.last().unwrap();
    let computing = hostile.connect(computing_without_end(line)).await.unwrap();
    let waiting = keep_busy(&computing, "GET http://unused/");
    let beside = all_at_once(&connections, "third").await;
    drop(waiting);
    beside.tell(
        "beside a connector that computes in 2,000 operations",
        connections.len(),
    );
    row(
        "their median, against undisturbed",
        Target::Open,
        beside.median / undisturbed.median,
        Unit::Times,
    );
}

/// A host as it comes, with both connectors.
pub(crate) async fn host() -> (Component, Component) {
    let mut options = HostOptions::default();
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled");
    options.compiled_code = CompiledCode::In(folder.into());
    let host = Host::new(options).unwrap();
    let connector = Component::from_bytes(&host, CONNECTOR_8X8).await.unwrap();
    let hostile = Component::from_bytes(&host, HOSTILE).await.unwrap();
    (connector, hostile)
}

/// As an operator connects to what a tenant said of itself.
fn to(line: &str) -> ConnectionOptions {
    let (url, token) = line.split_once(' ').unwrap();
    let mut options = ConnectionOptions::new()
        .setting("instance-url", url)
        .credentials(StaticCredentials::new().with("api-token", token));
    options.network.allow_loopback_http = true;
    options
}

/// What the hostile connector is told.
fn computing_without_end(line: &str) -> ConnectionOptions {
    let (_, token) = line.split_once(' ').unwrap();
    let credentials = StaticCredentials::new().with("api-token", token);
    to(line)
        .setting("attack", "endless-loop in get")
        .credentials(credentials.with("other-token", "of-nobody"))
}

/// Begins so many operations, which end when this is dropped.
fn keep_busy(connection: &Connection, id: &'static str) -> JoinSet<()> {
    let mut waiting = JoinSet::new();
    for _ in 0..UNDER_WAY {
        let connection = connection.clone();
        waiting.spawn(async move {
            let _stopped = connection.get(id).await;
        });
    }
    waiting
}

/// How long operations took.
struct Load {
    took: Duration,
    failures: usize,
    /// Of each connection's median, in milliseconds.
    median: f64,
    slowest: f64,
}

impl Load {
    fn tell(&self, what: &str, connections: usize) {
        row(
            &format!("{what}: failures"),
            Target::AtMost(0.0),
            count(self.failures),
            Unit::Count,
        );
        row(
            "the slowest connection's median, against the median of medians",
            Target::AtMost(3.0),
            self.slowest / self.median,
            Unit::Times,
        );
        row(
            "the median of medians",
            Target::Open,
            self.median,
            Unit::Millis,
        );
        row(
            "operations a second",
            Target::Open,
            count(connections * OPERATIONS) / self.took.as_secs_f64(),
            Unit::EachSecond,
        );
    }
}

async fn all_at_once(connections: &[Connection], run: &'static str) -> Load {
    let begun = Instant::now();
    let mut lives = JoinSet::new();
    for connection in connections {
        let connection = connection.clone();
        lives.spawn(async move { life(&connection, run).await });
    }
    let (mut failures, mut medians) = (0, Vec::new());
    for (took, failed) in lives.join_all().await {
        assert_eq!(took.len(), OPERATIONS);
        failures += failed;
        medians.push(median(took));
    }
    let slowest = medians.iter().copied().fold(0.0, f64::max);
    Load {
        took: begun.elapsed(),
        failures,
        median: median(medians),
        slowest,
    }
}

/// Twenty operations, one after the other: how many milliseconds each took, and how many failed.
async fn life(connection: &Connection, run: &str) -> (Vec<f64>, usize) {
    let name = format!("ada-{run}@example.com");
    let person = draft(&but(&ADA, &[("userName", &name), ("externalId", run)]));
    let mut stopwatch = Stopwatch::default();
    let made = stopwatch.time(connection.create(&person)).await;
    let id = made.map(|made| made.account.id).unwrap_or_default();
    for title in ["Countess", "Analyst", "Programmer", "Author"] {
        let key = text(&name);
        stopwatch.time(connection.find("userName", &key)).await;
        stopwatch.time(connection.get(&id)).await;
        let change = edits(&[("title", title)]);
        stopwatch.time(connection.update(&id, &change)).await;
        stopwatch.time(connection.get(&id)).await;
    }
    let page = PageQuery {
        cursor: None,
        limit: 100,
    };
    stopwatch.time(connection.list(page)).await;
    let left = set_status(AccountStatus::Inactive);
    stopwatch.time(connection.update(&id, &left)).await;
    stopwatch.time(connection.delete(&id)).await;
    (stopwatch.took, stopwatch.failures)
}

#[derive(Default)]
struct Stopwatch {
    took: Vec<f64>,
    failures: usize,
}

impl Stopwatch {
    async fn time<T>(&mut self, operation: impl Future<Output = Result<T, Failure>>) -> Option<T> {
        let begun = Instant::now();
        let result = operation.await;
        self.took.push(begun.elapsed().as_secs_f64() * 1_000.0);
        match result {
            Ok(result) => Some(result),
            Err(failure) => {
                eprintln!("{}", failure.message());
                self.failures += 1;
                None
            }
        }
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
