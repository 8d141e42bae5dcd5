//! The HTTP capability of one connection: one request of a connector on its way to the
//! upstream and back.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue, RETRY_AFTER};
use secrecy::SecretString;
use url::{Host, Url};

use super::address::{AddressPolicy, AddressRefused, CheckedResolver, Lookup, system_lookup};
use super::credential::{self, Credentials};
use super::grant::Grant;
use super::headers::{self, HeaderRules};
use super::rate::Rate;
use super::retry::{is_unsettled, retry_after_ms, wait_before_next, with_the_past};
use super::scrub::Scrubber;
use super::{Network, Operation, tls};
use crate::clock::Clock;
use crate::contract::{
    Credential, CredentialPlacement, Header, Manifest, Method, Problem, Refusal, RefusalReason,
    Request, Response, TransportFailure,
};
use crate::failure::PlannedRequest;
use crate::sandbox::{Limit, Limits};
use crate::trace::{Exchange, Observer, REDACTED, ReceivedResponse, SentRequest};

/// Connecting, name and TLS included. Nothing has been sent when it runs out.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Shorter than the idle time of common servers, so that a request is not written to a
/// connection that the other side has just closed: of a write, that would leave unknown
/// whether it happened.
const IDLE_TIME: Duration = Duration::from_secs(4);

/// What an [`Egress`] is made of.
pub(crate) struct EgressOptions<'a> {
    pub(crate) manifest: &'a Manifest,
    /// What the operator granted, one for each base-url setting that is set.
    pub(crate) granted: Vec<Grant>,
    /// What the connector asked for, each within one of those.
    pub(crate) reach: Vec<Grant>,
    pub(crate) credentials: Arc<dyn Credentials>,
    pub(crate) network: &'a Network,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) dry_run: bool,
    /// The system's resolver where none is given.
    pub(crate) lookup: Option<Lookup>,
}

/// The way out of one connection's sandboxes.
pub(crate) struct Egress {
    client: reqwest::Client,
    granted: Vec<Grant>,
    reach: Vec<Grant>,
    header_rules: HeaderRules,
    addresses: AddressPolicy,
    placements: Vec<Credential>,
    credentials: Arc<dyn Credentials>,
    read_only: bool,
    limits: Limits,
    rate: Rate,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
    dry_run: bool,
}

/// A request that has passed the policy.
struct Prepared {
    method: reqwest::Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    scrubber: Scrubber,
    credentialed: bool,
    /// As it is shown to people.
    shown: SentRequest,
}

