//! What went wrong on the wire, in words that are ours wherever the kind of error is known.
//!
//! The texts of the libraries are not used for what is known, since some of them show what the
//! other side sent: h2 the debug data of a GOAWAY, rustls the names in a certificate. Of an error
//! of another kind the text is shown scrubbed.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use super::address::AddressRefused;
use super::refused::refusal;
use super::tls;
use crate::contract::RefusalReason;
use crate::safe_text::{SafeText, Unanswered};
use crate::scrub::Scrubber;

/// More header lines, or longer ones, than the parser takes. hyper's own question for it
/// comes with its server alone.
pub(super) fn is_head_too_large(error: &reqwest::Error) -> bool {
    let in_http_1 = tls::cause::<hyper::Error>(error)
        .is_some_and(|error| error.is_parse() && error.to_string().contains("too large"));
    // A head of so many frames that the library hung up.
    let in_http_2 = tls::cause::<h2::Error>(error).is_some_and(|error| {
        error.is_library() && error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM)
    });
    in_http_1 || in_http_2
}

/// An answer that the library of HTTP/2 gave up; it says so alike of one that breaks the
/// protocol, and of one whose header is a little too large.
fn is_given_up(error: &reqwest::Error) -> bool {
    tls::cause::<h2::Error>(error).is_some_and(|error| error.is_library() && error.is_reset())
}

/// What happened to a request that got no answer: not sent only where no connection, name
/// or TLS session came about.
pub(super) fn unanswered(error: &reqwest::Error, secrets: &Scrubber) -> Unanswered {
    if let Some(refused) = tls::cause::<AddressRefused>(error) {
        return Unanswered::Refused(refusal(RefusalReason::Address, refused.to_string()));
    }
    if let Some(certificate) = tls::certificate_error(error) {
        return Unanswered::NotSent(
            SafeText::ours("The upstream's TLS certificate is not trusted: ")
                .and(of_the_certificate(certificate))
                .and(
                    ". If it comes from an authority of your own, name its file as `ca-file` \
                     under [network] in the connection file.",
                ),
        );
    }
    let reason = reason(error, secrets);
    if error.is_connect() || error.is_builder() {
        return Unanswered::NotSent(SafeText::ours("No connection: ").and(reason).and("."));
    }
    let broke = SafeText::ours("The connection broke: ")
        .and(reason)
        .and(".");
    Unanswered::NoAnswer(if is_given_up(error) {
        broke.and(
            " The answer breaks HTTP/2, or its header is larger than `header-bytes` under \
             [limits] allows.",
        )
    } else {
        broke
    })
}

/// Why, in a few words. The innermost cause whose kind is known decides.
pub(super) fn reason(error: &reqwest::Error, secrets: &Scrubber) -> SafeText {
    if let Some(error) = tls::cause::<h2::Error>(error) {
        return in_http_2(error);
    }
    if let Some(error) = tls::cause::<rustls::Error>(error) {
        return in_tls(error);
    }
    // What is inside an `io::Error` says more than its kind.
    let system = tls::cause::<io::Error>(error).filter(|error| error.get_ref().is_none());
    if let Some(error) = system {
        return of_the_system(error);
    }
    SafeText::foreign(&causes(error), secrets)
}

fn in_http_2(error: &h2::Error) -> SafeText {
    if let Some(error) = error.get_io() {
        return SafeText::ours("HTTP/2: ").and(of_the_system(error));
    }
    let who = if error.is_remote() {
        "the upstream"
    } else {
        "the host"
    };
    let what = if error.is_go_away() {
        " ended the HTTP/2 connection"
    } else if error.is_reset() {
        " ended the HTTP/2 stream"
    } else {
        return match error.reason() {
            Some(reason) => SafeText::ours("HTTP/2 failed: ").and(reason),
            None => SafeText::ours("HTTP/2 failed"),
        };
    };
    let text = SafeText::ours(who).and(what);
    match error.reason() {
        Some(reason) => text.and(" (").and(reason).and(")"),
        None => text,
    }
}

fn in_tls(error: &rustls::Error) -> SafeText {
    match error {
        rustls::Error::InvalidCertificate(error) => {
            SafeText::ours("TLS: ").and(certificate_problem(error))
        }
        rustls::Error::AlertReceived(alert) => SafeText::ours("TLS: the other side gave up (")
            .and(*alert)
            .and(")"),
        rustls::Error::InvalidMessage(_) => SafeText::ours("TLS: what came is not TLS"),
        rustls::Error::PeerIncompatible(_) => {
            SafeText::ours("TLS: no version or cipher that both sides have")
        }
        rustls::Error::PeerMisbehaved(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. } => {
            SafeText::ours("TLS: the other side breaks the protocol")
        }
        rustls::Error::NoApplicationProtocol => {
            SafeText::ours("TLS: the other side speaks no HTTP that the host does")
        }
        rustls::Error::NoCertificatesPresented => SafeText::ours("TLS: no certificate was shown"),
        rustls::Error::DecryptError => SafeText::ours("TLS: what came cannot be decrypted"),
        rustls::Error::PeerSentOversizedRecord => SafeText::ours("TLS: a record is too large"),
        _ => SafeText::ours("TLS failed"),
    }
}

/// Without the names and dates in it, which are the other side's.
fn certificate_problem(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet"
        }
        CertificateError::Revoked => "it was revoked",
        CertificateError::UnknownIssuer => "its issuer is not known",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name than the one in the URL"
        }
        CertificateError::BadEncoding => "it cannot be read",
        CertificateError::BadSignature => "its signature is wrong",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not for a server"
        }
        CertificateError::UnhandledCriticalExtension => {
            "it has a critical extension that is not known"
        }
        _ => "it cannot be verified",
    }
}

fn of_the_certificate(error: &CertificateError) -> SafeText {
    SafeText::ours(certificate_problem(error))
}

fn of_the_system(error: &io::Error) -> SafeText {
    let text = SafeText::from(error.kind());
    match error
        .raw_os_error()
        .and_then(|code| u32::try_from(code).ok())
    {
        Some(code) => text.and(" (os error ").and(code).and(")"),
        None => text,
    }
}

/// An error and its causes in one line.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
