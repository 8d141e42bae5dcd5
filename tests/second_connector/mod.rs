//! A second connector, for a service of another shape: plain JSON, its own paths, page tokens,
//! errors and ids, a header for the credential, deletion that deletes, revisions. Nothing in the
//! host knows of it.

mod directory;
mod hostile;

use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use host_harness::clock::TestClock;
use host_harness::contract::{
    Account, AccountStatus, Attribute, Change, Deletion, Draft, Edits, Effect, PageQuery, Value,
};
use host_harness::provision::{Matching, deprovision, provision};
use host_harness::{
    CompiledCode, Component, Connection, ConnectionOptions, Failure, Host, HostOptions,
    StaticCredentials,
};
use serde_json::json;

use self::directory::{Fault, KEY, Server};
use crate::stage::{attribute, codes, set_status, text};

/// Built by `build.rs`, as every connector is built.
const STAFF_DIRECTORY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/staff-directory.wasm"));

/// In a host of its own, on a clock whose sleeps take no time.
async fn connector() -> Component {
    let mut options = HostOptions::default();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    options.compiled_code = CompiledCode::In(folder);
    options.max_instances = 16;
    options.clock = Arc::new(TestClock::default());
    let host = Host::new(options).unwrap();
    Component::from_bytes(&host, STAFF_DIRECTORY).await.unwrap()
}

fn options(url: &str) -> ConnectionOptions {
    let mut options = ConnectionOptions::new()
        .setting("api-url", url)
        .credentials(StaticCredentials::new().with("api-key", KEY));
    options.network.allow_loopback_http = true;
    options
}

async fn connected(server: &Server) -> Connection {
    connector()
        .await
        .connect(options(&server.url()))
        .await
        .unwrap()
}

fn ada() -> Draft {
    Draft {
        status: AccountStatus::Active,
        attributes: vec![
            attribute("login", "Ada"),
            attribute("displayName", "Ada Lovelace"),
            attribute("email", "ada@example.com"),
            several("staffNumber", [Value::Integer(1815)]),
            attribute("kind", "employee"),
            several("remote", [Value::Boolean(true)]),
            several("teams", ["analysis", "engine"].map(text)),
        ],
    }
}

fn several<const N: usize>(name: &str, values: [Value; N]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        values: values.into(),
    }
}

fn change(change: Change) -> Edits {
    changes(vec![change])
}

fn changes(changes: Vec<Change>) -> Edits {
    Edits {
        status: None,
        changes,
        expected_version: None,
    }
}

fn kind(kind: &str) -> Edits {
    change(Change::Set(attribute("kind", kind)))
}

fn values<'a>(account: &'a Account, name: &str) -> &'a [Value] {
    let mut attributes = account.attributes.iter();
    attributes
        .find(|held| held.name == name)
        .map_or(&[], |held| &held.values)
}

fn codes_of(failure: &Failure) -> Vec<(&str, &str)> {
    let problems = failure.problems().iter();
    problems
        .map(|problem| (problem.name.as_str(), problem.code.as_str()))
        .collect()
}

