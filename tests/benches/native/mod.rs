//! The connector without a sandbox: the same code, compiled for the machine itself.

use connector_8x8::connection::Connection;
use connector_8x8::contract::{
    Account, AccountStatus, AttributeValues, Change, Draft, Edits, Page, PageQuery, SettingValue,
    Value,
};
use connector_8x8::transport::{Header, Method, Request, Response, Transport, TransportFailure};

use crate::in_process::{BASE, Recorded};

/// Whoever opens connections that are answered in process.
pub(crate) struct Native {
    recorded: Recorded,
    settings: Vec<SettingValue>,
}

/// A connection without a host.
pub(crate) type Open = Connection<Answers>;

/// The recorded answers, as a host would hand them over.
pub(crate) struct Answers(Recorded);

impl Transport for Answers {
    fn send(&self, request: &Request) -> Result<Response, TransportFailure> {
        let method = match request.method {
            Method::Post => "POST",
            Method::Patch => "PATCH",
            _ => "GET",
        };
        let (status, body) = self.0.answer(method, &request.url);
        Ok(Response {
            status,
            headers: vec![Header {
                name: "content-type".to_owned(),
                value: "application/scim+json".to_owned(),
            }],
            body,
            retry_after_ms: None,
            earlier_attempt_lost: false,
        })
    }
}

impl Native {
    pub(crate) fn new(recorded: Recorded) -> Self {
        let settings = vec![SettingValue {
            name: "instance-url".to_owned(),
            value: BASE.to_owned(),
        }];
        Self { recorded, settings }
    }

    pub(crate) fn open(&self) -> Open {
        let answers = Answers(self.recorded.clone());
        Connection::open(&self.settings, None, answers).unwrap()
    }
}

pub(crate) fn draft(attributes: &[(&str, &str)]) -> Draft {
    Draft {
        status: AccountStatus::Active,
        attributes: attributes
            .iter()
            .map(|(name, value)| attribute(name, value))
            .collect(),
    }
}

pub(crate) fn set(name: &str, value: &str) -> Edits {
    Edits {
        status: None,
        changes: vec![Change::Set(attribute(name, value))],
        expected_version: None,
    }
}

fn attribute(name: &str, value: &str) -> AttributeValues {
    AttributeValues {
        name: name.to_owned(),
        values: vec![text(value)],
    }
}

pub(crate) fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub(crate) fn page(connection: &Open, cursor: Option<String>) -> Page {
    let limit = 100;
    connection.list(&PageQuery { cursor, limit }).unwrap()
}

pub(crate) fn everybody(connection: &Open) -> Vec<Account> {
    let mut first = page(connection, None);
    let mut accounts = std::mem::take(&mut first.accounts);
    let mut next = first.next;
    while next.is_some() {
        let page = page(connection, next);
        accounts.extend(page.accounts);
        next = page.next;
    }
    assert_eq!(accounts.len(), 1_000);
    accounts
}
