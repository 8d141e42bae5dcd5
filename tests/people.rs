//! A name is not a person (docs/8x8.md §4.20): nobody is given somebody else's account, however
//! much the names agree, and nobody who is there gets a second one.

use host_harness::Failure;
use host_harness::contract::{AccountStatus, Effect, Outcome};
use host_harness::provision::{Matching, deprovision, provision};
use serde_json::json;
use simulated_8x8::Switch;

use crate::stage::{
    ADA, Stage, attribute, but, codes, draft, edits, held, is_active, set_status, stored,
};

const NAME: &str = "Ada.Lovelace@Example.com";

impl Stage {
    async fn provision(&self, wanted: &[(&str, &str)]) -> Result<Outcome, Failure> {
        provision(&self.connection, &draft(wanted), &Matching::default()).await
    }

    async fn deprovision(&self, person: &[(&str, &str)]) -> Result<Option<Outcome>, Failure> {
        let person: Vec<_> = person.iter().map(|(n, v)| attribute(n, v)).collect();
        deprovision(&self.connection, &person, &Matching::default()).await
    }

    /// Ada is there, and nothing was received since.
    async fn with_ada(&self, attributes: &[(&str, &str)], active: bool) -> String {
        let made = self.connection.create(&draft(attributes)).await.unwrap();
        let id = made.account.id;
        if !active {
            let inactive = set_status(AccountStatus::Inactive);
            self.connection.update(&id, &inactive).await.unwrap();
        }
        self.tenant.clear_log();
        id
    }

    /// That an operation was refused for the sake of this account, and wrote nothing.
    fn refused<T: std::fmt::Debug>(&self, result: Result<T, Failure>, id: &str) -> Failure {
        let failure = result.unwrap_err();
        assert_eq!(failure.kind(), "ambiguous", "{failure:?}");
        assert_eq!(failure.account(), Some(id), "{failure:?}");
        assert_eq!(self.writes(), [""; 0]);
        failure
    }
}

#[tokio::test]
async fn an_account_with_another_external_id_is_somebody_elses_and_is_not_touched() {
    for active in [true, false] {
        let stage = Stage::new().await;
        let ada = stage.with_ada(&ADA, active).await;
        let before = stage.tenant.users();
        // An externalId is compared exactly (RFC 7643 §3.1).
        for other in ["E-2000", "e-1815"] {
            let namesake = but(&ADA, &[("externalId", other), ("title", "Namesake")]);
            let failure = stage.refused(stage.provision(&namesake).await, &ada);
            assert!(failure.message().contains("externalId"), "{failure}");
            assert!(failure.message().contains("somebody else"), "{failure}");
            let leaver = [("userName", NAME), ("externalId", other)];
            stage.refused(stage.deprovision(&leaver).await, &ada);
        }
        assert_eq!(stage.tenant.users(), before);
    }
}

#[tokio::test]
async fn an_inactive_account_known_by_its_name_alone_comes_back_with_a_warning() {
    let nameless = but(&ADA, &[("externalId", "")]);
    for (account, person) in [
        (ADA.to_vec(), nameless.clone()),
        (nameless.clone(), ADA.to_vec()),
        (nameless.clone(), nameless.clone()),
    ] {
        let stage = Stage::new().await;
        let ada = stage.with_ada(&account, false).await;
        let outcome = stage.provision(&person).await.unwrap();
        assert_eq!(outcome.account.id, ada);
        assert_eq!(outcome.account.status, AccountStatus::Active);
        assert_eq!(codes(&outcome.notices)[0], "matched-by-name-only");
        assert_eq!(stage.tenant.users().len(), 1);
    }
}

#[tokio::test]
async fn an_account_confirmed_by_its_external_id_comes_back_without_a_warning() {
    let stage = Stage::new().await;
    let ada = stage.with_ada(&ADA, false).await;
    let outcome = stage.provision(&ADA).await.unwrap();
    assert_eq!((outcome.account.id, outcome.effect), (ada, Effect::Updated));
    assert!(!codes(&outcome.notices).contains(&"matched-by-name-only"));
}

#[tokio::test]
async fn an_active_account_known_by_its_name_alone_is_updated_and_linked() {
    let stage = Stage::new().await;
    let ada = stage
        .with_ada(&but(&ADA, &[("externalId", "")]), true)
        .await;
    let outcome = stage.provision(&ADA).await.unwrap();
    assert_eq!(outcome.account.id, ada);
    assert!(!codes(&outcome.notices).contains(&"matched-by-name-only"));
    assert_eq!(held(&outcome.account)["externalId"], "E-1815");
}

