//! The 8x8 connector of the first release, as it was built then, in the host of today:
//! `released/0.1.0/README.md` says how it was made. It is never built anew.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use host_harness::clock::SystemClock;
use host_harness::contract::{AccountStatus, Deletion, Effect};
use host_harness::provision::{Matching, provision};
use host_harness::{Component, Inspection};
use simulated_8x8::Switches;

use crate::stage::{ADA, Stage, attribute, but, draft, edits, held, host, set_status, text};

const COMPONENT: &[u8] = include_bytes!("released/0.1.0/connector-8x8.wasm");

/// What `harness inspect` says of it.
const SHA256: &str = "f84de4fa4c6b3290925134896810aaca7e66234a20dc2ec4e2779d9a15137ddb";

#[test]
fn the_kept_component_is_the_one_of_the_first_release() {
    let inspection = Inspection::of_bytes(COMPONENT).unwrap();
    assert_eq!(inspection.sha256, SHA256);
    let contract = inspection.imports.iter().chain(&inspection.exports);
    for name in contract {
        assert!(name.ends_with("@0.1.0"), "{name}");
    }
}

#[tokio::test]
async fn a_connector_of_the_first_release_does_all_it_did() {
    let component = Component::from_bytes(&host(Arc::new(SystemClock::new())), COMPONENT)
        .await
        .unwrap();
    let stage = Stage::on(&component, Switches::none(), 3).await;
    let connection = &stage.connection;
    connection.check().await.unwrap();

    let made = connection.create(&draft(&ADA)).await.unwrap();
    assert_eq!(made.effect, Effect::Created);
    let id = made.account.id;
    let found = connection.find("externalId", &text("E-1815")).await;
    assert_eq!(found.unwrap().unwrap().id, id);

    let changed = connection
        .update(&id, &edits(&[("title", "Countess")]))
        .await;
    assert_eq!(held(&changed.unwrap().account)["title"], "Countess");
    for status in [AccountStatus::Inactive, AccountStatus::Active] {
        let outcome = connection.update(&id, &set_status(status)).await.unwrap();
        assert_eq!(outcome.account.status, status);
    }
    let wanted = but(&ADA, &[("title", "Countess")]);
    let same = provision(connection, &draft(&wanted), &Matching::default()).await;
    assert_eq!(same.unwrap().effect, Effect::Unchanged);

    let deletion = connection.delete(&id).await.unwrap();
    assert!(matches!(deletion, Deletion::Kept(_)), "{deletion:?}");
    let account = connection.get(&id).await.unwrap();
    assert_eq!(account.status, AccountStatus::Inactive);
    assert!(account.attributes.contains(&attribute("title", "Countess")));
    let everybody: Vec<_> = connection.accounts().try_collect().await.unwrap();
    assert_eq!(everybody.len(), 4);
}
