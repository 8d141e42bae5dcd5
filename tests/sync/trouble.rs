//! Answers that never come, people for whom it does not work, and Ctrl-C.

use std::time::Duration;

use simulated_8x8::{Fault, Method, Switch};

use super::town::{Town, conflicts, people, row, written};

#[tokio::test]
async fn a_create_whose_outcome_is_unknown_is_looked_for_next_time_and_never_doubled() {
    for switches in [vec![], vec![Switch::NamesNotUnique]] {
        for (fault, there) in [
            ("post:cut-before-commit", false),
            ("post:500-after-commit", true),
        ] {
            let town = Town::with(switches.clone(), 0).await;
            town.stage.tenant.inject(fault.parse::<Fault>().unwrap());
            let rows = [row("E1", "ada"), row("E2", "bob")];
            let report = town.run(&rows).await;
            assert_eq!(
                report.counts.failed,
                u64::from(!there),
                "{fault}: {report:#?}"
            );
            let report = town.run(&rows).await;
            assert_eq!(report.resolved.len(), usize::from(!there));
            assert_eq!(report.counts.created, u64::from(!there));
            assert_eq!(town.stage.tenant.users().len(), 2);
            town.settled(&rows).await;
        }
    }
}

#[tokio::test]
async fn a_write_that_comes_to_pass_late_is_waited_for() {
    let town = Town::with([Switch::NamesNotUnique], 0).await;
    let rows = [row("E1", "ada")];
    town.stage
        .tenant
        .inject("post:cut-before-commit".parse().unwrap());
    assert_eq!(town.run(&rows).await.counts.failed, 1);
    // It was under way all the time, and shows only now.
    town.stage.tenant.add_console_user(serde_json::json!({
        "userName": "ada@example.com", "externalId": "E1", "title": "Analyst",
        "name": {"givenName": "Given", "familyName": "Family"},
        "emails": [{"type": "work", "value": "ada@example.com"}],
    }));
    let report = town.run(&rows).await;
    assert_eq!(report.resolved[0].done, Some(true));
    assert_eq!(report.counts.created, 0);
    assert_eq!(town.stage.tenant.users().len(), 1);
}

