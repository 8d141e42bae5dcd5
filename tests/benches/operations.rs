//! What the sandbox and the host add: each operation through the whole host, beside the same
//! operation of the same connector natively, both with the same answers and without a socket.
//!
//! `cargo bench -p end-to-end --bench operations` measures all of it, and ends with the rows of
//! the table in `docs/performance.md`; a name after `--` measures a part, such as `create`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark"
)]

#[expect(dead_code, reason = "the other benchmark uses the rest")]
mod figures;
#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../in_process.rs"]
mod in_process;
mod native;
#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../stage.rs"]
mod stage;

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use component_8x8::CONNECTOR_8X8;
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use host_harness::contract::PageQuery;
use host_harness::{CompiledCode, Component, Connection, Host, HostOptions, SandboxLifetime};
use tokio::runtime::Runtime;

use crate::figures::{Target, Unit};
use crate::in_process::Recorded;
use crate::native::Native;
use crate::stage::{ADA, connector, draft, edits, text};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut criterion = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .output_directory(Path::new(RESULTS))
        .configure_from_args();
    let component = runtime.block_on(connector());
    beginning(&mut criterion, &runtime, &component);
    operations(&mut criterion, &runtime, &component);
    listing(&mut criterion, &runtime, &component);
    loading(&mut criterion, &runtime);
    criterion.final_summary();
    rows();
}

const RESULTS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/criterion");

/// The figures that have a target, by what was measured last, and how the rest grows.
fn rows() {
    let times = |above: &str, below: &str| Some(measured(above)? / measured(below)?);
    let most = |most: f64| Target::AtMost(most);
    figures::head();
    for (what, target, value, unit) in [
        (
            "a fresh sandbox, and the connection opened in it",
            Target::Open,
            measured("begin/fresh"),
            Unit::Micros,
        ),
        (
            "create in a fresh sandbox",
            most(12.0),
            measured("create/fresh"),
            Unit::Micros,
        ),
        (
            "create in a warm one, against native",
            most(2.0),
            times("create/warm", "create/native"),
            Unit::Times,
        ),
        (
            "list 100 accounts, against native",
            most(1.5),
            times("list-100/warm", "list-100/native"),
            Unit::Times,
        ),
        (
            "list 100 accounts in a fresh sandbox, against native",
            Target::Open,
            times("list-100/fresh", "list-100/native"),
            Unit::Times,
        ),
    ] {
        if let Some(value) = value {
            figures::row(what, target, value, unit);
        }
    }
    println!("\n| | fresh sandbox | warm | native | fresh against native |\n|---|---|---|---|---|");
    for group in [
        "begin",
        "get",
        "find",
        "create",
        "update",
        "list-100",
        "list-1000",
    ] {
        let show = |value: Option<f64>, unit: Unit| {
            value.map_or_else(String::new, |value| unit.show(value))
        };
        let of = |kind: &str| measured(&format!("{group}/{kind}"));
        let fresh = of("fresh");
        println!(
            "| {group} | {} | {} | {} | {} |",
            show(fresh, Unit::Micros),
            show(of("warm"), Unit::Micros),
            show(of("native"), Unit::Micros),
            show(
                fresh
                    .zip(of("native"))
                    .map(|(fresh, native)| fresh / native),
                Unit::Times
            ),
        );
    }
    println!();
    for (what, name) in [
        ("compile the component", "load/compile"),
        ("load it from the cache", "load/cached"),
    ] {
        if let Some(value) = measured(name) {
            println!("{what}: {}", Unit::Millis.show(value / 1_000.0));
        }
    }
}

/// What criterion found, in microseconds: the median.
fn measured(name: &str) -> Option<f64> {
    let file = Path::new(RESULTS).join(name).join("new/estimates.json");
    let estimates = std::fs::read_to_string(file).ok()?;
    let estimates: serde_json::Value = serde_json::from_str(&estimates).ok()?;
    Some(estimates["median"]["point_estimate"].as_f64()? / 1_000.0)
}

/// What each operation begins with, without a request: an id that is refused before anything is sent.
/// In a fresh sandbox it is instantiated and the connection opened in it.
fn beginning(criterion: &mut Criterion, runtime: &Runtime, component: &Component) {
    let three = Three::of(0, runtime, component);
    three.bench(
        criterion.benchmark_group("begin"),
        runtime,
        async |connection| connection.get("/").await.unwrap_err(),
        |connection| connection.get("/").unwrap_err(),
    );
}

