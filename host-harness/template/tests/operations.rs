//! The operations natively: a script answers in the place of the network.

use std::cell::RefCell;

use sample_connector::connection::Connection;
use sample_connector::contract::{Account, AccountStatus, Attribute, Draft};
use sample_connector::contract::{Failure, SettingValue, Value};
use sample_connector::exchange::{Method, Request, Response, Transport, TransportFailure};

type Sent = Result<Response, TransportFailure>;

/// Answers from last to first, and what was asked.
struct Script {
    answers: RefCell<Vec<Sent>>,
    asked: RefCell<Vec<(Method, String)>>,
}

impl Transport for &Script {
    fn send(&self, request: &Request) -> Sent {
        self.asked
            .borrow_mut()
            .push((request.method, request.url.clone()));
        let next = self.answers.borrow_mut().pop();
        next.expect("an answer for each request")
    }
}

fn answer(status: u16, body: &str) -> Sent {
    Ok(Response {
        status,
        headers: Vec::new(),
        body: body.into(),
        retry_after_ms: None,
        earlier_attempt_lost: false,
    })
}

const ADA: &str = r#"{"id": "7", "active": true, "email": "ada@example.com", "name": "Ada"}"#;

/// Creates Ada, with these answers: how it ends, and how often a contact was asked for.
fn create(answers: Vec<Sent>) -> (Result<Account, Box<Failure>>, usize) {
    let script = Script {
        answers: RefCell::new(answers.into_iter().rev().collect()),
        asked: RefCell::default(),
    };
    let settings = [SettingValue {
        name: "api-url".into(),
        value: "https://contacts.example/api/".into(),
    }];
    let connection = Connection::open(&settings, &script).expect("good settings");
    let attribute = |name: &str, value: &str| Attribute {
        name: name.into(),
        values: vec![Value::Text(value.into())],
    };
    let made = connection.create(&Draft {
        status: AccountStatus::Active,
        attributes: vec![
            attribute("email", "ada@example.com"),
            attribute("name", "Ada"),
        ],
    });
    let posts = script.asked.borrow();
    let posts = posts.iter().filter(|(method, _)| *method == Method::Post);
    (made.map(|outcome| outcome.account), posts.count())
}

#[test]
fn a_new_contact_is_the_one_that_the_answer_shows() {
    let (made, posts) = create(vec![answer(201, ADA)]);
    assert_eq!((made.expect("made").id.as_str(), posts), ("7", 1));
}

#[test]
fn a_create_whose_answer_is_lost_is_looked_for_and_never_sent_twice() {
    let page = format!(r#"{{"contacts": [{ADA}], "next": null}}"#);
    let nobody = r#"{"contacts": [], "next": null}"#;
    let lost = || Err(TransportFailure::NoAnswer("cut off".into()));
    let (made, posts) = create(vec![lost(), answer(200, nobody), answer(200, &page)]);
    assert_eq!((made.expect("found").id.as_str(), posts), ("7", 1));

    let unseen = (0..4).map(|_| answer(200, nobody));
    let (made, posts) = create([lost()].into_iter().chain(unseen).collect());
    assert_eq!(posts, 1);
    assert_eq!(
        made.expect_err("not known").code.as_deref(),
        Some("answer-lost")
    );
}