#[tokio::test]
async fn one_person_from_joining_to_the_end() {
    let server = Server::start(3).await;
    let connection = connected(&server).await;
    let made = connection.create(&ada()).await.unwrap();
    assert_eq!((made.effect, made.notices.len()), (Effect::Created, 0));
    let id = made.account.id;
    assert_eq!(id, "p-1004");
    assert_eq!(made.account.version.as_deref(), Some("1"));
    let stored = server.with_login("ada").remove(0);
    assert_eq!(stored["staff_number"], 1815);
    assert_eq!(stored["teams"], json!(["analysis", "engine"]));

    let found = connection
        .find("login", &text("ADA"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.id, id);
    let found = connection
        .find("staffNumber", &Value::Integer(1815))
        .await
        .unwrap();
    assert_eq!(found.as_ref(), Some(&connection.get(&id).await.unwrap()));
    assert_eq!(
        connection.find("login", &text("person")).await.unwrap(),
        None
    );

    let edits = changes(vec![
        Change::Set(attribute("login", "countess")),
        Change::Clear("remote".to_owned()),
        Change::Add(several("teams", ["court", "engine"].map(text))),
    ]);
    let changed = connection.update(&id, &edits).await.unwrap();
    assert_eq!(changed.effect, Effect::Updated);
    assert_eq!(values(&changed.account, "login"), [text("countess")]);
    assert_eq!(values(&changed.account, "remote"), []);
    assert_eq!(
        values(&changed.account, "teams"),
        ["analysis", "court", "engine"].map(text)
    );
    let edits = change(Change::Remove(several(
        "teams",
        ["analysis", "nobody's"].map(text),
    )));
    let changed = connection.update(&id, &edits).await.unwrap();
    assert_eq!(
        values(&changed.account, "teams"),
        ["court", "engine"].map(text)
    );

    for (status, state) in [
        (AccountStatus::Inactive, "disabled"),
        (AccountStatus::Active, "enabled"),
    ] {
        let changed = connection.update(&id, &set_status(status)).await.unwrap();
        assert_eq!(changed.account.status, status);
        assert_eq!(server.with_login("countess")[0]["state"], state);
    }
    server.lines();
    let same = changes(vec![
        Change::Set(attribute("login", "Countess")),
        Change::Set(several("teams", ["engine", "court"].map(text))),
    ]);
    assert_eq!(
        connection.update(&id, &same).await.unwrap().effect,
        Effect::Unchanged
    );
    assert_eq!(server.writes(), [""; 0]);

    for _ in 0..2 {
        assert_eq!(connection.delete(&id).await.unwrap(), Deletion::Gone);
    }
    assert_eq!(connection.get(&id).await.unwrap_err().kind(), "not-found");
    assert_eq!(
        connection.update(&id, &same).await.unwrap_err().kind(),
        "not-found"
    );
    assert_eq!(server.directory().people.len(), 3);
    // The login is free again.
    assert_eq!(
        connection.create(&ada()).await.unwrap().effect,
        Effect::Created
    );
}

#[tokio::test]
async fn provision_and_deprovision_do_what_is_needed_and_no_more() {
    let server = Server::start(3).await;
    let (connection, matching) = (connected(&server).await, Matching::default());
    let person = [attribute("login", "ada")];
    let nobody = deprovision(&connection, &person, &matching).await.unwrap();
    assert_eq!(nobody, None);
    for effect in [Effect::Created, Effect::Unchanged] {
        let outcome = provision(&connection, &ada(), &matching).await.unwrap();
        assert_eq!(outcome.effect, effect);
    }
    let left = deprovision(&connection, &person, &matching)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(left.account.status, AccountStatus::Inactive);
    let back = provision(&connection, &ada(), &matching).await.unwrap();
    assert_eq!(
        (back.effect, back.account.status),
        (Effect::Updated, AccountStatus::Active)
    );
    assert_eq!(server.with_login("ada").len(), 1);
}

#[tokio::test]
async fn a_login_of_somebody_with_another_staff_number_is_left_alone() {
    let server = Server::start(3).await;
    let connection = connected(&server).await;
    let mut namesake = ada();
    namesake.attributes[0] = attribute("login", "person-1");
    let failure = provision(&connection, &namesake, &Matching::default())
        .await
        .unwrap_err();
    assert_eq!(failure.code(), Some("somebody-else"), "{failure:?}");
    assert_eq!(server.writes(), [""; 0]);
}

#[tokio::test]
async fn everybody_is_listed_whatever_the_size_of_a_page() {
    let server = Server::start(123).await;
    let connection = connected(&server).await;
    let all: Vec<Account> = connection.accounts().try_collect().await.unwrap();
    assert_eq!(all.len(), 123);
    for limit in [1, 7, 50, 1_000] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = connection.list(PageQuery { cursor, limit }).await.unwrap();
            assert_eq!(page.total, Some(123));
            seen.extend(page.accounts.into_iter().map(|account| account.id));
            (cursor, pages) = (page.next, pages + 1);
            assert!(pages <= 124);
            if cursor.is_none() {
                break;
            }
        }
        let ids: Vec<_> = all.iter().map(|account| account.id.clone()).collect();
        assert_eq!(seen, ids, "{limit}");
    }
}

#[tokio::test]
async fn a_page_token_that_is_unknown_or_forgotten_is_an_invalid_cursor() {
    let server = Server::start(9).await;
    let connection = connected(&server).await;
    let query = |cursor: Option<String>| PageQuery { cursor, limit: 2 };
    let first = connection.list(query(None)).await.unwrap();
    connection.delete("p-1009").await.unwrap();
    for cursor in [first.next, Some("made up".to_owned()), Some(String::new())] {
        let failure = connection.list(query(cursor)).await.unwrap_err();
        assert_eq!(failure.kind(), "invalid-cursor", "{failure:?}");
    }
}

