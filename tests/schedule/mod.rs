//! Faults on schedule: whatever goes wrong on the way and whenever, no account is lost, doubled
//! or given another person's data, and every operation says truly what it did.
//!
//! A seed decides everything: the tenant and its unknowns, which requests something goes wrong
//! with, how many workers there are and what each of them does, one connection each, on one
//! host, through the real component and over real sockets ([`plan`]). After each operation the
//! tenant is compared with what was reported ([`judge`]); at the end its people, and its log of
//! what was sent. Waiting costs no time ([`clock`]).
//!
//! `cargo test` runs some hundred seeds. `SCHEDULE_SEEDS=2000` runs so many, and
//! `SCHEDULE_SEED=17` that one alone and shows all that was received.

mod clock;
mod judge;
mod people;
mod plan;
mod report;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use component_8x8::CONNECTOR_8X8;
use futures_util::future::join_all;
use host_harness::{CompiledCode, Component, Host, HostOptions};
use simulated_8x8::{FaultEffect, Received, SimulatedTenant, TenantOptions};

use self::clock::{WorkersClock, in_own_time};
use self::people::Person;
use self::plan::{Plan, Planted};
use self::report::Report;
use self::worker::{Worker, line};
use crate::stage::stored;

/// The same connector, built to make a mistake where it is told to.
const PLANTED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/planted.wasm"));

/// Seeds in every run of the tests.
const USUAL_SEEDS: u64 = 200;
/// Within so many seeds each planted mistake has to be noticed.
const SEEDS_TO_NOTICE: u64 = 200;

fn load(bytes: &[u8]) -> Component {
    runtime().block_on(async {
        let mut options = HostOptions::default();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        options.compiled_code = CompiledCode::In(folder);
        options.max_instances = 64;
        options.clock = Arc::new(WorkersClock::new());
        let host = Host::new(options).unwrap();
        Component::from_bytes(&host, bytes).await.unwrap()
    })
}

/// One thread for a seed, so that little but the seed decides what comes after what.
fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// Runs seeds, on several threads; until the first that fails where a mistake is planted.
fn run(component: &Component, seeds: std::ops::Range<u64>, planted: Option<Planted>) -> Report {
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    // Twice as many as there are processors, since some wait for answers that never come.
    let threads = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    let mut report = Report::default();
    std::thread::scope(|scope| {
        let run_some = || {
            let runtime = runtime();
            let mut some = Report::default();
            while !stop.load(Ordering::Relaxed) {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    break;
                }
                let one = runtime.block_on(run_seed(component, &Plan::of(seed), planted));
                if planted.is_some() && !one.violations.is_empty() {
                    stop.store(true, Ordering::Relaxed);
                }
                some.add(one);
            }
            some
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run_some)).collect();
        for thread in threads {
            report.add(thread.join().unwrap());
        }
    });
    report.time = began.elapsed();
    report
}

async fn run_seed(component: &Component, plan: &Plan, planted: Option<Planted>) -> Report {
    let tenant = SimulatedTenant::start(TenantOptions {
        switches: plan.switches.clone(),
        people: plan.crowd,
        max_page: plan.max_page,
        fault_schedule: Some(plan.schedule()),
        ..TenantOptions::default()
    })
    .await
    .unwrap();
    let crowd = tenant.users();
    let mut workers = Vec::new();
    for number in 0..plan.workers {
        let worker = Worker::new(plan, number, &tenant, component, planted).await;
        workers.push(worker.unwrap());
    }
    join_all(workers.iter_mut().map(|worker| in_own_time(worker.run()))).await;

    let log = tenant.log();
    let mut report = Report {
        seeds: 1,
        requests: log.len(),
        ..Report::default()
    };
    let mut wrongs = Vec::new();
    for worker in &workers {
        report.operations += worker.operations;
        report.done += worker.judged.done;
        report.failed += worker.judged.failed;
        report.unsettled += worker.judged.unsettled;
        report.excused += worker.judged.excused;
        wrongs.extend(worker.judged.violations.iter().map(|wrong| wrong.0.clone()));
    }
    for fault in log.iter().filter_map(|received| received.fault.as_ref()) {
        *report.faults.entry(fault.kind()).or_default() += 1;
    }
    let people: Vec<_> = workers.iter().flat_map(Worker::people).collect();
    wrongs.extend(everybody(&tenant, &crowd, &people));
    wrongs.extend(sent_twice(&log));
    if !wrongs.is_empty() {
        let text = format!("{plan}\n{}", wrongs.join("\n"));
        report.violations.insert(plan.seed, text);
    }
    report
}

