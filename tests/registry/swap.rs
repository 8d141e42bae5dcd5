//! A version takes another's place while operations run.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use host_harness::registry::LiveConnection;
use host_harness::{ConnectionOptions, StaticCredentials};
use simulated_8x8::{SimulatedTenant, TenantOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Shop, names, newest, version};
use crate::stage::{options, text};

/// How often another version takes the place of the one before, under load.
const SWAPS: usize = 12;
/// Who calls without a pause, and over how many connections.
const CALLERS: usize = 8;
const CONNECTIONS: usize = 4;

#[tokio::test]
async fn an_operation_ends_on_the_version_it_began_on_and_then_the_code_is_dropped() {
    let shop = Shop::new();
    shop.put("8x8.wasm", &version("0.2.1"));
    let registry = shop.open().await;
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/udi/customers/A1/scim/v2",
        upstream.local_addr().unwrap()
    );
    let mut options = ConnectionOptions::new()
        .setting("instance-url", url)
        .credentials(StaticCredentials::new().with("api-token", "t"));
    options.network.allow_loopback_http = true;
    let live = registry.connect("8x8", options).await.unwrap();
    let under_way = tokio::spawn({
        let connection = live.current().await;
        async move { connection.check().await }
    });
    let (mut socket, _) = upstream.accept().await.unwrap();
    let mut head = [0; 4096];
    assert!(socket.read(&mut head).await.unwrap() > 0);

    shop.put("8x8.wasm", &version("0.2.2"));
    let refreshed = registry.refresh().await.unwrap();
    assert_eq!(names(&refreshed.added), ["8x8 0.2.2"]);
    let now = live.current().await;
    assert_eq!(now.manifest().version, "0.2.2");
    assert_eq!(
        names(&registry.retired()),
        ["8x8 0.2.1"],
        "it is still at work"
    );

    let page = r#"{"Resources":[],"totalResults":0}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/scim+json\r\ncontent-length: {}\r\n\r\n{page}",
        page.len()
    );
    socket.write_all(answer.as_bytes()).await.unwrap();
    let report = under_way.await.unwrap().unwrap();
    assert!(report.upstream.is_none());
    assert!(registry.retired().is_empty(), "{:?}", registry.retired());
}

#[tokio::test]
async fn a_version_that_cannot_be_connected_leaves_the_one_before_at_work() {
    let shop = Shop::new();
    shop.put("8x8.wasm", &version("0.2.3"));
    let registry = shop.open().await;
    let tenant = SimulatedTenant::start(TenantOptions::default())
        .await
        .unwrap();
    let live = registry.connect("8x8", options(&tenant)).await.unwrap();
    // The same, but for a setting of another name.
    let mut other = version("0.2.4");
    let name = b"instance-url";
    let places: Vec<usize> = other
        .windows(name.len())
        .enumerate()
        .filter(|(_, window)| window == name)
        .map(|(at, _)| at)
        .collect();
    for at in places {
        other[at..at + name.len()].copy_from_slice(b"instance-uri");
    }
    shop.put("8x8.wasm", &other);
    registry.refresh().await.unwrap();
    assert_eq!(newest(&registry), "0.2.4");
    live.current().await.check().await.unwrap();
    assert_eq!(live.version(), "0.2.3");
    let problem = live.problem().unwrap();
    assert_eq!(problem.kind(), "invalid-settings");
    assert!(problem.message().contains("instance-ur"), "{problem}");

    shop.put("8x8.wasm", &version("0.2.5"));
    registry.refresh().await.unwrap();
    live.current().await.check().await.unwrap();
    assert_eq!(live.version(), "0.2.5");
    assert!(live.problem().is_none());
}

/// Calls until it is told to stop; counts what was begun, done and failed.
async fn call(live: LiveConnection, caller: usize, stop: Arc<AtomicBool>, count: Arc<Count>) {
    while !stop.load(Ordering::Relaxed) {
        count.begun.fetch_add(1, Ordering::Relaxed);
        let connection = live.current().await;
        let version = connection.manifest().version.clone();
        count.versions.lock().unwrap().insert(version);
        let done = if caller.is_multiple_of(2) {
            connection.check().await.map(drop)
        } else {
            let nobody = text("nobody@example.com");
            connection.find("userName", &nobody).await.map(drop)
        };
        match done {
            Ok(()) => count.done.fetch_add(1, Ordering::Relaxed),
            Err(failure) => {
                eprintln!("{failure}");
                count.failed.fetch_add(1, Ordering::Relaxed)
            }
        };
    }
}

#[derive(Default)]
struct Count {
    begun: AtomicUsize,
    done: AtomicUsize,
    failed: AtomicUsize,
    versions: Mutex<BTreeSet<String>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_swap_under_load_loses_no_call() {
    let shop = Shop::new();
    shop.put("8x8.wasm", &version("1.0.0"));
    let registry = shop.open().await;
    let tenant = SimulatedTenant::start(TenantOptions {
        people: 5,
        ..TenantOptions::default()
    })
    .await
    .unwrap();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(registry.connect("8x8", options(&tenant)).await.unwrap());
    }
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(Count::default()));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let live = connections[caller % CONNECTIONS].clone();
            tokio::spawn(call(live, caller, Arc::clone(&stop), Arc::clone(&count)))
        })
        .collect();
    for swap in 1..=SWAPS {
        if swap % 4 == 0 {
            shop.put("8x8.wasm", b"half a file");
            let refreshed = registry.refresh().await.unwrap();
            assert_eq!(refreshed.refused.len(), 1);
        }
        // Five characters each: 1.0.1 to 1.9.9.
        let next = format!("1.{}.{}", swap / 10, swap % 10);
        shop.put("8x8.wasm", &version(&next));
        let refreshed = registry.refresh().await.unwrap();
        assert_eq!(refreshed.added.len(), 1, "{refreshed:?}");
        // So that each version gets its share of the calls.
        let enough = count.done.load(Ordering::Relaxed) + 2 * CALLERS;
        while count.done.load(Ordering::Relaxed) < enough
            && count.failed.load(Ordering::Relaxed) == 0
        {
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let number = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    println!(
        "{SWAPS} swaps, {CALLERS} callers on {CONNECTIONS} connections: {} calls begun, {} done, {} \
         failed",
        number(&count.begun),
        number(&count.done),
        number(&count.failed)
    );
    assert_eq!(number(&count.failed), 0);
    assert_eq!(number(&count.begun), number(&count.done));
    assert!(number(&count.done) >= 2 * CALLERS * SWAPS);
    let versions = count.versions.lock().unwrap().len();
    assert_eq!(versions, SWAPS + 1, "each was called");
    for live in &connections {
        live.current().await;
    }
    assert!(registry.retired().is_empty(), "{:?}", registry.retired());
}
