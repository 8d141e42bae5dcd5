//! Nothing to do costs next to nothing.

use component_8x8::CONNECTOR_8X8;
use host_harness::Inspection;
use host_harness::contract::{AccountStatus, Effect};
use host_harness::provision::{Matching, deprovision, provision};
use simulated_8x8::Switches;

use crate::stage::{ADA, Stage, attribute, but, draft, edits, set_status};

#[tokio::test]
async fn provisioning_with_nothing_to_change_is_one_request() {
    let stage = Stage::with(Switches::none(), 250).await;
    let ada = stage.connection.create(&draft(&ADA)).await.unwrap();
    for wanted in [
        ADA.to_vec(),
        // Compared by meaning: case where the attribute has none, blanks at the ends.
        but(
            &ADA,
            &[
                ("userName", "ADA.LOVELACE@example.com"),
                ("title", " Analyst "),
            ],
        ),
        but(
            &ADA,
            &[
                ("workEmail", "Ada.Lovelace@Example.com"),
                ("locale", "EN-gb"),
            ],
        ),
        // What is not named stays as it is.
        but(
            &ADA,
            &[
                ("title", ""),
                ("mobilePhone", ""),
                ("site", ""),
                ("externalId", ""),
            ],
        ),
    ] {
        stage.tenant.clear_log();
        let same = provision(&stage.connection, &draft(&wanted), &Matching::default()).await;
        let same = same.unwrap();
        assert_eq!(same.effect, Effect::Unchanged);
        assert_eq!(same.account, ada.account);
        assert_eq!(stage.lines().len(), 1, "{:?}", stage.lines());
    }
}

#[tokio::test]
async fn deprovisioning_whoever_has_left_is_one_request() {
    let stage = Stage::new().await;
    let ada = stage
        .connection
        .create(&draft(&ADA))
        .await
        .unwrap()
        .account
        .id;
    let inactive = set_status(AccountStatus::Inactive);
    stage.connection.update(&ada, &inactive).await.unwrap();
    stage.tenant.clear_log();
    let person = [
        attribute("userName", ADA[0].1),
        attribute("externalId", "E-1815"),
    ];
    let left = deprovision(&stage.connection, &person, &Matching::default()).await;
    assert_eq!(left.unwrap().unwrap().effect, Effect::Unchanged);
    assert_eq!(stage.lines().len(), 1);
}

#[tokio::test]
async fn an_update_with_nothing_to_change_sends_no_write() {
    let stage = Stage::new().await;
    let plain = but(&ADA, &[("title", ""), ("workPhone", "")]);
    let ada = stage
        .connection
        .create(&draft(&plain))
        .await
        .unwrap()
        .account
        .id;
    stage.tenant.clear_log();
    for same in [
        edits(&plain),
        edits(&[("title", ""), ("workPhone", "")]),
        // Digits are what is dialled.
        edits(&[("mobilePhone", "tel:+44-7700-900-123")]),
        set_status(AccountStatus::Active),
    ] {
        let outcome = stage.connection.update(&ada, &same).await.unwrap();
        assert_eq!(outcome.effect, Effect::Unchanged);
    }
    assert_eq!(stage.writes(), [""; 0]);
    assert_eq!(stage.lines().len(), 4);
}

#[tokio::test]
async fn a_change_is_one_read_and_one_write() {
    let stage = Stage::new().await;
    let ada = stage
        .connection
        .create(&draft(&ADA))
        .await
        .unwrap()
        .account
        .id;
    stage.tenant.clear_log();
    let change = edits(&[("title", "Countess"), ("familyName", "King")]);
    stage.connection.update(&ada, &change).await.unwrap();
    let user = format!("/Users/{ada}");
    assert_eq!(
        stage.lines(),
        [format!("GET {user}"), format!("PATCH {user}")]
    );
}

#[test]
fn the_component_asks_for_nothing_beyond_the_contract() {
    let inspection = Inspection::of_bytes(CONNECTOR_8X8).unwrap();
    assert!(inspection.contract_only && inspection.missing.is_empty());
    assert!(!inspection.imports.is_empty());
    for import in &inspection.imports {
        assert!(import.starts_with("provisioning:connector/"), "{import}");
    }
}

#[test]
fn the_component_holds_no_path_of_the_machine_that_built_it() {
    let folder = env!("CARGO_MANIFEST_DIR").rsplit_once('/').unwrap().0;
    for path in [folder, "/.cargo/", "/.rustup/", "/home/"] {
        let found = CONNECTOR_8X8
            .windows(path.len())
            .any(|window| window == path.as_bytes());
        assert!(!found, "{path}");
    }
}
