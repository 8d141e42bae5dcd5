//! Loops, and the clock that ends them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use host_harness::contract::{Draft, Edits, PageQuery, Value};
use host_harness::{Component, Limit};

use super::upstream::Upstream;
use super::{
    HOSTILE, assert_limit, connect, connected, describing, host, options, shared, starting, works,
};
use crate::stats::Watch;

#[tokio::test]
async fn an_endless_loop_ends_wherever_it_runs() {
    let upstream = Upstream::start().await;
    for place in ["open", "reach"] {
        let attack = format!("endless-loop in {place}");
        let failure = connect(&upstream, &attack, |_| {}).await.unwrap_err();
        assert_limit(&failure, Limit::Cpu);
    }
    for place in ["check", "list", "get", "find", "create", "update", "delete"] {
        let attack = format!("endless-loop in {place}");
        let began = Instant::now();
        let connection = connect(&upstream, &attack, |_| {}).await.unwrap();
        let query = PageQuery {
            cursor: None,
            limit: 1,
        };
        let draft = Draft {
            status: host_harness::contract::AccountStatus::Active,
            attributes: vec![],
        };
        let edits = Edits {
            status: None,
            changes: vec![],
            expected_version: None,
        };
        let failure = match place {
            "check" => connection.check().await.map(drop),
            "list" => connection.list(query).await.map(drop),
            "get" => connection.get("x").await.map(drop),
            "find" => connection
                .find("seen", &Value::Text("x".to_owned()))
                .await
                .map(drop),
            "create" => connection.create(&draft).await.map(drop),
            "update" => connection.update("x", &edits).await.map(drop),
            _ => connection.delete("x").await.map(drop),
        }
        .unwrap_err();
        assert_limit(&failure, Limit::Cpu);
        assert!(began.elapsed() < Duration::from_secs(20), "{place}");
    }
    works(&upstream).await;
}

/// The clock that ends a loop runs only while guests do, so each of them has to wind it up.
#[tokio::test]
async fn an_endless_loop_ends_where_nothing_else_runs() {
    let upstream = Upstream::start().await;
    let alone = host(|_| {});
    for bytes in [starting("endless-loop"), describing("endless-loop")] {
        let failure = Component::from_bytes(&alone, &bytes).await.unwrap_err();
        assert_limit(&failure, Limit::Cpu);
    }
    let component = Component::from_bytes(&alone, HOSTILE).await.unwrap();
    for place in ["open", "reach"] {
        let looping = options(&upstream, &format!("endless-loop in {place}"));
        let failure = connected(&component, looping).await.unwrap_err();
        assert_limit(&failure, Limit::Cpu);
    }
    for place in ["get", "learned"] {
        let looping = options(&upstream, &format!("endless-loop in {place}"));
        let connection = connected(&component, looping).await.unwrap();
        let request = format!("GET {}/Users", upstream.base());
        match connection.get(&request).await {
            Ok(_) => assert_eq!(place, "learned"),
            Err(failure) => assert_limit(&failure, Limit::Cpu),
        }
    }
}

#[tokio::test]
async fn an_endless_loop_in_describe_refuses_to_load() {
    let (host, _) = shared().await;
    let failure = Component::from_bytes(host, &describing("endless-loop"))
        .await
        .unwrap_err();
    assert_limit(&failure, Limit::Cpu);
    works(&Upstream::start().await).await;
}

#[tokio::test]
async fn an_endless_loop_in_learned_costs_the_operation_nothing() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "endless-loop in learned", |_| {})
        .await
        .unwrap();
    let request = format!("GET {}/Users", upstream.base());
    assert!(connection.get(&request).await.is_ok());
    assert!(connection.get(&request).await.is_ok());
    assert_eq!(connection.learned(), None);
}

#[tokio::test]
async fn a_guest_that_loops_leaves_the_others_their_turn() {
    // One thread for both: only what the guest is made to give back is left.
    let upstream = Upstream::start().await;
    let hostile = connect(&upstream, "endless-loop in get", |limits| {
        limits.cpu = Duration::from_secs(2);
    })
    .await
    .unwrap();
    let loops = tokio::spawn(async move { hostile.get("x").await.unwrap_err() });
    for _ in 0..3 {
        works(&upstream).await;
    }
    assert!(!loops.is_finished(), "the honest connection had to wait");
    assert_limit(&loops.await.unwrap(), Limit::Cpu);
}

