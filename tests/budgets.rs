//! What an operation costs, in figures that are the same on every machine, however busy: each
//! stays below its ceiling in `budgets.toml`. `BUDGETS=write` writes the ceilings anew.

mod allocations;
mod ceilings;

use std::sync::Arc;

use component_8x8::CONNECTOR_8X8;
use host_harness::contract::{AccountStatus, PageQuery};
use host_harness::provision::{Matching, provision};
use host_harness::trace::OperationStats;
use host_harness::{
    CompiledCode, Component, Connection, ConnectionOptions, Host, HostOptions, Inspection,
    SandboxLifetime,
};
use simulated_8x8::{SimulatedTenant, TenantOptions};

use self::ceilings::{Figure, Room};
use crate::in_process::Recorded;
use crate::memory;
use crate::stage::{ADA, but, draft, edits, options, set_status, text};
use crate::stats::Watch;

/// What a page of the host's virtual memory holds.
const PAGE_BYTES: u64 = 4 << 10;

#[tokio::test]
async fn nothing_costs_more_than_its_ceiling() {
    let mut figures = vec![of_the_component(), of_the_program()];
    figures.extend(of_the_operations().await);
    figures.extend(of_the_memory().await);
    figures.extend(of_the_host().await);
    ceilings::hold(&figures);
}

fn of_the_component() -> Figure {
    let size = Inspection::of_bytes(CONNECTOR_8X8).unwrap().size;
    Figure::new("component", "bytes", size, Room::TwoPercent)
}

