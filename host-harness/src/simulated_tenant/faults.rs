//! Faults to order: what goes wrong with the next request that matches. Each is used once.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

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
}

/// A fault that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableFault {
    /// The part before the colon names no method.
    #[error("`{0}` is no METHOD:EFFECT; METHOD is any, get, head, post, put, patch or delete")]
    Method(String),
    /// The part after the colon names no effect.
    #[error(
        "there is no fault `{0}`; there are cut-before-commit, cut-after-commit, cut-mid-answer, \
         stale-read, delay-2s, late-500ms, and a status from 200 to 599: 503 or \
         503-before-commit, 503-after-commit, each with -retry-after-5 where wanted"
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
            _ => {}
        }
        if let Some(duration) = given.strip_prefix("delay-") {
            return Ok(Self::Delay(duration_named(duration).ok_or(())?));
        }
        if let Some(duration) = given.strip_prefix("late-") {
            return Ok(Self::LateAnswer(duration_named(duration).ok_or(())?));
        }
        let (given, headers) = match given.split_once("-retry-after-") {
            Some((given, seconds)) => {
                let seconds: u32 = seconds.trim_end_matches('s').parse().map_err(|_| ())?;
                (given, vec![("retry-after".to_owned(), seconds.to_string())])
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

/// `2s` or `500ms`, at most an hour.
fn duration_named(text: &str) -> Option<Duration> {
    let duration = if let Some(number) = text.strip_suffix("ms") {
        Duration::from_millis(number.parse().ok()?)
    } else {
        Duration::from_secs(text.strip_suffix('s')?.parse().ok()?)
    };
    (duration <= Duration::from_secs(3600)).then_some(duration)
}

/// The faults that wait, first come first served.
#[derive(Debug, Default)]
pub(super) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    /// The first fault that strikes a request with this method.
    pub(super) fn take(&mut self, method: &Method) -> Option<FaultEffect> {
        let position = self.0.iter().position(|fault| {
            fault.method.as_ref().is_none_or(|wanted| wanted == method)
                && (fault.effect != FaultEffect::StaleRead || method == Method::GET)
        })?;
        self.0.remove(position).map(|fault| fault.effect)
    }
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
        ] {
            assert_eq!(given.parse(), Ok(Fault { method, effect }), "{given}");
        }
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

    #[test]
    fn each_fault_strikes_once_and_only_what_it_matches() {
        let mut faults = Faults::default();
        for given in ["any:stale-read", "post:500", "any:cut-before-commit"] {
            faults.add(given.parse().unwrap());
        }
        assert_eq!(
            faults.take(&Method::PUT),
            Some(FaultEffect::CutBeforeCommit)
        );
        assert_eq!(faults.take(&Method::PUT), None);
        assert_eq!(faults.take(&Method::GET), Some(FaultEffect::StaleRead));
        assert_eq!(faults.take(&Method::GET), None);
        assert!(faults.take(&Method::POST).is_some());
    }
}
