//! One recorded exchange, as a text that a person reads and edits, and back without loss.

use std::fmt::Write as _;
use std::time::Duration;

use super::layout::{self, Laid};
use crate::contract::{Header, Refusal, RefusalReason, TransportFailure};
use crate::trace::{ReceivedResponse, SentRequest};

/// What no line of a body may begin with.
const SECTIONS: [&str; 2] = ["< ", "! "];

/// What became of a request.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// An answer.
    Answered {
        response: ReceivedResponse,
        /// What `retry-after` came to, where it is a date: the wait depends on when it was read.
        retry_in: Option<Duration>,
    },
    /// None, and why.
    Failed(TransportFailure),
    /// Refused since the operation's time was up.
    OutOfTime(String),
}

/// One attempt of one request.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// Counts the operations of the recording from 1, as they began.
    pub(crate) operation: u32,
    /// `get`, `create` and so on.
    pub(crate) name: String,
    pub(crate) attempt: u32,
    /// Whether other operations were under way at the same time.
    pub(crate) beside_others: bool,
    /// RFC 3339.
    pub(crate) began: String,
    pub(crate) took: Duration,
    pub(crate) request: SentRequest,
    pub(crate) end: End,
}

impl Recorded {
    /// The request in a line.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.request.method, self.request.url)
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        let mut say = |name: &str, value: &str| {
            // Nothing can fail in writing to a text.
            let _ = writeln!(text, "{name}: {value}");
        };
        say("operation", &format!("{} {}", self.operation, self.name));
        say("attempt", &self.attempt.to_string());
        say("began", &self.began);
        say("took", &format!("{}ms", self.took.as_millis()));
        if self.beside_others {
            say("beside", "others");
        }
        if let End::Answered {
            retry_in: Some(wait),
            ..
        } = &self.end
        {
            say("retry-in", &format!("{}ms", wait.as_millis()));
        }
        let request = &self.request;
        let _ = writeln!(text, "\n> {} {}", request.method, request.url);
        header_lines(&mut text, '>', &request.headers);
        if let Some(body) = &request.body {
            body_lines(&mut text, body);
        }
        match &self.end {
            End::Answered { response, .. } => {
                let _ = writeln!(text, "< {}", response.status);
                header_lines(&mut text, '<', &response.headers);
                if !response.body.is_empty() {
                    body_lines(&mut text, &response.body);
                }
            }
            End::Failed(failure) => {
                let _ = writeln!(text, "! {}", failed(failure));
            }
            End::OutOfTime(message) => {
                let _ = writeln!(text, "! out-of-time: {}", in_one_line(message));
            }
        }
        text
    }

    /// Reads a file's text; an error names the line, from 1.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = Lines::of(text);
        let mut recorded = Self {
            operation: 0,
            name: String::new(),
            attempt: 0,
            beside_others: false,
            began: String::new(),
            took: Duration::ZERO,
            request: SentRequest {
                method: String::new(),
                url: String::new(),
                headers: Vec::new(),
                body: None,
            },
            end: End::OutOfTime(String::new()),
        };
        let retry_in = recorded.facts(&mut lines)?;
        recorded.sent(&mut lines)?;
        recorded.ended(&mut lines, retry_in)?;
        Ok(recorded)
    }

    /// The lines before the request.
    fn facts(&mut self, lines: &mut Lines<'_>) -> Result<Option<Duration>, String> {
        let mut retry_in = None;
        while let Some(line) = lines.next_unless(|line| line.starts_with("> ")) {
            if line.trim().is_empty() {
                continue;
            }
            let Some((name, value)) = line.split_once(": ") else {
                return Err(lines.error("expected `name: value`, or `> METHOD URL`"));
            };
            let read = match name {
                "operation" => value.split_once(' ').and_then(|(number, name)| {
                    self.name = name.to_owned();
                    self.operation = number.parse().ok()?;
                    Some(())
                }),
                "attempt" => number(value).map(|attempt| self.attempt = attempt),
                "began" => {
                    value.clone_into(&mut self.began);
                    Some(())
                }
                "took" => milliseconds(value).map(|took| self.took = took),
                "beside" => (value == "others").then(|| self.beside_others = true),
                "retry-in" => milliseconds(value).map(|wait| retry_in = Some(wait)),
                _ => {
                    return Err(lines.error(&format!(
                        "`{name}` is not known; there are operation, attempt, began, took, beside \
                         and retry-in"
                    )));
                }
            };
            if read.is_none() {
                return Err(lines.error(&format!("`{value}` is no value of `{name}`")));
            }
        }
        if self.operation == 0 || self.name.is_empty() || self.attempt == 0 {
            return Err(lines.error("`operation: NUMBER NAME` and `attempt: NUMBER` are missing"));
        }
        Ok(retry_in)
    }

    fn sent(&mut self, lines: &mut Lines<'_>) -> Result<(), String> {
        let first = lines.next().and_then(|line| line.strip_prefix("> "));
        let Some((method, url)) = first.and_then(|line| line.split_once(' ')) else {
            return Err(lines.error("expected `> METHOD URL`"));
        };
        self.request.method = method.to_owned();
        self.request.url = url.to_owned();
        self.request.headers = lines.headers("> ")?;
        self.request.body = lines.body()?;
        Ok(())
    }

    fn ended(&mut self, lines: &mut Lines<'_>, retry_in: Option<Duration>) -> Result<(), String> {
        let line = lines.next().unwrap_or_default();
        if let Some(failure) = line.strip_prefix("! ") {
            self.end = failure_of(failure).ok_or_else(|| {
                lines.error(
                    "expected `! no-answer: …`, or not-sent, withheld, out-of-time, too-large with \
                     a number of bytes, or refused with its reason",
                )
            })?;
        } else {
            let status = line.strip_prefix("< ").and_then(number);
            let Some(status @ 100..=999) = status else {
                return Err(lines.error(
                    "expected `< STATUS`, from 100 to 999, or `! ` and why there was no answer",
                ));
            };
            self.end = End::Answered {
                response: ReceivedResponse {
                    status,
                    headers: lines.headers("< ")?,
                    body: lines.body()?.unwrap_or_default(),
                },
                retry_in,
            };
        }
        match lines.next() {
            Some(_) => Err(lines.error("nothing is expected after the answer")),
            None => Ok(()),
        }
    }
}

