//! Text that may be handed to the guest, a log or a trace.
//!
//! An upstream, a proxy or a resolver can put what it was sent into whatever text of its own a
//! library then shows: the debug data of HTTP/2, the names in a certificate, a reason phrase. So
//! what says why there is no answer is a [`SafeText`] and not a `String`, and there are two ways to
//! make one: of our own words and numbers, and of foreign ones that are scrubbed and cleaned.

use std::fmt;
use std::time::Duration;

use crate::contract::{Refusal, TransportFailure};
use crate::limits::Limit;
use crate::scrub::Scrubber;
use crate::text::clean;

/// Bytes of a foreign text that are kept.
const MOST_FOREIGN: usize = 300;

/// Our own words, and foreign ones without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeText(String);

impl SafeText {
    /// Our own words.
    #[must_use]
    pub fn ours(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// What somebody else says, without secrets, short and on one line.
    pub(crate) fn foreign(text: &str, secrets: &Scrubber) -> Self {
        // Scrubbed before it is cut or cleaned, since either could hide a secret from the search.
        let scrubbed = secrets.scrub_text(text.to_owned());
        Self(clean(&scrubbed, MOST_FOREIGN))
    }

    /// What somebody else says who was never given a secret, short and on one line.
    #[must_use]
    pub fn without_secrets(text: &str) -> Self {
        Self(clean(text, MOST_FOREIGN))
    }

    /// And more of it.
    #[must_use]
    pub fn and(mut self, more: impl Into<Self>) -> Self {
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
        if !known {
            return Self::ours("an unknown code");
        }
        Self(format!("{reason:?}"))
    }
}

/// The name that RFC 8446, §6 gives.
impl From<rustls::AlertDescription> for SafeText {
    fn from(alert: rustls::AlertDescription) -> Self {
        match alert {
            rustls::AlertDescription::Unknown(_) => Self::ours("an unknown alert"),
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
#[non_exhaustive]
pub enum Unanswered {
    /// By the policy or a limit, before anything was sent. The host's own words.
    Refused(Refusal),
    /// Likewise, since the operation's time is up.
    OutOfTime(Refusal),
    /// Nothing of the request was sent.
    NotSent(SafeText),
    /// The request was sent, or a part of it, and there is no whole answer.
    NoAnswer(SafeText),
    /// The answer's header lines are too many or have more than so many bytes; the limit that says
    /// so.
    HeadTooLarge(Limit, usize),
    /// The answer's body has more than so many bytes.
    TooLarge(u32),
    /// There is an answer, and it is kept from the guest.
    Withheld(SafeText),
}

impl Unanswered {
    /// A body of more bytes than this.
    #[must_use]
    pub fn too_large(most: usize) -> Self {
        Self::TooLarge(bytes(most))
    }

    /// As the contract has it: the one place where such a text becomes a `String`.
    #[must_use]
    pub fn into_failure(self) -> TransportFailure {
        match self {
            Self::Refused(refusal) | Self::OutOfTime(refusal) => TransportFailure::Refused(refusal),
            Self::NotSent(text) => TransportFailure::NotSent(text.0),
            Self::NoAnswer(text) => TransportFailure::NoAnswer(text.0),
            Self::HeadTooLarge(_, most) => TransportFailure::TooLarge(bytes(most)),
            Self::TooLarge(most) => TransportFailure::TooLarge(most),
            Self::Withheld(text) => TransportFailure::Withheld(text.0),
        }
    }

    /// Looked through once more: a refusal's message has the name of the host or an embedder's
    /// word on a credential in it.
    pub(crate) fn scrubbed(self, secrets: &Scrubber) -> Self {
        let clean = |refusal: Refusal| Refusal {
            message: secrets.scrub_text(refusal.message),
            ..refusal
        };
        match self {
            Self::Refused(refusal) => Self::Refused(clean(refusal)),
            Self::OutOfTime(refusal) => Self::OutOfTime(clean(refusal)),
            other => other,
        }
    }
}

fn bytes(most: usize) -> u32 {
    u32::try_from(most).unwrap_or(u32::MAX)
}