/// Whoever is in the tenant at the end is one of those who should be, once, with nothing of
/// anybody else's.
fn everybody(
    tenant: &SimulatedTenant,
    crowd: &[serde_json::Value],
    people: &[&Person],
) -> Vec<String> {
    let users = tenant.users();
    let mut wrongs = Vec::new();
    let mut seen = BTreeSet::new();
    for user in &users {
        if crowd.contains(user) {
            continue;
        }
        let held = stored(user);
        let name = held.get("userName").cloned().unwrap_or_default();
        let Some(person) = people.iter().find(|person| person.user_name == name) else {
            wrongs.push(format!("at the end there is a stranger: {user}"));
            continue;
        };
        if !seen.insert(name.clone()) {
            wrongs.push(format!("at the end {name} has two accounts"));
        }
        for (attribute, value) in &held {
            if !person.may_have(attribute, value) {
                wrongs.push(format!("at the end {name} has the {attribute} {value:?}"));
            }
        }
    }
    let missing = crowd.iter().filter(|user| !users.contains(user));
    wrongs.extend(missing.map(|user| format!("at the end somebody else was touched: {user}")));
    wrongs
}

/// Creates that were sent again though nobody had looked, and the first may have happened.
fn sent_twice(log: &[Received]) -> Vec<String> {
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrongs = Vec::new();
    for (place, received) in log.iter().enumerate() {
        if received.method == "GET" {
            // A look at one, by name, or at all.
            open.retain(|name, _| {
                received.path.contains("filter=") && !received.path.contains(name.as_str())
            });
        }
        if received.method != "POST" || received.redelivered {
            continue;
        }
        let Some(name) = judge::user_name(received) else {
            continue;
        };
        if let Some(first) = open.get(&name) {
            wrongs.push(format!(
                "the create of {name} was sent twice without a look in between:\n    {}",
                log[*first..=place]
                    .iter()
                    .map(line)
                    .collect::<Vec<_>>()
                    .join("\n    ")
            ));
        }
        if is_lost(received) {
            open.insert(name, place);
        } else {
            open.remove(&name);
        }
    }
    wrongs
}

/// Whether a request had no answer that says whether it was carried out.
fn is_lost(received: &Received) -> bool {
    received.fault == Some(FaultEffect::CutMidAnswer)
        || received.status.is_none_or(|status| status >= 500)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn nobody_is_lost_doubled_or_mistaken_whatever_goes_wrong() {
    let component = load(CONNECTOR_8X8);
    let seeds = match number("SCHEDULE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SCHEDULE_SEEDS").unwrap_or(USUAL_SEEDS),
    };
    let report = run(&component, seeds, None);
    println!("{report}");
    assert!(report.violations.is_empty(), "{report}");
}

#[test]
fn each_planted_mistake_is_noticed() {
    let component = load(PLANTED);
    for planted in [
        Planted("unproven-read"),
        Planted("unchecked-hit"),
        Planted("page-as-asked"),
        Planted("server-error-as-not-done"),
    ] {
        let report = run(&component, 0..SEEDS_TO_NOTICE, Some(planted));
        let first = report.violations.values().next();
        let first = first.unwrap_or_else(|| panic!("{planted:?} was not noticed: {report}"));
        let lines: Vec<_> = first.lines().skip(1).take(2).collect();
        println!(
            "{planted:?}: noticed after {} seeds and {} operations: {}",
            report.seeds,
            report.operations,
            lines.join(" ")
        );
    }
}