fn header_lines(text: &mut String, mark: char, headers: &[Header]) {
    for header in headers {
        let _ = writeln!(text, "{mark} {}: {}", header.name, header.value);
    }
}

fn body_lines(text: &mut String, body: &[u8]) {
    let Laid { kind, text: laid } = layout::lay_out(body, &SECTIONS);
    let _ = writeln!(text, "= {kind}");
    if kind != "empty" {
        let _ = writeln!(text, "{laid}");
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

fn milliseconds(text: &str) -> Option<Duration> {
    number(text.trim().strip_suffix("ms")?).map(Duration::from_millis)
}

fn in_one_line(message: &str) -> String {
    message.replace(char::is_control, " ")
}

const REASONS: [(&str, RefusalReason); 9] = [
    ("origin", RefusalReason::Origin),
    ("path", RefusalReason::Path),
    ("method", RefusalReason::Method),
    ("header", RefusalReason::Header),
    ("credential", RefusalReason::Credential),
    ("address", RefusalReason::Address),
    ("budget", RefusalReason::Budget),
    ("dry-run", RefusalReason::DryRun),
    ("other", RefusalReason::Other),
];

fn failed(failure: &TransportFailure) -> String {
    let (what, message) = match failure {
        TransportFailure::Refused(refusal) => {
            let reason = REASONS
                .iter()
                .find(|(_, reason)| *reason == refusal.reason)
                .map_or("other", |(name, _)| name);
            return format!("refused {reason}: {}", in_one_line(&refusal.message));
        }
        TransportFailure::TooLarge(most) => return format!("too-large: {most}"),
        TransportFailure::NotSent(message) => ("not-sent", message),
        TransportFailure::NoAnswer(message) => ("no-answer", message),
        TransportFailure::Withheld(message) => ("withheld", message),
    };
    format!("{what}: {}", in_one_line(message))
}

fn failure_of(text: &str) -> Option<End> {
    let (what, message) = text.split_once(": ")?;
    let said = message.to_owned();
    Some(End::Failed(match what {
        "not-sent" => TransportFailure::NotSent(said),
        "no-answer" => TransportFailure::NoAnswer(said),
        "withheld" => TransportFailure::Withheld(said),
        "too-large" => TransportFailure::TooLarge(number(message)?),
        "out-of-time" => return Some(End::OutOfTime(said)),
        _ => {
            let name = what.strip_prefix("refused ")?;
            let (_, reason) = REASONS.iter().find(|(known, _)| *known == name)?;
            TransportFailure::Refused(Refusal {
                reason: *reason,
                message: said,
            })
        }
    }))
}

/// A file, line by line.
struct Lines<'a> {
    rest: Option<&'a str>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        // What follows the last line's end is no line.
        let text = text.strip_suffix('\n').unwrap_or(text);
        Self {
            rest: Some(text),
            number: 0,
        }
    }

    fn peek(&self) -> Option<&'a str> {
        let line = self.rest?.split('\n').next()?;
        // What an editor on Windows made of it; no body that holds such a thing is a text here.
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    fn next(&mut self) -> Option<&'a str> {
        let line = self.peek()?;
        self.rest = self.rest?.split_once('\n').map(|(_, rest)| rest);
        self.number += 1;
        Some(line)
    }

    fn next_unless(&mut self, stop: impl Fn(&str) -> bool) -> Option<&'a str> {
        match self.peek() {
            Some(line) if !stop(line) => self.next(),
            _ => None,
        }
    }

    fn headers(&mut self, mark: &str) -> Result<Vec<Header>, String> {
        let mut headers = Vec::new();
        while let Some(line) = self.next_unless(|line| !line.starts_with(mark)) {
            let line = line.strip_prefix(mark).unwrap_or(line);
            let Some((name, value)) = line.split_once(':') else {
                return Err(self.error("expected a header, `name: value`"));
            };
            let value = value.strip_prefix(' ').unwrap_or(value);
            let sound = reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok()
                && reqwest::header::HeaderValue::from_bytes(value.as_bytes()).is_ok();
            if !sound {
                return Err(self.error("this is no header that could be sent"));
            }
            headers.push(Header {
                name: name.to_ascii_lowercase(),
                value: value.to_owned(),
            });
        }
        Ok(headers)
    }

    /// A body and the blank lines after it, or the blank lines alone.
    fn body(&mut self) -> Result<Option<Vec<u8>>, String> {
        let ends = |line: &str| SECTIONS.iter().any(|section| line.starts_with(section));
        let blank = |line: &str| !line.trim().is_empty();
        let kind = loop {
            match self.peek() {
                Some(line) if line.trim().is_empty() => {
                    self.next();
                }
                Some(line) => match line.strip_prefix("= ") {
                    Some(kind) => break kind.trim(),
                    None => return Ok(None),
                },
                None => return Ok(None),
            }
        };
        self.next();
        let at = self.number;
        let mut lines = Vec::new();
        while let Some(line) = self.next_unless(ends) {
            lines.push(line);
        }
        let body = layout::bytes(kind, &lines.join("\n"))
            .map_err(|problem| format!("line {at}: {problem}"))?;
        while self.next_unless(blank).is_some() {}
        Ok(Some(body))
    }

    fn error(&self, what: &str) -> String {
        format!("line {}: {what}", self.number.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Header {
        Header {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    fn recorded(body: Option<&[u8]>, end: End) -> Recorded {
        Recorded {
            operation: 3,
            name: "create".to_owned(),
            attempt: 2,
            beside_others: true,
            began: "1970-01-01T00:00:01.500Z".to_owned(),
            took: Duration::from_millis(20),
            request: SentRequest {
                method: "POST".to_owned(),
                url: "https://h.example/Users?a=%20b".to_owned(),
                headers: vec![header("accept", "*/*"), header("prefer", " x ")],
                body: body.map(<[u8]>::to_vec),
            },
            end,
        }
    }

    fn answered(status: u16, body: &[u8]) -> End {
        End::Answered {
            response: ReceivedResponse {
                status,
                headers: vec![header("etag", "W/\"1\""), header("etag", "")],
                body: body.to_vec(),
            },
            retry_in: Some(Duration::from_millis(59_499)),
        }
    }

    #[test]
    fn an_exchange_reads_as_people_write_one() {
        let text = recorded(Some(br#"{"a":1}"#), answered(201, b"made\n")).to_text();
        let expected = "\
operation: 3 create
attempt: 2
began: 1970-01-01T00:00:01.500Z
took: 20ms
beside: others
retry-in: 59499ms

> POST https://h.example/Users?a=%20b
> accept: */*
> prefer:  x 
= json
{
  \"a\": 1
}
< 201
< etag: W/\"1\"
< etag: 
= text
made

";
        assert_eq!(text, expected);
    }

    #[test]
    fn whatever_is_written_is_read_back() {
        let refusal = |reason| {
            End::Failed(TransportFailure::Refused(Refusal {
                reason,
                message: "why: so".to_owned(),
            }))
        };
        let ends = [
            answered(200, b"{\"a\":[]}"),
            answered(204, b""),
            answered(599, b"\xff"),
            answered(200, b"! no\n< 100\n\n"),
            refusal(RefusalReason::Address),
            refusal(RefusalReason::DryRun),
            End::Failed(TransportFailure::NotSent("No connection: x.".to_owned())),
            End::Failed(TransportFailure::NoAnswer("cut".to_owned())),
            End::Failed(TransportFailure::TooLarge(7)),
            End::Failed(TransportFailure::Withheld("w".to_owned())),
            End::OutOfTime("late".to_owned()),
        ];
        let bodies: [Option<&[u8]>; 7] = [
            None,
            Some(b""),
            Some(b"\n"),
            Some(b"{\"a\":1}"),
            Some(b"text\n\n"),
            Some(b"< 200"),
            Some(&[0, 255]),
        ];
        for end in &ends {
            for body in bodies {
                let recorded = recorded(body, end.clone());
                let text = recorded.to_text();
                let read = Recorded::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
                assert_eq!(format!("{read:?}"), format!("{recorded:?}"), "{text}");
                let windows = Recorded::parse(&text.replace('\n', "\r\n")).unwrap();
                assert_eq!(format!("{windows:?}"), format!("{recorded:?}"));
            }
        }
    }

    #[test]
    fn a_damaged_file_is_refused_with_the_line() {
        let good = recorded(Some(br#"{"a":1}"#), answered(200, b"{}")).to_text();
        for (from, to, words) in [
            ("attempt: 2", "attempt: two", "line 2: `two` is no value"),
            ("attempt: 2\n", "", "`attempt: NUMBER` are missing"),
            ("took", "toke", "line 4: `toke` is not known"),
            ("> POST https", "POST https", "expected `name: value`"),
            ("> accept: */*", "> accept", "line 9: expected a header"),
            ("\"a\": 1", "\"a\": ", "line 11: the body is no JSON"),
            ("= json\n{\n", "= yaml\n{\n", "no kind of body"),
            ("< 200", "< 20", "expected `< STATUS`"),
            ("< 200", "! lost", "expected `! no-answer: …`"),
            ("= json\n{}\n", "{}\n", "nothing is expected after"),
        ] {
            assert!(good.contains(from), "{from}: {good}");
            let error = Recorded::parse(&good.replace(from, to)).unwrap_err();
            assert!(error.contains(words), "{from}: {error}");
        }
        for cut in 0..good.len() {
            // Never a panic.
            let _ = Recorded::parse(&good[..cut]);
        }
        assert!(Recorded::parse("").is_err());
    }
}
