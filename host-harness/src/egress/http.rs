//! The HTTP capability of one connection: what is decided about a connector's request
//! before anything carries it, and how often it is then tried.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::address::Lookup;
use super::attempt::Attempt;
use super::credential::Credentials;
use super::grant::Grant;
use super::headers::{self, HeaderRules};
use super::network::Network;
use super::operation::Operation;
use super::outgoing::Outgoing;
use super::refused::refusal;
use super::retry::{is_unsettled, wait_before_next, with_the_past};
use super::secrets::MOST_IN_A_REQUEST;
use super::spelling::shown;
use super::upstream::{Upstream, UpstreamOptions};
use super::upstream_carrier::UpstreamCarrier;
use super::watched::{self, Watching};
use super::wire::{Begun, Carrier, Wire};
use crate::clock::Clock;
use crate::contract::{
    Credential, Manifest, Method, Problem, Refusal, RefusalReason, Request, Response,
    TransportFailure,
};
use crate::limits::{Limit, Limits};
use crate::safe_text::Unanswered;
use crate::trace::Observer;

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
    /// What carries requests beside or instead of the network.
    pub(crate) wire: Option<Arc<dyn Wire>>,
    /// The system's resolver where none is given.
    pub(crate) lookup: Option<Lookup>,
}

/// The way out of one connection's sandboxes.
pub(crate) struct Egress {
    granted: Vec<Grant>,
    reach: Vec<Grant>,
    header_rules: HeaderRules,
    placements: Vec<Credential>,
    upstream: Arc<Upstream>,
    wire: Option<Arc<dyn Wire>>,
    read_only: bool,
    limits: Limits,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
    dry_run: bool,
}

impl Egress {
    pub(crate) fn new(options: EgressOptions<'_>) -> Result<Self, Problem> {
        let network = options.network;
        let placements = &options.manifest.credentials;
        let upstream = Upstream::new(UpstreamOptions {
            granted: &options.granted,
            placements: placements.clone(),
            credentials: options.credentials,
            network,
            limits: options.limits.clone(),
            clock: Arc::clone(&options.clock),
            lookup: options.lookup,
        })?;
        Ok(Self {
            placements: placements.clone(),
            upstream: Arc::new(upstream),
            wire: options.wire,
            granted: options.granted,
            reach: options.reach,
            header_rules: HeaderRules::of(options.manifest),
            read_only: network.read_only,
            limits: options.limits,
            clock: options.clock,
            observer: options.observer,
            dry_run: options.dry_run,
        })
    }

    /// What carries the requests of an operation.
    pub(crate) fn begin(&self, begun: &Begun<'_>) -> Arc<dyn Carrier> {
        match &self.wire {
            Some(wire) => wire.begin(begun, self.network()),
            None => self.network(),
        }
    }

    fn network(&self) -> Arc<dyn Carrier> {
        Arc::new(UpstreamCarrier::new(Arc::clone(&self.upstream)))
    }

    /// Sends a connector's request, with the retries that its repeatability allows.
    pub(crate) async fn send(
        &self,
        operation: &mut Operation,
        carrier: &dyn Carrier,
        request: Request,
    ) -> Result<Response, TransportFailure> {
        let answer = self.answer(operation, carrier, request).await;
        answer.map_err(|unanswered| {
            let secrets = self.upstream.secrets();
            unanswered.scrubbed(secrets.scrubber()).into_failure()
        })
    }

    async fn answer(
        &self,
        operation: &mut Operation,
        carrier: &dyn Carrier,
        request: Request,
    ) -> Result<Response, Unanswered> {
        let repeatability = request.repeatability;
        let outgoing = self.pass(operation, request);
        let outgoing = outgoing.map_err(Unanswered::Refused)?;
        let watching = Watching {
            limits: &self.limits,
            clock: &*self.clock,
            observer: self.observer.as_ref(),
        };
        let (mut number, mut lost, mut renewed) = (1, false, false);
        loop {
            let mut attempt = self.attempt(operation, &outgoing, number);
            let answer = watched::exchange(watching, carrier, &outgoing, &mut attempt).await;
            // 401 says that nothing was done, so that a write may be repeated too.
            if matches!(&answer, Ok(response) if response.status == 401) && !renewed {
                renewed = true;
                if carrier.renew(&outgoing, &mut attempt).await {
                    number += 1;
                    continue;
                }
            }
            let wait = wait_before_next(repeatability, &answer, number, fastrand::f64());
            let goes_on = match wait {
                Some(wait) => carrier.pause(wait, &mut attempt).await,
                None => false,
            };
            if !goes_on {
                return with_the_past(answer, lost, self.upstream.secrets().scrubber());
            }
            lost |= is_unsettled(&answer);
            number += 1;
        }
    }

    fn attempt<'a>(
        &'a self,
        operation: &'a mut Operation,
        outgoing: &Outgoing,
        number: u32,
    ) -> Attempt<'a> {
        Attempt::new(
            operation,
            &*self.clock,
            &self.limits,
            number,
            outgoing.writes(),
        )
    }

    /// What the policy decides: the same about the same request, at any time.
    fn pass(&self, operation: &mut Operation, request: Request) -> Result<Outgoing, Refusal> {
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
        let headers = self.header_rules.request(&request.headers)?;
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
        let credentials = self.wanted(&request, &url)?.into_iter().cloned().collect();
        let outgoing = Outgoing::new(
            request.method,
            url,
            headers,
            request.body,
            credentials,
            Duration::from_millis(request.delay_ms.into()),
        );
        if self.dry_run && writes {
            operation
                .planned
                .get_or_insert_with(|| outgoing.shown().clone());
            return Err(refusal(
                RefusalReason::DryRun,
                "This is a dry run: the request is shown, and not sent.".to_owned(),
            ));
        }
        Ok(outgoing)
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
            if wanted.len() >= MOST_IN_A_REQUEST {
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
}
