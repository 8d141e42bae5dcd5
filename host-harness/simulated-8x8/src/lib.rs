//! An 8x8 tenant for demonstrations and tests: a SCIM service on a loopback address that
//! behaves as what is publicly known of 8x8 has it (docs/8x8.md), and keeps a log of what it received.
//!
//! Where nothing is known of 8x8's behaviour there is a [`Switch`]; what goes wrong on a network
//! is a [`Fault`]. With neither, it follows RFC 7643 and RFC 7644, and what 8x8 documents beyond:
//!
//! * DELETE answers 204 and only deactivates; the userName stays taken.
//! * A userName is unique beyond the tenant, whatever its case: 409 `uniqueness`.
//! * `site` is one of the tenant's sites, exactly, and is set once: another value is 400
//!   `invalidValue`, a change 400 `mutability`; it may be given while unset, and a PUT that
//!   leaves it out keeps it.
//! * Somebody without a work address gets `noreply@8x8.com`; `primary` is ignored: true for the
//!   address and the mobile number, false for the work number; `locale` is `en-US` unless given.
//! * No token, a wrong one, or any once it was cleared: 401. Another customer's path: 403. A
//!   path outside of SCIM: a gateway's 404 page.
//! * Attributes that 8x8 does not name are ignored and not kept; in a filter they are
//!   `invalidFilter`, in a PATCH path `invalidPath`.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use simulated_8x8::{SimulatedTenant, Switch, TenantOptions};
//!
//! let tenant = SimulatedTenant::start(TenantOptions {
//!     switches: [Switch::PagesOf10].into(),
//!     people: 250,
//!     ..TenantOptions::default()
//! })
//! .await?;
//! println!("{}", tenant.instance_url());
//! tenant.inject("post:cut-after-commit".parse()?);
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod answer;
mod discovery;
mod discovery_schemas;
mod edit;
mod faults;
mod filter;
mod listing;
mod log;
mod matching;
mod patch;
mod people;
mod projection;
mod resource;
mod routes;
mod rules;
mod schedule;
mod schema;
mod server;
mod shared;
mod store;
mod stored;
mod switches;
#[cfg(test)]
mod tests;
mod tls;
mod users;
mod waiting_faults;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

pub use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::faults::{Delivery, Fault, FaultEffect, UnreadableFault};
pub use self::log::Received;
pub use self::schedule::FaultSchedule;
pub use self::switches::{Switch, Switches, UnknownSwitch};
pub use self::tls::TlsError;

use self::log::Log;
use self::shared::{Shared, lock};
use self::store::Store;
use self::users::Tenant;
use self::waiting_faults::Faults;

/// How a tenant is set up.
#[derive(Clone)]
pub struct TenantOptions {
    /// Where to listen: a loopback address. Port 0, the default, takes a free one.
    pub listen: SocketAddr,
    /// The Customer ID, 1 to 64 ASCII letters, digits, `-` or `_`.
    pub customer_id: String,
    /// The API token, visible ASCII without blanks. Only ever a made-up one.
    pub token: String,
    /// The names of the sites that exist.
    pub sites: Vec<String>,
    /// Whether to serve TLS, with a certificate authority made at start.
    pub tls: bool,
    /// How to differ from the default behaviour.
    pub switches: Switches,
    /// How many generated users to start with, as if made through SCIM.
    pub people: usize,
    /// The largest page of a list, at least 1.
    pub max_page: usize,
    /// What goes wrong beside the faults that are injected; nothing without it.
    pub fault_schedule: Option<FaultSchedule>,
}

impl Default for TenantOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            customer_id: "0012J00042NkZQIQA3".to_owned(),
            token: "simulated-tenant-token".to_owned(),
            sites: ["London", "Madrid", "New York", "Singapore"]
                .map(str::to_owned)
                .to_vec(),
            tls: false,
            switches: Switches::none(),
            people: 0,
            max_page: 100,
            fault_schedule: None,
        }
    }
}

impl fmt::Debug for TenantOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantOptions")
            .field("listen", &self.listen)
            .field("customer_id", &self.customer_id)
            .field("sites", &self.sites)
            .field("tls", &self.tls)
            .field("switches", &self.switches)
            .field("people", &self.people)
            .field("max_page", &self.max_page)
            .field("fault_schedule", &self.fault_schedule)
            .finish_non_exhaustive()
    }
}