impl Egress {
    pub(crate) fn new(options: EgressOptions<'_>) -> Result<Self, Problem> {
        let network = options.network;
        let proxy_host = match &network.proxy {
            None => None,
            Some(proxy) => Some(
                Url::parse(proxy)
                    .ok()
                    .and_then(|url| url.host_str().map(str::to_owned))
                    .ok_or_else(|| proxy_problem(proxy))?,
            ),
        };
        let addresses = AddressPolicy::new(&options.granted, &network.allow_addresses, proxy_host);
        let resolver = CheckedResolver {
            policy: addresses.clone(),
            lookup: options.lookup.unwrap_or_else(system_lookup),
        };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(network.ca_file.as_deref())?)
            .dns_resolver(resolver)
            .user_agent(concat!("host-harness/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIME)
            .pool_idle_timeout(IDLE_TIME)
            .http1_max_headers(options.limits.headers.saturating_add(1))
            .http2_max_header_list_size(
                u32::try_from(options.limits.header_bytes).unwrap_or(u32::MAX),
            );
        if let Some(proxy) = &network.proxy {
            builder = builder
                .proxy(reqwest::Proxy::all(proxy.as_str()).map_err(|_| proxy_problem(proxy))?);
        }
        let client = builder.build().map_err(|error| Problem {
            name: "network".to_owned(),
            code: "invalid".to_owned(),
            message: format!("The network cannot be set up: {}.", chain(&error)),
        })?;
        let credential_headers: BTreeSet<String> = options
            .manifest
            .credentials
            .iter()
            .filter_map(|credential| credential::header_name(&credential.placement))
            .collect();
        Ok(Self {
            client,
            granted: options.granted,
            reach: options.reach,
            header_rules: HeaderRules::new(&options.manifest.headers, &credential_headers),
            addresses,
            placements: options.manifest.credentials.clone(),
            credentials: options.credentials,
            read_only: network.read_only,
            limits: options.limits,
            rate: Rate::new(network.max_concurrency, network.max_requests_per_minute),
            clock: options.clock,
            observer: options.observer,
            dry_run: options.dry_run,
        })
    }

    /// Sends a connector's request, with the retries that its repeatability allows.
    pub(crate) async fn send(
        &self,
        operation: &mut Operation,
        request: Request,
    ) -> Result<Response, TransportFailure> {
        let repeatability = request.repeatability;
        let prepared = self
            .prepare(operation, request)
            .await
            .map_err(TransportFailure::Refused)?;
        let (mut attempt, mut lost) = (1, false);
        loop {
            let answer = self.attempt(operation, &prepared, attempt).await;
            let wait = wait_before_next(repeatability, &answer, attempt, fastrand::f64());
            // An answer in time is worth more than a better one too late.
            match wait {
                Some(wait)
                    if self.clock.now().saturating_add(wait) < operation.deadline
                        && operation.requests < self.limits.requests =>
                {
                    lost |= is_unsettled(&answer);
                    self.clock.sleep(wait).await;
                    attempt += 1;
                }
                _ => return with_the_past(answer, lost),
            }
        }
    }

    /// Everything that is decided before the network is touched.
    async fn prepare(
        &self,
        operation: &mut Operation,
        request: Request,
    ) -> Result<Prepared, Refusal> {
        let mut url = self.permit(&request.url)?;
        let mut headers = self.header_rules.request(&request.headers)?;
        let writes = !matches!(request.method, Method::Get | Method::Head);
        if writes && self.read_only {
            return Err(refusal(
                RefusalReason::Method,
                format!(
                    "{} was refused: the connection is read-only. `read-only = false` under \
                     [network] in the connection file would allow it.",
                    request.method.as_str()
                ),
            ));
        }
        if writes && operation.reading {
            return Err(refusal(
                RefusalReason::Method,
                format!(
                    "{} was refused: `{}` is a reading operation, in which a connector may only \
                     GET and HEAD.",
                    request.method.as_str(),
                    operation.name
                ),
            ));
        }
        self.spend(operation, &request, &headers)?;
        let credentials = self.wanted(&request, &url)?;
        let shown = shown_request(&request, &url, &headers, &credentials);
        if self.dry_run && writes {
            operation.planned.get_or_insert_with(|| PlannedRequest {
                method: shown.method,
                url: shown.url,
                headers: shown
                    .headers
                    .into_iter()
                    .map(|header| (header.name, header.value))
                    .collect(),
                body: shown.body,
            });
            return Err(refusal(
                RefusalReason::DryRun,
                "This is a dry run: the request is shown, and not sent.".to_owned(),
            ));
        }
        if request.delay_ms > 0 {
            let delay = Duration::from_millis(request.delay_ms.into());
            if self.clock.now().saturating_add(delay) >= operation.deadline {
                return Err(out_of_time());
            }
            self.clock.sleep(delay).await;
        }
        let mut scrubber = Scrubber::default();
        for credential in &credentials {
            let secret = self.secret(&credential.name).await?;
            credential::place(
                &credential.name,
                &credential.placement,
                &secret,
                &mut headers,
                &mut url,
            )
            .map_err(|error| refusal(RefusalReason::Credential, error.message))?;
            let placed = credential::header_name(&credential.placement)
                .and_then(|name| headers.get(name))
                .map(HeaderValue::as_bytes);
            scrubber.add(&secret, placed);
        }
        self.check_literal_address(&url)?;
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if writes {
            operation.note_write();
        }
        Ok(Prepared {
            method: wire_method(request.method),
            url,
            headers,
            body: request.body,
            scrubber,
            credentialed: !credentials.is_empty(),
            shown,
        })
    }

    /// The URL, if what the connector asked for, within what the operator granted, holds it.
    fn permit(&self, spelled: &str) -> Result<Url, Refusal> {
        let mut first = None;
        for grant in &self.reach {
            match grant.permit(spelled) {
                Ok(url) => return Ok(url),
                Err(refused) => first = first.or(Some(refused)),
            }
        }
        Err(first.unwrap_or_else(|| {
            refusal(
                RefusalReason::Origin,
                "The request was refused: the connection reaches nothing.".to_owned(),
            )
        }))
    }

    /// Counts the request against the operation's limits.
    fn spend(
        &self,
        operation: &mut Operation,
        request: &Request,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        let body = request.body.as_ref().map_or(0, Vec::len);
        let total = operation.sent.saturating_add(body);
        let reached = if operation.requests >= self.limits.requests {
            Some(Limit::Requests)
        } else if body > self.limits.request_bytes {
            Some(Limit::RequestBytes)
        } else if total > self.limits.sent_bytes {
            Some(Limit::SentBytes)
        } else if operation.received >= self.limits.received_bytes {
            Some(Limit::ReceivedBytes)
        } else {
            headers::over_limit(headers, &self.limits)
        };
        if let Some(limit) = reached {
            operation.reached = Some(limit);
            return Err(refusal(RefusalReason::Budget, limit.message(&self.limits)));
        }
        if self.clock.now() >= operation.deadline {
            operation.out_of_time = true;
            return Err(out_of_time());
        }
        operation.sent = total;
        Ok(())
    }

    /// The credentials that the request names, if each may go to this URL.
    fn wanted(&self, request: &Request, url: &Url) -> Result<Vec<&Credential>, Refusal> {
        let mut wanted: Vec<&Credential> = Vec::new();
        for name in &request.credentials {
            let credential = self
                .placements
                .iter()
                .find(|credential| credential.name == *name)
                .ok_or_else(|| {
                    refusal(
                        RefusalReason::Credential,
                        format!("The manifest has no credential `{}`.", name.escape_debug()),
                    )
                })?;
            let covered = self.granted.iter().any(|grant| {
                grant.setting() == credential.base_url && grant.permit(url.as_str()).is_ok()
            });
            if !covered {
                return Err(refusal(
                    RefusalReason::Credential,
                    format!(
                        "The credential `{}` goes only where the setting `{}` points, and this \
                         request goes elsewhere.",
                        credential.name, credential.base_url
                    ),
                ));
            }
            if !wanted.iter().any(|known| known.name == credential.name) {
                wanted.push(credential);
            }
        }
        Ok(wanted)
    }

    async fn secret(&self, name: &str) -> Result<SecretString, Refusal> {
        self.credentials
            .secret(name)
            .await
            .map_err(|error| refusal(RefusalReason::Credential, error.message))
    }

    /// An address that stands in the URL never reaches the resolver.
    fn check_literal_address(&self, url: &Url) -> Result<(), Refusal> {
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            _ => return Ok(()),
        };
        self.addresses
            .check(&address.to_string(), address)
            .map_err(|error| refusal(RefusalReason::Address, error.to_string()))
    }

