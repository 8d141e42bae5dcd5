//! The one table that turns what the service answered into the contract's failures:
//! status × scimType × operation → kind, retry advice, message.
//!
//! The status decides (RFC 7644 §3.12); `scimType` and the detail only refine it, since
//! both may be missing or wrong. A message tells what happened, to what, and what to do,
//! and holds at most a short and cleaned piece of the service's own words.

use crate::contract::{Failure, FailureKind, Problem, RetryAdvice, UpstreamAnswer};
use crate::prelude::*;
use crate::scim::ErrorBody;
use crate::settings::{CUSTOMER_ID, INSTANCE_URL, SameDomain, Tenant};
use crate::transport::{RefusalReason, Response, TransportFailure};

/// Large, so it travels in a box.
pub type Boxed = Box<Failure>;

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A read of `/Users`.
    ReadUsers,
    /// A read of one user.
    ReadUser,
    /// POST.
    Create,
    /// PATCH or PUT.
    Update,
    /// DELETE.
    Delete,
}

impl Operation {
    fn is_write(self) -> bool {
        !matches!(self, Self::ReadUsers | Self::ReadUser)
    }

    /// For a message: "8x8 was asked to …".
    fn asked(self) -> &'static str {
        match self {
            Self::ReadUsers => "list users",
            Self::ReadUser => "show the user",
            Self::Create => "create the user",
            Self::Update => "change the user",
            Self::Delete => "delete the user",
        }
    }
}

/// A failure with nothing but a kind and a sentence.
#[must_use]
pub fn failure(kind: FailureKind, message: impl Into<String>) -> Boxed {
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

/// Builds on a failure.
pub trait Refine {
    /// The connector's finer code.
    #[must_use]
    fn code(self, code: &str) -> Self;
    /// When to try again.
    #[must_use]
    fn retry(self, retry: RetryAdvice) -> Self;
    /// What is at fault.
    #[must_use]
    fn problems(self, problems: Vec<Problem>) -> Self;
    /// The account in the way, or left behind.
    #[must_use]
    fn account(self, id: &str) -> Self;
    /// What the service answered.
    #[must_use]
    fn upstream(self, upstream: Option<UpstreamAnswer>) -> Self;
}

impl Refine for Boxed {
    fn code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    fn retry(mut self, retry: RetryAdvice) -> Self {
        self.retry = retry;
        self
    }

    fn problems(mut self, problems: Vec<Problem>) -> Self {
        self.problems = problems;
        self
    }

    fn account(mut self, id: &str) -> Self {
        self.account = Some(id.to_owned());
        self
    }

    fn upstream(mut self, upstream: Option<UpstreamAnswer>) -> Self {
        self.upstream = upstream;
        self
    }
}

/// `invalid-account`, with every problem.
#[must_use]
pub fn invalid_account(problems: Vec<Problem>) -> Boxed {
    let message = join(&problems);
    failure(FailureKind::InvalidAccount, message)
        .problems(problems)
        .retry(RetryAdvice::AfterRepair)
}

/// `invalid-settings`, with every problem.
#[must_use]
pub fn invalid_settings(problems: Vec<Problem>) -> Boxed {
    let message = join(&problems);
    failure(FailureKind::InvalidSettings, message)
        .problems(problems)
        .retry(RetryAdvice::AfterRepair)
}

fn join(problems: &[Problem]) -> String {
    let mut message = String::new();
    for problem in problems {
        if !message.is_empty() {
            message.push(' ');
        }
        message.push_str(&problem.name);
        message.push_str(": ");
        message.push_str(&problem.message);
    }
    message
}

/// An id that can name no account.
#[must_use]
pub fn invalid_id() -> Boxed {
    invalid_account(vec![Problem {
        name: "id".into(),
        code: "malformed".into(),
        message: "An account id is one path segment: not empty, not “.” or “..”, without \
                  slashes, control characters or escapes of them. Nothing was sent."
            .into(),
    }])
}

/// The user is not there, and the service was seen to serve this tenant.
#[must_use]
pub fn not_found(upstream: Option<UpstreamAnswer>) -> Boxed {
    failure(
        FailureKind::NotFound,
        "8x8 has no user with this id, or this connection may not see it.",
    )
    .upstream(upstream)
}

/// What the answer says of itself, without its body.
#[must_use]
pub fn upstream(response: &Response) -> UpstreamAnswer {
    let body = ErrorBody::from_body(&response.body);
    let request_id = ["x-request-id", "request-id", "x-correlation-id"]
        .iter()
        .find_map(|name| header(response, name))
        .map(|id| cleaned(id, 128))
        .filter(|id| !id.is_empty());
    UpstreamAnswer {
        status: response.status,
        code: body.scim_type.map(|code| cleaned(&code, 64)),
        request_id,
    }
}

/// A response header; names come in lower case.
#[must_use]
pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.as_str())
}

