//! What an operation used up is what it used up: the figures agree with the tenant's own log,
//! with each other, and with where the time went.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use component_8x8::CONNECTOR_8X8;
use host_harness::contract::RetryAdvice;
use host_harness::trace::{Exchange, HarFile, Observer, OperationStats};
use host_harness::{CompiledCode, Component, Connection, Host, HostOptions, SandboxLifetime};
use simulated_8x8::{Fault, FaultEffect, SimulatedTenant, TenantOptions};

use crate::stage::{ADA, draft, edits, options, text};

/// What was seen, in order.
#[derive(Default)]
pub(crate) struct Watch {
    operations: Mutex<Vec<OperationStats>>,
    exchanges: Mutex<Vec<Exchange>>,
}

impl Observer for Watch {
    fn exchange(&self, exchange: &Exchange) {
        self.exchanges.lock().unwrap().push(exchange.clone());
    }

    fn operation(&self, stats: &OperationStats) {
        self.operations.lock().unwrap().push(stats.clone());
    }
}

impl Watch {
    pub(crate) fn take(&self) -> Vec<OperationStats> {
        self.exchanges.lock().unwrap().clear();
        std::mem::take(&mut *self.operations.lock().unwrap())
    }

    /// The one operation since the last look, after the opening of its sandbox.
    pub(crate) fn one(&self) -> OperationStats {
        let mut all = self.take();
        let last = all.pop().unwrap();
        assert_eq!(names(&all), ["open"], "{last:?}");
        last
    }
}

fn names(stats: &[OperationStats]) -> Vec<&str> {
    stats.iter().map(|each| each.operation).collect()
}

struct Measured {
    tenant: SimulatedTenant,
    connection: Connection,
    watch: Arc<Watch>,
}

/// A connection that is measured, on a host that counts instructions.
async fn measured(lifetime: SandboxLifetime) -> Measured {
    let watch = Arc::new(Watch::default());
    let mut host = HostOptions::default();
    host.compiled_code = CompiledCode::NotKept;
    host.max_instances = 2;
    host.count_fuel = true;
    host.observer = Some(watch.clone());
    let host = Host::new(host).unwrap();
    let component = Component::from_bytes(&host, CONNECTOR_8X8).await.unwrap();
    let tenant = SimulatedTenant::start(TenantOptions {
        people: 120,
        ..TenantOptions::default()
    })
    .await
    .unwrap();
    let mut options = options(&tenant);
    options.observer = Some(watch.clone());
    options.sandbox = lifetime;
    let connection = component.connect(options).await.unwrap();
    assert_eq!(names(&watch.take()), ["describe", "open"]);
    Measured {
        tenant,
        connection,
        watch,
    }
}

#[tokio::test]
async fn requests_and_bytes_are_those_that_the_tenant_saw() {
    let Measured {
        tenant,
        connection,
        watch,
    } = measured(SandboxLifetime::FreshEachOperation).await;
    let agree = |name: &str| {
        let answered: usize = {
            let exchanges = watch.exchanges.lock().unwrap();
            let bodies = exchanges.iter().map(|exchange| match &exchange.result {
                Ok(response) => response.body.len(),
                Err(_) => 0,
            });
            bodies.sum()
        };
        let stats = watch.one();
        let log = tenant.log();
        let sent: usize = log.iter().map(|request| request.body.len()).sum();
        assert_eq!(stats.operation, name);
        assert_eq!(stats.requests as usize, log.len(), "{name}");
        assert_eq!(stats.sent_bytes, sent as u64, "{name}");
        assert_eq!(stats.received_bytes, answered as u64, "{name}");
        assert!(stats.fuel.unwrap() > 0, "{name}");
        assert!(stats.guest > Duration::ZERO && stats.wire > Duration::ZERO);
        // A memory has pages of 64 KiB.
        assert!(stats.memory_peak > 0 && stats.memory_peak % (64 << 10) == 0);
        tenant.clear_log();
        stats
    };
    tenant.clear_log();
    connection.check().await.unwrap();
    agree("check");
    let made = connection.create(&draft(&ADA)).await.unwrap();
    assert!(agree("create").sent_bytes > 0);
    let title = edits(&[("title", "Countess")]);
    connection.update(&made.account.id, &title).await.unwrap();
    agree("update");
    // Nothing is sent twice in vain, and whatever is sent twice is counted twice.
    tenant.inject(Fault {
        method: None,
        effect: FaultEffect::Status {
            status: 503,
            committed: false,
            headers: vec![],
            body: String::new(),
        },
    });
    connection.get(&made.account.id).await.unwrap();
    let retried = agree("get");
    assert_eq!(retried.requests, 2);
    assert!(retried.waiting >= Duration::from_millis(100), "{retried:?}");
    // One that fails is measured too.
    let failure = connection.get("nobody").await.unwrap_err();
    assert_eq!(failure.retry(), RetryAdvice::Never);
    agree("get");
    // A page is an operation.
    let mut listing = connection.listing();
    while let Some(account) = listing.next().await {
        account.unwrap();
    }
    let pages = watch.take();
    let received: u32 = pages.iter().map(|page| page.requests).sum();
    assert_eq!(received as usize, tenant.log().len());
    assert_eq!(names(&pages)[..4], ["open", "list", "open", "list"]);
}

