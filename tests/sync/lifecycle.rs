//! Joiners, movers, leavers, returners: each once, and each to the right account.

use simulated_8x8::Switch;

use super::town::{Town, conflicts, people, row, written};

#[tokio::test]
async fn join_move_leave_and_return_and_each_second_run_sends_nothing() {
    let town = Town::new().await;
    let mut rows = people(12);
    assert_eq!(written(&town.run(&rows).await), [12, 0, 0, 0]);
    town.settled(&rows).await;

    rows[0] = row("E0000", "p0").title("Director");
    rows[1] = row("E0001", "p1").left();
    rows.push(row("E0099", "p99"));
    assert_eq!(written(&town.run(&rows).await), [1, 1, 0, 1]);
    assert_eq!(town.user("p0")["title"], "Director");
    assert_eq!(town.user("p1")["active"], false);
    town.settled(&rows).await;

    rows[1] = row("E0001", "p1").title("Consultant");
    assert_eq!(written(&town.run(&rows).await), [0, 0, 1, 0]);
    assert_eq!(town.user("p1")["title"], "Consultant");
    assert_eq!(town.stage.tenant.users().len(), 13);
    town.settled(&rows).await;
}

#[tokio::test]
async fn a_changed_user_name_is_an_update_even_where_the_identity_is_lost() {
    let town = Town::new().await;
    town.run(&[row("E1", "ada")]).await;
    let id = town.user("ada")["id"].clone();
    assert_eq!(
        written(&town.run(&[row("E1", "countess")]).await),
        [0, 1, 0, 0]
    );
    assert_eq!(town.user("countess")["id"], id);

    // By the journal alone.
    let mut bare = Town::new().await;
    let without = bare.rules.replace("externalId = \"person.id\"\n", "");
    bare.rules = without;
    bare.run(&[row("E1", "ada")]).await;
    assert_eq!(
        written(&bare.run(&[row("E1", "countess")]).await),
        [0, 1, 0, 0]
    );
    assert_eq!(bare.stage.tenant.users().len(), 1);
}

#[tokio::test]
async fn a_name_that_is_handed_over_goes_to_its_new_owner_in_one_run() {
    let town = Town::new().await;
    town.run(&[row("E1", "ada")]).await;
    let rows = [row("E2", "ada"), row("E1", "countess")];
    assert_eq!(written(&town.run(&rows).await), [1, 1, 0, 0]);
    assert_eq!(town.user("ada")["externalId"], "E2");
    assert_eq!(town.user("countess")["externalId"], "E1");
    town.settled(&rows).await;
}

#[tokio::test]
async fn people_who_swap_names_are_conflicts_and_keep_their_accounts() {
    for switches in [vec![], vec![Switch::NamesNotUnique]] {
        let town = Town::with(switches, 0).await;
        town.run(&[row("E1", "ada"), row("E2", "bob")]).await;
        town.stage.tenant.clear_log();
        let report = town.run(&[row("E1", "bob"), row("E2", "ada")]).await;
        assert_eq!(conflicts(&report), ["E1", "E2"]);
        assert_eq!(report.exit_code(), 3);
        assert_eq!(town.stage.writes(), [""; 0]);
    }
}

#[tokio::test]
async fn a_namesake_of_a_leaver_gets_nothing_of_theirs() {
    let town = Town::new().await;
    town.run(&[row("E1", "ada")]).await;
    // Once with the leaver in the roster, once without.
    for rows in [
        vec![row("E1", "ada").left(), row("E9", "ada")],
        vec![row("E9", "ada")],
    ] {
        let town_options = town.run(&rows).await;
        assert_eq!(conflicts(&town_options), ["E9"]);
        assert_eq!(town.user("ada")["externalId"], "E1");
        assert_eq!(town.user("ada")["active"], false);
    }
}

#[tokio::test]
async fn an_inactive_account_with_the_name_alone_is_no_reactivation() {
    let town = Town::new().await;
    town.stage.tenant.add_console_user(serde_json::json!({
        "userName": "ada@example.com", "active": false,
        "name": {"givenName": "Given", "familyName": "Family"},
    }));
    let report = town.run(&[row("E1", "ada")]).await;
    assert_eq!(conflicts(&report), ["E1"]);
    assert_eq!(town.user("ada")["active"], false);
}

#[tokio::test]
async fn an_active_account_with_the_name_alone_is_adopted_and_linked() {
    let town = Town::new().await;
    town.stage.tenant.add_console_user(serde_json::json!({
        "userName": "ada@example.com",
        "name": {"givenName": "Given", "familyName": "Family"},
    }));
    let report = town.run(&[row("E1", "ada")]).await;
    assert_eq!(written(&report), [0, 1, 0, 0]);
    assert!(
        report
            .notices
            .iter()
            .any(|group| group.code == "adopted-by-name")
    );
    assert_eq!(town.user("ada")["externalId"], "E1");
    assert_eq!(
        written(&town.run(&[row("E1", "countess")]).await),
        [0, 1, 0, 0]
    );
}

#[tokio::test]
async fn an_account_that_was_deleted_by_hand_is_made_again_once() {
    let town = Town::new().await;
    let rows = [row("E1", "ada"), row("E2", "bob")];
    town.run(&rows).await;
    let id = town.user("ada")["id"].as_str().unwrap().to_owned();
    assert!(town.stage.tenant.delete_in_console(&id));
    let report = town.run(&rows).await;
    assert_eq!(written(&report), [1, 0, 0, 0]);
    assert!(
        report
            .notices
            .iter()
            .any(|group| group.code == "account-gone")
    );
    town.settled(&rows).await;
}

#[tokio::test]
async fn a_site_that_differs_does_not_block_the_rest() {
    let town = Town::new().await;
    town.run(&[row("E1", "ada")]).await;
    let moved = [row("E1", "ada").site("Madrid").title("Director")];
    let report = town.run(&moved).await;
    assert_eq!((written(&report), report.exit_code()), ([0, 1, 0, 0], 0));
    assert_eq!(town.user("ada")["title"], "Director");
    let group = report
        .notices
        .iter()
        .find(|group| group.code == "set-once-differs")
        .unwrap();
    assert_eq!(
        (group.attribute.as_deref(), group.people.as_slice()),
        (Some("site"), &["E1".to_owned()][..])
    );
    town.settled(&moved).await;
}

#[tokio::test]
async fn a_value_in_the_tenants_own_spelling_is_sent_once() {
    let switches = [
        Switch::PhonesNormalised,
        Switch::BlanksTrimmed,
        Switch::UserNameLowercased,
    ];
    let town = Town::with(switches, 0).await;
    let rows = [row("E1", "Ada.Lovelace")
        .phone("+44 7700 900123")
        .title("Chief  Analyst")];
    assert_eq!(written(&town.run(&rows).await), [1, 0, 0, 0]);
    town.settled(&rows).await;
    let others = [row("E1", "Ada.Lovelace").phone("+44 7700 900999")];
    assert_eq!(written(&town.run(&others).await), [0, 1, 0, 0]);
    town.settled(&others).await;
}

#[tokio::test]
async fn somebody_disabled_at_the_source_and_unknown_is_not_made() {
    let town = Town::new().await;
    let report = town.run(&[row("E1", "ada").left(), row("E2", "bob")]).await;
    assert_eq!((written(&report), report.counts.skipped), ([1, 0, 0, 0], 1));
    assert_eq!(town.stage.tenant.users().len(), 1);
}
