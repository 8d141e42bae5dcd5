//! Requests and answers without measure.

use host_harness::Limit;

use super::upstream::Upstream;
use super::{assert_limit, connect, connected, options, seen, shared, status, works};

/// One request, with limits of the test's own.
async fn asked(
    upstream: &Upstream,
    script: &str,
    limit: impl FnOnce(&mut host_harness::Limits),
) -> Result<host_harness::contract::Account, host_harness::Failure> {
    let connection = connect(upstream, "", limit).await.unwrap();
    connection
        .get(&script.replace("BASE", &upstream.base()))
        .await
}

#[tokio::test]
async fn a_call_storm_ends_at_the_number_of_requests() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "call-storm in get", |limits| limits.requests = 7)
        .await
        .unwrap();
    let failure = connection.get("x").await.unwrap_err();
    assert_limit(&failure, Limit::Requests);
    assert_eq!(upstream.requests().len(), 7);
    works(&upstream).await;
}

#[tokio::test]
async fn a_storm_of_refused_requests_is_computing() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "refused-storm in get", |_| {})
        .await
        .unwrap();
    assert_limit(&connection.get("x").await.unwrap_err(), Limit::Cpu);
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn bodies_over_the_caps_are_not_sent() {
    let upstream = Upstream::start().await;
    let failure = asked(&upstream, "GET BASE/Users | body 2000000", |_| {}).await;
    assert_limit(&failure.unwrap_err(), Limit::RequestBytes);
    let failure = asked(&upstream, "GET BASE/Users | body 2000", |limits| {
        limits.sent_bytes = 1_000;
    })
    .await;
    assert_limit(&failure.unwrap_err(), Limit::SentBytes);
    // Handed over at once, it is more than the host takes at all.
    let failure = asked(&upstream, "GET BASE/Users | body 40000000", |limits| {
        limits.cpu = std::time::Duration::from_secs(20);
    })
    .await;
    assert_limit(&failure.unwrap_err(), Limit::ResultBytes);
    assert!(upstream.requests().is_empty());
    works(&upstream).await;
}

fn slow(limits: &mut host_harness::Limits) {
    // Long lists take an unoptimised guest a while.
    limits.cpu = std::time::Duration::from_secs(20);
}

#[tokio::test]
async fn header_lines_over_the_caps_are_not_sent() {
    let upstream = Upstream::start().await;
    for (script, limit) in [
        ("GET BASE/Users | headers 101 x-claimed", Limit::Headers),
        ("GET BASE/Users | headers 50000 x-claimed", Limit::Headers),
    ] {
        let failure = asked(&upstream, script, slow).await.unwrap_err();
        assert_limit(&failure, limit);
    }
    let large = "x".repeat(70_000);
    let script = format!("GET BASE/Users | header accept: {large}");
    let failure = asked(&upstream, &script, |_| {}).await.unwrap_err();
    assert_limit(&failure, Limit::HeaderBytes);
    let failure = asked(
        &upstream,
        "GET BASE/Users | credentials 400000 api-token",
        slow,
    )
    .await
    .unwrap_err();
    assert_eq!(failure.code(), Some("refused-credential"), "{failure}");
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn answers_over_the_caps_are_not_taken() {
    let upstream = Upstream::start().await;
    for (path, limit) in [
        ("announced-body", Limit::ResponseBytes),
        ("chunked-body", Limit::ResponseBytes),
        ("some-headers", Limit::Headers),
        ("many-headers", Limit::Headers),
        ("large-header", Limit::HeaderBytes),
        ("megabytes-of-headers", Limit::HeaderBytes),
    ] {
        let failure = asked(&upstream, &format!("GET BASE/{path}"), |_| {})
            .await
            .unwrap_err();
        assert_limit(&failure, limit);
        assert_eq!(upstream.requests().len(), 1, "{path} was asked for again");
        upstream.forget();
    }
    let failure = asked(&upstream, "GET BASE/large-body", |limits| {
        limits.received_bytes = 1_000;
    })
    .await;
    assert_limit(&failure.unwrap_err(), Limit::ReceivedBytes);
    upstream.forget();
    // What breaks off and is asked for again was received, too.
    let failure = asked(&upstream, "GET BASE/broken-body", |limits| {
        limits.received_bytes = 150_000;
    })
    .await;
    assert_limit(&failure.unwrap_err(), Limit::ReceivedBytes);
    assert_eq!(upstream.requests().len(), 2);
    works(&upstream).await;
}

#[tokio::test]
async fn redirects_are_shown_and_not_followed() {
    let upstream = Upstream::start().await;
    for (path, code) in [("redirect", 302), ("moved", 308)] {
        let answer = asked(
            &upstream,
            &format!("GET BASE/{path} | credential api-token"),
            |_| {},
        )
        .await
        .unwrap();
        assert_eq!(status(&answer), code);
        assert!(seen(&answer).contains("location: "));
        assert_eq!(upstream.requests().len(), 1);
        upstream.forget();
    }
}

#[tokio::test]
async fn an_encoded_answer_to_a_credentialed_request_is_withheld() {
    let upstream = Upstream::start().await;
    for path in ["gzip", "gzip-in-transfer"] {
        let script = format!("GET BASE/{path} | credential api-token");
        let failure = asked(&upstream, &script, |_| {}).await.unwrap_err();
        assert_eq!(failure.code(), Some("withheld"), "{path}: {failure}");
    }
}

#[tokio::test]
async fn no_more_requests_a_minute_than_the_operator_allows() {
    let upstream = Upstream::start().await;
    let mut options = options(&upstream, "");
    options.network.max_requests_per_minute = Some(1);
    options.limits.operation_time = std::time::Duration::from_secs(5);
    let connection = connected(&shared().await.1, options).await.unwrap();
    let script = format!("GET {}/Users", upstream.base());
    assert!(connection.get(&script).await.is_ok());
    let failure = connection.get(&script).await.unwrap_err();
    assert_eq!(failure.kind(), "deadline-exceeded", "{failure}");
    assert_eq!(upstream.requests().len(), 1);
}
