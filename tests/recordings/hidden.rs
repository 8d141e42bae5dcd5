//! Neither a secret nor a value that is nobody's to read stands in a recording.

use std::sync::Arc;

use host_harness::contract::{Attribute, Draft};
use host_harness::recording::{Recorder, Replay};
use host_harness::{Component, ConnectionOptions, StaticCredentials};

use super::Tape;
use crate::sandbox::{describing, host_of_the_hostile, hostile_options, upstream};
use crate::stage::draft;

const PASSWORD: &str = "pa$$/w\"rd + 7";

/// What the connector is told to send, the password in a header and in the address.
fn person(base: &str, password: &str) -> Draft {
    let escaped = "pa%24%24%2Fw%22rd%20%2B%207";
    let send = format!("POST {base}/Users?p={escaped} | header x-api-version: {PASSWORD} | once");
    let mut draft = draft(&[("seen", &send)]);
    draft.attributes.push(Attribute {
        name: "password".to_owned(),
        values: vec![crate::stage::text(password)],
    });
    draft
}

async fn claiming(attribute: &str) -> Component {
    let host = host_of_the_hostile().await;
    Component::from_bytes(host, &describing(attribute))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_password_is_not_in_a_recording_and_does_not_matter_in_a_replay() {
    let (tape, upstream) = (Tape::new(), upstream().await);
    let connector = claiming("password").await;
    let connection = tape.record(&connector, hostile_options(&upstream)).await;
    connection
        .create(&person(&upstream.base(), PASSWORD))
        .await
        .unwrap();
    let requests = upstream.requests();
    assert!(requests[0].contains("pa$$"), "it was sent: {requests:?}");
    let text = tape.text("0001-create-POST.http");
    for form in ["pa$$", "pa%24", "w\"rd", "w%22rd"] {
        assert!(!text.contains(form), "{form}: {text}");
    }
    assert!(text.contains("> x-api-version: [redacted]"), "{text}");
    assert!(text.contains("/Users?p=[redacted]"), "{text}");

    let (connection, replay) = tape.replay(&connector).await;
    connection
        .create(&person(&upstream.base(), PASSWORD))
        .await
        .unwrap();
    assert!(replay.left_over().is_empty());
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_connector_whose_sensitive_values_come_back_is_not_recorded() {
    let (tape, upstream) = (Tape::new(), upstream().await);
    let connector = claiming("birthday").await;
    let mut options = hostile_options(&upstream);
    options.wire = Some(Arc::new(Recorder::create(&tape.folder).unwrap()));
    let refused = connector.connect(options).await.unwrap_err();
    assert_eq!(refused.kind(), "invalid-settings");
    assert!(refused.message().contains("birthday"), "{refused}");
    assert!(tape.files().is_empty());
    assert!(Replay::open(&tape.folder).is_err());
}

#[tokio::test]
async fn a_token_that_is_echoed_is_in_no_form_in_a_recording() {
    let tape = Tape::new();
    let upstream = crate::secrets::echoing().await;
    let mut options = ConnectionOptions::new().setting("instance-url", upstream.url());
    options.network.allow_loopback_http = true;
    let token = StaticCredentials::new().with("api-token", crate::secrets::CANARY);
    let connector = crate::stage::connector().await;
    let connection = tape.record(&connector, options.credentials(token)).await;
    let then = super::live(&connection).await;
    for file in tape.files() {
        let text = tape.text(&file);
        for form in crate::secrets::forms() {
            assert!(!text.contains(form), "{form} is in {file}");
        }
    }
    let all: String = tape.files().iter().map(|file| tape.text(file)).collect();
    assert!(all.contains("< location: /[redacted]"), "{all}");

    let (connection, replay) = tape.replay(&connector).await;
    assert_eq!(super::live(&connection).await, then);
    assert!(replay.left_over().is_empty());
}