#[tokio::test]
async fn the_same_operation_in_a_fresh_sandbox_takes_the_same_instructions() {
    let stage = measured(SandboxLifetime::FreshEachOperation).await;
    let mut fuel = Vec::new();
    for _ in 0..3 {
        let name = text("nobody@example.com");
        stage.connection.find("userName", &name).await.unwrap();
        let all = stage.watch.take();
        assert_eq!(names(&all), ["open", "find"]);
        fuel.push((all[0].fuel.unwrap(), all[1].fuel.unwrap()));
    }
    assert!(fuel[0].0 > 0 && fuel[0].1 > 0);
    // The first one learns what the later ones are opened with.
    assert_eq!(fuel[1], fuel[2]);
}

#[tokio::test]
async fn a_slow_upstream_shows_on_the_wire_and_not_in_the_guest() {
    let stage = measured(SandboxLifetime::FreshEachOperation).await;
    let slow = Duration::from_millis(400);
    stage.tenant.inject(Fault {
        method: None,
        effect: FaultEffect::LateAnswer(slow),
    });
    let began = Instant::now();
    stage.connection.check().await.unwrap();
    let elapsed = began.elapsed();
    let all = stage.watch.take();
    let stats = all.last().unwrap();
    assert!(stats.wire >= slow, "{stats:?}");
    assert!(stats.guest < slow / 2, "{stats:?}");
    // No moment is missing, and none is counted twice.
    let counted: Duration = all.iter().map(OperationStats::total).sum();
    assert!(counted <= elapsed, "{counted:?} of {elapsed:?}");
    assert!(counted >= elapsed / 2, "{counted:?} of {elapsed:?}");
}

#[tokio::test]
async fn a_cancelled_operation_is_measured_up_to_its_end() {
    let stage = measured(SandboxLifetime::FreshEachOperation).await;
    stage.tenant.inject(Fault {
        method: None,
        effect: FaultEffect::Delay(Duration::from_secs(60)),
    });
    let patience = Duration::from_millis(300);
    let cancelled = tokio::time::timeout(patience, stage.connection.check()).await;
    assert!(cancelled.is_err());
    let stats = stage.watch.one();
    assert_eq!((stats.operation, stats.requests), ("check", 1));
    assert!(stats.wire >= patience / 2, "{stats:?}");
}

#[tokio::test]
async fn a_sandbox_that_is_kept_is_opened_once_and_measured_anew_each_time() {
    let stage = measured(SandboxLifetime::OnePerConnection).await;
    for _ in 0..2 {
        stage.connection.check().await.unwrap();
    }
    let all = stage.watch.take();
    assert_eq!(names(&all), ["open", "check", "check"]);
    assert_eq!(all[1].requests, all[2].requests);
    assert!(all[2].memory_peak >= all[1].memory_peak);
    let few = all[1].fuel.unwrap() * 2;
    assert!(
        all[2].fuel.unwrap() < few,
        "counted from the start: {all:?}"
    );
}

#[tokio::test]
async fn a_trace_and_the_figures_go_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.har");
    let watch = Arc::new(Watch::default());
    let har = Arc::new(HarFile::create(&path, true).unwrap());
    let both: Vec<Arc<dyn Observer>> = vec![har.clone(), watch.clone()];
    let stage = crate::stage::Stage::new().await;
    let mut options = options(&stage.tenant);
    options.observer = Some(Arc::new(both));
    let connector = crate::stage::connector().await;
    let connection = connector.connect(options).await.unwrap();
    watch.take();
    connection.check().await.unwrap();
    let stats = watch.one();
    // This host counts no instructions.
    assert_eq!(stats.fuel, None);
    har.finish().unwrap();
    let trace: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let entries = trace["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), stats.requests as usize);
}