#[tokio::test]
async fn the_case_of_a_user_name_makes_nobody_else_of_anybody() {
    let stage = Stage::new().await;
    let ada = stage.with_ada(&ADA, true).await;
    let shouted = but(&ADA, &[("userName", "ADA.LOVELACE@EXAMPLE.COM")]);
    let outcome = stage.provision(&shouted).await.unwrap();
    assert_eq!(
        (outcome.account.id, outcome.effect),
        (ada, Effect::Unchanged)
    );
    assert_eq!(stage.lines().len(), 1);
}

#[tokio::test]
async fn another_site_does_not_block_the_rest() {
    let stage = Stage::new().await;
    stage.with_ada(&ADA, true).await;
    let moved = but(&ADA, &[("site", "Madrid"), ("title", "Countess")]);
    let outcome = stage.provision(&moved).await.unwrap();
    assert_eq!(outcome.effect, Effect::Updated);
    assert_eq!(codes(&outcome.notices)[0], "set-once-differs");
    assert_eq!(outcome.notices[0].attribute.as_deref(), Some("site"));
    let user = stored(&stage.tenant.users()[0]);
    assert_eq!(
        (user["site"].as_str(), user["title"].as_str()),
        ("London", "Countess")
    );

    // And alone it is nothing to send.
    stage.tenant.clear_log();
    let outcome = stage.provision(&moved).await.unwrap();
    assert_eq!(outcome.effect, Effect::Unchanged);
    assert_eq!(codes(&outcome.notices), ["set-once-differs"]);
    assert_eq!(stage.lines().len(), 1);
}

#[tokio::test]
async fn somebody_whose_name_changed_is_found_by_identity_and_keeps_the_account() {
    let stage = Stage::new().await;
    let ada = stage.with_ada(&ADA, true).await;
    let married = but(
        &ADA,
        &[("userName", "ada.king@example.com"), ("familyName", "King")],
    );
    let outcome = stage.provision(&married).await.unwrap();
    assert_eq!((outcome.account.id, outcome.effect), (ada, Effect::Updated));
    assert!(codes(&outcome.notices).contains(&"sign-in-changed"));
    assert_eq!(stage.tenant.users().len(), 1);

    let leaver = [
        ("userName", "ada.byron@example.com"),
        ("externalId", "E-1815"),
    ];
    let outcome = stage.deprovision(&leaver).await.unwrap().unwrap();
    assert_eq!(outcome.account.status, AccountStatus::Inactive);
}

#[tokio::test]
async fn a_name_and_an_identity_that_lead_to_two_accounts_are_for_a_person_to_sort_out() {
    let stage = Stage::new().await;
    let by_name = but(&ADA, &[("externalId", "")]);
    stage.with_ada(&by_name, true).await;
    let other = but(&ADA, &[("userName", "a.lovelace@example.com")]);
    let by_identity = stage.with_ada(&other, true).await;
    let before = stage.tenant.users();
    let failure = stage.refused(stage.provision(&ADA).await, &by_identity);
    assert!(failure.message().contains("One account has"), "{failure}");
    let leaver = [("userName", NAME), ("externalId", "E-1815")];
    stage.refused(stage.deprovision(&leaver).await, &by_identity);
    assert_eq!(stage.tenant.users(), before);
}

#[tokio::test]
async fn an_identity_that_two_accounts_carry_finds_neither() {
    let stage = Stage::new().await;
    for name in ["one@example.com", "two@example.com"] {
        stage
            .with_ada(&but(&ADA, &[("userName", name)]), true)
            .await;
    }
    let failure = stage.provision(&ADA).await.unwrap_err();
    assert_eq!(failure.kind(), "ambiguous");
    assert_eq!(stage.writes(), [""; 0]);
    assert_eq!(stage.tenant.users().len(), 2);
}

