//! Whatever changes between a plan and its writes: of an account that is not any more as it was
//! read, nothing is written.

use host_harness::contract::AccountStatus;
use host_harness::sync::report::Report;
use simulated_8x8::Switch;

use super::town::{Row, Town, roster, row, written};
use crate::stage::{edits, set_status};

impl Town {
    /// Plans; then somebody else writes; then the plan is carried out.
    async fn overtaken(&self, rows: &[Row], other: impl AsyncFnOnce(&Self)) -> Report {
        let prepared = self.prepare(&roster(rows)).await.unwrap();
        other(self).await;
        self.stage.tenant.clear_log();
        prepared.apply(&self.halt, &|_| {}).await.unwrap()
    }

    async fn change(&self, name: &str, changes: &[(&str, &str)]) {
        let id = self.id(name);
        let connection = &self.stage.connection;
        connection.update(&id, &edits(changes)).await.unwrap();
    }

    fn id(&self, name: &str) -> String {
        self.user(name)["id"].as_str().unwrap().to_owned()
    }
}

/// With versions the write itself is refused; without, a look right before it.
const TENANTS: [(&[Switch], &str); 2] =
    [(&[], "moved"), (&[Switch::Versions], "precondition-failed")];

fn left(report: &Report) -> Vec<(String, &str)> {
    let failures = report.failures.iter();
    failures.map(|one| (one.left.who(), one.kind)).collect()
}

#[tokio::test]
async fn an_account_that_became_somebody_elses_is_neither_deactivated_nor_reactivated() {
    for (switches, kind) in TENANTS {
        let town = Town::with(switches.to_vec(), 0).await;
        town.run(&[row("E1", "ada"), row("E2", "bob")]).await;
        // The leaver's account is handed on; the other leaver is who they were.
        let rows = [row("E1", "ada").left(), row("E2", "bob").left()];
        let handed_on = async |town: &Town| town.change("ada", &[("externalId", "E9")]).await;
        let report = town.overtaken(&rows, handed_on).await;
        assert_eq!(left(&report), [("E1".to_owned(), kind)], "{report:#?}");
        assert_eq!((written(&report), report.exit_code()), ([0, 0, 0, 1], 3));
        assert_eq!(town.stage.writes().len(), 1);
        assert_eq!(town.user("ada")["active"], true);

        // And the same for who comes back.
        let rows = [row("E2", "bob")];
        let handed_on = async |town: &Town| town.change("bob", &[("externalId", "E9")]).await;
        let report = town.overtaken(&rows, handed_on).await;
        assert_eq!(left(&report), [("E2".to_owned(), kind)], "{report:#?}");
        assert_eq!(town.stage.writes(), [""; 0]);
        assert_eq!(town.user("bob")["active"], false);
    }
}

#[tokio::test]
async fn a_value_that_somebody_else_wrote_meanwhile_is_not_written_over() {
    for (switches, kind) in TENANTS {
        let town = Town::with(switches.to_vec(), 0).await;
        town.run(&[row("E1", "ada"), row("E2", "bob")]).await;
        let rows = [
            row("E1", "ada").title("Director"),
            row("E2", "bob").title("Director"),
        ];
        let promoted = async |town: &Town| town.change("ada", &[("title", "Chairwoman")]).await;
        let report = town.overtaken(&rows, promoted).await;
        assert_eq!(left(&report), [("E1".to_owned(), kind)], "{report:#?}");
        assert_eq!(written(&report), [0, 1, 0, 0]);
        assert_eq!(town.user("ada")["title"], "Chairwoman");
        assert_eq!(written(&town.run(&rows).await), [0, 1, 0, 0]);
        town.settled(&rows).await;
    }
}

#[tokio::test]
async fn an_account_whose_status_changed_or_that_is_gone_is_left() {
    let town = Town::new().await;
    let rows = [row("E1", "ada"), row("E2", "bob")];
    town.run(&rows).await;
    let rows = [
        row("E1", "ada").title("Director"),
        row("E2", "bob").title("Director"),
    ];
    let gone = async |town: &Town| {
        let inactive = set_status(AccountStatus::Inactive);
        let ada = town.id("ada");
        town.stage.connection.update(&ada, &inactive).await.unwrap();
        assert!(town.stage.tenant.delete_in_console(&town.id("bob")));
    };
    let report = town.overtaken(&rows, gone).await;
    let mut left = left(&report);
    left.sort();
    assert_eq!(
        left,
        [("E1".to_owned(), "moved"), ("E2".to_owned(), "moved")]
    );
    assert_eq!(town.stage.writes(), [""; 0]);
}

/// The look costs a read where there is no other way, and nothing for who is made.
#[tokio::test]
async fn the_look_before_a_change_is_one_read_and_none_where_accounts_have_versions() {
    for (switches, reads) in [(vec![], 2), (vec![Switch::Versions], 1)] {
        let town = Town::with(switches, 0).await;
        town.run(&[row("E1", "ada")]).await;
        let rows = [row("E1", "ada").title("Director")];
        let report = town.overtaken(&rows, async |_: &Town| {}).await;
        assert_eq!(written(&report), [0, 1, 0, 0]);
        let of_hers = format!("GET /Users/{}", town.id("ada"));
        let lines = town.stage.lines();
        let looks = lines.iter().filter(|line| **line == of_hers).count();
        assert_eq!(looks, reads, "{lines:#?}");
    }
}
