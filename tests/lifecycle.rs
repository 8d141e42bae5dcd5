//! Joiner, mover, leaver through the library, operation by operation.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use host_harness::contract::{
    AccountStatus, Deletion, Draft, Effect, FailureKind, PageQuery, Value,
};
use host_harness::provision::{Matching, deprovision, provision};
use serde_json::json;
use simulated_8x8::{SimulatedTenant, Switch, Switches, TenantOptions};

use crate::stage::{
    ADA, Stage, attribute, but, codes, connector, draft, edits, held, is_active, options,
    set_status, stored, text,
};

/// Another value for each attribute that takes one.
const OTHERS: [(&str, &str); 11] = [
    ("userName", "countess@example.com"),
    ("givenName", "Augusta Ada"),
    ("familyName", "King-Noel"),
    ("workEmail", "countess@example.com"),
    ("externalId", "E-1835"),
    ("mobilePhone", "+44 7700 900999"),
    ("workPhone", "+44 20 7946 0999"),
    ("title", "Countess of Lovelace"),
    ("locale", "fr-FR"),
    ("timezone", "Europe/Paris"),
    ("department", "Sales"),
];

fn map(attributes: &[(&str, &str)]) -> BTreeMap<String, String> {
    attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn every_attribute_is_set_changed_and_cleared_with_either_method() {
    for method in ["auto", "patch", "put"] {
        let stage = Stage::new().await;
        let options = options(&stage.tenant).setting("update-method", method);
        let connection = connector().await.connect(options).await.unwrap();
        let made = connection.create(&draft(&ADA)).await.unwrap();
        assert_eq!(made.effect, Effect::Created);
        assert_eq!(held(&made.account), map(&ADA));
        let id = made.account.id;
        assert_eq!(stored(&stage.tenant.user(&id).unwrap()), map(&ADA));

        let mut now = ADA.to_vec();
        for other in OTHERS {
            now = but(&now, &[other]);
            let outcome = connection.update(&id, &edits(&[other])).await.unwrap();
            assert_eq!(outcome.effect, Effect::Updated, "{method} {other:?}");
            assert_eq!(held(&outcome.account), map(&now), "{method} {other:?}");
            assert_eq!(stored(&stage.tenant.user(&id).unwrap()), map(&now));
        }
        for (name, _) in OTHERS.iter().skip(4).filter(|(name, _)| *name != "locale") {
            now = but(&now, &[(name, "")]);
            let outcome = connection.update(&id, &edits(&[(name, "")])).await.unwrap();
            assert_eq!(held(&outcome.account), map(&now), "{method} {name}");
            assert_eq!(stored(&stage.tenant.user(&id).unwrap()), map(&now));
        }
        // And all at once, on somebody who has none of it.
        let all = but(&now, &OTHERS);
        let outcome = connection.update(&id, &edits(&all)).await.unwrap();
        assert_eq!(held(&outcome.account), map(&all), "{method}");
    }
}

#[tokio::test]
async fn a_site_is_given_later_and_never_changed() {
    let stage = Stage::new().await;
    let without = but(&ADA, &[("site", "")]);
    let made = stage.connection.create(&draft(&without)).await.unwrap();
    assert!(codes(&made.notices).contains(&"site-missing"));
    let id = made.account.id;
    let given = stage
        .connection
        .update(&id, &edits(&[("site", "Madrid")]))
        .await;
    assert_eq!(held(&given.unwrap().account)["site"], "Madrid");
    stage.tenant.clear_log();
    for site in ["London", ""] {
        let refused = stage
            .connection
            .update(&id, &edits(&[("site", site)]))
            .await;
        let failure = refused.unwrap_err();
        assert_eq!(failure.kind(), "invalid-account", "{failure:?}");
        assert_eq!(failure.code(), Some("site-set-once"));
        assert!(failure.message().contains("Admin Console"), "{failure}");
    }
    assert_eq!(stage.writes(), [""; 0]);
}

#[tokio::test]
async fn people_are_found_by_name_and_by_key_and_listed_once_each() {
    let stage = Stage::with(Switches::none(), 250).await;
    let ada = stage.connection.create(&draft(&ADA)).await.unwrap().account;
    let find = async |key: &str, value: &str| stage.connection.find(key, &text(value)).await;
    assert_eq!(
        find("userName", "ada.LOVELACE@example.com").await.unwrap(),
        Some(ada.clone())
    );
    assert_eq!(
        find("externalId", "E-1815").await.unwrap(),
        Some(ada.clone())
    );
    assert_eq!(find("externalId", "e-1815").await.unwrap(), None);
    assert_eq!(find("userName", "nobody@example.com").await.unwrap(), None);
    assert_eq!(stage.connection.get(&ada.id).await.unwrap(), ada);

    let mut ids: Vec<String> = stage
        .connection
        .accounts()
        .map_ok(|account| account.id)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(ids.len(), 251);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 251);

    let query = PageQuery {
        cursor: None,
        limit: 10,
    };
    let page = stage.connection.list(query).await.unwrap();
    assert_eq!((page.accounts.len(), page.total), (10, Some(251)));
}