/// A tenant could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address can be reached from other machines.
    #[error("{0} is no loopback address; the simulated tenant listens on 127.0.0.1 or ::1 only")]
    NotLoopback(SocketAddr),
    /// The Customer ID does not fit into a path.
    #[error("the customer ID `{0}` must be 1 to 64 ASCII letters, digits, - or _")]
    CustomerId(String),
    /// The token does not fit into a header.
    #[error("the token must be visible ASCII characters without blanks, at least one")]
    Token,
    /// Pages that hold nobody.
    #[error("the largest page must hold at least one user")]
    MaxPage,
    /// The address is taken, for example.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The certificate could not be made.
    #[error("cannot set up TLS")]
    Tls(#[from] TlsError),
}

/// A running tenant. It stops when dropped.
pub struct SimulatedTenant {
    shared: Arc<Shared>,
    address: SocketAddr,
    instance_url: String,
    token: String,
    ca_pem: Option<String>,
    server: JoinHandle<()>,
}

impl SimulatedTenant {
    /// Starts a tenant; it is reachable when this returns.
    ///
    /// # Errors
    ///
    /// Options that cannot be, above all an address that is not loopback; an address that is
    /// taken; no certificate.
    pub async fn start(options: TenantOptions) -> Result<Self, StartError> {
        check(&options)?;
        let (acceptor, ca_pem) = if options.tls {
            let tls = tls::make()?;
            (Some(tls.acceptor), Some(tls.ca_pem))
        } else {
            (None, None)
        };
        let cannot_listen = |source| StartError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let scheme = if options.tls { "https" } else { "http" };
        let instance_url = format!(
            "{scheme}://{address}/udi/customers/{}/scim/v2",
            options.customer_id
        );
        let shared = Arc::new(Shared {
            customer_id: options.customer_id,
            token: Mutex::new(Some(options.token.clone())),
            tenant: Mutex::new(Tenant {
                store: populated(options.people, &options.sites, &options.switches),
                switches: options.switches,
                sites: options.sites,
                max_page: options.max_page,
                base: instance_url.clone(),
            }),
            log: Mutex::new(Log::default()),
            faults: Mutex::new(Faults::drawn_from(options.fault_schedule)),
        });
        let server = tokio::spawn(server::serve(listener, acceptor, Arc::clone(&shared)));
        Ok(Self {
            shared,
            address,
            instance_url,
            token: options.token,
            ca_pem,
            server,
        })
    }

