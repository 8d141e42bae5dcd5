//! Faults to order: what goes wrong with the next request that matches. Each is used once.
//! Beside those that were ordered there may be a schedule that draws further ones.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use axum::http::{Method, StatusCode};

/// A fault waiting for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The method of the request that it strikes; any if none is given.
    pub method: Option<Method>,
    /// What goes wrong.
    pub effect: FaultEffect,
}

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultEffect {
    /// The connection is cut without a byte of an answer; nothing was done.
    CutBeforeCommit,
    /// The connection is cut without a byte of an answer; the request was carried out.
    CutAfterCommit,
    /// The request was carried out; the connection is cut after the head and half the body, or
    /// before the head where the answer has no body.
    CutMidAnswer,
    /// Another answer than the true one.
    Status {
        /// The status, 200 to 599.
        status: u16,
        /// Whether the request was carried out.
        committed: bool,
        /// Further headers, `Retry-After` for one.
        headers: Vec<(String, String)>,
        /// The body; a SCIM error with this status where it is empty and the status is 400 or
        /// above.
        body: String,
    },
    /// The request waits before it is carried out. If the sender goes away meanwhile, it never
    /// is.
    Delay(Duration),
    /// The request is carried out at once, and the answer waits.
    LateAnswer(Duration),
    /// A GET shows the state before the latest change. Waits for a GET whatever the method says.
    StaleRead,
    /// The answer is given, and the connection closes behind it without a word: the next
    /// request on it is cut before it is received.
    CutBeforeNext,
    /// The network delivers the request twice; it is carried out twice, and this is the answer.
    Twice(Delivery),
    /// Before a PATCH, PUT or DELETE of a user is carried out, somebody else gives the user
    /// another title. Waits for such a request whatever the method says.
    OtherWriter,
    /// An admin clears the token just before: 401 for everybody, until it is restored.
    TokenCleared,
}

/// One of two deliveries of the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The earlier one.
    First,
    /// The later one: something on the way lost the first answer and sent the request again.
    Last,
}

impl FaultEffect {
    /// What kind of fault it is, for counting.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CutBeforeCommit => "cut after the request",
            Self::CutAfterCommit => "cut after commit",
            Self::CutMidAnswer => "cut mid-answer",
            Self::Status {
                status: 429,
                headers,
                ..
            } => match headers.first() {
                Some((_, value)) if value.parse::<u32>().is_ok() => "429 for seconds",
                Some(_) => "429 until a date",
                None => "429",
            },
            Self::Status {
                status: 500..,
                committed: false,
                ..
            } => "5xx before commit",
            Self::Status { status: 500.., .. } => "5xx after commit",
            Self::Status { .. } => "another status",
            Self::Delay(_) => "delay",
            Self::LateAnswer(_) => "late answer",
            Self::StaleRead => "stale read",
            Self::CutBeforeNext => "cut before the request",
            Self::Twice(_) => "delivered twice",
            Self::OtherWriter => "another writer",
            Self::TokenCleared => "token cleared",
        }
    }

    /// Whether it can strike a request with this method.
    pub(super) fn suits(&self, method: &Method) -> bool {
        match self {
            Self::StaleRead => method == Method::GET,
            Self::OtherWriter => [Method::PATCH, Method::PUT, Method::DELETE].contains(method),
            _ => true,
        }
    }
}