/// Values that a filter, a query string or JSON could take for something of their own.
#[tokio::test]
async fn a_value_is_found_whatever_it_is_made_of() {
    let stage = Stage::new().await;
    for (number, value) in [
        r#"quo"te"#,
        r"back\slash",
        "plus+sign",
        "per%20cent",
        "am&per=sand",
        "two words",
        "accent é ü 名",
        r#"" or userName pr or userName eq ""#,
        "semi;colon#hash?",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("user{number}@example.com");
        let person = but(&ADA, &[("userName", &name), ("externalId", value)]);
        let made = stage.connection.create(&draft(&person)).await.unwrap();
        let found = stage.connection.find("externalId", &text(value)).await;
        assert_eq!(
            found.unwrap().map(|account| account.id),
            Some(made.account.id),
            "{value}"
        );
    }
}

#[tokio::test]
async fn a_person_joins_moves_leaves_and_returns_as_one_account() {
    let stage = Stage::with(Switches::none(), 5).await;
    let others = stage.tenant.users();
    let (connection, matching) = (&stage.connection, Matching::default());
    let joined = provision(connection, &draft(&ADA), &matching)
        .await
        .unwrap();
    assert_eq!(joined.effect, Effect::Created);
    let id = joined.account.id;
    let moved = but(&ADA, &[("title", "Countess"), ("department", "Court")]);
    let outcome = provision(connection, &draft(&moved), &matching)
        .await
        .unwrap();
    assert_eq!(
        (outcome.effect, &outcome.account.id),
        (Effect::Updated, &id)
    );
    let person = [
        attribute("userName", ADA[0].1),
        attribute("externalId", "E-1815"),
    ];
    let left = deprovision(connection, &person, &matching)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(left.account.status, AccountStatus::Inactive);
    assert!(codes(&left.notices).contains(&"licence-suspended"));
    assert!(!is_active(&stage.tenant.user(&id).unwrap()));
    let back = provision(connection, &draft(&ADA), &matching)
        .await
        .unwrap();
    assert_eq!(
        (back.account.status, &back.account.id),
        (AccountStatus::Active, &id)
    );
    assert_eq!(held(&back.account), map(&ADA));
    assert_eq!(stage.tenant.users()[..5], others);
    assert_eq!(stage.tenant.users().len(), 6);
}

#[tokio::test]
async fn a_deleted_account_is_kept_and_its_name_stays_taken() {
    let stage = Stage::new().await;
    let id = stage
        .connection
        .create(&draft(&ADA))
        .await
        .unwrap()
        .account
        .id;
    for (effect, again) in [(Effect::Updated, false), (Effect::Unchanged, true)] {
        let deletion = stage.connection.delete(&id).await.unwrap();
        let Deletion::Kept(outcome) = deletion else {
            panic!("{deletion:?}");
        };
        assert_eq!(outcome.effect, effect, "again: {again}");
        assert_eq!(outcome.account.status, AccountStatus::Inactive);
        assert_eq!(codes(&outcome.notices)[0], "deletion-deactivates");
    }
    let refused = stage.connection.create(&draft(&ADA)).await.unwrap_err();
    assert_eq!(refused.kind(), "already-exists");
    assert_eq!(refused.account(), Some(id.as_str()));
    assert!(refused.message().contains("deactivated"), "{refused}");

    stage.tenant.delete_in_console(&id);
    assert_eq!(stage.connection.delete(&id).await.unwrap(), Deletion::Gone);
    assert_eq!(
        stage.connection.get(&id).await.unwrap_err().kind(),
        "not-found"
    );
    stage.connection.create(&draft(&ADA)).await.unwrap();
}