/// One connection that gets a fresh sandbox for each operation, one that keeps its own, and
/// none at all.
struct Three {
    fresh: Connection,
    warm: Connection,
    native: Native,
    recorded: Recorded,
}

impl Three {
    fn of(people: usize, runtime: &Runtime, component: &Component) -> Self {
        runtime.block_on(async {
            let recorded = Recorded::of(people).await;
            let fresh = SandboxLifetime::FreshEachOperation;
            let warm = SandboxLifetime::OnePerConnection;
            Self {
                fresh: recorded.connect_in(component, fresh).await,
                warm: recorded.connect_in(component, warm).await,
                native: Native::new(recorded.clone()),
                recorded,
            }
        })
    }

    /// The same operation in each of them; natively with a connection opened anew, and with
    /// one that is kept.
    fn bench<T, N>(
        &self,
        mut group: BenchmarkGroup<'_, WallTime>,
        runtime: &Runtime,
        hosted: impl AsyncFn(&Connection) -> T,
        native: impl Fn(&native::Open) -> N,
    ) {
        for (name, connection) in [("fresh", &self.fresh), ("warm", &self.warm)] {
            group.bench_function(name, |bench| {
                bench
                    .to_async(runtime)
                    .iter(async || black_box(hosted(connection).await));
            });
        }
        let open = self.native.open();
        group.bench_function("native", |bench| bench.iter(|| native(&open)));
        group.bench_function("native-opened", |bench| {
            bench.iter(|| native(&self.native.open()));
        });
        group.finish();
    }
}

fn operations(criterion: &mut Criterion, runtime: &Runtime, component: &Component) {
    let three = Three::of(0, runtime, component);
    let id = three.recorded.id();
    three.bench(
        criterion.benchmark_group("get"),
        runtime,
        async |connection| connection.get(id).await.unwrap(),
        |connection| connection.get(id).unwrap(),
    );
    let (hosted, native) = (text(ADA[0].1), native::text(ADA[0].1));
    three.bench(
        criterion.benchmark_group("find"),
        runtime,
        async |connection| connection.find("userName", &hosted).await.unwrap().unwrap(),
        |connection| connection.find("userName", &native).unwrap().unwrap(),
    );
    let (hosted, native) = (draft(&ADA), native::draft(&ADA));
    three.bench(
        criterion.benchmark_group("create"),
        runtime,
        async |connection| connection.create(&hosted).await.unwrap(),
        |connection| connection.create(&native).unwrap(),
    );
    let (hosted, native) = (
        edits(&[("title", "Countess")]),
        native::set("title", "Countess"),
    );
    three.bench(
        criterion.benchmark_group("update"),
        runtime,
        async |connection| connection.update(id, &hosted).await.unwrap(),
        |connection| connection.update(id, &native).unwrap(),
    );
}

fn listing(criterion: &mut Criterion, runtime: &Runtime, component: &Component) {
    let three = Three::of(1_000, runtime, component);
    let mut group = criterion.benchmark_group("list-100");
    group.throughput(Throughput::Elements(100));
    three.bench(
        group,
        runtime,
        async |connection| {
            let query = PageQuery {
                cursor: None,
                limit: 100,
            };
            connection.list(query).await.unwrap()
        },
        |connection| native::page(connection, None),
    );
    let mut group = criterion.benchmark_group("list-1000");
    group.throughput(Throughput::Elements(1_000));
    three.bench(
        group,
        runtime,
        async |connection| {
            let mut listing = connection.listing();
            let mut accounts = Vec::new();
            while let Some(account) = listing.next().await {
                accounts.push(account.unwrap());
            }
            assert_eq!(accounts.len(), 1_000);
            accounts
        },
        native::everybody,
    );
}

/// From the component's bytes to a connector that has described itself.
fn loading(criterion: &mut Criterion, runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    for (name, compiled_code) in [
        ("compile", CompiledCode::NotKept),
        ("cached", CompiledCode::In(folder.path().to_owned())),
    ] {
        let mut options = HostOptions::default();
        options.compiled_code = compiled_code;
        options.max_instances = 16;
        let host = Host::new(options).unwrap();
        group.bench_function(name, |bench| {
            bench
                .to_async(runtime)
                .iter(async || Component::from_bytes(&host, CONNECTOR_8X8).await.unwrap());
        });
    }
    group.finish();
}
