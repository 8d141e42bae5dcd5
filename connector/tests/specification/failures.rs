//! Answers that are errors, lies or nothing.

use connector_8x8::contract::{Failure, FailureKind, RetryAdvice};
use connector_8x8::transport::{Refusal, RefusalReason, Response, TransportFailure};
use serde_json::json;

use crate::script::{Answer, Script, ada_with, answer, error, json_answer, list, with_header};

fn check(answer: Answer) -> Box<Failure> {
    Script::new([answer]).connect().check().unwrap_err()
}

fn get(answers: impl IntoIterator<Item = Answer>) -> Box<Failure> {
    let script = Script::new(answers);
    let failed = script.connect().get("ada-1").unwrap_err();
    script.lines();
    failed
}

#[test]
fn check_tells_what_is_wrong() {
    for (answer, kind, code) in [
        (
            error(401, None, "bad token"),
            FailureKind::Unauthenticated,
            "token-refused",
        ),
        (
            error(403, None, "not yours"),
            FailureKind::Forbidden,
            "wrong-customer",
        ),
        (
            error(404, None, "no customer"),
            FailureKind::InvalidSettings,
            "wrong-customer",
        ),
        (
            answer(404, "<html>"),
            FailureKind::InvalidSettings,
            "wrong-address",
        ),
        (
            answer(200, "<html>"),
            FailureKind::MalformedAnswer,
            "not-scim",
        ),
        (answer(302, ""), FailureKind::InvalidSettings, "moved"),
    ] {
        let failed = check(answer);
        assert_eq!((failed.kind, failed.code.as_deref()), (kind, Some(code)));
    }
}

#[test]
fn a_refused_token_tells_what_usually_clears_it() {
    let message = check(answer(401, "")).message;
    for cause in ["switching SCIM off", "single sign-on", "Save"] {
        assert!(message.contains(cause), "{message}");
    }
}

#[test]
fn a_redirect_names_where_to_without_its_query() {
    let to = "https://elsewhere.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2/Users?token=x#y";
    let message = check(with_header(answer(308, ""), "location", to)).message;
    assert!(
        message
            .contains("https://elsewhere.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2/Users")
    );
    assert!(!message.contains("token"), "{message}");
}

/// Whatever is pasted there gets the token.
#[test]
fn a_redirect_is_proposed_only_where_it_could_be_this_customers_service() {
    let said = |to: &str| check(with_header(answer(302, ""), "location", to)).message;
    for own in [
        "https://elsewhere.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2",
        "https://eu.platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2/Users/1",
        "https://platform.8x8.com:8443/customers/0012J00042NkZQIQA3/scim/v2/ServiceProviderConfig",
        "https://8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2/",
    ] {
        assert!(
            said(own).contains("paste this as Instance URL"),
            "{}",
            said(own)
        );
    }
    for other in [
        "https://sso.example.com/login",
        "https://login.8x8.com/login?next=/udi/customers/0012J00042NkZQIQA3/scim/v2",
        "https://login.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2/login",
        "https://login.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2login",
        "https://login.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2/Users/1/login",
        "https://login.8x8.com/scim/v2",
        "https://login.8x8.com/udi/customers/B2/scim/v2/Users",
        "https://login.8x8.com/udi/customers/0012J00042NkZQIQA3/../scim/v2",
        "https://login.8x8.com/udi/customers/0012J00042NkZQIQA3%2fscim/v2",
        "http://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2/Users",
        "https://user@login.example/saml?to=/scim/v2",
        "saml://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2",
    ] {
        let said = said(other);
        assert!(said.contains("redirects to a sign-in page"), "{said}");
        assert!(!said.contains("Instance URL"), "{said}");
    }
    for foreign in [
        "https://scim.example.com/udi/customers/0012J00042NkZQIQA3/scim/v2/Users",
        "https://platform.8x8.com.example/udi/customers/0012J00042NkZQIQA3/scim/v2",
        "https://platform.not8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2",
        "https://com/udi/customers/0012J00042NkZQIQA3/scim/v2",
    ] {
        let said = said(foreign);
        assert!(said.contains("another domain"), "{said}");
        assert!(!said.contains("Instance URL"), "{said}");
    }
}