#[tokio::test]
async fn an_account_may_be_made_inactive() {
    let stage = Stage::new().await;
    let inactive = Draft {
        status: AccountStatus::Inactive,
        ..draft(&ADA)
    };
    let made = stage.connection.create(&inactive).await.unwrap();
    assert_eq!(made.account.status, AccountStatus::Inactive);
    let active = set_status(AccountStatus::Active);
    let outcome = stage
        .connection
        .update(&made.account.id, &active)
        .await
        .unwrap();
    assert_eq!(codes(&outcome.notices), ["licence-check"]);
}

#[tokio::test]
async fn everything_wrong_with_a_draft_is_told_at_once_and_nothing_is_sent() {
    let stage = Stage::new().await;
    let mut wrong = draft(&[("userName", " "), ("givenName", "Ada"), ("nickName", "x")]);
    wrong.attributes.push(host_harness::contract::Attribute {
        name: "title".to_owned(),
        values: vec![Value::Integer(7)],
    });
    let failure = stage.connection.create(&wrong).await.unwrap_err();
    let named: Vec<_> = failure
        .problems()
        .iter()
        .map(|problem| (problem.name.as_str(), problem.code.as_str()))
        .collect();
    assert_eq!(
        failure.contract().unwrap().kind,
        FailureKind::InvalidAccount
    );
    for expected in [
        ("userName", "missing"),
        ("nickName", "unknown"),
        ("title", "wrong-type"),
        ("familyName", "missing"),
        ("workEmail", "missing"),
    ] {
        assert!(named.contains(&expected), "{expected:?}: {named:?}");
    }
    assert_eq!(stage.lines(), [""; 0]);
}

#[tokio::test]
async fn somebody_elses_change_in_between_is_seen_where_versions_are() {
    let stage = Stage::with(Switch::Versions, 0).await;
    let made = stage.connection.create(&draft(&ADA)).await.unwrap().account;
    assert!(made.version.is_some());
    let id = &made.id;
    let other = stage
        .connection
        .update(id, &edits(&[("title", "Countess")]))
        .await;
    let mut expecting = edits(&[("department", "Court")]);
    expecting.expected_version = made.version;
    let failure = stage.connection.update(id, &expecting).await.unwrap_err();
    assert_eq!(failure.kind(), "precondition-failed");
    expecting.expected_version = other.unwrap().account.version;
    stage.connection.update(id, &expecting).await.unwrap();
    let user = stored(&stage.tenant.user(id).unwrap());
    assert_eq!(
        (user["title"].as_str(), user["department"].as_str()),
        ("Countess", "Court")
    );
}

#[tokio::test]
async fn several_connections_and_operations_at_once_do_not_get_in_each_others_way() {
    let stages = [Stage::new().await, Stage::new().await, Stage::new().await];
    let names: Vec<String> = (0..20).map(|n| format!("user{n}@example.com")).collect();
    let work = stages.iter().flat_map(|stage| {
        names.iter().map(move |name| async move {
            let person = but(&ADA, &[("userName", name), ("externalId", name)]);
            stage.connection.create(&draft(&person)).await
        })
    });
    futures_util::future::try_join_all(work).await.unwrap();
    for stage in &stages {
        let mut there: Vec<_> = stage.tenant.users();
        there.retain(|user| user["active"] == json!(true));
        assert_eq!(there.len(), 20);
    }
}

#[tokio::test]
async fn tls_is_trusted_with_the_authoritys_certificate_and_not_without() {
    let tenant = SimulatedTenant::start(TenantOptions {
        tls: true,
        ..TenantOptions::default()
    })
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, tenant.ca_pem().unwrap()).unwrap();
    let mut trusting = options(&tenant);
    trusting.network.allow_loopback_http = false;
    let mut untrusting = trusting.clone();
    trusting.network.ca_file = Some(ca);
    let connection = connector().await.connect(trusting).await.unwrap();
    let made = connection.create(&draft(&ADA)).await.unwrap();
    assert!(tenant.user(&made.account.id).is_some());

    untrusting.network.ca_file = None;
    let connection = connector().await.connect(untrusting).await.unwrap();
    let failure = connection.check().await.unwrap_err();
    assert_eq!(failure.kind(), "unavailable");
    assert!(failure.message().contains("ca-file"), "{failure}");
    assert!(failure.message().contains("certificate"), "{failure}");
    let failure = connection.create(&draft(&ADA)).await.unwrap_err();
    assert_eq!(failure.kind(), "unavailable", "nothing was sent");
    assert_eq!(tenant.users().len(), 1);
}