/// As it is read, but for a date, which is shown instead of the wait, and a body.
impl fmt::Display for FaultEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutBeforeCommit => f.write_str("cut-before-commit"),
            Self::CutAfterCommit => f.write_str("cut-after-commit"),
            Self::CutMidAnswer => f.write_str("cut-mid-answer"),
            Self::Status {
                status,
                committed,
                headers,
                ..
            } => {
                let when = if *committed { "after" } else { "before" };
                write!(f, "{status}-{when}-commit")?;
                let waits = headers.iter().filter(|(name, _)| name == "retry-after");
                waits
                    .take(1)
                    .try_for_each(|(_, value)| write!(f, "-retry-after-{value}"))
            }
            Self::Delay(time) => write!(f, "delay-{}ms", time.as_millis()),
            Self::LateAnswer(time) => write!(f, "late-{}ms", time.as_millis()),
            Self::StaleRead => f.write_str("stale-read"),
            Self::CutBeforeNext => f.write_str("cut-before-next"),
            Self::Twice(Delivery::First) => f.write_str("twice"),
            Self::Twice(Delivery::Last) => f.write_str("twice-last-answer"),
            Self::OtherWriter => f.write_str("other-writer"),
            Self::TokenCleared => f.write_str("token-cleared"),
        }
    }
}

/// A fault that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableFault {
    /// The part before the colon names no method.
    #[error("`{0}` is no METHOD:EFFECT; METHOD is any, get, head, post, put, patch or delete")]
    Method(String),
    /// The part after the colon names no effect.
    #[error(
        "there is no fault `{0}`; there are cut-before-next, cut-before-commit, cut-after-commit, \
         cut-mid-answer, stale-read, twice, twice-last-answer, other-writer, token-cleared, \
         delay-2s, late-500ms, and a status from 200 to 599: 503 or 503-before-commit, \
         503-after-commit, each with -retry-after-5 or -retry-after-date-5 where wanted"
    )]
    Effect(String),
}

/// `post:cut-after-commit`, `post:503-after-commit`, `get:429-retry-after-2`, `any:delay-2s`.
impl FromStr for Fault {
    type Err = UnreadableFault;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let no_method = || UnreadableFault::Method(given.to_owned());
        let (method, effect) = given.trim().split_once(':').ok_or_else(no_method)?;
        let method = match method.to_ascii_lowercase().as_str() {
            "any" => None,
            "get" => Some(Method::GET),
            "head" => Some(Method::HEAD),
            "post" => Some(Method::POST),
            "put" => Some(Method::PUT),
            "patch" => Some(Method::PATCH),
            "delete" => Some(Method::DELETE),
            _ => return Err(no_method()),
        };
        let effect = effect
            .parse()
            .map_err(|()| UnreadableFault::Effect(effect.to_owned()))?;
        Ok(Self { method, effect })
    }
}

impl FromStr for FaultEffect {
    type Err = ();

    fn from_str(given: &str) -> Result<Self, ()> {
        match given {
            "cut-before-commit" => return Ok(Self::CutBeforeCommit),
            "cut-after-commit" => return Ok(Self::CutAfterCommit),
            "cut-mid-answer" => return Ok(Self::CutMidAnswer),
            "stale-read" => return Ok(Self::StaleRead),
            "cut-before-next" => return Ok(Self::CutBeforeNext),
            "twice" => return Ok(Self::Twice(Delivery::First)),
            "twice-last-answer" => return Ok(Self::Twice(Delivery::Last)),
            "other-writer" => return Ok(Self::OtherWriter),
            "token-cleared" => return Ok(Self::TokenCleared),
            _ => {}
        }
        if let Some(duration) = given.strip_prefix("delay-") {
            return Ok(Self::Delay(duration_named(duration).ok_or(())?));
        }
        if let Some(duration) = given.strip_prefix("late-") {
            return Ok(Self::LateAnswer(duration_named(duration).ok_or(())?));
        }
        let (given, headers) = match given.split_once("-retry-after-") {
            Some((given, wait)) => {
                let (seconds, dated) = match wait.strip_prefix("date-") {
                    Some(seconds) => (seconds, true),
                    None => (wait, false),
                };
                let seconds: u32 = seconds.trim_end_matches('s').parse().map_err(|_| ())?;
                (given, vec![retry_after(seconds, dated)])
            }
            None => (given, Vec::new()),
        };
        let (status, committed) = match given.strip_suffix("-after-commit") {
            Some(status) => (status, true),
            None => (given.strip_suffix("-before-commit").unwrap_or(given), false),
        };
        let status: u16 = status.parse().map_err(|_| ())?;
        if !(200..=599).contains(&status) || StatusCode::from_u16(status).is_err() {
            return Err(());
        }
        Ok(Self::Status {
            status,
            committed,
            headers,
            body: String::new(),
        })
    }
}