/// A 2xx whose body is not what the operation needs.
#[must_use]
pub fn malformed(operation: Operation, response: &Response, what: &str) -> Boxed {
    failure(
        FailureKind::MalformedAnswer,
        text!(
            "8x8 was asked to ",
            operation.asked(),
            " and answered ",
            number(response.status),
            " with ",
            what,
            "."
        ),
    )
    .retry(RetryAdvice::AfterRepair)
    .upstream(Some(upstream(response)))
}

/// What answered is no SCIM service.
#[must_use]
pub fn not_scim(operation: Operation, response: &Response) -> Boxed {
    let what = kind_of_body(&response.body);
    malformed(
        operation,
        response,
        &text!(
            what,
            " instead of SCIM. Check that the Instance URL is the 8x8 URL from \
                the Admin Console, and that no proxy or sign-in page stands in \
                between"
        ),
    )
    .code("not-scim")
    .problems(vec![Problem {
        name: INSTANCE_URL.into(),
        code: "not-scim".into(),
        message: "What answers at this address is no SCIM service.".into(),
    }])
}

fn kind_of_body(body: &[u8]) -> &'static str {
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace());
    match start.and_then(|start| body.get(start)) {
        None => "nothing",
        Some(b'<') => "a web page",
        Some(b'{' | b'[') => "other JSON",
        Some(_) => "something else",
    }
}

/// A request that got no answer, of an operation that only reads, or of which it is known
/// that nothing was sent.
#[must_use]
pub fn from_transport(operation: Operation, failed: &TransportFailure) -> Boxed {
    let asked = operation.asked();
    match failed {
        TransportFailure::Refused(refusal) => {
            let code = match refusal.reason {
                RefusalReason::Origin => "origin",
                RefusalReason::Path => "path",
                RefusalReason::Method => "method",
                RefusalReason::Header => "header",
                RefusalReason::Credential => "credential",
                RefusalReason::Address => "address",
                RefusalReason::Budget => "budget",
                RefusalReason::DryRun => "dry-run",
                RefusalReason::Other => "other",
            };
            failure(FailureKind::RefusedByHost, refusal.message.clone())
                .code(code)
                .retry(RetryAdvice::AfterRepair)
        }
        TransportFailure::NotSent(why) => failure(
            FailureKind::Unavailable,
            text!("8x8 could not be reached to ", asked, ": ", why),
        )
        .code("not-sent")
        .retry(RetryAdvice::AfterMs(5_000)),
        TransportFailure::NoAnswer(why) => failure(
            FailureKind::Unavailable,
            text!("8x8 was asked to ", asked, " and did not answer: ", why),
        )
        .code("no-answer")
        .retry(RetryAdvice::AfterMs(5_000)),
        TransportFailure::TooLarge(limit) => failure(
            FailureKind::MalformedAnswer,
            text!(
                "8x8 was asked to ",
                asked,
                " and answered more than ",
                number(*limit),
                " bytes."
            ),
        )
        .code("too-large")
        .retry(RetryAdvice::AfterRepair),
        TransportFailure::Withheld(why) => failure(
            FailureKind::MalformedAnswer,
            text!(
                "8x8 was asked to ",
                asked,
                ", and the host withholds the answer: ",
                why
            ),
        )
        .code("withheld")
        .retry(RetryAdvice::AfterRepair),
    }
}

