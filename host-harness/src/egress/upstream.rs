//! [`Upstream`]: the network's side of one connection. Everything that is done with its secrets,
//! and everything that touches the network, is below here.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use url::{Host, Url};

use super::address::{AddressPolicy, CheckedResolver, Lookup, system_lookup};
use super::credential::Credentials;
use super::grant::Grant;
use super::network::Network;
use super::rate::Rate;
use super::refused::refusal;
use super::secrets::Secrets;
use super::{broken, tls};
use crate::clock::Clock;
use crate::contract::{Credential, Problem, Refusal, RefusalReason};
use crate::limits::{CONNECT_TIME, IDLE_TIME, Limits};
use crate::scrub::{Scrubber, Spelling};

/// How long the kernel goes on sending what the other side does not acknowledge. A write that the
/// host has given up, or was killed over, may arrive for so long still: it is far shorter than
/// the time that a sync lets pass before it takes such a write for one that was not done
/// ([`SyncOptions::settle`](crate::sync::SyncOptions::settle), 30 seconds).
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
pub(super) const UNACKNOWLEDGED_TIME: Duration = Duration::from_secs(10);

/// What an [`Upstream`] is made of.
pub(super) struct UpstreamOptions<'a> {
    pub(super) granted: &'a [Grant],
    pub(super) placements: Vec<Credential>,
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) network: &'a Network,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Clock>,
    /// The system's resolver where none is given.
    pub(super) lookup: Option<Lookup>,
}

/// The network's side of one connection.
pub(super) struct Upstream {
    pub(super) client: reqwest::Client,
    pub(super) placements: Vec<Credential>,
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) limits: Limits,
    pub(super) rate: Rate,
    pub(super) clock: Arc<dyn Clock>,
    addresses: AddressPolicy,
    secrets: RwLock<Secrets>,
}

impl Upstream {
    pub(super) fn new(options: UpstreamOptions<'_>) -> Result<Self, Problem> {
        let network = options.network;
        let proxy_host = match &network.proxy {
            None => None,
            Some(proxy) => Some(
                Url::parse(proxy)
                    .ok()
                    .and_then(|url| url.host_str().map(str::to_owned))
                    .ok_or_else(proxy_problem)?,
            ),
        };
        let addresses = AddressPolicy::new(options.granted, &network.allow_addresses, proxy_host);
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
        builder = builder.no_proxy();
        if let Some(proxy) = &network.proxy {
            let proxy = reqwest::Proxy::all(proxy.as_str()).map_err(|_| proxy_problem())?;
            builder = builder.proxy(proxy);
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
            placements: options.placements,
            credentials: options.credentials,
            rate: Rate::new(network.max_concurrency, network.max_requests_per_minute),
            limits: options.limits,
            clock: options.clock,
            addresses,
            secrets: RwLock::default(),
        })
    }

    /// From now on looked for in every answer.
    pub(super) fn learn(&self, name: &str, texts: &[Spelling]) {
        if !self.secrets().knows(name, texts) {
            let secrets = self.secrets.write();
            let mut secrets = secrets.unwrap_or_else(PoisonError::into_inner);
            secrets.learn(name, texts);
        }
    }

    pub(super) fn secrets(&self) -> RwLockReadGuard<'_, Secrets> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// An address that stands in the URL never reaches the resolver.
    pub(super) fn check_literal_address(&self, url: &Url) -> Result<(), Refusal> {
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

/// Never written out, since it holds secrets.
impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").finish_non_exhaustive()
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

/// The value may hold a password, so it is not repeated.
fn proxy_problem() -> Problem {
    Problem {
        name: "proxy".to_owned(),
        code: "invalid".to_owned(),
        message: "`proxy` under [network] is not a URL such as http://proxy.example:3128."
            .to_owned(),
    }
}
