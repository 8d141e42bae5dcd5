//! Memory, tables, stacks and handles; what a guest holds and what it hands over.

use std::time::Duration;

use host_harness::contract::PageQuery;
use host_harness::{Component, Limit};

use super::upstream::Upstream;
use super::{
    HOSTILE, assert_calm, assert_fault, assert_limit, attacked, connect, connected, describing,
    host, options, shared, starting, works,
};

fn slow(limits: &mut host_harness::Limits) {
    // Filling memory takes an unoptimised host a while.
    limits.cpu = Duration::from_secs(20);
}

#[tokio::test]
async fn a_memory_bomb_ends_at_the_limit() {
    assert_limit(&attacked("memory-bomb in get", slow).await, Limit::Memory);
    let upstream = Upstream::start().await;
    let failure = connect(&upstream, "memory-bomb in open", slow)
        .await
        .unwrap_err();
    assert_limit(&failure, Limit::Memory);
    let bomb = describing("memory-bomb");
    let failure = Component::from_bytes(&shared().await.0, &bomb)
        .await
        .unwrap_err();
    assert_limit(&failure, Limit::Memory);
}

#[tokio::test]
async fn a_guest_that_begins_larger_than_allowed_does_not_begin() {
    let upstream = Upstream::start().await;
    let failure = connect(&upstream, "", |limits| limits.memory = 64 << 10)
        .await
        .unwrap_err();
    assert_limit(&failure, Limit::Memory);
    let failure = connect(&upstream, "", |limits| limits.table_elements = 1)
        .await
        .unwrap_err();
    assert_limit(&failure, Limit::TableElements);
}

#[tokio::test]
async fn an_answer_larger_than_the_guests_memory_ends_at_the_memory_limit() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "", |limits| {
        slow(limits);
        limits.memory = 64 << 16;
        limits.response_bytes = 64 << 20;
    })
    .await
    .unwrap();
    let failure = connection
        .get(&format!("GET {}/chunked-body | once", upstream.base()))
        .await
        .unwrap_err();
    assert_limit(&failure, Limit::Memory);
    works(&upstream).await;
}

#[tokio::test]
async fn calls_nested_without_end_run_into_the_stack_limit() {
    let failure = attacked("deep-recursion in get", slow).await;
    assert_limit(&failure, Limit::Stack);
}

/// The stack inside its memory is the guest's own affair: its build sets the size, and the
/// host cannot tell its end from any other wrong address.
#[tokio::test]
async fn a_guest_that_overruns_the_stack_inside_its_memory_is_at_fault() {
    let failure = attacked("wide-frames in get", slow).await;
    assert_fault(&failure, "out of bounds");
    assert_fault(&failure, "nested too deep for the stack");
}

#[tokio::test]
async fn the_stack_is_the_hosts_to_choose() {
    let upstream = Upstream::start().await;
    let request = format!("GET {}/Users", upstream.base());
    let connection = connect(&upstream, "nested-calls in get", slow)
        .await
        .unwrap();
    assert!(connection.get(&request).await.is_ok());
    let small = host(|options| options.stack_bytes = 32 << 10);
    let component = Component::from_bytes(&small, HOSTILE).await.unwrap();
    let connection = connected(&component, options(&upstream, "nested-calls in get"))
        .await
        .unwrap();
    assert_limit(&connection.get(&request).await.unwrap_err(), Limit::Stack);
}

#[tokio::test]
async fn a_trap_and_a_panic_are_the_connectors_fault() {
    assert_fault(&attacked("trap in get", |_| {}).await, "failed in `get`");
    let failure = attacked("panic in get", |_| {}).await;
    assert_fault(&failure, "the guest's own words");
    let upstream = Upstream::start().await;
    let failure = connect(&upstream, "panic in open", |_| {})
        .await
        .unwrap_err();
    assert_fault(&failure, "failed in `open`");
    let failure = Component::from_bytes(&shared().await.0, &describing("panic"))
        .await
        .unwrap_err();
    assert_fault(&failure, "failed in `describe`");
}

#[tokio::test]
async fn a_panic_after_an_operation_leaves_its_result() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "panic in learned", |_| {})
        .await
        .unwrap();
    let request = format!("GET {}/Users", upstream.base());
    assert!(connection.get(&request).await.is_ok());
    assert!(connection.get(&request).await.is_ok());
}

#[tokio::test]
async fn lists_handed_to_the_host_are_limited() {
    for attack in [
        "huge-text in get",
        "million-attributes in get",
        "million-values in get",
    ] {
        let failure = attacked(attack, |limits| {
            slow(limits);
            limits.memory = 256 << 20;
        })
        .await;
        assert_limit(&failure, Limit::ResultBytes);
    }
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "million in list", |limits| {
        slow(limits);
        limits.memory = 256 << 20;
    })
    .await
    .unwrap();
    let query = PageQuery {
        cursor: None,
        limit: u32::MAX,
    };
    assert_limit(
        &connection.list(query).await.unwrap_err(),
        Limit::ResultBytes,
    );
}

#[tokio::test]
async fn a_manifest_of_megabytes_is_not_taken() {
    let failure = Component::from_bytes(&shared().await.0, &describing("megabytes"))
        .await
        .unwrap_err();
    assert_limit(&failure, Limit::ResultBytes);
    assert_calm(&failure.message());
}

#[tokio::test]
async fn harm_at_instantiation_stays_inside() {
    let (host, _) = shared().await;
    for (attack, limit) in [
        ("memory-bomb", Some(Limit::Memory)),
        ("deep-recursion", Some(Limit::Stack)),
        ("trap", None),
        ("panic", None),
    ] {
        let failure = Component::from_bytes(host, &starting(attack))
            .await
            .unwrap_err();
        match limit {
            Some(limit) => assert_limit(&failure, limit),
            None => assert_eq!(failure.kind(), "connector-fault", "{failure}"),
        }
        assert_calm(&failure.message());
    }
    works(&Upstream::start().await).await;
}

/// What one operation left in memory, the next one does not find.
#[tokio::test]
async fn operations_share_no_memory() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "remember in get", |_| {}).await.unwrap();
    let request = format!("GET {}/Users", upstream.base());
    for _ in 0..3 {
        connection.get(&request).await.unwrap();
    }
}

#[tokio::test]
async fn handles_are_limited() {
    let upstream = Upstream::start().await;
    let failure = connect(&upstream, "hoard in open", slow).await.unwrap_err();
    assert_limit(&failure, Limit::Handles);
}
