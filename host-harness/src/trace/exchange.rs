//! One attempt of one request, as it is shown to people.

use std::time::{Duration, SystemTime};

use crate::contract::{Header, TransportFailure};

/// Stands where a secret, or a value that was to be left out, was.
pub const REDACTED: &str = "[redacted]";

/// One attempt of one request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exchange {
    /// The operation that it belongs to: `check`, `list`, `get`, `find`, `create`,
    /// `update`, `delete`.
    pub operation: &'static str,
    /// Counts from 1; above it, a retry.
    pub attempt: u32,
    /// When it began.
    pub started: SystemTime,
    /// Until the answer was whole, or there was none.
    pub duration: Duration,
    /// What was sent, with [`REDACTED`] for each secret.
    pub request: SentRequest,
    /// What came back, or why nothing did.
    pub result: Result<ReceivedResponse, TransportFailure>,
}

impl Exchange {
    /// When it began, as RFC 3339 in milliseconds; empty where the clock is far out.
    pub(crate) fn started_text(&self) -> String {
        time_text(self.started)
    }

    /// What became of a request without an answer, in one sentence for a person.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        Some(match self.result.as_ref().err()? {
            TransportFailure::Refused(refusal) => refusal.message.clone(),
            TransportFailure::NotSent(message) => format!("Not sent. {message}"),
            TransportFailure::NoAnswer(message) => format!("Sent, no answer. {message}"),
            TransportFailure::TooLarge(most) => {
                format!("The answer is larger than {most} bytes, the most that the host takes.")
            }
            TransportFailure::Withheld(message) => message.clone(),
        })
    }
}

/// The request of an [`Exchange`].
#[derive(Debug, Clone)]
pub struct SentRequest {
    /// `GET` and the like.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Header lines, those that the transport adds (such as `host`) excepted.
    pub headers: Vec<Header>,
    /// The body, where there was one.
    pub body: Option<Vec<u8>>,
}

/// The response of an [`Exchange`], as the connector got it.
#[derive(Debug, Clone)]
pub struct ReceivedResponse {
    /// The status.
    pub status: u16,
    /// Header lines, less those that connectors do not see.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Vec<u8>,
}

/// RFC 3339 in milliseconds; empty where the clock is far out.
pub(crate) fn time_text(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}
