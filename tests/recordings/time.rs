//! What becomes of a request in time: retries, lost answers, refusals, waits. A replay comes to
//! the same, and waits for nothing.

use std::sync::Arc;
use std::time::Duration;

use host_harness::Connection;
use host_harness::clock::TestClock;
use host_harness::recording::Replay;
use simulated_8x8::{SimulatedTenant, TenantOptions};

use super::{Tape, live};
use crate::stage::{ADA, connector_on, draft, edits, options, text};

const TIMEOUT: Duration = Duration::from_secs(2);

/// What goes wrong, and what of it a recording shows.
const FAULTS: [(&str, &str); 7] = [
    ("get:503", "< 503"),
    ("get:cut-before-commit", "! no-answer: "),
    ("post:cut-after-commit", "! no-answer: "),
    ("post:503-after-commit", "< 503"),
    ("patch:cut-mid-answer", "! no-answer: "),
    ("post:429", "< 429"),
    ("patch:late-3600s", "! no-answer: "),
];

async fn write(connection: &Connection) -> String {
    let made = connection.create(&draft(&ADA)).await;
    let found = connection.find("userName", &text(ADA[0].1)).await;
    let id = match &found {
        Ok(Some(account)) => account.id.clone(),
        _ => "nobody".to_owned(),
    };
    let title = connection
        .update(&id, &edits(&[("title", "Countess")]))
        .await;
    format!("{made:?}\n{found:?}\n{title:?}")
}

/// Lets the request's time pass once the PATCH was carried out, whose answer waits.
async fn late(tenant: &SimulatedTenant, clock: &TestClock) {
    for _ in 0..10_000_000 {
        if tenant
            .log()
            .iter()
            .any(|received| received.method == "PATCH" && received.committed)
        {
            return clock.advance(TIMEOUT);
        }
        tokio::task::yield_now().await;
    }
    panic!("it never arrived");
}

#[tokio::test]
async fn retries_and_lost_answers_come_again_without_their_waits() {
    for (fault, shown) in FAULTS {
        let (tape, clock) = (Tape::new(), TestClock::default());
        let connector = connector_on(&clock).await;
        let tenant = SimulatedTenant::start(TenantOptions {
            people: 3,
            ..TenantOptions::default()
        })
        .await
        .unwrap();
        tenant.inject(fault.parse().unwrap());
        let mut options = options(&tenant);
        options.limits.request_time = TIMEOUT;
        let connection = tape.record(&connector, options).await;
        let then = if fault.ends_with("3600s") {
            let (then, ()) = tokio::join!(write(&connection), late(&tenant, &clock));
            then
        } else {
            write(&connection).await
        };
        let all: String = tape.files().iter().map(|file| tape.text(file)).collect();
        assert!(all.contains(shown), "{fault}: {all}");

        drop(tenant);
        let _ = clock.take_sleeps();
        let (connection, replay) = tape.replay(&connector).await;
        assert_eq!(write(&connection).await, then, "{fault}");
        assert!(
            replay.left_over().is_empty(),
            "{fault}: {:?}",
            replay.left_over()
        );
        assert!(
            clock.take_sleeps().is_empty(),
            "{fault}: nothing is waited for"
        );
    }
}

#[tokio::test]
async fn what_came_too_late_comes_too_late_again() {
    let (tape, clock) = (Tape::new(), TestClock::default());
    let connector = connector_on(&clock).await;
    let tenant = SimulatedTenant::start(TenantOptions::default())
        .await
        .unwrap();
    let mut slow = options(&tenant);
    slow.network.max_requests_per_minute = Some(1);
    slow.limits.operation_time = Duration::from_secs(30);
    let connection = tape.record(&connector, slow).await;
    let then = live(&connection).await;
    let all: String = tape.files().iter().map(|file| tape.text(file)).collect();
    assert!(all.contains("! out-of-time: "), "{all}");

    // Limits are of whoever replays.
    let replay = Arc::new(Replay::open(&tape.folder).unwrap());
    let mut options = replay.options();
    options.limits.operation_time = Duration::from_secs(30);
    let connection = connector.connect(options).await.unwrap();
    assert_eq!(live(&connection).await, then);
    assert!(replay.left_over().is_empty(), "{:?}", replay.left_over());
}