#[tokio::test]
async fn waiting_for_the_network_is_not_computing() {
    let upstream = Upstream::start().await;
    let mut options = options(&upstream, "");
    options.limits.cpu = Duration::from_millis(300);
    options.limits.request_time = Duration::from_millis(1_500);
    let connection = connected(&shared().await.1, options).await.unwrap();
    let began = Instant::now();
    let failure = connection
        .get(&format!("GET {}/silent | once", upstream.base()))
        .await
        .unwrap_err();
    assert_eq!(failure.code(), Some("no-answer"), "{failure}");
    assert!(failure.message().contains("`timeout`"), "{failure}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// What the host does for a guest is the guest's time, however long one call takes.
#[tokio::test]
async fn calls_that_keep_the_host_busy_are_computing() {
    let upstream = Upstream::start().await;
    for attack in [
        "heavy-texts",
        "heavy-bodies",
        "heavy-messages",
        "heavy-headers",
        "heavy-credentials",
    ] {
        let connection = connect(&upstream, &format!("{attack} in get"), |limits| {
            limits.cpu = Duration::from_secs(1);
            limits.memory = 256 << 20;
        })
        .await
        .unwrap();
        let began = processor_time();
        assert_limit(&connection.get("x").await.unwrap_err(), Limit::Cpu);
        let taken = processor_time() - began;
        assert!(taken < Duration::from_secs(5), "{attack}: {taken:?}");
    }
    assert!(upstream.requests().is_empty());
    works(&upstream).await;
}

/// Of this thread, which the guest and the host work on: the machine may be busy with other things.
fn processor_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = Duration::from_secs(now.tv_sec.try_into().unwrap());
    seconds + Duration::from_nanos(now.tv_nsec.try_into().unwrap())
}

/// All 600 fields of the message would be more than a call may hand over.
#[tokio::test]
async fn of_a_long_list_as_much_is_read_as_is_wanted() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "many-fields in get", |limits| {
        // Filling memory takes an unoptimised host a while.
        limits.cpu = Duration::from_secs(20);
    })
    .await
    .unwrap();
    let request = format!("GET {}/Users", upstream.base());
    connection.get(&request).await.unwrap();
}

#[tokio::test]
async fn an_operation_ends_at_its_deadline() {
    let upstream = Upstream::start().await;
    for path in ["silent", "dripping"] {
        let mut options = options(&upstream, "");
        options.limits.operation_time = Duration::from_millis(600);
        let connection = connected(&shared().await.1, options).await.unwrap();
        let began = Instant::now();
        let result = connection
            .get(&format!("GET {}/{path} | once", upstream.base()))
            .await;
        assert!(began.elapsed() < Duration::from_secs(3));
        let failure = result.unwrap_err();
        assert!(
            failure.message().contains("`operation-timeout`"),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn a_guest_stopped_after_a_write_says_that_it_may_have_happened() {
    let upstream = Upstream::start().await;
    for attack in ["endless-loop", "trap"] {
        let attack = format!("{attack} in create-after-sending");
        let connection = connect(&upstream, &attack, |_| {}).await.unwrap();
        let draft = Draft {
            status: host_harness::contract::AccountStatus::Active,
            attributes: vec![host_harness::contract::Attribute {
                name: "seen".to_owned(),
                values: vec![Value::Text(format!(
                    "POST {}/Users | body 2",
                    upstream.base()
                ))],
            }],
        };
        let failure = connection.create(&draft).await.unwrap_err();
        assert!(
            failure.message().contains("it may have happened"),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn fuel_is_counted_where_the_host_is_told_to() {
    let upstream = Upstream::start().await;
    let counting = host(|options| options.count_fuel = true);
    let component = Component::from_bytes(&counting, HOSTILE).await.unwrap();
    let mut with_fuel = options(&upstream, "endless-loop in get");
    with_fuel.limits.fuel = Some(5_000_000);
    let connection = connected(&component, with_fuel.clone()).await.unwrap();
    assert_limit(&connection.get("x").await.unwrap_err(), Limit::Fuel);
    // A host that does not count does not pretend to.
    let failure = connected(&shared().await.1, with_fuel).await.unwrap_err();
    assert_eq!(failure.kind(), "invalid-settings");
    assert!(failure.message().contains("`fuel`"), "{failure}");
}

#[tokio::test]
async fn computing_shows_in_the_guest_and_waiting_on_the_wire() {
    let upstream = Upstream::start().await;
    let watch = Arc::new(Watch::default());
    for (attack, request) in [
        ("endless-loop in get", "x".to_owned()),
        ("", format!("GET {}/silent | once", upstream.base())),
    ] {
        let mut options = options(&upstream, attack);
        options.limits.request_time = Duration::from_millis(300);
        options.observer = Some(watch.clone());
        let connection = connected(&shared().await.1, options).await.unwrap();
        watch.take();
        connection.get(&request).await.unwrap_err();
        let stats = watch.one();
        let (most, least) = if attack.is_empty() {
            (stats.wire, stats.guest)
        } else {
            (stats.guest, stats.wire)
        };
        assert!(most >= Duration::from_millis(200), "{attack}: {stats:?}");
        assert!(least < most / 2, "{attack}: {stats:?}");
    }
}

#[tokio::test]
async fn an_operation_that_a_limit_stopped_is_measured() {
    let upstream = Upstream::start().await;
    let watch = Arc::new(Watch::default());
    let mut options = options(&upstream, "memory-bomb in get");
    options.limits.cpu = Duration::from_secs(20);
    options.observer = Some(watch.clone());
    let connection = connected(&shared().await.1, options).await.unwrap();
    watch.take();
    let failure = connection.get("x").await.unwrap_err();
    assert_limit(&failure, Limit::Memory);
    let peak = watch.one().memory_peak;
    assert!(peak > 32 << 20 && peak <= 64 << 20, "{peak}");
}
