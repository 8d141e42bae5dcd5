//! What goes wrong on order.

use std::time::{Duration, Instant};

use super::*;
use crate::FaultSchedule;

async fn create_with(fault: &str) -> (Rig, Option<Seen>) {
    let rig = Rig::with(&[]).await;
    rig.tenant.inject(fault.parse().unwrap());
    let seen = rig.try_send("POST", "/Users", Some(&ada())).await;
    (rig, seen)
}

#[tokio::test]
async fn a_connection_cut_before_commit_did_nothing() {
    let (rig, seen) = create_with("post:cut-before-commit").await;
    assert!(seen.is_none() && rig.tenant.users().is_empty());
    let log = rig.tenant.log();
    assert_eq!((log[0].status, log[0].committed), (None, false));
}

#[tokio::test]
async fn a_connection_cut_after_commit_did_everything_but_answer() {
    let (rig, seen) = create_with("post:cut-after-commit").await;
    assert!(seen.is_none());
    assert_eq!(rig.tenant.users().len(), 1);
    let log = rig.tenant.log();
    assert_eq!((log[0].status, log[0].committed), (None, true));
    assert_eq!(rig.create(&ada()).await.status, 409, "the fault is used up");
}

#[tokio::test]
async fn an_answer_cut_in_the_middle_has_a_head_and_half_a_body() {
    let rig = Rig::with(&[]).await;
    rig.tenant.inject("any:cut-mid-answer".parse().unwrap());
    let response = rig
        .request("POST", "/Users", Some(&ada()))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    assert!(response.content_length().unwrap() > 100);
    assert!(response.text().await.is_err());
    assert_eq!(rig.tenant.users().len(), 1);
}

#[tokio::test]
async fn a_status_comes_before_or_after_commit() {
    for (fault, status, users) in [
        ("post:503", 503, 0),
        ("post:503-before-commit", 503, 0),
        ("post:500-after-commit", 500, 1),
        ("any:201-before-commit", 201, 0),
    ] {
        let (rig, seen) = create_with(fault).await;
        assert_eq!(seen.unwrap().status, status);
        assert_eq!(rig.tenant.users().len(), users, "{fault}");
        assert_eq!(rig.tenant.log()[0].committed, users == 1);
    }
    let (_, seen) = create_with("post:429-retry-after-7").await;
    assert_eq!(seen.unwrap().header("retry-after"), Some("7"));
    let (_, seen) = create_with("patch:500").await;
    assert_eq!(seen.unwrap().status, 201, "another method is not struck");
}

#[tokio::test]
async fn a_stale_read_shows_the_state_before_the_latest_change() {
    let rig = Rig::with(&[]).await;
    let before = rig.create(&ada()).await;
    let path = format!("/Users/{}", before.id());
    let rename = json!([{"op": "replace", "path": "userName", "value": "king@example.com"}]);
    rig.patch(&before.id(), rename).await;
    for _ in 0..4 {
        rig.tenant.inject("any:stale-read".parse().unwrap());
    }
    assert_eq!(rig.get(&path).await.text, before.text);
    assert_eq!(
        rig.get("/Users").await.json()["Resources"][0],
        before.json()
    );
    let by_name = |name: &str| format!("userName eq \"{name}\"");
    let found = rig.find(&by_name("ada@example.com")).await.json();
    assert_eq!(found["totalResults"], 1);
    let found = rig.find(&by_name("king@example.com")).await.json();
    assert_eq!(found["totalResults"], 0);
    assert_eq!(rig.get(&path).await.json()["userName"], "king@example.com");
}

#[tokio::test]
async fn a_delay_comes_before_the_commit_and_a_late_answer_after() {
    let impatient = Duration::from_millis(60);
    for (fault, users) in [("post:delay-10s", 0), ("post:late-10s", 1)] {
        let rig = Rig::with(&[]).await;
        rig.tenant.inject(fault.parse().unwrap());
        let began = Instant::now();
        let request = rig
            .request("POST", "/Users", Some(&ada()))
            .timeout(impatient);
        assert!(request.send().await.unwrap_err().is_timeout());
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(rig.tenant.users().len(), users, "{fault}");
        assert_eq!(rig.tenant.log()[0].status, None);
    }
}

#[tokio::test]
async fn a_request_delivered_twice_is_carried_out_twice_and_answered_once() {
    for (fault, status) in [("post:twice", 201), ("post:twice-last-answer", 409)] {
        let (rig, seen) = create_with(fault).await;
        assert_eq!(seen.unwrap().status, status, "{fault}");
        assert_eq!(rig.tenant.users().len(), 1);
        let log = rig.tenant.log();
        assert_eq!((log.len(), log[0].committed), (2, true));
        assert!(!log[0].redelivered && log[1].redelivered);
    }
}

#[tokio::test]
async fn another_writer_comes_between_a_read_and_a_write() {
    let rig = Rig::with(&[]).await;
    rig.create(&ada()).await;
    let id = rig.tenant.users()[0]["id"].as_str().unwrap().to_owned();
    rig.tenant.inject("any:other-writer".parse().unwrap());
    let path = format!("/Users/{id}");
    rig.try_send("GET", &path, None).await;
    rig.try_send("DELETE", &path, None).await;
    let user = rig.tenant.user(&id).unwrap();
    assert_eq!(user["title"], "By another writer, 2");
    assert_eq!(user["active"], false);
}

#[tokio::test]
async fn a_cleared_token_is_refused_until_it_is_restored() {
    let (rig, seen) = create_with("any:token-cleared").await;
    assert_eq!(seen.unwrap().status, 401);
    assert_eq!(rig.create(&ada()).await.status, 401);
    rig.tenant.restore_token();
    assert_eq!(rig.create(&ada()).await.status, 201);
}

#[tokio::test]
async fn a_schedule_strikes_until_it_is_ended() {
    let rig = Rig::start(TenantOptions {
        fault_schedule: Some(FaultSchedule::new(1).rate(1.0)),
        ..TenantOptions::default()
    })
    .await;
    for _ in 0..3 {
        let waits = rig.try_send("GET", "/Users", None);
        // Some faults last for ever.
        let _ = tokio::time::timeout(Duration::from_millis(100), waits).await;
    }
    assert!(rig.tenant.log().iter().any(|entry| entry.fault.is_some()));
    rig.tenant.end_schedule();
    rig.tenant.clear_log();
    rig.try_send("GET", "/Users", None).await;
    assert!(rig.tenant.log().iter().all(|entry| entry.fault.is_none()));
}
