//! A journal that another process has locked: what a run does at the points where it waits for it.

use crate::judge::judge;
use crate::point::{Point, reach};
use crate::town::Town;

/// The points at which a run waits for the journal.
const WAITS: [Point; 2] = [Point::BeforeIntent, Point::BeforeOutcome];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_waits_while_the_journal_is_locked_and_goes_on() {
    for point in WAITS {
        let town = Town::new(true, 1).await;
        let reached = reach(point, &town, 0, 1).await;
        drop(reached.lock);
        let report = reached.run.report().await;
        assert_eq!(report["report"]["counts"]["failed"], 0, "{report}");
        judge(&town);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_stays_locked_ends_the_run_and_the_next_takes_it_up() {
    let ended = WAITS.map(async |point| {
        let town = Town::new(true, 1).await;
        let reached = reach(point, &town, 0, 1).await;
        let error = reached.run.error().await;
        assert_eq!(
            error,
            "error: The journal tenant.journal cannot be used: database is locked.\n"
        );
        drop(reached.lock);
        assert_eq!(
            town.journal().open().len(),
            usize::from(point.is_carried_out())
        );
        town.run("0s").report().await;
        judge(&town);
    });
    futures_util::future::join_all(ended).await;
}
