//! Text that may be handed to the guest, a log or a trace.
//!
//! An upstream, a proxy or a resolver can put what it was sent into whatever text of its own a
//! library then shows: the debug data of HTTP/2, the names in a certificate, a reason phrase. So
//! what says why there is no answer is a [`SafeText`] and not a `String`, and there are two ways to
//! make one: of our own words and numbers, and of foreign ones that are scrubbed and cleaned.

use std::fmt;
use std::time::Duration;

use super::scrub::Scrubber;
use crate::contract::{Refusal, TransportFailure};
use crate::mitigation::Mitigation;
use crate::sandbox::clean;

/// Bytes of a foreign text that are kept.
const MOST_FOREIGN: usize = 300;

/// Our own words, and foreign ones without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SafeText(String);

impl SafeText {
    /// Our own words.
    pub(super) fn ours(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// What somebody else says, without secrets, short and on one line.
    pub(super) fn foreign(text: &str, secrets: &Scrubber) -> Self {
        if !Mitigation::SafeText.is_on() {
            return Self(text.to_owned());
        }
        // Scrubbed before it is cut or cleaned, since either could hide a secret from the search.
        let scrubbed = secrets.scrub_text(text.to_owned());
        Self(clean(&scrubbed, MOST_FOREIGN))
    }

    /// And more of it.
    pub(super) fn and(mut self, more: impl Into<Self>) -> Self {
        self.0.push_str(&more.into().0);
        self
    }
}

impl From<&'static str> for SafeText {
    fn from(text: &'static str) -> Self {
        Self::ours(text)
    }
}

impl From<Duration> for SafeText {
    fn from(duration: Duration) -> Self {
        Self(format!("{duration:?}"))
    }
}

impl From<u32> for SafeText {
    fn from(number: u32) -> Self {
        Self(number.to_string())
    }
}

/// The names that RFC 9113, §7 gives. A number of the peer's choice has room for four bytes of a
/// secret, each time.
impl From<h2::Reason> for SafeText {
    fn from(reason: h2::Reason) -> Self {
        let known = u32::from(reason) <= u32::from(h2::Reason::HTTP_1_1_REQUIRED);
        if !known && Mitigation::SafeText.is_on() {
            return Self::ours("an unknown code");
        }
        Self(format!("{reason:?}"))
    }
}

/// The name that RFC 8446, §6 gives.
impl From<rustls::AlertDescription> for SafeText {
    fn from(alert: rustls::AlertDescription) -> Self {
        match alert {
            rustls::AlertDescription::Unknown(_) if Mitigation::SafeText.is_on() => {
                Self::ours("an unknown alert")
            }
            known => Self(format!("{known:?}")),
        }
    }
}

/// What the operating system calls it.
impl From<std::io::ErrorKind> for SafeText {
    fn from(kind: std::io::ErrorKind) -> Self {
        Self(kind.to_string())
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a request has no answer that a guest may see: the contract's
/// [`TransportFailure`], with texts that cannot be anybody else's.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Unanswered {
    /// By the policy or a limit, before anything was sent. The host's own words.
    Refused(Refusal),
    NotSent(SafeText),
    NoAnswer(SafeText),
    TooLarge(u32),
    Withheld(SafeText),
}

impl Unanswered {
    /// As the contract has it: the one place where such a text becomes a `String`. A refusal's
    /// message is the host's, with the name of the host or an embedder's word on a credential in
    /// it, and is looked through once more.
    pub(super) fn told(self, secrets: &Scrubber) -> TransportFailure {
        match self {
            Self::Refused(mut refusal) => {
                refusal.message = secrets.scrub_text(refusal.message);
                TransportFailure::Refused(refusal)
            }
            Self::NotSent(text) => TransportFailure::NotSent(text.0),
            Self::NoAnswer(text) => TransportFailure::NoAnswer(text.0),
            Self::TooLarge(most) => TransportFailure::TooLarge(most),
            Self::Withheld(text) => TransportFailure::Withheld(text.0),
        }
    }

    /// One that a recording has, which people edit.
    pub(super) fn recorded(failure: TransportFailure, secrets: &Scrubber) -> Self {
        let safe = |text: String| SafeText(secrets.scrub_text(text));
        match failure {
            TransportFailure::Refused(refusal) => Self::Refused(refusal),
            TransportFailure::NotSent(text) => Self::NotSent(safe(text)),
            TransportFailure::NoAnswer(text) => Self::NoAnswer(safe(text)),
            TransportFailure::TooLarge(most) => Self::TooLarge(most),
            TransportFailure::Withheld(text) => Self::Withheld(safe(text)),
        }
    }
}
