//! The HTTP capability of one connection: what is decided about a connector's request
//! before the network is touched, and how often it is then tried.

use std::net::IpAddr;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use hyper::body::Bytes;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use url::{Host, Url};

use super::address::{AddressPolicy, CheckedResolver, Lookup, system_lookup};
use super::credential::Credentials;
use super::grant::Grant;
use super::headers::{self, HeaderRules};
use super::rate::Rate;
use super::retry::{is_unsettled, wait_before_next, with_the_past};
use super::safe_text::Unanswered;
use super::scrub::Scrubber;
use super::sealed::{Bare, Sealed};
use super::secrets::{MOST_IN_A_REQUEST, Secrets};
use super::spelling::shown;
use super::{Network, Operation, tls};
use super::{broken, sealed, secrets};
use crate::clock::Clock;
use crate::contract::{
    Credential, CredentialPlacement, Header, Manifest, Method, Problem, Refusal, RefusalReason,
    Repeatability, Request, Response, TransportFailure,
};
use crate::failure::PlannedRequest;
use crate::mitigation::Mitigation;
use crate::sandbox::{CONNECT_TIME, IDLE_TIME, Limit, Limits};
use crate::trace::{Exchange, Observer, Place, REDACTED, SentRequest};

/// How long the kernel goes on sending what the other side does not acknowledge. A write that the
/// host has given up, or was killed over, may arrive for so long still: it is far shorter than
/// the time that a sync lets pass before it takes such a write for one that was not done
/// ([`SyncOptions::settle`](crate::sync::SyncOptions::settle), 30 seconds).
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
pub(super) const UNACKNOWLEDGED_TIME: Duration = Duration::from_secs(10);

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
    pub(super) client: reqwest::Client,
    pub(super) granted: Vec<Grant>,
    pub(super) reach: Vec<Grant>,
    pub(super) header_rules: HeaderRules,
    pub(super) addresses: AddressPolicy,
    pub(super) placements: Vec<Credential>,
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) secrets: RwLock<Secrets>,
    pub(super) read_only: bool,
    pub(super) limits: Limits,
    pub(super) rate: Rate,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) dry_run: bool,
    #[cfg(feature = "testing")]
    pub(super) repeats_once: bool,
    #[cfg(feature = "testing")]
    pub(super) in_process: Option<super::InProcess>,
}

/// A request that has passed the policy.
struct Passed {
    method: reqwest::Method,
    bare: Bare,
    body: Option<Bytes>,
    /// As it is shown to people, where somebody watches.
    shown: Option<SentRequest>,
    delay: Duration,
}

