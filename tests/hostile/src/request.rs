//! Requests as a caller spells them: a line with method and URL, and lines with more.
//!
//! ```text
//! POST https://…
//! header if-match: "1"
//! headers 1000 x-claimed        so many lines, x-claimed-0 and on
//! credential api-token
//! credentials 1000 api-token    the same name so many times
//! body 1000                     of so many bytes
//! delay 10                      milliseconds
//! once                          not repeatable
//! ```
//!
//! `\r`, `\n`, `\0` and `\\` stand for the characters.

use crate::contract::http::{
    self, Header, Method, RefusalReason, Repeatability, Request, Response, TransportFailure,
};
use crate::contract::{Account, AccountStatus, Attribute, Failure, FailureKind, Value};
use crate::lies;

/// Sends it; the answer comes back as an account, with everything the guest saw of it.
pub(crate) fn run(script: &str) -> Result<Account, Failure> {
    let request = read(script)
        .ok_or_else(|| lies::failure(FailureKind::Other, &format!("no request: {script}")))?;
    match http::send(&request) {
        Ok(response) => Ok(shown(&response)),
        Err(failure) => Err(told(failure)),
    }
}

fn read(script: &str) -> Option<Request> {
    let mut lines = script.lines();
    let (method, url) = lines.next()?.split_once(' ')?;
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return None,
    };
    let mut request = Request {
        method,
        url: unescaped(url),
        headers: vec![],
        body: None,
        credentials: vec![],
        repeatability: Repeatability::Safe,
        delay_ms: 0,
    };
    for line in lines {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "header" => {
                let (name, value) = rest.split_once(": ")?;
                request.headers.push(header(name, value));
            }
            "headers" => {
                let (count, name) = rest.split_once(' ')?;
                let count: usize = count.parse().ok()?;
                let lines = (0..count).map(|number| header(&format!("{name}-{number}"), "1"));
                request.headers.extend(lines);
            }
            "credential" => request.credentials.push(rest.to_owned()),
            "credentials" => {
                let (count, name) = rest.split_once(' ')?;
                request.credentials = vec![name.to_owned(); count.parse().ok()?];
            }
            "body" => request.body = Some(vec![b'x'; rest.parse().ok()?]),
            "delay" => request.delay_ms = rest.parse().ok()?,
            "once" => request.repeatability = Repeatability::Once,
            _ => return None,
        }
    }
    Some(request)
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: unescaped(name),
        value: unescaped(value),
    }
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('r') => plain.push('\r'),
            Some('n') => plain.push('\n'),
            Some('0') => plain.push('\0'),
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

/// Everything that the guest saw of an answer; of a long one, the beginning.
fn shown(response: &Response) -> Account {
    let mut seen = String::new();
    for header in &response.headers {
        seen.push_str(&format!("{}: {}\n", header.name, header.value));
    }
    seen.push('\n');
    seen.push_str(&String::from_utf8_lossy(&response.body));
    let seen = seen.chars().take(4_000).collect();
    let attribute = |name: &str, value| Attribute {
        name: name.to_owned(),
        values: vec![value],
    };
    Account {
        id: "answer".to_owned(),
        status: AccountStatus::Active,
        attributes: vec![
            attribute("status", Value::Integer(response.status.into())),
            attribute("seen", Value::Text(seen)),
        ],
        version: None,
    }
}

fn told(failure: TransportFailure) -> Failure {
    let (kind, code, message) = match failure {
        TransportFailure::Refused(refusal) => (
            FailureKind::RefusedByHost,
            match refusal.reason {
                RefusalReason::Origin => "refused-origin",
                RefusalReason::Path => "refused-path",
                RefusalReason::Method => "refused-method",
                RefusalReason::Header => "refused-header",
                RefusalReason::Credential => "refused-credential",
                RefusalReason::Address => "refused-address",
                RefusalReason::Budget => "refused-budget",
                RefusalReason::DryRun => "refused-dry-run",
                RefusalReason::Other => "refused-other",
            },
            refusal.message,
        ),
        TransportFailure::NotSent(message) => (FailureKind::Unavailable, "not-sent", message),
        TransportFailure::NoAnswer(message) => (FailureKind::Unavailable, "no-answer", message),
        TransportFailure::TooLarge(most) => (
            FailureKind::MalformedAnswer,
            "too-large",
            format!("The answer has more than {most} bytes."),
        ),
        TransportFailure::Withheld(message) => (FailureKind::MalformedAnswer, "withheld", message),
    };
    Failure {
        code: Some(code.to_owned()),
        ..lies::failure(kind, &message)
    }
}