/// What an error answer means: `docs/answers.md` has the table, and its tests read it there. The
/// caller has dealt with what it can do something about: a 404 for one user, a taken name,
/// a lost answer to a write.
#[must_use]
pub fn from_answer(operation: Operation, tenant: &Tenant, response: &Response) -> Boxed {
    use FailureKind as Kind;
    use RetryAdvice::{AfterMs, AfterRepair, Never};

    let body = ErrorBody::from_body(&response.body);
    let forbids = text!(
        "… and forbids it: the token is not allowed to, or belongs to another customer than ",
        tenant.customer_id()
    );
    let wait = |default: u32| AfterMs(response.retry_after_ms.unwrap_or(default));
    // “…” stands for “8x8 was asked to” and what.
    let (kind, code, retry, message) = match response.status {
        300..=399 => return moved(tenant, response),
        400 if body.is("invalidCursor") || body.is("expiredCursor") => (
            Kind::InvalidCursor,
            None,
            Never,
            "8x8 no longer knows this place in the listing: start it over",
        ),
        400 | 422 if operation.is_write() && body.mentions(&["externalid"]) => {
            return external_id_wanted(response, &body);
        }
        400 | 422 if operation.is_write() && body.is("mutability") => (
            Kind::InvalidAccount,
            Some("read-only"),
            Never,
            "… and does not let one of the attributes change",
        ),
        400 | 422 if operation.is_write() => (
            Kind::InvalidAccount,
            Some("not-accepted"),
            AfterRepair,
            "… and did not accept the values",
        ),
        401 => (
            Kind::Unauthenticated,
            Some("token-refused"),
            AfterRepair,
            "8x8 refused the API Token. If it worked before: switching SCIM off in the Admin \
             Console clears the token, so does disabling single sign-on, and a new token counts \
             only once Save was pressed. Copy the token again",
        ),
        402 if operation.is_write() => (
            Kind::QuotaExceeded,
            None,
            AfterRepair,
            "… and says that nothing is left for it",
        ),
        403 if operation == Operation::ReadUsers => {
            return wrong_customer(tenant, response, Kind::Forbidden);
        }
        403 => (Kind::Forbidden, None, AfterRepair, forbids.as_str()),
        404 | 410 if body.is_scim => {
            return wrong_customer(tenant, response, Kind::InvalidSettings);
        }
        404 | 410 => return wrong_address(response),
        405 | 406 | 415 | 501 => (
            Kind::Unsupported,
            Some("not-served"),
            Never,
            "… and does not serve such a request",
        ),
        409 => (
            Kind::Other,
            Some("conflict"),
            AfterMs(1_000),
            "… and found a conflict with what it holds",
        ),
        412 if operation == Operation::Update => (
            Kind::PreconditionFailed,
            None,
            AfterMs(0),
            "The user was changed by someone else in the meantime",
        ),
        413 if operation.is_write() => (
            Kind::InvalidAccount,
            Some("too-large"),
            AfterRepair,
            "… and finds the request too large",
        ),
        423 => (
            Kind::Other,
            Some("locked"),
            wait(60_000),
            "… and says that it is locked",
        ),
        429 => (
            Kind::RateLimited,
            None,
            wait(60_000),
            "8x8 asks for fewer requests",
        ),
        408 | 425 | 500..=599 => (Kind::Unavailable, None, wait(5_000), "… and could not"),
        _ => (Kind::Other, None, Never, "… and did not"),
    };
    let message = match message.strip_prefix('…') {
        Some(did) => text!("8x8 was asked to ", operation.asked(), did),
        None => message.to_owned(),
    };
    let mut built = failure(kind, said(&message, response, &body))
        .retry(retry)
        .upstream(Some(upstream(response)));
    built.code = code.map(str::to_owned);
    built
}

/// The sentence, the status, and a piece of the service's own words.
fn said(message: &str, response: &Response, body: &ErrorBody<'_>) -> String {
    let status = number(response.status);
    match body.detail.as_deref().map(|detail| cleaned(detail, 160)) {
        Some(detail) if !detail.is_empty() => text!(message, " (", status, ": ", detail, ")."),
        _ => text!(message, " (", status, ")."),
    }
}

fn external_id_wanted(response: &Response, body: &ErrorBody<'_>) -> Boxed {
    invalid_account(vec![Problem {
        name: "externalId".into(),
        code: "not-accepted".into(),
        message: said(
            "This tenant of 8x8 did not accept the externalId, or asks for one",
            response,
            body,
        ),
    }])
    .upstream(Some(upstream(response)))
}

fn wrong_customer(tenant: &Tenant, response: &Response, kind: FailureKind) -> Boxed {
    let message = text!(
        "8x8 takes the token and shows it no users of the customer ",
        tenant.customer_id(),
        " (",
        number(response.status),
        "). Compare Customer ID and Instance URL with the Admin Console that the \
            token comes from."
    );
    failure(kind, message)
        .code("wrong-customer")
        .problems(vec![Problem {
            name: CUSTOMER_ID.into(),
            code: "wrong-customer".into(),
            message: "The token does not belong to this customer.".into(),
        }])
        .retry(RetryAdvice::AfterRepair)
        .upstream(Some(upstream(response)))
}