    /// What an admin would copy as *8x8 URL*: `http(s)://127.0.0.1:PORT/udi/customers/{id}/scim/v2`.
    #[must_use]
    pub fn instance_url(&self) -> String {
        self.instance_url.clone()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The Customer ID.
    #[must_use]
    pub fn customer_id(&self) -> &str {
        &self.shared.customer_id
    }

    /// The API token, as it was before it may have been cleared.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The certificate of the authority that signed the server's, in PEM; none without TLS. The
    /// server's is for 127.0.0.1, ::1 and localhost.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// What was received, oldest first; at most the latest 100,000 requests (or 128 MiB of
    /// bodies).
    #[must_use]
    pub fn log(&self) -> Vec<Received> {
        lock(&self.shared.log).entries()
    }

    /// As [`Self::log`], without the first so many that it holds.
    #[must_use]
    pub fn log_since(&self, first: usize) -> Vec<Received> {
        lock(&self.shared.log).entries_from(first)
    }

    /// How many requests the log holds.
    #[must_use]
    pub fn log_len(&self) -> usize {
        lock(&self.shared.log).len()
    }

    /// How many requests the log no longer holds, because it was full.
    #[must_use]
    pub fn log_dropped(&self) -> u64 {
        lock(&self.shared.log).dropped()
    }

    /// Empties the log.
    pub fn clear_log(&self) {
        lock(&self.shared.log).clear();
    }

    /// Everybody, console-made users included, as resources, in the order they were made.
    #[must_use]
    pub fn users(&self) -> Vec<Value> {
        let tenant = lock(&self.shared.tenant);
        tenant
            .store
            .now()
            .all()
            .map(|user| tenant.render(user))
            .collect()
    }

    /// One user as a resource, by id.
    #[must_use]
    pub fn user(&self, id: &str) -> Option<Value> {
        let tenant = lock(&self.shared.tenant);
        tenant.store.now().get(id).map(|user| tenant.render(user))
    }

    /// Those with this userName, in whatever case, in the order they were made.
    #[must_use]
    pub fn users_named(&self, user_name: &str) -> Vec<Value> {
        let tenant = lock(&self.shared.tenant);
        let name = filter::fold(user_name);
        tenant
            .store
            .now()
            .having(&matching::Key::UserName(&name))
            .into_iter()
            .map(|user| tenant.render(user))
            .collect()
    }

    /// Adds a user as if made in Admin Console, and gives the id. Nothing is checked, not even
    /// the name's uniqueness; unknown attributes are kept; what has the wrong type is left out.
    pub fn add_console_user(&self, resource: Value) -> String {
        let mut tenant = lock(&self.shared.tenant);
        let switches = tenant.switches.clone();
        let mut attributes = resource::read_leniently(&resource, &tenant.names());
        attributes.entry("active").or_insert(Value::Bool(true));
        rules::fill(&mut attributes, &switches);
        tenant
            .store
            .insert(attributes, true, Timestamp::now())
            .id
            .clone()
    }

    /// Removes a user by hand, which is the only way on 8x8 to delete one and free the userName;
    /// says whether there was one.
    pub fn delete_in_console(&self, id: &str) -> bool {
        lock(&self.shared.tenant).store.remove(id)
    }

    /// Takes a userName for another company's tenant: it collides here, and is not to be seen.
    pub fn reserve_elsewhere(&self, user_name: &str) {
        lock(&self.shared.tenant).store.reserve(user_name);
    }

    /// Clears the token, as an admin does who switches SCIM off: 401 for everybody from now on.
    pub fn clear_token(&self) {
        *lock(&self.shared.token) = None;
    }

    /// Takes the old token again, as after [`Self::clear_token`] or a fault that cleared it.
    pub fn restore_token(&self) {
        *lock(&self.shared.token) = Some(self.token.clone());
    }

    /// Stops drawing faults from the schedule. Those that were injected stay.
    pub fn end_schedule(&self) {
        lock(&self.shared.faults).end_schedule();
    }

    /// Queues a fault for the first request that it matches.
    pub fn inject(&self, fault: Fault) {
        lock(&self.shared.faults).add(fault);
    }

    /// Changes the switches, from the next request on. What is stored stays as it is.
    pub fn set_switches(&self, switches: Switches) {
        lock(&self.shared.tenant).switches = switches;
    }

    /// Stops it; the address is free when this returns.
    pub async fn stop(mut self) {
        self.server.abort();
        // Nothing but "aborted" can come of it.
        let _ = (&mut self.server).await;
    }
}

impl Drop for SimulatedTenant {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for SimulatedTenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedTenant")
            .field("instance_url", &self.instance_url)
            .finish_non_exhaustive()
    }
}

fn check(options: &TenantOptions) -> Result<(), StartError> {
    if !options.listen.ip().is_loopback() {
        return Err(StartError::NotLoopback(options.listen));
    }
    let id = &options.customer_id;
    let in_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || id.len() > 64 || !id.chars().all(in_path) {
        return Err(StartError::CustomerId(id.clone()));
    }
    if options.token.is_empty() || !options.token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(StartError::Token);
    }
    if options.max_page == 0 {
        return Err(StartError::MaxPage);
    }
    Ok(())
}

/// Generated users, made one hour after the other from a fixed day on.
fn populated(people: usize, sites: &[String], switches: &Switches) -> Store {
    let first_day = Timestamp::from_second(1_704_096_000).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut store = Store::default();
    for number in 0..people {
        if let Value::Object(mut attributes) = people::person(number, sites) {
            rules::fill(&mut attributes, switches);
            let hours = i64::try_from(number).unwrap_or(0);
            let made = first_day
                .checked_add(SignedDuration::from_hours(hours % 100_000))
                .unwrap_or(first_day);
            store.insert(attributes, false, made);
        }
    }
    store
}
