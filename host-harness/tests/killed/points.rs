//! Each step of a write, forty times and more.

use std::time::{Duration, Instant};

use simulated_8x8::{Fault, FaultEffect, Method};

use crate::judge::judge;
use crate::town::{Town, until};

/// How often a run is killed at each point, at least.
const KILLS: usize = 40;
/// Longer than anybody waits here.
const FOR_EVER: Duration = Duration::from_secs(300);

/// Where a run is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    BeforeIntent,
    BeforeSend,
    /// The tenant has received the write, and has not carried it out; it never does.
    AfterSend,
    /// The tenant has carried the write out, and has not answered.
    AfterCommit,
    BeforeOutcome,
}

/// Kills run after run until the company is in line, and then begins with another company,
/// until there were enough kills.
async fn kill_at(point: Point, unique: bool) {
    let started = Instant::now();
    let (mut kills, mut towns) = (0, 0);
    while kills < KILLS {
        let town = Town::new(unique).await;
        let mut method = Method::POST;
        for passage in [1, 2, 3].into_iter().cycle() {
            if killed_at(&town, point, passage, &method).await {
                kills += 1;
            } else if method == Method::POST && point_is_the_tenants(point) {
                // No more creates: the other writes have their turn.
                method = Method::PATCH;
            } else {
                break;
            }
        }
        let report = town.finish().await;
        let counts = &report["report"]["counts"];
        assert_eq!(counts["unchanged"], town.people.len(), "{counts}");
        judge(&town);
        town.tenant.clear_log();
        town.finish().await;
        let writes = town
            .tenant
            .log()
            .into_iter()
            .filter(|one| one.method != "GET");
        assert_eq!(writes.count(), 0);
        towns += 1;
    }
    println!(
        "{point:?}, names unique: {unique}: {kills} kills in {towns} towns, {:.1} s",
        started.elapsed().as_secs_f64()
    );
}

fn point_is_the_tenants(point: Point) -> bool {
    matches!(point, Point::AfterSend | Point::AfterCommit)
}

/// One run that is killed when it comes to the point for the `passage`th time; whether it
/// came there.
async fn killed_at(town: &Town, point: Point, passage: usize, method: &Method) -> bool {
    let order = |name: &str| format!("{name}:{passage}");
    let own = match point {
        Point::BeforeIntent => Some(order("before-intent")),
        Point::BeforeSend => Some(order("before-send")),
        Point::BeforeOutcome => Some(order("before-outcome")),
        Point::AfterSend | Point::AfterCommit => None,
    };
    if let Some(order) = own {
        return until(town.start(Some(&order), "0s"), || false).await;
    }
    let effect = match point {
        Point::AfterSend => FaultEffect::Delay(FOR_EVER),
        _ => FaultEffect::LateAnswer(FOR_EVER),
    };
    let fault = |effect| Fault {
        method: Some(method.clone()),
        effect,
    };
    for _ in 1..passage {
        town.tenant
            .inject(fault(FaultEffect::Delay(Duration::ZERO)));
    }
    town.tenant.inject(fault(effect.clone()));
    let before = town.tenant.log_len();
    until(town.start(None, "0s"), || {
        let since = town.tenant.log_since(before);
        since.iter().any(|one| {
            let there = one.fault.as_ref() == Some(&effect);
            there && (point == Point::AfterSend || one.committed)
        })
    })
    .await
}

macro_rules! points {
    ($( $name:ident: $point:ident, $unique:literal; )*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                kill_at(Point::$point, $unique).await;
            }
        )*
    };
}

points! {
    before_the_intent: BeforeIntent, true;
    before_the_intent_where_names_are_not_unique: BeforeIntent, false;
    before_it_is_sent: BeforeSend, true;
    before_it_is_sent_where_names_are_not_unique: BeforeSend, false;
    after_it_was_sent: AfterSend, true;
    after_it_was_sent_where_names_are_not_unique: AfterSend, false;
    after_it_was_carried_out: AfterCommit, true;
    after_it_was_carried_out_where_names_are_not_unique: AfterCommit, false;
    before_the_outcome: BeforeOutcome, true;
    before_the_outcome_where_names_are_not_unique: BeforeOutcome, false;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_young_create_that_does_not_show_is_given_its_time() {
    let town = Town::new(true).await;
    assert!(until(town.start(Some("before-send:1"), "0s"), || false).await);
    let started = Instant::now();
    assert!(!until(town.start(None, "2s"), || false).await);
    assert!(started.elapsed() > Duration::from_millis(1500));
    judge(&town);
}
