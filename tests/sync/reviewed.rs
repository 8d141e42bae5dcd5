//! A plan that somebody looked at: it is carried out as far as its ground has not moved.

use std::time::Duration;

use host_harness::sync::plan::Plan;
use host_harness::sync::report::Report;
use simulated_8x8::{Fault, FaultEffect, Method};

use super::town::{Row, Town, people, roster, row, written};

impl Town {
    /// Writes a plan, as `--plan` does.
    async fn planned(&self, rows: &[Row]) -> Plan {
        let path = self.path("plan.json");
        self.plan(rows).await.write(&path).unwrap();
        Plan::read(&path).unwrap()
    }

    async fn carry_out(&self, plan: &Plan, rows: &[Row]) -> Report {
        let mut prepared = self.prepare(&roster(rows)).await.unwrap();
        prepared.restrict_to(plan).unwrap();
        prepared.apply(&self.halt, &|_| {}).await.unwrap()
    }
}

#[tokio::test]
async fn a_plan_is_carried_out_and_nothing_beyond_it() {
    let town = Town::new().await;
    let plan = town.planned(&people(3)).await;
    assert_eq!(town.stage.writes(), [""; 0]);
    let report = town.carry_out(&plan, &people(4)).await;
    assert_eq!(written(&report), [3, 0, 0, 0]);
    assert_eq!(report.moved[0].who(), "E0003");
    assert_eq!(report.exit_code(), 3);
}

#[tokio::test]
async fn an_account_that_changed_since_the_plan_is_left_and_said_so() {
    let town = Town::new().await;
    town.run(&[row("E1", "ada"), row("E2", "bob")]).await;
    let rows = [
        row("E1", "ada").title("Director"),
        row("E2", "bob").title("Director"),
    ];
    let plan = town.planned(&rows).await;
    let ada = town.user("ada")["id"].as_str().unwrap().to_owned();
    let moved = crate::stage::edits(&[("givenName", "Augusta")]);
    town.stage.connection.update(&ada, &moved).await.unwrap();
    let report = town.carry_out(&plan, &rows).await;
    assert_eq!(written(&report), [0, 1, 0, 0]);
    assert_eq!(report.moved[0].who(), "E1");
    assert_eq!(town.user("ada")["title"], "Analyst");
}

#[tokio::test]
async fn what_was_rejected_is_left_and_what_was_approved_is_done() {
    let town = Town::new().await;
    let mut plan = town.planned(&people(3)).await;
    for (entry, approved) in plan.entries.iter_mut().zip([true, false, true]) {
        entry.approved = Some(approved);
    }
    let report = town.carry_out(&plan, &people(3)).await;
    assert_eq!(written(&report), [2, 0, 0, 0]);
    assert_eq!(
        (report.rejected[0].who(), report.exit_code()),
        ("E0001".to_owned(), 0)
    );
}

#[tokio::test]
async fn a_plan_that_was_carried_out_is_carried_out_again_without_a_write() {
    let town = Town::new().await;
    let plan = town.planned(&people(3)).await;
    town.carry_out(&plan, &people(3)).await;
    town.stage.tenant.clear_log();
    let report = town.carry_out(&plan, &people(3)).await;
    assert_eq!((report.counts.unchanged, report.exit_code()), (3, 0));
    assert_eq!(town.stage.writes(), [""; 0]);
}

#[tokio::test]
async fn a_plan_that_was_killed_between_two_who_hand_a_name_on_is_taken_up() {
    for (with_the_name, method) in [
        (row("E2", "ada"), Method::PATCH),
        (row("E3", "ada"), Method::POST),
    ] {
        let town = Town::new().await;
        town.run(&[row("E1", "ada"), row("E2", "bob")]).await;
        let rows = [row("E1", "countess"), with_the_name];
        let plan = town.planned(&rows).await;
        let at_once = Fault {
            method: Some(Method::PATCH),
            effect: FaultEffect::Delay(Duration::ZERO),
        };
        town.stage.tenant.inject(at_once);
        town.killed_in_flight(method, town.carry_out(&plan, &rows))
            .await;
        assert_eq!(town.user("countess")["externalId"], "E1");

        let report = town.carry_out(&plan, &rows).await;
        assert_eq!(
            (report.resolved[0].done, report.moved.len()),
            (Some(false), 0)
        );
        assert_eq!(report.exit_code(), 0, "{report:#?}");
        let due = plan.entries[1].person.as_deref().unwrap();
        assert_eq!(town.user("ada")["externalId"], due);
        town.settled(&rows).await;
    }
}

#[tokio::test]
async fn a_plan_for_another_tenant_is_refused() {
    let (town, other) = (Town::new().await, Town::new().await);
    let plan = other.planned(&people(1)).await;
    let mut prepared = town.prepare(&roster(&people(1))).await.unwrap();
    assert_eq!(prepared.restrict_to(&plan).unwrap_err().exit_code(), 2);
}