    /// One request on the wire, seen by the observer.
    async fn attempt(
        &self,
        operation: &mut Operation,
        prepared: &Prepared,
        attempt: u32,
    ) -> Result<Response, TransportFailure> {
        let deadline = operation.deadline;
        let Ok(_turn) = self.rate.turn(&*self.clock, deadline).await else {
            operation.out_of_time = true;
            return Err(TransportFailure::Refused(out_of_time()));
        };
        operation.requests += 1;
        let (started, began) = (self.clock.wall(), self.clock.now());
        let alarm = began.saturating_add(self.limits.request_time).min(deadline);
        let result = tokio::select! {
            result = self.exchange(operation, prepared) => result,
            () = self.clock.alarm(alarm) => Err(TransportFailure::NoAnswer(format!(
                "No whole answer came within {:?} (`timeout` and `operation-timeout` under \
                 [network] decide how long the host waits).",
                alarm.saturating_sub(began)
            ))),
        };
        if let Some(observer) = &self.observer {
            observer.exchange(&Exchange {
                operation: operation.name,
                attempt,
                started,
                duration: self.clock.now().saturating_sub(began),
                request: prepared.shown.clone(),
                result: match &result {
                    Ok(response) => Ok(ReceivedResponse {
                        status: response.status,
                        headers: response.headers.clone(),
                        body: response.body.clone(),
                    }),
                    Err(failure) => Err(failure.clone()),
                },
            });
        }
        result
    }

