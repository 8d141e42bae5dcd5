//! Each point, at forty people's writes: creates, updates, reactivations and deactivations.

use std::collections::BTreeSet;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use crate::judge::{judge, who_was_killed_there};
use crate::point::{Point, reach};
use crate::town::{PEOPLE, Town};

/// Kills a run at the write of each person, one after the other, or of two at a time.
async fn kill_at_each(point: Point, unique: bool, at_a_time: usize) {
    let started = Instant::now();
    let town = Town::new(unique, at_a_time).await;
    let mut hit = BTreeSet::new();
    while hit.len() < PEOPLE {
        // A write that was not carried out is sent again first.
        let again = !point.is_carried_out() && !hit.is_empty();
        let before = town.tenant.log_len();
        let reached = reach(point, &town, usize::from(again), at_a_time).await;
        let killed = reached.kill();
        let people = who_was_killed_there(point, &town, &killed, before);
        assert_eq!(people.len(), at_a_time, "{people:?}");
        for person in people {
            assert!(hit.insert(person.clone()), "{person} once more");
        }
    }
    town.relay.orders(None);
    town.run("0s").report().await;
    judge(&town);
    let before = town.tenant.log_len();
    let report = town.run("0s").report().await;
    let counts = &report["report"]["counts"];
    assert_eq!(counts["unchanged"], PEOPLE, "{counts}");
    let log = town.tenant.log_since(before);
    assert!(log.iter().all(|received| received.method == "GET"));
    println!(
        "{point:?}, names unique: {unique}, {at_a_time} at a time: {} killed in {:.1} s",
        hit.len(),
        started.elapsed().as_secs_f64()
    );
}

macro_rules! points {
    ($( $name:ident: $point:ident, $unique:literal, $at_a_time:literal; )*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                kill_at_each(Point::$point, $unique, $at_a_time).await;
            }
        )*
    };
}

points! {
    before_the_intent: BeforeIntent, true, 1;
    before_the_intent_where_names_are_not_unique: BeforeIntent, false, 1;
    connected: Connected, true, 1;
    connected_where_names_are_not_unique: Connected, false, 1;
    sent: Sent, true, 1;
    sent_where_names_are_not_unique: Sent, false, 1;
    answered: Answered, true, 1;
    answered_where_names_are_not_unique: Answered, false, 1;
    two_answered_at_a_time: Answered, true, 2;
    two_answered_at_a_time_where_names_are_not_unique: Answered, false, 2;
    before_the_outcome: BeforeOutcome, true, 1;
    before_the_outcome_where_names_are_not_unique: BeforeOutcome, false, 1;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_young_create_that_does_not_show_is_given_its_time() {
    let town = Town::new(true, 1).await;
    reach(Point::Sent, &town, 0, 1).await.kill();
    town.run("2s").report().await;
    judge(&town);
    let journal = town.journal();
    let [first, again] = journal.steps_of(&journal.steps[0].person)[..] else {
        panic!("{journal:?}");
    };
    assert_eq!(first.outcome.as_deref(), Some("not-done"));
    assert_eq!(again.outcome.as_deref(), Some("done"));
    let began = |began: &str| began.parse::<Timestamp>().unwrap();
    let waited = began(&again.began).duration_since(began(&first.began));
    assert!(waited >= SignedDuration::from_secs(2), "{waited}");
}