#[tokio::test]
async fn a_search_that_the_service_ignores_finds_the_right_person_or_nobody() {
    let server = Server::start(123).await;
    server.directory().ignores_search = true;
    let connection = connected(&server).await;
    let found = connection
        .find("login", &text("person-101"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.id, "p-1101");
    assert_eq!(connection.find("login", &text("ada")).await.unwrap(), None);
}

#[tokio::test]
async fn a_taken_name_is_told_with_who_has_it_or_that_nobody_visible_has() {
    let server = Server::start(3).await;
    let connection = connected(&server).await;
    for (name, value) in [
        ("login", text("PERSON-2")),
        ("staffNumber", Value::Integer(2)),
    ] {
        let mut draft = ada();
        draft.attributes.retain(|attribute| attribute.name != name);
        draft.attributes.push(several(name, [value.clone()]));
        let failure = connection.create(&draft).await.unwrap_err();
        assert_eq!(
            (failure.kind(), failure.account()),
            ("already-exists", Some("p-1002")),
            "{failure:?}"
        );
        let edits = change(Change::Set(several(name, [value])));
        let failure = connection.update("p-1001", &edits).await.unwrap_err();
        let expected = if name == "login" {
            "already-exists"
        } else {
            "invalid-account"
        };
        assert_eq!(failure.kind(), expected, "{failure:?}");
    }
    server.directory().hidden.push(1002);
    let mut draft = ada();
    draft.attributes[0] = attribute("login", "person-2");
    let failure = connection.create(&draft).await.unwrap_err();
    assert_eq!(
        (failure.kind(), failure.account()),
        ("held-elsewhere", None),
        "{failure:?}"
    );
    assert_eq!(server.directory().people.len(), 3);
}

#[tokio::test]
async fn a_version_that_was_expected_and_is_gone_writes_nothing() {
    let server = Server::start(1).await;
    let connection = connected(&server).await;
    let mut edits = kind("intern");
    edits.expected_version = Some("7".to_owned());
    let failure = connection.update("p-1001", &edits).await.unwrap_err();
    assert_eq!(failure.kind(), "precondition-failed", "{failure:?}");
    assert_eq!(server.writes(), [""; 0]);

    // Overtaken between the read and the write.
    edits.expected_version = Some("1".to_owned());
    server.directory().fault = Some(Fault::Overtaken);
    let failure = connection.update("p-1001", &edits).await.unwrap_err();
    assert_eq!(failure.kind(), "precondition-failed", "{failure:?}");
    assert_eq!(server.writes(), ["PATCH /people/p-1001"]);
    assert_eq!(server.with_login("person-1")[0].get("kind"), None);
}

#[tokio::test]
async fn who_is_overtaken_and_expects_no_version_tries_again_and_undoes_nothing() {
    let server = Server::start(1).await;
    let connection = connected(&server).await;
    server.directory().fault = Some(Fault::Overtaken);
    let edits = changes(vec![
        Change::Set(attribute("kind", "intern")),
        Change::Add(attribute("teams", "engine")),
    ]);
    let outcome = connection.update("p-1001", &edits).await.unwrap();
    assert_eq!(outcome.effect, Effect::Updated);
    let person = server.with_login("person-1").remove(0);
    assert_eq!(person["kind"], "intern");
    assert_eq!(person["teams"], json!(["somebody else's", "engine"]));
}

/// What becomes of a write whose answer settles nothing, and whether it is carried out.
const LOST: [(Fault, bool); 7] = [
    (Fault::Cut { after: false }, false),
    (Fault::Cut { after: true }, true),
    (
        Fault::Status {
            after: false,
            status: 503,
        },
        false,
    ),
    (
        Fault::Status {
            after: true,
            status: 503,
        },
        true,
    ),
    (
        Fault::Status {
            after: true,
            status: 500,
        },
        true,
    ),
    (
        Fault::Status {
            after: true,
            status: 408,
        },
        true,
    ),
    (Fault::Mute, true),
];

#[tokio::test]
async fn a_create_whose_answer_is_lost_makes_one_person_or_says_that_it_does_not_know() {
    for (fault, carried_out) in LOST {
        let server = Server::start(3).await;
        let connection = connected(&server).await;
        server.directory().fault = Some(fault);
        let made = connection.create(&ada()).await;
        assert_eq!(server.writes(), ["POST /people"], "{fault:?}");
        let people = server.with_login("ada");
        assert_eq!(people.len(), usize::from(carried_out), "{fault:?}");
        match made {
            Ok(outcome) => assert_eq!(people[0]["id"], outcome.account.id),
            Err(failure) => {
                assert!(!carried_out, "{fault:?}: {failure:?}");
                assert_eq!(failure.kind(), "outcome-unknown", "{fault:?}");
            }
        }
        // The next run finds who is there.
        let again = provision(&connection, &ada(), &Matching::default())
            .await
            .unwrap();
        assert_eq!(again.effect == Effect::Unchanged, carried_out, "{fault:?}");
        assert_eq!(server.with_login("ada").len(), 1);
    }
}

#[tokio::test]
async fn a_change_or_deletion_whose_answer_is_lost_is_made_or_unknown() {
    for (fault, carried_out) in LOST {
        let server = Server::start(1).await;
        let connection = connected(&server).await;
        // The host sends again what may be sent twice: then it is made for certain.
        server.directory().fault = Some(fault);
        let changed = connection.update("p-1001", &kind("intern")).await;
        let made = server.with_login("person-1")[0].get("kind").is_some();
        match changed {
            Ok(outcome) => {
                assert!(made, "{fault:?}");
                assert_eq!(values(&outcome.account, "kind"), [text("intern")]);
            }
            Err(failure) => assert_eq!(failure.kind(), "outcome-unknown", "{fault:?}"),
        }
        assert!(made || !carried_out);
        server.directory().fault = Some(fault);
        match connection.delete("p-1001").await {
            Ok(deletion) => {
                assert_eq!(deletion, Deletion::Gone);
                assert!(server.with_login("person-1").is_empty(), "{fault:?}");
            }
            Err(failure) => assert_eq!(failure.kind(), "outcome-unknown", "{fault:?}"),
        }
    }
}

#[tokio::test]
async fn what_the_service_leaves_out_of_a_success_is_named() {
    let server = Server::start(1).await;
    let connection = connected(&server).await;
    server.directory().fault = Some(Fault::Ignored);
    let failure = connection.create(&ada()).await.unwrap_err();
    assert_eq!(
        (failure.kind(), failure.account()),
        ("unsupported", Some("p-1002"))
    );
    assert_eq!(codes_of(&failure), [("kind", "attribute-ignored")]);
    server.directory().fault = Some(Fault::Ignored);
    let failure = connection
        .update("p-1001", &kind("intern"))
        .await
        .unwrap_err();
    assert_eq!(codes_of(&failure), [("kind", "attribute-ignored")]);
}

#[tokio::test]
async fn everything_wrong_with_a_draft_is_told_at_once_and_nothing_is_sent() {
    let server = Server::start(1).await;
    let connection = connected(&server).await;
    let draft = Draft {
        status: AccountStatus::Active,
        attributes: vec![
            attribute("login", &"x".repeat(33)),
            attribute("email", " "),
            attribute("staffNumber", "1815"),
            attribute("kind", "king"),
            attribute("joined", "2026-01-01T00:00:00Z"),
            several("remote", [Value::Boolean(true), Value::Boolean(false)]),
            attribute("shoeSize", "41"),
        ],
    };
    let failure = connection.create(&draft).await.unwrap_err();
    assert_eq!(failure.kind(), "invalid-account");
    let mut told = codes_of(&failure);
    told.sort_unstable();
    let expected = [
        ("displayName", "missing"),
        ("email", "missing"),
        ("joined", "read-only"),
        ("kind", "not-a-choice"),
        ("login", "too-long"),
        ("remote", "single-valued"),
        ("shoeSize", "unknown"),
        ("staffNumber", "wrong-type"),
    ];
    assert_eq!(told, expected);

    let edits = changes(vec![
        Change::Clear("login".to_owned()),
        Change::Add(attribute("kind", "intern")),
        Change::Set(attribute("joined", "2026-01-01T00:00:00Z")),
    ]);
    let failure = connection.update("p-1001", &edits).await.unwrap_err();
    assert_eq!(codes_of(&failure).len(), 3, "{failure:?}");
    assert_eq!(server.lines(), [""; 0]);
    // Shows only against the account.
    let renumbered = change(Change::Set(several("staffNumber", [Value::Integer(2)])));
    let failure = connection.update("p-1001", &renumbered).await.unwrap_err();
    assert_eq!(codes_of(&failure), [("staffNumber", "set-once")]);
    assert_eq!(server.writes(), [""; 0]);
}

#[tokio::test]
async fn everything_wrong_with_the_settings_is_told_at_once() {
    let bad = ConnectionOptions::new()
        .setting("api-url", "ftp://staff.example/api")
        .setting("welcome-mail", "perhaps")
        .setting("colour", "blue");
    let failure = connector().await.connect(bad).await.unwrap_err();
    assert_eq!(failure.kind(), "invalid-settings");
    let mut names: Vec<_> = codes_of(&failure)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["api-key", "api-url", "colour", "welcome-mail"]);
}

