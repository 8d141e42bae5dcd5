use connector_8x8::contract::{FailureKind, PageQuery};
use serde_json::json;

use crate::script::{Answer, Script, answer, error, json_answer, list, somebody};

fn people(numbers: std::ops::Range<usize>) -> Vec<serde_json::Value> {
    numbers.map(somebody).collect()
}

/// Lists everybody in pages of `limit`, as a host would.
fn everybody(script: &Script, limit: u32) -> Result<Vec<String>, FailureKind> {
    let mut ids: Vec<String> = Vec::new();
    let mut cursor = None;
    for _ in 0..100 {
        // A fresh connection for each page, as a host that throws instances away has it.
        let page = script
            .connect()
            .list(&PageQuery { cursor, limit })
            .map_err(|failed| failed.kind)?;
        assert!(page.accounts.len() <= limit as usize);
        for account in page.accounts {
            assert!(!ids.contains(&account.id), "{} came twice", account.id);
            ids.push(account.id);
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(ids),
        }
    }
    panic!("the listing does not end");
}

#[test]
fn a_page_advances_by_what_was_received() {
    let script = Script::new([
        list(&people(0..2), 5),
        list(&people(2..4), 5),
        list(&people(4..5), 5),
    ]);
    assert_eq!(everybody(&script, 100).unwrap().len(), 5);
    assert_eq!(
        script.lines(),
        [
            "GET /Users?startIndex=1&count=100",
            "GET /Users?startIndex=3&count=100",
            "GET /Users?startIndex=5&count=100",
        ]
    );
}

#[test]
fn everybody_at_once_is_handed_on_in_pages() {
    let all = || list(&people(0..5), 5);
    let script = Script::new([all(), all(), all()]);
    assert_eq!(everybody(&script, 2).unwrap().len(), 5);
}

#[test]
fn a_first_page_that_repeats_is_the_end_where_it_held_everybody() {
    let all = || list(&people(0..2), 2);
    let script = Script::new([all(), all()]);
    assert_eq!(everybody(&script, 2).unwrap().len(), 2);
}

#[test]
fn a_page_that_repeats_is_a_failure_where_people_would_be_left_out() {
    let first = || list(&people(0..2), 5);
    let script = Script::new([first(), first()]);
    assert_eq!(everybody(&script, 2), Err(FailureKind::MalformedAnswer));
}

#[test]
fn where_nobody_counts_a_page_that_repeats_is_everybody_only_if_pages_mean_nothing() {
    let answered =
        |resources: &[serde_json::Value]| json_answer(200, &json!({ "Resources": resources }));
    let page = || answered(&people(0..3));
    let script = Script::new([page(), page(), page()]);
    assert_eq!(everybody(&script, 100).unwrap().len(), 3);
    assert_eq!(script.lines()[2], "GET /Users?startIndex=1&count=1");

    let capped = Script::new([page(), page(), answered(&people(0..1))]);
    assert_eq!(everybody(&capped, 100), Err(FailureKind::MalformedAnswer));
}

#[test]
fn a_list_that_neither_counts_nor_holds_anybody_says_that_it_is_one() {
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"] });
    assert_eq!(
        everybody(&Script::new([json_answer(200, &body)]), 2)
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn a_total_that_is_too_low_ends_nothing() {
    let script = Script::new([
        list(&people(0..2), 2),
        list(&people(2..4), 2),
        list(&people(4..5), 1),
        list(&[], 0),
    ]);
    assert_eq!(everybody(&script, 2).unwrap().len(), 5);
}

#[test]
fn cursors_of_the_service_are_followed_to_their_absence() {
    let page = |range, next: Option<&str>| {
        json_answer(
            200,
            &json!({ "Resources": people(range), "nextCursor": next }),
        )
    };
    let script = Script::new([
        page(0..2, Some("a&b")),
        page(2..4, Some("c")),
        page(4..5, None),
    ]);
    assert_eq!(everybody(&script, 2).unwrap().len(), 5);
    assert_eq!(
        script.lines(),
        [
            "GET /Users?startIndex=1&count=2",
            "GET /Users?cursor=a%26b&count=2",
            "GET /Users?cursor=c&count=2",
        ]
    );
}

#[test]
fn resources_may_be_missing_only_where_the_total_is_0() {
    let script = Script::new([answer(200, r#"{"totalResults":0}"#)]);
    assert_eq!(everybody(&script, 2).unwrap().len(), 0);
    for body in [
        "{}",
        r#"{"totalResults":3}"#,
        r#"{"totalResults":0,"Resources":{}}"#,
        r#"{"totalResults":1,"Resources":null}"#,
        r#"{"Resources":[1]}"#,
        r#"{"Resources":[{"userName":"nobody"}],"totalResults":1}"#,
        r#"{"Resources":[{"id":"..","userName":"nobody"}],"totalResults":1}"#,
        "[]",
        "",
        "<html>",
    ] {
        let script = Script::new([answer(200, body)]);
        assert_eq!(
            everybody(&script, 2),
            Err(FailureKind::MalformedAnswer),
            "{body}"
        );
    }
}

#[test]
fn a_cursor_that_is_not_ours_or_forgotten_starts_over() {
    let next = |cursor: &str, answers: Vec<Answer>| {
        let script = Script::new(answers);
        let query = PageQuery {
            cursor: Some(cursor.into()),
            limit: 2,
        };
        script.connect().list(&query).unwrap_err().kind
    };
    for cursor in ["", "index:0:0", "index:x", "page:2", "all:-1"] {
        assert_eq!(next(cursor, vec![]), FailureKind::InvalidCursor, "{cursor}");
    }
    let forgotten = vec![error(400, Some("expiredCursor"), "gone")];
    assert_eq!(next("cursor:x", forgotten), FailureKind::InvalidCursor);
}