/// `Retry-After` in either of its forms (RFC 9110 §10.2.3); a date counts from now.
pub(super) fn retry_after(seconds: u32, dated: bool) -> (String, String) {
    let value = if dated {
        httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds.into()))
    } else {
        seconds.to_string()
    };
    ("retry-after".to_owned(), value)
}

/// `2s` or `500ms`, at most an hour.
fn duration_named(text: &str) -> Option<Duration> {
    let duration = if let Some(number) = text.strip_suffix("ms") {
        Duration::from_millis(number.parse().ok()?)
    } else {
        Duration::from_secs(text.strip_suffix('s')?.parse().ok()?)
    };
    (duration <= Duration::from_secs(3600)).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_the_command_line() {
        let status = |status, committed, headers| FaultEffect::Status {
            status,
            committed,
            headers,
            body: String::new(),
        };
        for (given, method, effect) in [
            (
                "post:cut-after-commit",
                Some(Method::POST),
                FaultEffect::CutAfterCommit,
            ),
            ("any:cut-mid-answer", None, FaultEffect::CutMidAnswer),
            (
                "POST:503-after-commit",
                Some(Method::POST),
                status(503, true, Vec::new()),
            ),
            (
                "patch:500",
                Some(Method::PATCH),
                status(500, false, Vec::new()),
            ),
            (
                "get:429-retry-after-2",
                Some(Method::GET),
                status(429, false, vec![("retry-after".into(), "2".into())]),
            ),
            (
                "any:delay-2s",
                None,
                FaultEffect::Delay(Duration::from_secs(2)),
            ),
            (
                "put:late-50ms",
                Some(Method::PUT),
                FaultEffect::LateAnswer(Duration::from_millis(50)),
            ),
            ("get:stale-read", Some(Method::GET), FaultEffect::StaleRead),
            (
                "post:twice-last-answer",
                Some(Method::POST),
                FaultEffect::Twice(Delivery::Last),
            ),
            ("any:token-cleared", None, FaultEffect::TokenCleared),
        ] {
            assert_eq!(given.parse(), Ok(Fault { method, effect }), "{given}");
        }
    }

    #[test]
    fn a_fault_is_shown_as_it_is_read() {
        for given in [
            "cut-before-next",
            "cut-before-commit",
            "cut-after-commit",
            "cut-mid-answer",
            "503-after-commit",
            "429-before-commit-retry-after-2",
            "delay-2000ms",
            "late-50ms",
            "stale-read",
            "twice",
            "twice-last-answer",
            "other-writer",
            "token-cleared",
        ] {
            let effect: FaultEffect = given.parse().unwrap();
            assert_eq!(effect.to_string(), given);
        }
    }

    #[test]
    fn retry_after_may_be_a_date() {
        let effect: FaultEffect = "429-retry-after-date-5".parse().unwrap();
        let FaultEffect::Status { headers, .. } = &effect else {
            panic!("{effect:?}");
        };
        assert!(headers[0].1.ends_with(" GMT"), "{headers:?}");
        assert_eq!(effect.kind(), "429 until a date");
    }

    #[test]
    fn what_is_no_fault_is_refused_with_what_there_is() {
        for given in [
            "",
            "503",
            "brew:503",
            "post:",
            "post:teapot",
            "post:99",
            "post:600",
            "any:delay-2",
            "any:delay-99999999999s",
            "get:429-retry-after-soon",
        ] {
            let error = given.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains("patch or delete") || error.contains("503-after-commit"));
        }
    }
}