#[tokio::test]
async fn a_deactivation_in_flight_is_waited_for_before_it_is_said_not_to_have_been_done() {
    let mut town = Town::new().await;
    town.options = |options| options.settle = Duration::from_secs(3600);
    let rows = [row("E1", "ada")];
    town.run(&rows).await;
    let id = town.user("ada")["id"].as_str().unwrap().to_owned();
    let left = [row("E1", "ada").left()];
    town.killed_in_flight(Method::PATCH, town.run(&left)).await;
    town.stage.tenant.clear_log();
    // It comes to pass while the next run, of a roster that was corrected, reads.
    let late = async {
        let patience = Duration::from_secs(20);
        let reads = || town.stage.lines().len();
        let looked = async {
            while reads() < 5 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        if tokio::time::timeout(patience, looked).await.is_ok() {
            town.stage.connection.delete(&id).await.unwrap();
        }
    };
    let (report, ()) = tokio::join!(town.run(&rows), late);
    assert_eq!(report.resolved[0].done, Some(true), "{report:#?}");
    assert_eq!(written(&report), [0, 0, 1, 0]);
    assert_eq!(town.user("ada")["active"], true);
}

#[tokio::test]
async fn a_change_in_flight_that_never_shows_is_said_not_to_have_been_done_and_made_once() {
    let mut town = Town::new().await;
    town.options = |options| options.settle = Duration::from_secs(60);
    town.run(&[row("E1", "ada")]).await;
    let rows = [row("E1", "ada").title("Director")];
    town.killed_in_flight(Method::PATCH, town.run(&rows)).await;
    let _ = town.clock.take_sleeps();
    let report = town.run(&rows).await;
    assert_eq!(report.resolved[0].done, Some(false));
    assert_eq!(written(&report), [0, 1, 0, 0]);
    let slept: Duration = town.clock.take_sleeps().iter().sum();
    assert_eq!(slept, Duration::from_secs(60));
    town.settled(&rows).await;
}

#[tokio::test]
async fn whoever_cannot_be_read_back_is_left_alone() {
    let town = Town::new().await;
    town.stage
        .tenant
        .inject("post:cut-before-commit".parse().unwrap());
    town.run(&[row("E1", "ada")]).await;
    // Two who have the name by now, and nobody says whose is which.
    town.stage
        .tenant
        .set_switches(Switch::NamesNotUnique.into());
    for _ in 0..2 {
        town.stage.tenant.add_console_user(serde_json::json!({
            "userName": "ada@example.com", "externalId": "E1",
            "name": {"givenName": "Given", "familyName": "Family"},
        }));
    }
    town.stage.tenant.clear_log();
    let report = town.run(&[row("E1", "ada")]).await;
    assert_eq!(conflicts(&report), ["E1"]);
    assert_eq!(report.resolved[0].done, None);
    assert_eq!(town.stage.writes(), [""; 0]);
}

#[tokio::test]
async fn a_failure_is_one_persons_and_says_what_to_do() {
    let town = Town::new().await;
    town.stage.tenant.reserve_elsewhere("p1@example.com");
    let rows = [
        row("E0", "p0"),
        row("E1", "p1"),
        row("E2", "p2").site("Atlantis"),
    ];
    let report = town.run(&rows).await;
    assert_eq!((written(&report), report.exit_code()), ([1, 0, 0, 0], 3));
    let mut failures: Vec<_> = report
        .failures
        .iter()
        .map(|one| (one.left.who(), one.kind))
        .collect();
    failures.sort();
    assert_eq!(
        failures,
        [
            ("E1".to_owned(), "held-elsewhere"),
            ("E2".to_owned(), "invalid-account")
        ]
    );
    assert!(report.failures.iter().all(|one| !one.advice.is_empty()));
}

#[tokio::test]
async fn an_interrupted_run_says_what_it_did_not_begin_and_the_next_one_does_it() {
    let town = Town::new().await;
    let rows = people(40);
    let prepared = town.prepare(&super::town::roster(&rows)).await.unwrap();
    let halt = host_harness::sync::Halt::new();
    let interrupt = halt.clone();
    let report = prepared
        .apply(&halt, &move |progress| {
            if matches!(progress, host_harness::sync::Progress::Writes(10.., _)) {
                interrupt.interrupt();
            }
        })
        .await
        .unwrap();
    assert_eq!(report.stopped.as_ref().unwrap().kind(), "interrupted");
    assert_eq!(report.counts.created + report.counts.not_begun, 40);
    assert!(
        (10..=12).contains(&report.counts.created),
        "{:?}",
        report.counts
    );
    assert_eq!(written(&town.run(&rows).await)[0], report.counts.not_begun);
    town.settled(&rows).await;
}

/// Whatever goes wrong on the way: some runs later the company is there, each once.
#[tokio::test]
async fn with_every_tenth_request_failing_everybody_ends_up_with_one_account() {
    for seed in 0..10 {
        let town = Town::with([Switch::NamesNotUnique], 0).await;
        let mut random = fastrand::Rng::with_seed(seed);
        let mut rows = people(30);
        for round in 0..12 {
            if round == 4 {
                rows[0] = row("E0000", "renamed");
                rows[1] = row("E0001", "p1").left();
                rows[2] = row("E0002", "p2").title("Director");
            }
            for _ in 0..if round < 9 { 6 } else { 0 } {
                let fault = FAULTS[random.usize(..FAULTS.len())];
                town.stage.tenant.inject(fault.parse::<Fault>().unwrap());
            }
            // A listing may fail; then nothing was done.
            if let Err(error) = town.try_run(&rows).await {
                assert_eq!(error.exit_code(), 1, "seed {seed}: {error}");
            }
        }
        town.settled(&rows).await;
        // Who left may have left before any run had made them.
        let users = town.stage.tenant.users();
        let stayed = users.iter().filter(|user| user["externalId"] != "E0001");
        assert_eq!(stayed.count(), 29, "seed {seed}");
        assert!(users.len() <= 30, "seed {seed}");
        assert_eq!(town.active(), 29, "seed {seed}");
        assert_eq!(town.user("renamed")["externalId"], "E0000");
    }
}

const FAULTS: [&str; 14] = [
    "post:cut-before-commit",
    "post:cut-after-commit",
    "post:cut-mid-answer",
    "post:500",
    "post:503-after-commit",
    "post:429-retry-after-1",
    "patch:cut-after-commit",
    "patch:500-after-commit",
    "patch:503",
    "any:cut-before-next",
    "any:stale-read",
    "get:503",
    "get:cut-mid-answer",
    "get:429-retry-after-2",
];