    async fn exchange(
        &self,
        operation: &mut Operation,
        prepared: &Prepared,
    ) -> Result<Response, TransportFailure> {
        let mut request = reqwest::Request::new(prepared.method.clone(), prepared.url.clone());
        *request.headers_mut() = prepared.headers.clone();
        if let Some(body) = &prepared.body {
            *request.body_mut() = Some(body.clone().into());
        }
        let mut answer = self
            .client
            .execute(request)
            .await
            .map_err(|error| transport_failure(error.without_url()))?;
        if let Some(limit) = headers::over_limit(answer.headers(), &self.limits) {
            operation.reached = Some(limit);
            return Err(too_large(self.limits.header_bytes));
        }
        if prepared.credentialed && is_encoded(answer.headers()) {
            return Err(TransportFailure::Withheld(
                "The answer is compressed though the host asked for none, so that an echo of \
                 the credential could not be found in it."
                    .to_owned(),
            ));
        }
        let body = self.body(operation, &mut answer).await?;
        let scrub = |text: String| prepared.scrubber.scrub_text(text);
        let retry_after_ms = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after_ms(value, self.clock.wall()));
        Ok(Response {
            status: answer.status().as_u16(),
            headers: headers::visible(answer.headers())
                .into_iter()
                .map(|header| Header {
                    name: scrub(header.name),
                    value: scrub(header.value),
                })
                .collect(),
            body: prepared.scrubber.scrub(body),
            retry_after_ms,
            earlier_attempt_lost: false,
        })
    }

    /// The whole body, or a failure as soon as it is known to be too large.
    async fn body(
        &self,
        operation: &mut Operation,
        answer: &mut reqwest::Response,
    ) -> Result<Vec<u8>, TransportFailure> {
        let left = self
            .limits
            .received_bytes
            .saturating_sub(operation.received);
        let (most, limit) = if left < self.limits.response_bytes {
            (left, Limit::ReceivedBytes)
        } else {
            (self.limits.response_bytes, Limit::ResponseBytes)
        };
        let announced = answer.content_length().unwrap_or(0);
        let mut body = Vec::new();
        if usize::try_from(announced).unwrap_or(usize::MAX) <= most {
            while let Some(chunk) = answer
                .chunk()
                .await
                .map_err(|error| TransportFailure::NoAnswer(chain(&error.without_url())))?
            {
                if body.len().saturating_add(chunk.len()) > most {
                    operation.reached = Some(limit);
                    return Err(too_large(most));
                }
                body.extend_from_slice(&chunk);
            }
            operation.received = operation.received.saturating_add(body.len());
            return Ok(body);
        }
        operation.reached = Some(limit);
        Err(too_large(most))
    }
}

fn refusal(reason: RefusalReason, message: String) -> Refusal {
    Refusal { reason, message }
}

fn out_of_time() -> Refusal {
    refusal(
        RefusalReason::Budget,
        "The operation's time is up, or too short for this request; `operation-timeout` under \
         [network] in the connection file decides."
            .to_owned(),
    )
}

fn too_large(most: usize) -> TransportFailure {
    TransportFailure::TooLarge(u32::try_from(most).unwrap_or(u32::MAX))
}

fn proxy_problem(_: &str) -> Problem {
    // The value may hold a password, so it is not repeated.
    Problem {
        name: "proxy".to_owned(),
        code: "invalid".to_owned(),
        message: "`proxy` under [network] is no URL such as http://proxy.example:3128.".to_owned(),
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| {
        !value
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"identity")
    })
}

/// What happened to a request that got no answer: not sent only where no connection, name
/// or TLS session came about.
fn transport_failure(error: reqwest::Error) -> TransportFailure {
    if let Some(refused) = tls::cause::<AddressRefused>(&error) {
        return TransportFailure::Refused(refusal(RefusalReason::Address, refused.to_string()));
    }
    if let Some(certificate) = tls::certificate_error(&error) {
        return TransportFailure::NotSent(format!(
            "The upstream's TLS certificate is not trusted: {certificate}. If it comes from an \
             authority of your own, name its file as `ca-file` under [network] in the \
             connection file."
        ));
    }
    if error.is_connect() || error.is_builder() {
        return TransportFailure::NotSent(format!("No connection: {}.", chain(&error)));
    }
    TransportFailure::NoAnswer(format!("The connection broke: {}.", chain(&error)))
}

/// An error and its causes in one line.
fn chain(error: &reqwest::Error) -> String {
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
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}

fn wire_method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

impl Method {
    /// As it stands in a request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The request as people see it: each credential's place filled with [`REDACTED`].
fn shown_request(
    request: &Request,
    url: &Url,
    headers: &HeaderMap,
    credentials: &[&Credential],
) -> SentRequest {
    let mut shown_url = url.as_str().to_owned();
    let mut shown_headers = headers::visible(headers);
    for credential in credentials {
        let (name, prefix) = match &credential.placement {
            CredentialPlacement::Bearer | CredentialPlacement::ClientCredentials(_) => {
                ("authorization".to_owned(), "Bearer ")
            }
            CredentialPlacement::Basic => ("authorization".to_owned(), "Basic "),
            CredentialPlacement::Header(header) => {
                (header.name.to_ascii_lowercase(), header.prefix.as_str())
            }
            CredentialPlacement::Query(parameter) => {
                let separator = if url.query().is_some() { '&' } else { '?' };
                shown_url.push_str(&format!("{separator}{parameter}={REDACTED}"));
                continue;
            }
        };
        shown_headers.push(Header {
            name,
            value: format!("{prefix}{REDACTED}"),
        });
    }
    SentRequest {
        method: request.method.as_str().to_owned(),
        url: shown_url,
        headers: shown_headers,
        body: request.body.clone(),
    }
}
