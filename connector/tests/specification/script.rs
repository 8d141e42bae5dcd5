//! A transport that answers from a script and remembers what it was sent.

use std::cell::RefCell;
use std::collections::VecDeque;

use connector_8x8::connection::Connection;
use connector_8x8::contract::{
    AccountStatus, AttributeValues, Change, Draft, Edits, SettingValue, Value,
};
use connector_8x8::transport::{Header, Request, Response, Transport, TransportFailure};
use serde_json::json;

pub(crate) const BASE: &str = "https://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2";

pub(crate) type Answer = Result<Response, TransportFailure>;

#[derive(Debug)]
pub(crate) struct Script {
    answers: RefCell<VecDeque<Answer>>,
    sent: RefCell<Vec<Request>>,
}

impl Transport for &Script {
    fn send(&self, request: &Request) -> Answer {
        self.sent.borrow_mut().push(request.clone());
        let answer = self.answers.borrow_mut().pop_front();
        answer.unwrap_or_else(|| panic!("no answer is left for {} {}", verb(request), request.url))
    }
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            answers: RefCell::new(answers.into_iter().collect()),
            sent: RefCell::default(),
        }
    }

    pub(crate) fn connect(&self) -> Connection<&Self> {
        self.connect_with(&[])
    }

    pub(crate) fn connect_with(&self, more: &[(&str, &str)]) -> Connection<&Self> {
        let mut settings = vec![setting("instance-url", BASE)];
        settings.extend(more.iter().map(|(name, value)| setting(name, value)));
        Connection::open(&settings, None, self).unwrap()
    }

    /// What was sent, a line each, without the base.
    pub(crate) fn lines(&self) -> Vec<String> {
        let unused = self.answers.borrow().len();
        assert_eq!(unused, 0, "answers were left over");
        self.sent
            .borrow()
            .iter()
            .map(|request| {
                let path = request.url.strip_prefix(BASE).unwrap_or(&request.url);
                format!("{} {path}", verb(request))
            })
            .collect()
    }

    pub(crate) fn sent(&self) -> Vec<Request> {
        self.sent.borrow().clone()
    }
}

pub(crate) fn verb(request: &Request) -> String {
    let name = format!("{:?}", request.method);
    name.rsplit("::").next().unwrap_or_default().to_uppercase()
}

pub(crate) fn setting(name: &str, value: &str) -> SettingValue {
    SettingValue {
        name: name.into(),
        value: value.into(),
    }
}

pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Ok(Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
        retry_after_ms: None,
        earlier_attempt_lost: false,
    })
}

pub(crate) fn json_answer(status: u16, body: &serde_json::Value) -> Answer {
    answer(status, &body.to_string())
}

pub(crate) fn with_header(answer: Answer, name: &str, value: &str) -> Answer {
    answer.map(|mut response| {
        response.headers.push(Header {
            name: name.into(),
            value: value.into(),
        });
        response
    })
}

pub(crate) fn after_a_lost_attempt(answer: Answer) -> Answer {
    answer.map(|response| Response {
        earlier_attempt_lost: true,
        ..response
    })
}

pub(crate) fn no_answer() -> Answer {
    Err(TransportFailure::NoAnswer("the connection was cut".into()))
}

pub(crate) fn error(status: u16, scim_type: Option<&str>, detail: &str) -> Answer {
    json_answer(
        status,
        &json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": status.to_string(),
            "scimType": scim_type,
            "detail": detail,
        }),
    )
}

pub(crate) fn list(resources: &[serde_json::Value], total: usize) -> Answer {
    json_answer(
        200,
        &json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": total,
            "Resources": resources,
        }),
    )
}

/// Ada, as 8x8 would show her.
pub(crate) fn ada() -> serde_json::Value {
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:8x8:1.1:User",
        ],
        "id": "ada-1",
        "externalId": "E-1",
        "userName": "ada@example.com",
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [{ "type": "work", "value": "ada@example.com", "primary": true }],
        "active": true,
        "urn:ietf:params:scim:schemas:extension:8x8:1.1:User": { "site": "London" },
    })
}

/// Ada, with members replaced.
pub(crate) fn ada_with(changes: serde_json::Value) -> serde_json::Value {
    let mut ada = ada();
    for (name, value) in changes.as_object().unwrap() {
        ada[name] = value.clone();
    }
    ada
}

pub(crate) fn somebody(number: usize) -> serde_json::Value {
    json!({ "id": format!("id-{number}"), "userName": format!("user{number}@example.com") })
}

pub(crate) fn text(name: &str, value: &str) -> AttributeValues {
    AttributeValues {
        name: name.into(),
        values: vec![Value::Text(value.into())],
    }
}

/// Ada, as she is asked for.
pub(crate) fn draft() -> Draft {
    Draft {
        status: AccountStatus::Active,
        attributes: vec![
            text("userName", "ada@example.com"),
            text("givenName", "Ada"),
            text("familyName", "Lovelace"),
            text("workEmail", "ada@example.com"),
            text("externalId", "E-1"),
            text("site", "London"),
        ],
    }
}

pub(crate) fn edits(changes: impl IntoIterator<Item = Change>) -> Edits {
    Edits {
        status: None,
        changes: changes.into_iter().collect(),
        expected_version: None,
    }
}

pub(crate) fn set(name: &str, value: &str) -> Change {
    Change::Set(text(name, value))
}
