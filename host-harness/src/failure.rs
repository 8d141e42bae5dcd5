//! The one error of this library. Whatever goes wrong between an operator's settings and
//! the upstream's answer is a [`Failure`]; none of its texts holds a secret.

use std::time::Duration;

use crate::contract::{self, FailureKind, Problem, RetryAdvice, UpstreamAnswer};
use crate::limits::Limit;
use crate::load_error::LoadError;
use crate::trace::SentRequest;

/// After whatever stopped an operation that had sent a write.
const MAY_HAVE_HAPPENED: &str =
    "A write was sent, and it may have happened: look before you repeat it.";

/// Why something was not done.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The connector says so, in the contract's terms.
    #[error("{}", .0.message)]
    Connector(Box<contract::Failure>),
    /// The connector trapped, panicked, or broke the contract. Its instance is gone.
    #[error("{message}")]
    ConnectorFault {
        /// What it did.
        message: String,
    },
    /// A limit of the sandbox stopped the connector.
    #[error("{message}")]
    LimitReached {
        /// Which one.
        limit: Limit,
        /// What happened, and which setting changes it.
        message: String,
    },
    /// The operation did not end in its time.
    #[error("{message}")]
    DeadlineExceeded {
        /// How long it had, and whether a write may have happened.
        message: String,
    },
    /// The operation was stopped before its end: because the host is going down, or by a program
    /// that stops operations by dropping them and still owes an answer.
    #[error("{message}")]
    Cancelled {
        /// What was done before, and what may have been.
        message: String,
        /// Whether a write was sent and not answered.
        unsettled: bool,
    },
    /// Settings, credentials or the connection file are wrong. Nothing was sent.
    #[error("{}", sentence(.problems))]
    InvalidSettings {
        /// Every problem that was found.
        problems: Vec<Problem>,
    },
    /// The component cannot be loaded.
    #[error(transparent)]
    Component(#[from] LoadError),
    /// The operation sent something else than was recorded
    /// ([`Replay`](crate::recording::Replay)), and so got no answer.
    #[error("{message}")]
    OtherThanRecorded {
        /// Where it differs, or what is not in the recording.
        message: String,
    },
    /// This is a dry run, and the operation was about to write.
    #[error("Dry run: {} {} was not sent.", .0.method, .0.url)]
    DryRun(Box<SentRequest>),
}

impl Failure {
    /// The kind, in kebab-case: the contract's, or one of the host's own
    /// (`connector-fault`, `limit-reached`, `deadline-exceeded`, `cancelled`,
    /// `other-than-recorded`, `dry-run`).
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connector(failure) => kind_name(failure.kind),
            Self::ConnectorFault { .. } => "connector-fault",
            Self::LimitReached { .. } => "limit-reached",
            Self::DeadlineExceeded { .. } => "deadline-exceeded",
            Self::Cancelled { .. } => "cancelled",
            // Which component to run is the operator's to say, like a setting.
            Self::InvalidSettings { .. } | Self::Component(_) => "invalid-settings",
            Self::OtherThanRecorded { .. } => "other-than-recorded",
            Self::DryRun(_) => "dry-run",
        }
    }

    /// The connector's own finer code; `component` where the component is at fault.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Connector(failure) => failure.code.as_deref(),
            Self::Component(_) => Some("component"),
            _ => None,
        }
    }

    /// What happened and what to do, for a person.
    #[must_use]
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// One for each thing at fault, where they can be told apart.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Connector(failure) => &failure.problems,
            Self::InvalidSettings { problems } => problems,
            _ => &[],
        }
    }

    /// Whether and when trying again is worth it.
    #[must_use]
    pub fn retry(&self) -> RetryAdvice {
        match self {
            Self::Connector(failure) => failure.retry,
            Self::Cancelled {
                unsettled: false, ..
            } => RetryAdvice::AfterMs(0),
            Self::Cancelled { .. } => RetryAdvice::AfterRepair,
            Self::DeadlineExceeded { .. }
            | Self::InvalidSettings { .. }
            | Self::LimitReached { .. }
            | Self::OtherThanRecorded { .. }
            | Self::Component(_) => RetryAdvice::AfterRepair,
            Self::ConnectorFault { .. } | Self::DryRun(_) => RetryAdvice::Never,
        }
    }

    /// The account that stands in the way, or that was left behind.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.contract()?.account.as_deref()
    }

    /// What the upstream answered.
    #[must_use]
    pub fn upstream(&self) -> Option<&UpstreamAnswer> {
        self.contract()?.upstream.as_ref()
    }

    /// The limit that was reached.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        match self {
            Self::LimitReached { limit, .. } => Some(*limit),
            _ => None,
        }
    }

    /// The connector's failure, if it is one.
    #[must_use]
    pub fn contract(&self) -> Option<&contract::Failure> {
        match self {
            Self::Connector(failure) => Some(failure),
            _ => None,
        }
    }

    /// Says of a fault or a limit in the middle of an operation what it leaves open.
    pub(crate) fn after(mut self, wrote: bool) -> Self {
        if wrote
            && let Self::ConnectorFault { message } | Self::LimitReached { message, .. } = &mut self
        {
            message.push(' ');
            message.push_str(MAY_HAVE_HAPPENED);
        }
        self
    }

    /// The operation `name` did not end in its time.
    pub(crate) fn out_of_time(name: &str, time: Duration, wrote: bool) -> Self {
        let consequence = if wrote {
            MAY_HAVE_HAPPENED
        } else {
            "Nothing was written."
        };
        Self::DeadlineExceeded {
            message: format!(
                "`{name}` did not end within {time:?}; `operation-timeout` under [network] in the \
                 connection file decides. {consequence}"
            ),
        }
    }
}

/// Every problem in a sentence that names what is at fault.
fn sentence(problems: &[Problem]) -> String {
    if problems.is_empty() {
        return "The settings are not valid.".to_owned();
    }
    let named = problems.iter().map(|problem| {
        let Problem { name, message, .. } = problem;
        // The command line's own are of the command as a whole.
        if message.contains(name.as_str()) || name == "command" {
            message.clone()
        } else {
            format!("{name}: {message}")
        }
    });
    named.collect::<Vec<_>>().join(" ")
}

/// The contract's name of a kind.
pub(crate) fn kind_name(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidSettings => "invalid-settings",
        FailureKind::InvalidAccount => "invalid-account",
        FailureKind::InvalidCursor => "invalid-cursor",
        FailureKind::Unauthenticated => "unauthenticated",
        FailureKind::Forbidden => "forbidden",
        FailureKind::NotFound => "not-found",
        FailureKind::AlreadyExists => "already-exists",
        FailureKind::HeldElsewhere => "held-elsewhere",
        FailureKind::Ambiguous => "ambiguous",
        FailureKind::PreconditionFailed => "precondition-failed",
        FailureKind::RateLimited => "rate-limited",
        FailureKind::QuotaExceeded => "quota-exceeded",
        FailureKind::Unsupported => "unsupported",
        FailureKind::Unavailable => "unavailable",
        FailureKind::OutcomeUnknown => "outcome-unknown",
        FailureKind::MalformedAnswer => "malformed-answer",
        FailureKind::RefusedByHost => "refused-by-host",
        FailureKind::Other => "other",
    }
}
