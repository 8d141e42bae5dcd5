//! Answers that are broken, and answers that lie: to every request the same one. No operation
//! panics, reports what is not so, or ends in a failure that its contract does not have.

use host_harness::Failure;
use host_harness::contract::{Deletion, PageQuery};

use super::{ada, connector, kind, options};
use crate::stage::text;
use crate::upstream::{Upstream, answer};

const STATUSES: [u16; 19] = [
    200, 201, 202, 204, 301, 303, 304, 400, 401, 403, 404, 405, 408, 409, 410, 422, 429, 500, 503,
];

const PERSON: &str = r#"{"id": "p-9", "revision": 1, "state": "enabled", "login": "somebody", "name": "S",
    "mail": "s@example.com", "kind": "intern"}"#;

fn bodies() -> Vec<(&'static str, String)> {
    let page = |people: &str, next: &str| format!(r#"{{"people": {people}, "next_page": {next}}}"#);
    let deep = 100_000;
    vec![
        ("nothing", String::new()),
        ("a web page", "<html>Sign in</html>".to_owned()),
        ("cut off", PERSON[..40].to_owned()),
        ("null", "null".to_owned()),
        ("an array", "[]".to_owned()),
        ("an empty object", "{}".to_owned()),
        ("somebody else", PERSON.to_owned()),
        ("an id that is a path", PERSON.replace("p-9", "../p-9")),
        ("an id that is empty", PERSON.replace("p-9", "")),
        (
            "a state that is unknown",
            PERSON.replace("enabled", "asleep"),
        ),
        (
            "a revision that is negative",
            PERSON.replace("\"revision\": 1", "\"revision\": -1"),
        ),
        (
            "a number of 5,000 digits",
            PERSON.replace(
                "\"revision\": 1",
                &format!("\"revision\": {}", "9".repeat(5_000)),
            ),
        ),
        ("nested deep", "[".repeat(deep)),
        (
            "nested deep within",
            PERSON.replace("\"S\"", &"{\"a\":".repeat(deep)),
        ),
        (
            "a text of a megabyte",
            PERSON.replace("\"S\"", &format!("{:?}", "x".repeat(1 << 20))),
        ),
        ("an empty page", page("[]", "null")),
        ("a page of somebody", page(&format!("[{PERSON}]"), "null")),
        (
            "a page of the same twice",
            page(&format!("[{PERSON},{PERSON}]"), "null"),
        ),
        ("a page without end", page("[]", "\"again\"")),
        ("a page of texts", page("[\"p-9\"]", "null")),
        (
            "an error of its own",
            r#"{"error": {"code": "bad_value", "field": "login", "message": "\u0007no"}}"#
                .to_owned(),
        ),
        ("an error without a code", r#"{"error": "no"}"#.to_owned()),
        (
            "nobody of this id",
            r#"{"error": {"code": "no_such_person"}}"#.to_owned(),
        ),
        (
            "taken",
            r#"{"error": {"code": "taken", "field": "login"}}"#.to_owned(),
        ),
        (
            "stale",
            r#"{"error": {"code": "stale_revision"}}"#.to_owned(),
        ),
    ]
}

/// What every operation may end in, and what each adds; `wit/accounts.wit` has it.
const ALWAYS: [&str; 9] = [
    "unauthenticated",
    "forbidden",
    "rate-limited",
    "unavailable",
    "malformed-answer",
    "invalid-settings",
    "refused-by-host",
    "unsupported",
    "other",
];
const WRITES: [&str; 6] = [
    "invalid-account",
    "already-exists",
    "held-elsewhere",
    "quota-exceeded",
    "outcome-unknown",
    "precondition-failed",
];

fn allowed<T: std::fmt::Debug>(what: &str, result: &Result<T, Failure>, more: &[&str]) {
    let Err(failure) = result else {
        return;
    };
    let kind = failure.kind();
    assert!(
        ALWAYS.contains(&kind) || more.contains(&kind),
        "{what}: {failure:?}"
    );
    assert!(
        !failure.message().contains(char::is_control),
        "{what}: {failure:?}"
    );
}

#[tokio::test]
async fn no_answer_makes_an_operation_lie_or_fall_over() {
    let connector = connector().await;
    for (name, body) in bodies() {
        for status in STATUSES {
            let what = format!("{status} with {name}");
            let shown = body.clone();
            let upstream = Upstream::start(move |_| answer(status, "", &shown)).await;
            let url = format!("http://{}/api/v2", upstream.address);
            let connection = connector.connect(options(&url)).await.unwrap();

            let checked = connection.check().await;
            assert!(checked.is_err(), "{what}: {checked:?}");
            allowed(&what, &checked, &[]);

            let query = PageQuery {
                cursor: None,
                limit: 10,
            };
            allowed(&what, &connection.list(query).await, &["invalid-cursor"]);

            let got = connection.get("p-1").await;
            assert!(got.is_err(), "{what}: {got:?}");
            allowed(&what, &got, &["not-found"]);
            let vouched = status == 404 && name == "nobody of this id";
            assert_eq!(got.unwrap_err().kind() == "not-found", vouched, "{what}");

            let found = connection.find("login", &text("ada")).await;
            allowed(&what, &found, &["ambiguous"]);
            assert!(!matches!(found, Ok(Some(_))), "{what}: {found:?}");
            let is_page = name.starts_with("an empty page") || name.starts_with("a page of");
            assert!(
                found.is_err() || is_page && (200..300).contains(&status),
                "{what}: {found:?}"
            );

            let made = connection.create(&ada()).await;
            assert!(made.is_err(), "{what}: {made:?}");
            allowed(&what, &made, &WRITES);
            let posts = upstream.requests();
            let posts = posts
                .iter()
                .filter(|request| request.head.starts_with("POST"));
            // The host may repeat what the service says that it did not take.
            assert!(posts.count() == 1 || status == 429, "{what}");

            let changed = connection.update("p-1", &kind("intern")).await;
            assert!(changed.is_err(), "{what}: {changed:?}");
            allowed(&what, &changed, &["not-found"]);

            let deleted = connection.delete("p-1").await;
            allowed(&what, &deleted, &WRITES);
            assert_eq!(
                matches!(deleted, Ok(Deletion::Gone)),
                vouched,
                "{what}: {deleted:?}"
            );
        }
    }
}
