//! Results that break the contract.

use crate::contract::provisioning::connector::types::Notice;
use crate::contract::{
    Account, AccountStatus, Attribute, Failure, FailureKind, Page, PageQuery, Problem, RetryAdvice,
    Value,
};
use crate::harm::ESCAPES;

pub(crate) fn failure(kind: FailureKind, message: &str) -> Failure {
    Failure {
        kind,
        code: None,
        message: message.to_owned(),
        problems: vec![],
        retry: RetryAdvice::Never,
        account: None,
        upstream: None,
    }
}

fn named(id: &str) -> Account {
    Account {
        id: id.to_owned(),
        status: AccountStatus::Active,
        attributes: vec![],
        version: None,
    }
}

fn attribute(name: &str, values: Vec<Value>) -> Attribute {
    Attribute {
        name: name.to_owned(),
        values,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// What `get` answers.
pub(crate) fn account(lie: &str, id: &str) -> Result<Account, Failure> {
    let with = |attributes| Account {
        attributes,
        ..named(id)
    };
    Ok(match lie {
        "another" => named("another"),
        "huge-text" => with(vec![attribute("seen", vec![text(&"x".repeat(40 << 20))])]),
        "million-attributes" => with(vec![attribute("seen", vec![text("x")]); 1_000_000]),
        "thousand-attributes" => with(
            (0..1_000)
                .map(|number| attribute(&format!("made-up-{number}"), vec![text("x")]))
                .collect(),
        ),
        "million-values" => with(vec![attribute(
            "many",
            vec![Value::Boolean(true); 3_000_000],
        )]),
        "twice" => with(vec![attribute("seen", vec![text("x")]); 2]),
        "unlisted" => with(vec![attribute("password", vec![text("x")])]),
        "no-value" => with(vec![attribute("seen", vec![])]),
        "two-values" => with(vec![attribute("seen", vec![text("x"), text("y")])]),
        "wrong-type" => with(vec![attribute("status", vec![text("x")])]),
        "failure-escapes" => return Err(loud()),
        "failure-megabytes" => {
            let mut failure = loud();
            failure.message = "x".repeat(5 << 20);
            failure.problems = vec![failure.problems.remove(0); 10_000];
            return Err(failure);
        }
        _ => named(id),
    })
}

/// A failure with something for the terminal in every text.
fn loud() -> Failure {
    Failure {
        code: Some(ESCAPES.to_owned()),
        problems: vec![Problem {
            name: ESCAPES.to_owned(),
            code: ESCAPES.to_owned(),
            message: ESCAPES.to_owned(),
        }],
        account: Some(ESCAPES.to_owned()),
        upstream: Some(
            crate::contract::provisioning::connector::types::UpstreamAnswer {
                status: 400,
                code: Some(ESCAPES.to_owned()),
                request_id: Some(ESCAPES.to_owned()),
            },
        ),
        ..failure(FailureKind::Other, ESCAPES)
    }
}

pub(crate) fn notices() -> Vec<Notice> {
    vec![
        Notice {
            code: ESCAPES.to_owned(),
            attribute: Some(ESCAPES.to_owned()),
            message: ESCAPES.to_owned(),
        };
        1_000
    ]
}

/// What `list` answers.
pub(crate) fn page(lie: &str, query: &PageQuery) -> Page {
    let number: u32 = query
        .cursor
        .as_deref()
        .and_then(|cursor| cursor.parse().ok())
        .unwrap_or(0);
    let one = vec![named(&format!("account-{number}"))];
    let (accounts, next) = match lie {
        "endless" => (one, Some((number + 1).to_string())),
        // New accounts on every page, each of a kilobyte, and no page the last.
        "flood" => (
            (0..query.limit)
                .map(|place| Account {
                    attributes: vec![attribute("seen", vec![text(&"v".repeat(1_000))])],
                    ..named(&format!("account-{number}-{place}"))
                })
                .collect(),
            Some((number + 1).to_string()),
        ),
        "endless-empty" => (vec![], Some((number + 1).to_string())),
        "circle" => (one, Some(((number + 1) % 3).to_string())),
        "same-cursor" => (one, Some(number.to_string())),
        "long-cursor" => (one, Some("x".repeat(1 << 20))),
        "too-many" => (
            (0..=query.limit)
                .map(|number| named(&number.to_string()))
                .collect(),
            None,
        ),
        "million" => (
            (0..1_000_000)
                .map(|number| named(&number.to_string()))
                .collect(),
            None,
        ),
        "twice" => (vec![named("one"), named("one")], None),
        "empty-id" => (vec![named("")], None),
        "long-id" => (vec![named(&"x".repeat(1 << 20))], None),
        "control-id" => (vec![named("one\u{1b}[2J\ntwo")], None),
        "backwards-id" => (vec![named("one\u{202e}owt")], None),
        "slash-id" => (vec![named("../../../admin")], None),
        _ => (vec![], None),
    };
    Page {
        accounts,
        next,
        total: Some(u32::MAX),
    }
}