/// How many crates are compiled for the program, those of build scripts and macros included.
fn of_the_program() -> Figure {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = [
        "tree",
        "--package",
        "host-harness",
        "--edges",
        "normal,build",
    ];
    let output = std::process::Command::new(cargo)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(tree)
        .args(["--prefix", "none", "--format", "{p}", "--locked"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let crates: std::collections::BTreeSet<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let count = u64::try_from(crates.len()).unwrap();
    Figure::new("crates", "program", count, Room::FivePercent)
}

/// A tenant of 250 people, the bundled connector on a host that counts instructions, and who
/// watches both.
struct Counted {
    connector: Component,
    tenant: SimulatedTenant,
    watch: Arc<Watch>,
}

impl Counted {
    async fn new(connector: &[u8]) -> Self {
        let watch = Arc::new(Watch::default());
        let mut host = HostOptions::default();
        host.compiled_code = CompiledCode::NotKept;
        host.max_instances = 2;
        host.count_fuel = true;
        host.observer = Some(watch.clone());
        let host = Host::new(host).unwrap();
        let tenant = SimulatedTenant::start(TenantOptions {
            people: 250,
            ..TenantOptions::default()
        });
        Self {
            connector: Component::from_bytes(&host, connector).await.unwrap(),
            tenant: tenant.await.unwrap(),
            watch,
        }
    }

    async fn connect(&self, lifetime: SandboxLifetime) -> Connection {
        self.connect_with(options(&self.tenant), lifetime).await
    }

    async fn connect_with(
        &self,
        mut options: ConnectionOptions,
        lifetime: SandboxLifetime,
    ) -> Connection {
        options.observer = Some(self.watch.clone());
        options.sandbox = lifetime;
        self.connector.connect(options).await.unwrap()
    }
}

/// Instructions, largest memory and requests of each operation, in a fresh sandbox, once the
/// service is known.
async fn of_the_operations() -> Vec<Figure> {
    let stage = Counted::new(CONNECTOR_8X8).await;
    let (watch, mut figures) = (&stage.watch, Vec::new());
    let mut note = |name: &str, stats: &[OperationStats]| {
        let fuel = stats.iter().map(|each| each.fuel.unwrap()).sum();
        figures.push(Figure::new("fuel", name, fuel, Room::TwoPercent));
        let requests = stats.iter().map(|each| u64::from(each.requests)).sum();
        figures.push(Figure::new("requests", name, requests, Room::None));
        let peak = stats.iter().map(|each| each.memory_peak).max().unwrap();
        figures.push(Figure::new("memory-peak", name, peak, Room::TwoPercent));
    };
    note("describe", &watch.take());
    let connection = stage.connect(SandboxLifetime::FreshEachOperation).await;
    connection.check().await.unwrap();
    watch.take();

    connection.check().await.unwrap();
    let (opening, check) = {
        let mut all = watch.take();
        let check = all.split_off(1);
        (all, check)
    };
    assert_eq!(opening[0].operation, "open");
    note("open", &opening);
    note("check", &check);
    // Those of several operations' sandboxes are counted once, above.
    let mut note = |name: &str| {
        let mut all = watch.take();
        all.retain(|stats| stats.operation != "open");
        note(name, &all);
    };
    connection.list(page_of_100()).await.unwrap();
    note("list-100");
    let name = text(ADA[0].1);
    assert!(connection.find("userName", &name).await.unwrap().is_none());
    note("find-nobody");
    let made = connection.create(&draft(&ADA)).await.unwrap();
    note("create");
    let id = made.account.id.as_str();
    connection.get(id).await.unwrap();
    note("get");
    connection.find("userName", &name).await.unwrap().unwrap();
    note("find");
    let change = edits(&[("title", "Countess"), ("familyName", "King")]);
    connection.update(id, &change).await.unwrap();
    note("update");
    for (status, name) in [
        (AccountStatus::Inactive, "deactivate"),
        (AccountStatus::Active, "activate"),
    ] {
        connection.update(id, &set_status(status)).await.unwrap();
        note(name);
    }
    let changed = but(&ADA, &[("title", "Countess"), ("familyName", "King")]);
    let everybody = Matching::default();
    for (name, wanted) in [
        ("provision-unchanged", &changed[..]),
        ("provision-changed", &ADA[..]),
    ] {
        let wanted = draft(wanted);
        provision(&connection, &wanted, &everybody).await.unwrap();
        note(name);
    }
    connection.delete(id).await.unwrap();
    note("delete");
    figures
}

/// How much of the linear memory is not zero after one operation, by whole pages: what the
/// machine has to give it.
async fn of_the_memory() -> Vec<Figure> {
    let stage = Counted::new(memory::MUTANT).await;
    let mut figures = Vec::new();
    for name in ["create", "list-100"] {
        let options = memory::asked(options(&stage.tenant));
        let connection = stage
            .connect_with(options, SandboxLifetime::OnePerConnection)
            .await;
        if name == "create" {
            connection.create(&draft(&ADA)).await.unwrap();
        } else {
            connection.list(page_of_100()).await.unwrap();
        }
        let touched = memory::pages_touched(&connection).await * PAGE_BYTES;
        figures.push(Figure::new(
            "memory-touched",
            name,
            touched,
            Room::TwoPercent,
        ));
    }
    figures
}

/// What the host allocates for one operation, all threads that it runs on being this one, and
/// all answers being there already.
async fn of_the_host() -> Vec<Figure> {
    let recorded = Recorded::of(100).await;
    let connection = recorded.connect(SandboxLifetime::FreshEachOperation).await;
    let id = recorded.id();
    let change = edits(&[("title", "Countess")]);
    let draft = draft(&ADA);
    let mut figures = Vec::new();
    for name in ["get", "create", "update", "list-100"] {
        // What is allocated once, and what is learned, belongs to the first one.
        let mut least = u64::MAX;
        for _ in 0..4 {
            let before = allocations::of_this_thread();
            match name {
                "get" => drop(connection.get(id).await.unwrap()),
                "create" => drop(connection.create(&draft).await.unwrap()),
                "update" => drop(connection.update(id, &change).await.unwrap()),
                _ => drop(connection.list(page_of_100()).await.unwrap()),
            }
            least = least.min(allocations::of_this_thread() - before);
        }
        figures.push(Figure::new(
            "host-allocations",
            name,
            least,
            Room::TwoPercent,
        ));
    }
    figures
}

fn page_of_100() -> PageQuery {
    PageQuery {
        cursor: None,
        limit: 100,
    }
}