#[tokio::test]
async fn an_address_is_taken_as_people_paste_it() {
    let server = Server::start(2).await;
    for pasted in ["", "/", "/people", "/people/"] {
        let url = format!("{}{pasted}", server.url());
        let connection = connector().await.connect(options(&url)).await.unwrap();
        connection.check().await.unwrap();
        connection.get("p-1002").await.unwrap();
    }
}

#[tokio::test]
async fn the_key_is_in_its_header_and_what_it_may_do_is_told() {
    let server = Server::start(1).await;
    let connection = connected(&server).await;
    let report = connection.check().await.unwrap();
    assert_eq!(
        (report.upstream.as_deref(), report.writable),
        (Some("Acme"), Some(true))
    );
    for headers in server.headers() {
        assert_eq!(headers["x-api-key"], KEY);
        assert_eq!(headers["x-api-version"], "2");
        let others = headers.iter().filter(|(name, _)| *name != "x-api-key");
        assert!(others.into_iter().all(|(_, value)| value != KEY));
        assert!(!headers.contains_key("authorization"));
    }
    server.directory().read_only = true;
    assert_eq!(connection.check().await.unwrap().writable, Some(false));
    let failure = connection.create(&ada()).await.unwrap_err();
    assert_eq!(failure.kind(), "forbidden", "{failure:?}");

    let wrong =
        options(&server.url()).credentials(StaticCredentials::new().with("api-key", "stolen"));
    let connection = connector().await.connect(wrong).await.unwrap();
    let failure = connection.check().await.unwrap_err();
    assert_eq!(failure.kind(), "unauthenticated", "{failure:?}");
    assert!(!failure.message().contains("stolen"));
}

