//! What stops a run before its first write, and passes when it is overridden by name.

use host_harness::sync::SyncError;
use host_harness::sync::guard::Guard;

use super::town::{HEADER, Row, Town, people, roster, row, strict, written};

fn leaving(rows: &[Row], count: usize) -> Vec<Row> {
    let left = rows.iter().take(count).cloned().map(Row::left);
    left.chain(rows.iter().skip(count).cloned()).collect()
}

fn stopped(error: SyncError) -> Vec<&'static str> {
    assert_eq!(error.exit_code(), 4, "{error}");
    match error {
        SyncError::Stopped(stopped) => stopped.iter().map(|one| one.guard.name()).collect(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_mass_deactivation_is_stopped_before_the_first_write_and_goes_when_allowed() {
    let mut town = Town::new().await;
    let rows = people(80);
    town.run(&rows).await;
    // Joiners and movers of the same run wait too.
    let mut leavers = leaving(&rows, 9);
    leavers.push(row("E9999", "new"));
    town.stage.tenant.clear_log();
    assert_eq!(
        stopped(town.try_run(&leavers).await.unwrap_err()),
        ["deactivations"]
    );
    assert_eq!((town.stage.writes(), town.active()), (vec![], 80));
    town.options = |options| options.allowed = [Guard::Deactivations].into();
    assert_eq!(written(&town.run(&leavers).await), [1, 0, 0, 9]);
    assert_eq!(town.active(), 72);
}

#[tokio::test]
async fn leavers_and_accounts_without_a_row_count_together() {
    let mut town = Town::new().await;
    let rows = people(50);
    town.run(&rows).await;
    town.rules = strict();
    // Three have left, three have no row: five are the most.
    let some = leaving(&rows[..47], 3);
    assert_eq!(
        stopped(town.try_run(&some).await.unwrap_err()),
        ["deactivations"]
    );
    let fewer = leaving(&rows[..47], 2);
    assert_eq!(written(&town.run(&fewer).await), [0, 0, 0, 5]);
}

#[tokio::test]
async fn an_empty_roster_and_a_much_shorter_one_stop_the_run() {
    let mut town = Town::new().await;
    let rows = people(40);
    town.run(&rows).await;
    assert_eq!(
        stopped(town.try_text(HEADER).await.unwrap_err()),
        ["empty-roster"]
    );
    // A stopped run is no measure for the next.
    for _ in 0..2 {
        assert_eq!(
            stopped(town.try_run(&rows[..20]).await.unwrap_err()),
            ["shorter-roster"]
        );
    }
    town.options = |options| options.allowed = [Guard::ShorterRoster].into();
    town.run(&rows[..20]).await;
    town.options = |_| {};
    town.run(&rows[..20]).await;
}

#[tokio::test]
async fn one_person_alone_is_no_shorter_roster() {
    let mut town = Town::new().await;
    let rows = people(40);
    town.run(&rows).await;
    town.options = |options| options.person = Some("E0007".to_owned());
    town.run(&rows).await;
    town.options = |_| {};
    town.settled(&rows).await;
}

#[tokio::test]
async fn a_roster_with_one_row_that_cannot_be_read_deactivates_nobody_for_it() {
    let mut town = Town::new().await;
    town.rules = strict();
    let rows = people(20);
    town.run(&rows).await;
    let broken = roster(&rows).replace("E0003,p3@example.com,", "E0003;p3@example.com;");
    let report = town.try_text(&broken).await.unwrap();
    assert_eq!((report.counts.conflicts, report.exit_code()), (1, 3));
    assert_eq!(report.conflicts[0].line, Some(5));
    assert_eq!((written(&report), town.active()), ([0; 4], 20));
    // Not even others without a row.
    let shorter = broken.replace(
        "E0011,p11@example.com,Given,Family,Analyst,London,,active\n",
        "",
    );
    town.try_text(&shorter).await.unwrap();
    assert_eq!(town.active(), 20);
    town.options = |options| options.allowed = [Guard::BadRows].into();
    assert_eq!(town.try_text(&shorter).await.unwrap().counts.deactivated, 2);
}

#[tokio::test]
async fn more_failures_than_successes_stop_the_run() {
    let mut town = Town::new().await;
    for n in 0..60 {
        town.stage
            .tenant
            .reserve_elsewhere(&format!("p{n}@example.com"));
    }
    let report = town.run(&people(100)).await;
    assert_eq!(report.exit_code(), 4);
    assert_eq!(report.stopped.as_ref().unwrap().kind(), "guard");
    // Twenty are looked at; as many as were under way came in beside.
    assert!(
        (20..=22).contains(&report.counts.failed),
        "{:?}",
        report.counts
    );
    assert_eq!(report.counts.failed + report.counts.not_begun, 100);
    town.options = |options| options.allowed = [Guard::Failures].into();
    town.halt = Default::default();
    let report = town.run(&people(100)).await;
    assert_eq!((report.counts.failed, report.counts.created), (60, 40));
    assert_eq!(report.exit_code(), 3);
}

#[tokio::test]
async fn two_rows_with_one_key_stop_the_run_with_both_lines() {
    let town = Town::new().await;
    let rows = [row("E1", "ada"), row("E2", "bob"), row("E1", "eve")];
    let error = town.try_run(&rows).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(
        error.to_string().contains("E1 is in line 2 and in line 4"),
        "{error}"
    );
    assert_eq!(town.stage.lines(), [""; 0]);
}

#[tokio::test]
async fn a_second_run_is_told_who_holds_the_lock() {
    let town = Town::new().await;
    let first = town.prepare(&roster(&people(3))).await.unwrap();
    let error = town.try_run(&people(3)).await.unwrap_err();
    assert_eq!(error.exit_code(), 4);
    let process = format!("process {}", std::process::id());
    assert!(error.to_string().contains(&process), "{error}");
    drop(first);
    town.run(&people(3)).await;
}
