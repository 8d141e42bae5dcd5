//! Failures, and what a status means where the service says no more. A message tells what
//! happened, to what, and what to do; it holds at most a short and cleaned piece of the
//! service's own words.

use crate::contract::http::{RefusalReason, Response, TransportFailure};
use crate::contract::{Failure, FailureKind, Problem, RetryAdvice, UpstreamAnswer};
use crate::service::TITLE;

/// Large, so it travels in a box.
pub type Failed = Box<Failure>;

/// What the service was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Whether settings and credential are good.
    Check,
    /// A page of all accounts.
    List,
    /// The accounts that have a value.
    Search,
    /// One account by its id.
    Get,
    /// A new account.
    Create,
    /// A change of an account.
    Update,
    /// An account's end.
    Delete,
}

impl Asked {
    fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Delete)
    }

    fn to(self) -> &'static str {
        match self {
            Self::Check => "say who is asking",
            Self::List => "list accounts",
            Self::Search => "look for an account",
            Self::Get => "show the account",
            Self::Create => "create the account",
            Self::Update => "change the account",
            Self::Delete => "delete the account",
        }
    }
}

/// A failure with nothing but a kind and a sentence.
#[must_use]
pub fn failure(kind: FailureKind, message: impl Into<String>) -> Failed {
    Box::new(Failure {
        kind,
        code: None,
        message: message.into(),
        problems: Vec::new(),
        retry: RetryAdvice::Never,
        account: None,
        upstream: None,
    })
}

/// A problem: the setting or attribute at fault, a code, a sentence.
#[must_use]
pub fn problem(name: &str, code: &str, message: impl Into<String>) -> Problem {
    Problem {
        name: name.to_owned(),
        code: code.to_owned(),
        message: message.into(),
    }
}

/// `invalid-account` or `invalid-settings`, with every problem at once.
#[must_use]
pub fn invalid(kind: FailureKind, problems: Vec<Problem>) -> Failed {
    let sentences: Vec<_> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.name, problem.message))
        .collect();
    let mut failed = failure(kind, sentences.join(" "));
    failed.problems = problems;
    failed.retry = RetryAdvice::AfterRepair;
    failed
}

/// An answer without success. `own` is what the service's own code means, where it gave one
/// that is known; else the status decides (RFC 9110 §15). A kind that the contract does not
/// have for what was asked is `other`, whoever said it.
#[must_use]
pub fn refusal(
    asked: Asked,
    response: &Response,
    own: Option<FailureKind>,
    code: Option<&str>,
    message: Option<&str>,
) -> Failed {
    use FailureKind as Kind;
    use RetryAdvice::{AfterMs, AfterRepair, Never};

    let kind = own.unwrap_or_else(|| by_status(asked, response.status));
    let kind = if fits(asked, kind) { kind } else { Kind::Other };
    let wait = |otherwise| AfterMs(response.retry_after_ms.unwrap_or(otherwise));
    let (retry, meaning) = match kind {
        Kind::InvalidSettings => (
            AfterRepair,
            "is not at this address: look at the settings again",
        ),
        Kind::InvalidAccount => (AfterRepair, "did not accept the values"),
        Kind::InvalidCursor => (Never, "does not know this page any more: start over"),
        Kind::Unauthenticated => (AfterRepair, "does not accept the credential"),
        Kind::Forbidden => (AfterRepair, "does not let this credential do it"),
        Kind::NotFound => (Never, "has no such account"),
        Kind::AlreadyExists | Kind::HeldElsewhere => (
            AfterRepair,
            "has an account with one of these values already",
        ),
        Kind::PreconditionFailed => (AfterMs(0), "holds another state by now"),
        Kind::RateLimited => (wait(60_000), "asks for fewer requests"),
        Kind::QuotaExceeded => (AfterRepair, "has nothing left for it"),
        Kind::Unavailable => (wait(5_000), "could not"),
        Kind::Unsupported => (Never, "does not serve such a request"),
        _ => (Never, "did not"),
    };
    let words = message.map(|words| cleaned(words, 160)).unwrap_or_default();
    let words = if words.is_empty() {
        response.status.to_string()
    } else {
        format!("{}: {words}", response.status)
    };
    let mut failed = failure(
        kind,
        format!(
            "{TITLE} was asked to {} and {meaning} ({words}).",
            asked.to()
        ),
    );
    failed.retry = retry;
    failed.upstream = Some(UpstreamAnswer {
        status: response.status,
        code: code.map(|code| cleaned(code, 64)),
        request_id: header(response, "x-request-id").map(|id| cleaned(id, 128)),
    });
    failed
}

