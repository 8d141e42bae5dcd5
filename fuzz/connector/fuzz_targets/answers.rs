//! Every operation on answers of any status, header and body: it ends, within bounds, in what the
//! contract lets it end in, and names nobody whom the answers did not name.
//!
//! The input: a line that chooses the operation and the settings, then answers, parted by a line
//! `---`, the first line of each being its status and the `Location`, the rest its body.

#![no_main]

use std::cell::{Cell, RefCell};

use connector_8x8::account::is_id;
use connector_8x8::connection::Connection;
use connector_8x8::contract::{
    Account, AccountStatus, AttributeValues, Change, Deletion, Draft, Edits, Failure, FailureKind,
    PageQuery, SettingValue, Value,
};
use connector_8x8::transport::{
    Header, Method, Request, Response, Transport, TransportFailure,
};
use libfuzzer_sys::fuzz_target;

const BASE: &str = "https://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2";

struct Upstream {
    answers: RefCell<Vec<Result<Response, TransportFailure>>>,
    sent: Cell<usize>,
    writes: Cell<usize>,
    reads_only: bool,
}

impl Transport for &Upstream {
    fn send(&self, request: &Request) -> Result<Response, TransportFailure> {
        self.sent.set(self.sent.get() + 1);
        // Two looks at two keys, each a search and a scan of 50 pages, are the most.
        assert!(self.sent.get() < 500, "it asks for ever");
        assert!(request.url.starts_with(BASE) && request.url.is_ascii(), "{}", request.url);
        let below = &request.url[BASE.len()..];
        assert!(below.starts_with("/Users") || below == "/ServiceProviderConfig", "{below}");
        if request.method != Method::Get {
            assert!(!self.reads_only, "a reading operation writes");
            self.writes.set(self.writes.get() + 1);
            if request.method == Method::Delete {
                assert_eq!(below, "/Users/17");
            }
        }
        for header in &request.headers {
            assert!(!header.value.contains(['\r', '\n', '\0']), "a header of two lines");
        }
        let mut answers = self.answers.borrow_mut();
        if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers.first().cloned().unwrap_or(Err(TransportFailure::NoAnswer("cut".into())))
        }
    }
}

fn read(answer: &[u8]) -> Result<Response, TransportFailure> {
    let line = answer.iter().position(|byte| *byte == b'\n').unwrap_or(answer.len());
    let (head, body) = answer.split_at(line);
    let head = String::from_utf8_lossy(head);
    let mut words = head.splitn(3, ' ');
    let status: u16 = match words.next().unwrap_or_default() {
        "cut" => return Err(TransportFailure::NoAnswer("cut".into())),
        "large" => return Err(TransportFailure::TooLarge(1)),
        status => status.parse().unwrap_or(200),
    };
    let flag = words.next().unwrap_or_default();
    let location = words.next().map(|value| Header {
        name: "location".into(),
        value: value.into(),
    });
    Ok(Response {
        status,
        headers: location.into_iter().collect(),
        body: body.strip_prefix(b"\n").unwrap_or(body).to_vec(),
        retry_after_ms: flag.parse().ok(),
        earlier_attempt_lost: flag == "lost",
    })
}

fn text(name: &str, value: &str) -> AttributeValues {
    AttributeValues {
        name: name.into(),
        values: vec![Value::Text(value.into())],
    }
}

fn judge(account: &Account) {
    assert!(is_id(&account.id), "no id: {:?}", account.id);
    for (at, attribute) in account.attributes.iter().enumerate() {
        let again = account.attributes[..at].iter().any(|one| one.name == attribute.name);
        assert!(!again && attribute.values.len() == 1, "{} twice", attribute.name);
        let Value::Text(value) = &attribute.values[0] else {
            panic!("{} is no text", attribute.name);
        };
        assert!(!value.trim().is_empty(), "{} is empty", attribute.name);
    }
}

fn has_name(account: &Account) {
    let named = account.attributes.iter().any(|one| {
        one.name == "userName"
            && matches!(&one.values[0], Value::Text(name) if name.trim().eq_ignore_ascii_case("ada@example.com"))
    });
    assert!(named, "an account of another person: {account:?}");
}