#[tokio::test]
async fn a_service_without_seats_left_says_so() {
    let server = Server::start(1).await;
    server.directory().seats = Some(1);
    let failure = connected(&server).await.create(&ada()).await.unwrap_err();
    assert_eq!(failure.kind(), "quota-exceeded", "{failure:?}");
}

#[tokio::test]
async fn nobody_is_confused_by_names_that_mean_something_elsewhere() {
    let server = Server::start(1).await;
    let connection = connected(&server).await;
    for login in [
        "a&login=person-1",
        "a+b c",
        "ü%2F..",
        "\"quoted\"",
        "日本",
        "a/../b",
    ] {
        let mut draft = ada();
        draft.attributes.truncate(3);
        draft.attributes[0] = attribute("login", login);
        let made = connection.create(&draft).await.unwrap();
        let found = connection.find("login", &text(login)).await.unwrap();
        assert_eq!(found, Some(made.account), "{login}");
    }
    for id in ["", ".", "..", "p-1/../p-2", "p-1%2F", "p-1?x=1", "a\u{0}"] {
        let failure = connection.get(id).await.unwrap_err();
        assert_eq!(failure.kind(), "invalid-account", "{id:?}");
    }
    let notices = connection
        .update("p-1001", &kind("intern"))
        .await
        .unwrap()
        .notices;
    assert_eq!(codes(&notices), [""; 0]);
}

#[tokio::test]
async fn it_keeps_the_contract_and_nothing_of_it_is_left() {
    let server = Server::start(20).await;
    let before = server.directory().people.clone();
    let how = host_harness::conform::Options::default();
    let report = crate::conform::run(&connector().await, options(&server.url()), how).await;
    assert_eq!(crate::conform::failed(&report), [""; 0]);
    assert!(report.count("passed") >= 50, "{report:?}");
    assert_eq!(server.directory().people, before);
}