/// What a status means by itself. A 404 is never `not-found`: a gateway says it too, so only
/// the service's own words may mean an account.
fn by_status(asked: Asked, status: u16) -> FailureKind {
    match status {
        300..=399 | 404 | 410 => FailureKind::InvalidSettings,
        400 | 413 | 422 if asked.writes() => FailureKind::InvalidAccount,
        401 => FailureKind::Unauthenticated,
        402 => FailureKind::QuotaExceeded,
        403 => FailureKind::Forbidden,
        405 | 406 | 415 | 501 => FailureKind::Unsupported,
        412 => FailureKind::PreconditionFailed,
        429 => FailureKind::RateLimited,
        408 | 425 | 500.. => FailureKind::Unavailable,
        _ => FailureKind::Other,
    }
}

/// Whether what was asked for may end so; `wit/accounts.wit` has it.
fn fits(asked: Asked, kind: FailureKind) -> bool {
    use FailureKind as Kind;

    match kind {
        Kind::InvalidCursor => asked == Asked::List,
        Kind::NotFound => matches!(asked, Asked::Get | Asked::Update | Asked::Delete),
        Kind::InvalidAccount => asked.writes(),
        Kind::AlreadyExists | Kind::HeldElsewhere | Kind::QuotaExceeded => {
            matches!(asked, Asked::Create | Asked::Update)
        }
        Kind::PreconditionFailed => asked == Asked::Update,
        _ => true,
    }
}

/// A success whose body is not what was asked for.
#[must_use]
pub fn malformed(asked: Asked, response: &Response, what: &str) -> Failed {
    let mut failed = failure(
        FailureKind::MalformedAnswer,
        format!(
            "{TITLE} was asked to {} and answered with {what}.",
            asked.to()
        ),
    );
    failed.retry = RetryAdvice::AfterRepair;
    failed.upstream = Some(UpstreamAnswer {
        status: response.status,
        code: None,
        request_id: header(response, "x-request-id").map(|id| cleaned(id, 128)),
    });
    failed
}

/// No answer, of a read or of a write that was not sent.
#[must_use]
pub fn unanswered(asked: Asked, failed: &TransportFailure) -> Failed {
    let unavailable = |why: &str| {
        let message = format!("{TITLE} was asked to {} and did not: {why}", asked.to());
        let mut failed = failure(FailureKind::Unavailable, message);
        failed.retry = RetryAdvice::AfterMs(5_000);
        failed
    };
    match failed {
        TransportFailure::Refused(refusal) => {
            let mut failed = failure(FailureKind::RefusedByHost, refusal.message.clone());
            failed.code = Some(reason(refusal.reason).to_owned());
            failed.retry = RetryAdvice::AfterRepair;
            failed
        }
        TransportFailure::NotSent(why) | TransportFailure::NoAnswer(why) => unavailable(why),
        TransportFailure::TooLarge(limit) => failure(
            FailureKind::MalformedAnswer,
            format!("{TITLE} answered with more than {limit} bytes."),
        ),
        TransportFailure::Withheld(why) => failure(
            FailureKind::MalformedAnswer,
            format!("The host withholds the answer of {TITLE}: {why}"),
        ),
    }
}

fn reason(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::Origin => "origin",
        RefusalReason::Path => "path",
        RefusalReason::Method => "method",
        RefusalReason::Header => "header",
        RefusalReason::Credential => "credential",
        RefusalReason::Address => "address",
        RefusalReason::Budget => "budget",
        RefusalReason::DryRun => "dry-run",
        RefusalReason::Other => "other",
    }
}

/// Said where a write may have happened, and reading did not show it.
#[must_use]
pub fn outcome_unknown(asked: Asked, lost: &Failure, id: Option<&str>) -> Failed {
    let mut failed = failure(
        FailureKind::OutcomeUnknown,
        format!(
            "Whether {TITLE} did {} is not known: it was asked to, its answer settles nothing, \
             and reading did not show the effect, which may still come. Look again before asking \
             again. ({})",
            asked.to(),
            lost.message.trim_end_matches('.')
        ),
    );
    failed.code = Some("answer-lost".to_owned());
    failed.retry = RetryAdvice::AfterMs(60_000);
    failed.account = id.map(str::to_owned);
    failed.upstream.clone_from(&lost.upstream);
    failed
}

/// A response header; names come in lower case.
#[must_use]
pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut headers = response.headers.iter();
    let found = headers.find(|header| header.name == name)?;
    Some(&found.value)
}

/// A piece of somebody else's words: so many characters, without those that steer a terminal.
#[must_use]
pub fn cleaned(text: &str, most: usize) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(most)
        .collect::<String>()
        .trim()
        .to_owned()
}