fn judge_failure(failed: &Failure) {
    let message = &failed.message;
    assert!(!message.is_empty() && message.chars().count() < 2_000, "{message}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
    assert!(failed.account.as_deref().is_none_or(is_id), "{:?}", failed.account);
}

fuzz_target!(|input: &[u8]| {
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let choice = &input[..line];
    let operation = choice.first().copied().unwrap_or_default();
    let method = match choice.get(1) {
        Some(b'p') => "patch",
        Some(b'u') => "put",
        _ => "auto",
    };
    let bytes = input.get(line + 1..).unwrap_or_default();
    let mut answers = Vec::new();
    let mut start = 0;
    for at in 0..bytes.len() {
        if bytes[at..].starts_with(b"\n---\n") {
            answers.push(read(&bytes[start.min(at)..at]));
            start = at + 5;
        }
    }
    answers.push(read(bytes.get(start..).unwrap_or_default()));
    let upstream = Upstream {
        answers: RefCell::new(answers),
        sent: Cell::new(0),
        writes: Cell::new(0),
        reads_only: matches!(operation, b'c' | b'l' | b'g' | b'f' | b'e'),
    };
    let settings = [("instance-url", BASE), ("update-method", method)].map(|(name, value)| {
        SettingValue {
            name: name.into(),
            value: value.into(),
        }
    });
    let note = choice.get(2..).map(|note| String::from_utf8_lossy(note).into_owned());
    let connection = Connection::open(&settings, note.as_deref(), &upstream).expect("good settings");
    let ended = match operation {
        b'l' => {
            let mut cursor = None;
            let mut ended = Ok(());
            for _ in 0..4 {
                match connection.list(&PageQuery { cursor: cursor.clone(), limit: 3 }) {
                    Ok(page) => {
                        assert!(page.accounts.len() <= 3, "a page that is too long");
                        page.accounts.iter().for_each(judge);
                        assert!(page.next.as_ref().is_none_or(|next| next.len() <= 4_096));
                        assert!(page.next.is_none() || page.next != cursor, "its own cursor");
                        cursor = page.next;
                    }
                    Err(failed) => {
                        ended = Err(failed);
                        break;
                    }
                }
                if cursor.is_none() {
                    break;
                }
            }
            ended
        }
        b'g' => connection.get("17").map(|account| {
            judge(&account);
            assert_eq!(account.id, "17");
        }),
        b'f' => connection.find("userName", &Value::Text("Ada@example.com".into())).map(|found| {
            if let Some(account) = &found {
                judge(account);
                has_name(account);
            }
        }),
        b'e' => connection.find("externalId", &Value::Text("E-17".into())).map(|_| ()),
        b'n' => {
            let draft = Draft {
                status: AccountStatus::Active,
                attributes: vec![
                    text("userName", "ada@example.com"),
                    text("givenName", "Ada"),
                    text("familyName", "Lovelace"),
                    text("workEmail", "ada@example.com"),
                    text("externalId", "E-17"),
                ],
            };
            let ended = connection.create(&draft).map(|outcome| {
                judge(&outcome.account);
                has_name(&outcome.account);
                assert_eq!(outcome.account.status, AccountStatus::Active);
            });
            assert!(upstream.writes.get() <= 2, "created twice");
            ended
        }
        b'u' | b'a' | b'd' => {
            let status = match operation {
                b'a' => Some(AccountStatus::Active),
                b'd' => Some(AccountStatus::Inactive),
                _ => None,
            };
            let changes = if operation == b'u' {
                vec![
                    Change::Set(text("title", "Countess")),
                    Change::Set(text("mobilePhone", "+44 7700 900123")),
                    Change::Clear("department".into()),
                    Change::Set(text("site", "London")),
                ]
            } else {
                Vec::new()
            };
            let edits = Edits {
                status,
                changes,
                expected_version: None,
            };
            connection.update("17", &edits).map(|outcome| {
                judge(&outcome.account);
                assert_eq!(outcome.account.id, "17");
                assert!(status.is_none_or(|status| status == outcome.account.status));
            })
        }
        b'x' => connection.delete("17").map(|deletion| {
            if let Deletion::Kept(outcome) = deletion {
                assert_eq!(outcome.account.id, "17");
                assert_eq!(outcome.account.status, AccountStatus::Inactive);
            }
        }),
        _ => connection.check().map(|_| ()),
    };
    if let Err(failed) = &ended {
        judge_failure(failed);
        if upstream.reads_only {
            assert!(
                !matches!(failed.kind, FailureKind::OutcomeUnknown | FailureKind::InvalidAccount
                    | FailureKind::PreconditionFailed | FailureKind::QuotaExceeded
                    | FailureKind::AlreadyExists | FailureKind::HeldElsewhere),
                "{:?} of a read",
                failed.kind
            );
        }
    }
    assert!(connection.learned().is_none_or(|note| note.len() <= 1_024));
});