#[test]
fn the_service_words_are_short_and_cleaned() {
    let long = "x\u{1b}[2J".repeat(500);
    let failed = check(error(400, None, &long));
    assert!(failed.message.chars().count() < 300);
    assert!(!failed.message.contains('\u{1b}'));
}

#[test]
fn a_404_for_a_user_counts_only_where_the_address_is_right() {
    let missing = || error(404, None, "not found");
    let failed = get([missing(), list(&[], 0)]);
    assert_eq!(failed.kind, FailureKind::NotFound);
    // A gateway's 404 is asked again: it may have been a passing trouble.
    let failed = get([answer(404, "<html>"), list(&[], 0), answer(404, "<html>")]);
    assert_eq!(failed.kind, FailureKind::NotFound);
    let script = Script::new([
        answer(404, "<html>"),
        list(&[], 0),
        json_answer(200, &ada_with(json!({}))),
    ]);
    assert_eq!(script.connect().get("ada-1").unwrap().id, "ada-1");
    let failed = get([answer(404, "<html>"), answer(404, "<html>")]);
    assert_eq!(failed.kind, FailureKind::InvalidSettings);
    let failed = get([missing(), missing()]);
    assert_eq!(failed.kind, FailureKind::InvalidSettings);
}

#[test]
fn another_user_than_asked_for_is_no_answer() {
    let failed = get([json_answer(200, &ada_with(json!({ "id": "ada-2" })))]);
    assert_eq!(failed.kind, FailureKind::MalformedAnswer);
    let failed = get([json_answer(200, &ada_with(json!({ "id": "ADA-1" })))]);
    assert_eq!(failed.kind, FailureKind::MalformedAnswer);
}

#[test]
fn an_error_body_in_a_200_is_no_account() {
    let failed = get([error(404, None, "x").map(|response| Response {
        status: 200,
        ..response
    })]);
    assert_eq!(failed.kind, FailureKind::MalformedAnswer);
}

#[test]
fn broken_bodies_are_malformed_and_never_panic() {
    let deep = "[".repeat(100_000);
    let number = format!("{{\"id\":{}}}", "9".repeat(5_000));
    for body in [
        "", "null", "[]", "\"x\"", "{\"id\":", "<html>", "{}", &deep, &number,
    ] {
        let failed = get([answer(200, body)]);
        assert_eq!(failed.kind, FailureKind::MalformedAnswer, "{body:.40}");
    }
}

#[test]
fn ids_that_are_no_path_segment_are_refused_before_anything_is_sent() {
    let connection = Script::new([]);
    for id in [
        "", " ", ".", "..", "a/b", "a\\b", "a\nb", "%2e%2e", "a%2Fb", "%252e",
    ] {
        let connected = connection.connect();
        let failed = connected.get(id).unwrap_err();
        assert_eq!(failed.kind, FailureKind::InvalidAccount, "{id:?}");
        assert_eq!(
            connected.delete(id).unwrap_err().kind,
            FailureKind::InvalidAccount
        );
    }
}

#[test]
fn waiting_is_advised_as_long_as_the_service_asks() {
    let slow = answer(429, "").map(|response| Response {
        retry_after_ms: Some(7_000),
        ..response
    });
    let failed = check(slow);
    assert_eq!(failed.kind, FailureKind::RateLimited);
    assert_eq!(failed.retry, RetryAdvice::AfterMs(7_000));
}

#[test]
fn what_the_host_refuses_is_told_in_its_words() {
    let failed = check(Err(TransportFailure::Refused(Refusal {
        reason: RefusalReason::Address,
        message: "no way".into(),
    })));
    assert_eq!(failed.kind, FailureKind::RefusedByHost);
    assert_eq!(
        (failed.code.as_deref(), &*failed.message),
        (Some("address"), "no way")
    );
}