fn wrong_address(response: &Response) -> Boxed {
    let message = text!(
        "There is no SCIM service at the Instance URL (",
        number(response.status),
        ", and no SCIM answer). Copy the 8x8 URL from the Admin Console again."
    );
    failure(FailureKind::InvalidSettings, message)
        .code("wrong-address")
        .problems(vec![Problem {
            name: INSTANCE_URL.into(),
            code: "wrong-address".into(),
            message: "Nothing serves SCIM at this address.".into(),
        }])
        .retry(RetryAdvice::AfterRepair)
        .upstream(Some(upstream(response)))
}

/// Redirects are not followed: 307 and 308 would take a write along (RFC 7644 §3.12). Whatever
/// is pasted as Instance URL gets the token, so an address is proposed only where it could be
/// this customer's own: most redirects lead to a sign-in page.
fn moved(tenant: &Tenant, response: &Response) -> Boxed {
    let status = number(response.status);
    let target = header(response, "location").and_then(Target::of);
    let message = match &target {
        Some(target) => {
            let (address, host) = (cleaned(&target.address, 256), cleaned(&target.host, 256));
            match target
                .scim
                .as_deref()
                .and_then(|url| tenant.recognises(url))
            {
                Some(SameDomain(true)) => text!(
                    "The service has moved (",
                    status,
                    "). If you trust that address, paste this as Instance URL, without \
                        what follows /scim/v2: ",
                    address
                ),
                Some(SameDomain(false)) => text!(
                    "The service sends us to another domain (",
                    status,
                    "): ",
                    address,
                    ". Whoever has that domain would get the token, so ask 8x8 first whether it \
                        is theirs. Nothing was sent there."
                ),
                None => text!(
                    "Something redirects to a sign-in page (",
                    status,
                    ", to ",
                    host,
                    ") instead of answering. Redirects are not followed, and nothing was sent \
                        there. Copy the 8x8 URL from the Admin Console again; where a proxy or \
                        single sign-on stands before the service, it has to let SCIM through."
                ),
            }
        }
        None => text!(
            "The service sends us elsewhere (",
            status,
            "), and redirects are not followed. Copy the 8x8 URL from the Admin \
                Console again."
        ),
    };
    failure(FailureKind::InvalidSettings, message)
        .code("moved")
        .problems(vec![Problem {
            name: INSTANCE_URL.into(),
            code: "moved".into(),
            message: "The service answers with a redirect.".into(),
        }])
        .retry(RetryAdvice::AfterRepair)
        .upstream(Some(upstream(response)))
}

/// Where a redirect leads.
struct Target {
    /// Without user, query and fragment.
    address: String,
    host: String,
    /// As far as `/scim/v2`, where a resource or nothing follows.
    scim: Option<String>,
}

impl Target {
    fn of(location: &str) -> Option<Self> {
        let url = fluent_uri::Uri::parse(location).ok()?;
        let authority = url.authority()?;
        let port = authority.port().map(|port| text!(":", port.as_str()));
        let origin = text!(
            url.scheme().as_str(),
            "://",
            authority.host(),
            port.unwrap_or_default()
        );
        let path = url.path().as_str();
        Some(Self {
            address: text!(origin, path),
            host: authority.host().to_owned(),
            scim: scim_root(path).map(|root| text!(origin, root)),
        })
    }
}

/// The path as far as `/scim/v2`, where nothing follows that, or a resource of SCIM and its id.
fn scim_root(path: &str) -> Option<&str> {
    const ROOT: &str = "/scim/v2";

    let end = path.find(ROOT)?.checked_add(ROOT.len())?;
    let (root, rest) = path.split_at_checked(end)?;
    let mut segments = rest.trim_end_matches('/').split('/');
    let is_root = segments.next() == Some("");
    let is_resource = match segments.next() {
        None => true,
        Some("Users") => segments.nth(1).is_none(),
        Some("ServiceProviderConfig" | "ResourceTypes" | "Schemas") => segments.next().is_none(),
        Some(_) => false,
    };
    (is_root && is_resource).then_some(root)
}

/// A text of the service's, fit for a message: one line, no control or formatting
/// characters, at most so many characters.
#[must_use]
pub fn cleaned(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = true;
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
            length += 1;
        }
        gap = false;
        out.push(c);
        length += 1;
        if length > most {
            let last = out.char_indices().nth(most.saturating_sub(1));
            out.truncate(last.map_or(0, |(at, _)| at));
            out.push('…');
            break;
        }
    }
    out.trim_end_matches('.').to_owned()
}

/// Characters that change how the text around them is shown.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn a_detail_is_one_short_line_without_tricks() {
        assert_eq!(cleaned("a\r\n\u{1b}[31mb\u{202e}c.", 20), "a [31mbc");
        assert_eq!(cleaned("abcdef", 4), "abc…");
    }
}
