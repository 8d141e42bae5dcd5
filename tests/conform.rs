//! The contract tests, on connectors that keep the contract and on some that do not.

mod mutants;

use std::collections::BTreeSet;
use std::path::Path;

use component_8x8::CONNECTOR_8X8;
use host_harness::conform::{Conformance, Options, Report, Verdict};
use host_harness::{CompiledCode, Component, ConnectionOptions, Host, HostOptions};
use simulated_8x8::{SimulatedTenant, Switch, Switches, TenantOptions};

use crate::stage;

/// The 8x8 connector with mistakes in it that its note switches on.
const PLANTED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/planted.wasm"));

async fn load(bytes: &[u8]) -> Component {
    let mut options = HostOptions::default();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    options.compiled_code = CompiledCode::In(folder);
    options.max_instances = 16;
    options.clock = std::sync::Arc::new(host_harness::clock::TestClock::default());
    let host = Host::new(options).unwrap();
    Component::from_bytes(&host, bytes).await.unwrap()
}

async fn tenant(switches: impl Into<Switches>, people: usize) -> SimulatedTenant {
    let options = TenantOptions {
        switches: switches.into(),
        people,
        ..TenantOptions::default()
    };
    SimulatedTenant::start(options).await.unwrap()
}

/// 8x8 knows its sites by name, so that one is given.
async fn conform(component: &Component, connection: ConnectionOptions) -> Report {
    let mut how = Options::default();
    how.values = vec![("site".to_owned(), "London".to_owned())];
    run(component, connection, how).await
}

pub(crate) async fn run(
    component: &Component,
    connection: ConnectionOptions,
    how: Options,
) -> Report {
    let run = Conformance::prepare(component, connection, how).await;
    run.unwrap().run(|_| ()).await
}

/// The checks that failed, and what they say.
pub(crate) fn failed(report: &Report) -> Vec<String> {
    let failed = report.failed();
    failed
        .map(|finding| {
            let said = finding.verdict.message().unwrap_or_default();
            format!("{}: {said}", finding.check.name)
        })
        .collect()
}

fn names(report: &Report) -> BTreeSet<&str> {
    report.failed().map(|finding| finding.check.name).collect()
}

#[tokio::test]
async fn the_8x8_connector_keeps_the_contract_however_its_tenant_answers() {
    let component = load(CONNECTOR_8X8).await;
    for switch in [
        None,
        Some(Switch::Versions),
        Some(Switch::PatchRefused),
        Some(Switch::PatchNoContent),
        Some(Switch::CreateWithoutBody),
        Some(Switch::PagesOf10),
        Some(Switch::DeleteReallyDeletes),
    ] {
        let switches = switch.map_or(Switches::none(), Switches::from);
        let tenant = tenant(switches, 12).await;
        let report = conform(&component, stage::options(&tenant)).await;
        assert_eq!(failed(&report), [""; 0], "{switch:?}");
        let passed = report.count("passed");
        assert!(passed >= 40, "{switch:?}: {passed} passed");
    }
}

#[tokio::test]
async fn nobody_else_is_touched_and_the_accounts_of_the_last_run_are_taken_up() {
    let component = load(CONNECTOR_8X8).await;
    let tenant = tenant(Switches::none(), 12).await;
    let before = tenant.users();
    conform(&component, stage::options(&tenant)).await;
    let after = tenant.users();
    for user in &before {
        assert!(after.contains(user), "{user}");
    }
    let again = conform(&component, stage::options(&tenant)).await;
    assert_eq!(failed(&again), [""; 0]);
    assert_eq!(tenant.users().len(), after.len(), "it made further ones");
}

#[tokio::test]
async fn on_a_read_only_connection_nothing_is_written() {
    let component = load(CONNECTOR_8X8).await;
    let tenant = tenant(Switches::none(), 3).await;
    let mut options = stage::options(&tenant);
    options.network.read_only = true;
    let report = conform(&component, options).await;
    assert_eq!(failed(&report), [""; 0]);
    let writes = tenant.log().into_iter().filter(|one| one.method != "GET");
    assert_eq!(writes.count(), 0);
    let skipped = report.findings.iter().filter(|finding| {
        finding.check.writes() && !matches!(finding.verdict, Verdict::Skipped(_))
    });
    assert_eq!(skipped.count(), 0);
}

#[tokio::test]
async fn a_connector_that_is_wrong_fails_by_the_check_for_it() {
    let component = load(PLANTED).await;
    for (planted, switch, due) in [
        ("unchecked-hit", Switch::FilterIgnored, "find"),
        ("page-as-asked", Switch::PagesOf10, "list"),
    ] {
        let tenant = tenant(switch, 25).await;
        let mut options = stage::options(&tenant);
        options.learned = Some(format!(r#"{{"planted":"{planted}"}}"#));
        let report = conform(&component, options).await;
        let found = names(&report);
        assert!(
            found.iter().any(|name| name.starts_with(due)),
            "{planted}: {:#?}",
            failed(&report)
        );
    }
}