#[tokio::test]
async fn somebody_made_while_we_looked_is_recognised_or_left_alone() {
    // Both looks, by name and by identity, miss whom another client has just made.
    for (made, is_ours) in [
        (ADA.to_vec(), true),
        (but(&ADA, &[("externalId", "E-2")]), false),
    ] {
        let stage = Stage::new().await;
        let there = stage.with_ada(&made, true).await;
        for _ in 0..2 {
            stage.tenant.inject("get:stale-read".parse().unwrap());
        }
        let wanted = but(&ADA, &[("title", "Countess")]);
        let result = stage.provision(&wanted).await;
        assert_eq!(stage.tenant.users().len(), 1);
        assert_eq!(stage.lines()[2], "POST /Users");
        if is_ours {
            let outcome = result.unwrap();
            assert_eq!(
                (outcome.account.id, outcome.effect),
                (there, Effect::Updated)
            );
        } else {
            let failure = result.unwrap_err();
            assert_eq!(failure.kind(), "ambiguous");
            assert_eq!(failure.account(), Some(there.as_str()));
            assert_eq!(stage.tenant.users()[0]["title"], "Analyst");
        }
    }
}

#[tokio::test]
async fn a_name_of_another_company_is_said_to_be_held_elsewhere() {
    let stage = Stage::new().await;
    stage.tenant.reserve_elsewhere(NAME);
    let failure = stage.provision(&ADA).await.unwrap_err();
    assert_eq!(failure.kind(), "held-elsewhere");
    assert!(failure.message().contains("another company"), "{failure}");
    assert_eq!(failure.account(), None);
    assert!(stage.tenant.users().is_empty());

    // A name that somebody is to change to, as well.
    let id = stage
        .with_ada(&but(&ADA, &[("userName", "ada@example.com")]), true)
        .await;
    let failure = stage.provision(&ADA).await.unwrap_err();
    assert_eq!(failure.kind(), "held-elsewhere");
    assert_eq!(
        stage.tenant.user(&id).unwrap()["userName"],
        "ada@example.com"
    );
}

#[tokio::test]
async fn a_user_that_the_console_made_and_scim_may_not_see_is_said_to_be_in_the_way() {
    let stage = Stage::with(Switch::ConsoleUsersHidden, 0).await;
    stage.tenant.add_console_user(json!({
        "userName": NAME,
        "externalId": "E-1815",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
    }));
    let before = stage.tenant.users();
    let failure = stage.provision(&ADA).await.unwrap_err();
    assert_eq!(failure.kind(), "held-elsewhere");
    assert!(failure.message().contains("Admin Console"), "{failure}");
    assert_eq!(stage.tenant.users(), before);
}

#[tokio::test]
async fn whoever_is_not_there_has_nothing_taken_away() {
    let stage = Stage::with(simulated_8x8::Switches::none(), 5).await;
    let before = stage.tenant.users();
    let nobody = [("userName", "nobody@example.com"), ("externalId", "E-0")];
    assert!(stage.deprovision(&nobody).await.unwrap().is_none());
    assert_eq!(stage.writes(), [""; 0]);
    assert_eq!(stage.tenant.users(), before);
}

#[tokio::test]
async fn a_leaver_is_deactivated_and_comes_back_as_the_same_account() {
    let stage = Stage::new().await;
    let ada = stage.with_ada(&ADA, true).await;
    let leaver = [("userName", NAME), ("externalId", "E-1815")];
    let left = stage.deprovision(&leaver).await.unwrap().unwrap();
    assert_eq!(left.effect, Effect::Updated);
    assert!(!is_active(&stage.tenant.user(&ada).unwrap()));
    let again = stage.deprovision(&leaver).await.unwrap().unwrap();
    assert_eq!(again.effect, Effect::Unchanged);
    let back = stage.provision(&ADA).await.unwrap();
    assert_eq!(back.account.id, ada);
    assert!(is_active(&stage.tenant.user(&ada).unwrap()));
}

#[tokio::test]
async fn a_person_found_in_a_state_that_is_out_of_date_is_brought_up_all_the_same() {
    let stage = Stage::new().await;
    let ada = stage.with_ada(&ADA, true).await;
    let promoted = edits(&[("title", "Countess")]);
    stage.connection.update(&ada, &promoted).await.unwrap();
    // The first look shows her as she was: an analyst, as wanted.
    stage.tenant.inject("get:stale-read".parse().unwrap());
    let wanted = but(&ADA, &[("department", "Mathematics")]);
    let outcome = stage.provision(&wanted).await.unwrap();
    assert_eq!(outcome.effect, Effect::Updated);
    assert_eq!(held(&outcome.account)["title"], "Analyst");
    let user = stage.tenant.user(&ada).unwrap();
    assert_eq!(stored(&user)["title"], "Analyst");
    assert_eq!(stored(&user)["department"], "Mathematics");
}
