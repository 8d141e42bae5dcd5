//! A plan is over the whole tenant, or there is none.

use host_harness::sync::SyncError;
use simulated_8x8::{Fault, FaultEffect, Method, Switch};

use super::town::{Town, conflicts, people, row, strict, written};

fn get(effect: &str) -> Fault {
    Fault {
        method: Some(Method::GET),
        effect: effect.parse().unwrap(),
    }
}

#[tokio::test]
async fn a_listing_that_fails_midway_ends_the_run_with_nothing_done() {
    let mut town = Town::with([], 250).await;
    town.rules = strict();
    for page in ["delay-0ms", "403"] {
        town.stage.tenant.inject(get(page));
    }
    let error = town.try_run(&people(300)).await.unwrap_err();
    assert_eq!((error.exit_code(), error.kind()), (1, "forbidden"));
    assert_eq!(town.stage.writes(), [""; 0]);
}

#[tokio::test]
async fn a_listing_that_is_not_whole_ends_the_run_with_nothing_done() {
    for switch in [Switch::PageRepeats, Switch::PagingIgnored] {
        let mut town = Town::with(switch, 250).await;
        town.rules = strict();
        let result = town.try_run(&people(300)).await;
        // Whoever pages by number is shown everybody, or the same hundred again and again.
        match (switch, result) {
            (Switch::PagingIgnored, _) => {}
            (_, Err(error)) => {
                assert_eq!(error.exit_code(), 1, "{error}");
                assert_eq!(town.stage.writes(), [""; 0]);
            }
            (_, Ok(report)) => panic!("{report:#?}"),
        }
    }
}

#[tokio::test]
async fn one_person_is_looked_up_where_a_listing_would_take_more_requests() {
    let mut town = Town::with([], 1000).await;
    town.options = |options| options.person = Some("E1".to_owned());
    assert_eq!(
        written(&town.run(&[row("E1", "ada"), row("E2", "bob")]).await),
        [1, 0, 0, 0]
    );
    let lists = town
        .stage
        .lines()
        .into_iter()
        .filter(|line| line.contains("startIndex"));
    let lists: Vec<_> = lists.filter(|line| !line.contains("filter")).collect();
    assert_eq!(lists.len(), 1, "{lists:?}");
    // And again, by the journal.
    assert_eq!(town.run(&[row("E1", "ada")]).await.counts.unchanged, 1);
}

#[tokio::test]
async fn a_person_who_is_not_in_the_roster_is_wrong_usage() {
    let mut town = Town::new().await;
    town.options = |options| options.person = Some("E7".to_owned());
    let error = town.try_run(&people(3)).await.unwrap_err();
    assert!(matches!(error, SyncError::Usage(_)));
    assert_eq!(error.exit_code(), 2);
}

#[tokio::test]
async fn a_refused_credential_ends_the_run_before_and_in_the_middle() {
    let town = Town::new().await;
    town.stage.tenant.clear_token();
    let error = town.try_run(&people(3)).await.unwrap_err();
    assert_eq!((error.exit_code(), error.kind()), (1, "unauthenticated"));

    let mut town = Town::new().await;
    let fault = |effect| Fault {
        method: Some(Method::POST),
        effect,
    };
    for _ in 0..10 {
        town.stage
            .tenant
            .inject(fault(FaultEffect::Delay(std::time::Duration::ZERO)));
    }
    town.stage.tenant.inject(fault(FaultEffect::TokenCleared));
    let report = town.run(&people(50)).await;
    assert_eq!(report.exit_code(), 1);
    assert_eq!(report.stopped.as_ref().unwrap().kind(), "unauthenticated");
    assert!(report.counts.failed <= 2, "{:?}", report.counts);
    assert!(report.counts.not_begun >= 36, "{:?}", report.counts);
    town.stage.tenant.restore_token();
    town.halt = Default::default();
    let report = town.run(&people(50)).await;
    assert_eq!(report.counts.unchanged + report.counts.created, 50);
    assert_eq!(town.stage.tenant.users().len(), 50);
}

#[tokio::test]
async fn json_lines_of_which_no_row_has_a_column_that_the_rules_name_stop_the_run() {
    let line = |id: &str, rest: &str| {
        format!(
            r#"{{"id": "{id}", "email": "{id}@example.com", "given": "A", "family": "B",
                "site": "London", "phone": "", "status": "active"{rest}}}"#
        )
        .replace('\n', " ")
    };
    let town = Town::new().await;
    let misspelt = [
        line("E1", r#", "titel": "Analyst""#),
        line("E2", r#", "titel": """#),
    ];
    let error = town.try_text(&misspelt.join("\n")).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(
        error
            .to_string()
            .contains("no row of the roster has `title`; did you mean `person.titel`?"),
        "{error}"
    );
    assert_eq!(town.stage.lines(), [""; 0]);

    // One row that has it shows that it is a column, and whoever lacks it is a conflict.
    let rows = [line("E1", r#", "title": "Analyst""#), line("E2", "")].join("\n");
    let report = town.try_text(&rows).await.unwrap();
    assert_eq!((report.counts.created, conflicts(&report).len()), (1, 1));

    // What the rules ask for with `has` need not be there at all.
    let mut town = Town::new().await;
    town.rules = town.rules.replace(
        "\"person.title\"",
        "'has(person.title) ? person.title : \"\"'",
    );
    let report = town.try_text(&line("E3", "")).await.unwrap();
    assert_eq!(report.counts.created, 1);
}
