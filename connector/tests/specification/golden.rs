//! Requests as a person can read them, in `tests/golden/*.http`. `UPDATE_EXPECT=1` writes
//! them anew.

use std::fmt::Write as _;

use connector_8x8::contract::{AccountStatus, Change, PageQuery, Value};
use connector_8x8::transport::Request;
use expect_test::{ExpectFile, expect_file};
use serde_json::json;

use crate::script::{
    BASE, Script, ada, ada_with, answer, draft, edits, error, json_answer, list, set, text, verb,
};

fn http(request: &Request) -> String {
    let mut out = format!("{} {}\n", verb(request), request.url);
    for header in &request.headers {
        let _ = writeln!(out, "{}: {}", header.name, header.value);
    }
    for credential in &request.credentials {
        let _ = writeln!(out, "# the host adds the credential {credential}");
    }
    let _ = writeln!(out, "# repeatability: {:?}", request.repeatability);
    if let Some(body) = &request.body {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        let _ = writeln!(out, "\n{body:#}");
    }
    out
}

/// All requests of a script, one after the other.
fn assert_golden(script: &Script, expected: &ExpectFile) {
    assert!(script.lines().iter().all(|line| !line.contains(BASE)));
    let requests: Vec<_> = script.sent().iter().map(http).collect();
    expected.assert_eq(&requests.join("\n###\n\n"));
}

#[test]
fn check() {
    let script = Script::new([list(&[ada()], 1)]);
    script.connect().check().unwrap();
    assert_golden(&script, &expect_file!["../golden/check.http"]);
}

#[test]
fn list_pages() {
    let script = Script::new([list(&[ada()], 1)]);
    let query = PageQuery {
        cursor: None,
        limit: 50,
    };
    script.connect().list(&query).unwrap();
    assert_golden(&script, &expect_file!["../golden/list.http"]);
}

#[test]
fn find_escapes_the_value() {
    let script = Script::new([list(&[], 0)]);
    let value = Value::Text("o\"brien\\+1@example.com".into());
    script.connect().find("userName", &value).unwrap();
    assert_golden(&script, &expect_file!["../golden/find.http"]);
}

#[test]
fn create_with_every_attribute() {
    let script = Script::new([json_answer(201, &ada()), json_answer(200, &ada())]);
    let mut draft = draft();
    draft.attributes.extend([
        text("mobilePhone", "+44 7700 900123"),
        text("workPhone", "+44 20 7946 0001"),
        text("title", "Analyst"),
        text("locale", "en-GB"),
        text("timezone", "Europe/London"),
        text("department", "Engines"),
    ]);
    // The script drops half of it, which is a failure of its own; the request is what counts.
    script.connect().create(&draft).unwrap_err();
    assert_golden(&script, &expect_file!["../golden/create.http"]);
}

#[test]
fn update_by_patch() {
    let after = ada_with(json!({
        "title": "Countess",
        "name": { "givenName": "Augusta", "familyName": "Lovelace" },
        "phoneNumbers": [{ "type": "mobile", "value": "+447700900123" }],
        "active": false,
        "externalId": null,
    }));
    let script = Script::new([json_answer(200, &ada()), json_answer(200, &after)]);
    let mut edits = edits([
        set("title", "Countess"),
        set("givenName", "Augusta"),
        set("mobilePhone", "+447700900123"),
        Change::Clear("externalId".into()),
    ]);
    edits.status = Some(AccountStatus::Inactive);
    script.connect().update("ada-1", &edits).unwrap();
    assert_golden(&script, &expect_file!["../golden/patch.http"]);
}

#[test]
fn update_by_put_keeps_what_is_not_understood() {
    let unknown = r#"{ "number": 123456789012345678901234567890.10, "deep": [{ "x": null }] }"#;
    let unknown: serde_json::Value = serde_json::from_str(unknown).unwrap();
    let before = ada_with(json!({ "urn:example:unknown": unknown, "title": "Analyst",
        "meta": { "resourceType": "User" }, "groups": [{ "value": "g" }] }));
    let after = ada_with(json!({ "urn:example:unknown": unknown, "title": "Countess" }));
    let script = Script::new([json_answer(200, &before), json_answer(200, &after)]);
    let connection = script.connect_with(&[("update-method", "put")]);
    connection
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap();
    assert_golden(&script, &expect_file!["../golden/put.http"]);
}

#[test]
fn delete_reads_before_and_after() {
    let inactive = ada_with(json!({ "active": false }));
    let script = Script::new([
        json_answer(200, &ada()),
        answer(204, ""),
        json_answer(200, &inactive),
    ]);
    script.connect().delete("ada-1").unwrap();
    assert_golden(&script, &expect_file!["../golden/delete.http"]);
}

#[test]
fn a_refused_media_type_is_sent_once_more_as_plain_json() {
    let script = Script::new([error(415, None, "use json"), json_answer(201, &ada())]);
    let connection = script.connect();
    connection.create(&draft()).unwrap();
    assert_eq!(
        connection.learned().as_deref(),
        Some(r#"{"plain-json":true}"#)
    );
    assert_golden(&script, &expect_file!["../golden/plain-json.http"]);
}