/// A request that is ready to be sent.
pub(super) struct Prepared {
    pub(super) method: reqwest::Method,
    pub(super) bare: Bare,
    pub(super) sealed: Sealed,
    pub(super) body: Option<Bytes>,
    /// As it is shown to people, where somebody watches.
    pub(super) shown: Option<SentRequest>,
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
            .redirect(if Mitigation::Redirects.is_on() {
                reqwest::redirect::Policy::none()
            } else {
                reqwest::redirect::Policy::limited(5)
            })
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIME)
            .pool_idle_timeout(IDLE_TIME)
            .http1_max_headers(parsed_lines(&options.limits))
            .http2_max_header_list_size(
                u32::try_from(options.limits.header_bytes).unwrap_or(u32::MAX),
            );
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        {
            builder = builder.tcp_user_timeout(UNACKNOWLEDGED_TIME);
        }
        if Mitigation::EnvironmentProxies.is_on() {
            builder = builder.no_proxy();
        }
        if let Some(proxy) = &network.proxy {
            builder = builder
                .proxy(reqwest::Proxy::all(proxy.as_str()).map_err(|_| proxy_problem(proxy))?);
        }
        let client = builder.build().map_err(|error| Problem {
            name: "network".to_owned(),
            code: "invalid".to_owned(),
            message: format!(
                "The network cannot be set up: {}.",
                broken::reason(&error, &Scrubber::default())
            ),
        })?;
        Ok(Self {
            client,
            granted: options.granted,
            reach: options.reach,
            header_rules: HeaderRules::of(options.manifest),
            addresses,
            placements: options.manifest.credentials.clone(),
            credentials: options.credentials,
            secrets: RwLock::default(),
            read_only: network.read_only,
            limits: options.limits,
            rate: Rate::new(network.max_concurrency, network.max_requests_per_minute),
            clock: options.clock,
            observer: options.observer,
            dry_run: options.dry_run,
            #[cfg(feature = "testing")]
            repeats_once: network.repeats_once,
            #[cfg(feature = "testing")]
            in_process: network.in_process.clone(),
        })
    }

    /// Sends a connector's request, with the retries that its repeatability allows.
    pub(crate) async fn send(
        &self,
        operation: &mut Operation,
        request: Request,
    ) -> Result<Response, TransportFailure> {
        let answer = self.answer(operation, request).await;
        answer.map_err(|unanswered| unanswered.told(self.secrets().scrubber()))
    }

    async fn answer(
        &self,
        operation: &mut Operation,
        request: Request,
    ) -> Result<Response, Unanswered> {
        let repeatability = self.repeatability(&request);
        let passed = self.pass(operation, request);
        let passed = passed.map_err(Unanswered::Refused)?;
        let mut prepared = self
            .prepare(operation, passed)
            .await
            .map_err(Unanswered::Refused)?;
        let (mut attempt, mut lost, mut renewed) = (1, false, false);
        loop {
            let answer = self.attempt(operation, &prepared, attempt).await;
            // 401 says that nothing was done, so that a write may be repeated too.
            let rejected = matches!(&answer, Ok(response) if response.status == 401);
            if let Some(replayed) = operation.replayed() {
                // What time, budget and the vault decided is known from the recording.
                let again = replayed.goes_on(attempt + 1);
                let retried = wait_before_next(repeatability, &answer, attempt, 0.0).is_some();
                if !again || !(retried || rejected && !renewed) {
                    return with_the_past(answer, lost, self.secrets().scrubber());
                }
                renewed |= rejected;
                lost |= is_unsettled(&answer);
                attempt += 1;
                continue;
            }
            if rejected && !renewed && self.has_budget(operation) {
                renewed = true;
                let credentials = &*self.credentials;
                let Prepared { bare, sealed, .. } = &mut prepared;
                if let Some(anew) = bare.renewed(credentials, sealed).await {
                    *sealed = anew;
                    attempt += 1;
                    continue;
                }
            }
            let wait = wait_before_next(repeatability, &answer, attempt, fastrand::f64());
            // An answer in time is worth more than a better one too late.
            match wait {
                Some(wait)
                    if self.clock.now().saturating_add(wait) < operation.deadline
                        && self.has_budget(operation) =>
                {
                    lost |= is_unsettled(&answer);
                    operation.turn_to(Place::Waiting);
                    self.clock.sleep(wait).await;
                    operation.turn_to(Place::Host);
                    attempt += 1;
                }
                _ => return with_the_past(answer, lost, self.secrets().scrubber()),
            }
        }
    }

    fn repeatability(&self, request: &Request) -> Repeatability {
        #[cfg(feature = "testing")]
        if self.repeats_once {
            return Repeatability::Idempotent;
        }
        request.repeatability
    }

    fn has_budget(&self, operation: &Operation) -> bool {
        operation.requests < self.limits.requests && self.clock.now() < operation.deadline
    }

    /// What the policy decides: the same about the same request, at any time.
    fn pass(&self, operation: &mut Operation, request: Request) -> Result<Passed, Refusal> {
        let url = self.permit(&request.url)?;
        let mut parameters = url.query_pairs();
        if let Some((name, _)) = parameters.find(|(name, _)| headers::takes_a_credential(name)) {
            return Err(refusal(
                RefusalReason::Credential,
                format!(
                    "A request with the parameter `{}` was refused: services take credentials in \
                     it, and those are the host's to add.",
                    shown(&name)
                ),
            ));
        }
        if let Some(limit) = headers::request_over_limit(&request.headers, &self.limits) {
            return Err(self.reached(operation, limit));
        }
        let mut headers = self.header_rules.request(&request.headers)?;
        let writes = !matches!(request.method, Method::Get | Method::Head);
        if writes && self.read_only && Mitigation::ReadOnly.is_on() {
            return Err(refusal(
                RefusalReason::Method,
                format!(
                    "{} was refused: the connection is read-only. `read-only = false` under \
                     [network] in the connection file would allow it.",
                    request.method.as_str()
                ),
            ));
        }
        if writes && operation.reading && Mitigation::ReadingOperations.is_on() {
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
        self.spend(operation, &request)?;
        if !writes && request.body.is_some() {
            return Err(refusal(
                RefusalReason::Method,
                format!(
                    "{} was refused: it has a body, which a reading request has none of.",
                    request.method.as_str()
                ),
            ));
        }
        let credentials = self.wanted(&request, &url)?;
        let show = || shown_request(&request, &url, &headers, &credentials);
        if self.dry_run && writes && Mitigation::DryRun.is_on() {
            operation.planned.get_or_insert_with(|| {
                let shown = show();
                let headers = shown.headers.into_iter();
                PlannedRequest {
                    method: shown.method,
                    url: shown.url,
                    headers: headers.map(|line| (line.name, line.value)).collect(),
                    body: shown.body,
                }
            });
            return Err(refusal(
                RefusalReason::DryRun,
                "This is a dry run: the request is shown, and not sent.".to_owned(),
            ));
        }
        let shown = (self.observer.is_some() || operation.is_kept()).then(show);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let bare = Bare {
            credentials: credentials.into_iter().cloned().collect(),
            url,
            headers,
        };
        Ok(Passed {
            method: wire_method(request.method),
            bare,
            body: request.body.map(Bytes::from),
            shown,
            delay: Duration::from_millis(request.delay_ms.into()),
        })
    }

    /// What depends on the moment, before the network is touched.
    async fn prepare(
        &self,
        operation: &mut Operation,
        passed: Passed,
    ) -> Result<Prepared, Refusal> {
        let sealed = if operation.replayed().is_some() {
            passed.bare.unsealed()
        } else {
            match self.sealed(operation, &passed).await {
                Ok(sealed) => sealed,
                Err(refused) => {
                    self.note_refused(operation, passed.shown.as_ref(), 1, &refused);
                    return Err(refused);
                }
            }
        };
        let Passed {
            method,
            bare,
            body,
            shown,
            ..
        } = passed;
        Ok(Prepared {
            method,
            bare,
            sealed,
            body,
            shown,
        })
    }

    async fn sealed(&self, operation: &mut Operation, passed: &Passed) -> Result<Sealed, Refusal> {
        if self.clock.now() >= operation.deadline {
            operation.out_of_time = true;
            return Err(out_of_time());
        }
        if passed.delay > Duration::ZERO {
            if self.clock.now().saturating_add(passed.delay) >= operation.deadline {
                return Err(out_of_time());
            }
            operation.turn_to(Place::Waiting);
            self.clock.sleep(passed.delay).await;
            operation.turn_to(Place::Host);
        }
        let sealed = passed.bare.sealed(&*self.credentials).await?;
        self.learn_the_others(operation, &passed.bare).await?;
        self.check_literal_address(&sealed.url)?;
        Ok(sealed)
    }

    /// The secrets that the request does not name, before the operation's first answer: it may
    /// hold what another request, of this process or of another one, was sent with.
    async fn learn_the_others(
        &self,
        operation: &mut Operation,
        bare: &Bare,
    ) -> Result<(), Refusal> {
        if operation.knows_secrets {
            return Ok(());
        }
        for credential in self.placements.iter().filter(|other| !bare.names(other)) {
            let name = &credential.name;
            let secret = match self.credentials.secret(name).await {
                Ok(secret) => secret,
                // What is not there cannot be shown by anybody.
                Err(error) if error.code == "missing" => continue,
                Err(error) => return Err(sealed::refused(error)),
            };
            secrets::checked(name, &secret).map_err(sealed::refused)?;
            self.learn(name, &sealed::hidden_of(credential, &secret));
        }
        operation.knows_secrets = true;
        Ok(())
    }

    /// For a recording: another time it would not be refused.
    pub(super) fn note_refused(
        &self,
        operation: &Operation,
        request: Option<&SentRequest>,
        attempt: u32,
        refused: &Refusal,
    ) {
        if let (Some(recorded), Some(request)) = (operation.recorded(), request) {
            let exchange = Exchange {
                operation: operation.name,
                attempt,
                started: self.clock.wall(),
                duration: Duration::ZERO,
                request: request.clone(),
                result: Err(TransportFailure::Refused(refused.clone())),
            };
            recorded.refused(&exchange, operation.out_of_time);
        }
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
    fn spend(&self, operation: &mut Operation, request: &Request) -> Result<(), Refusal> {
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
            None
        };
        if let Some(limit) = reached {
            return Err(self.reached(operation, limit));
        }
        operation.sent = total;
        Ok(())
    }

    fn reached(&self, operation: &mut Operation, limit: Limit) -> Refusal {
        operation.reached = Some(limit);
        refusal(RefusalReason::Budget, limit.message(&self.limits))
    }

    /// The credentials that the request names, if each may go to this URL.
    fn wanted(&self, request: &Request, url: &Url) -> Result<Vec<&Credential>, Refusal> {
        if request.credentials.len() > self.placements.len() {
            return Err(refusal(
                RefusalReason::Credential,
                format!(
                    "The request names {} credentials, and the manifest has {}.",
                    request.credentials.len(),
                    self.placements.len()
                ),
            ));
        }
        let mut wanted: Vec<&Credential> = Vec::new();
        for name in &request.credentials {
            if wanted.len() >= MOST_IN_A_REQUEST && Mitigation::Scrubbing.is_on() {
                return Err(refusal(
                    RefusalReason::Credential,
                    format!(
                        "The request names more than {MOST_IN_A_REQUEST} credentials, which is \
                         the most that the host looks for in an answer."
                    ),
                ));
            }
            let credential = self
                .placements
                .iter()
                .find(|credential| credential.name == *name)
                .ok_or_else(|| {
                    refusal(
                        RefusalReason::Credential,
                        format!("The manifest has no credential `{}`.", shown(name)),
                    )
                })?;
            let covered = self.granted.iter().any(|grant| {
                grant.setting() == credential.base_url && grant.covers(url.as_str()).is_ok()
            });
            if !covered && Mitigation::CredentialScope.is_on() {
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
}

/// How many header lines of an answer are parsed: as many as fit into the bytes allowed, so
/// that what is too much for the parser is too many bytes, and what is not is counted here.
fn parsed_lines(limits: &Limits) -> usize {
    const SHORTEST_LINE: usize = 4;
    // A map of headers cannot hold many more.
    const MOST: usize = 20_000;
    (limits.header_bytes / SHORTEST_LINE).clamp(1, MOST)
}

pub(super) fn refusal(reason: RefusalReason, message: String) -> Refusal {
    Refusal { reason, message }
}

pub(super) fn out_of_time() -> Refusal {
    refusal(
        RefusalReason::Budget,
        "The operation's time is up, or too short for this request; `operation-timeout` under \
         [network] in the connection file decides."
            .to_owned(),
    )
}

fn proxy_problem(_: &str) -> Problem {
    // The value may hold a password, so it is not repeated.
    Problem {
        name: "proxy".to_owned(),
        code: "invalid".to_owned(),
        message: "`proxy` under [network] is not a URL such as http://proxy.example:3128."
            .to_owned(),
    }
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
