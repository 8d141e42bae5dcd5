//! [`Connection`]: one upstream tenant, as an operator configured it. Each operation runs
//! in a sandbox of its own, against a deadline.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::Stream;

use crate::component::Component;
use crate::contract::{
    self, Account, CheckReport, Deletion, Draft, Edits, Manifest, Outcome, Page, PageQuery, Value,
};
use crate::egress::{
    Credentials, Egress, EgressOptions, Grant, Network, Operation, StaticCredentials,
};
use crate::failure::Failure;
use crate::promises;
use crate::sandbox::{Limit, Limits, Sandbox};
use crate::settings;
use crate::trace::Observer;

/// How long a sandbox lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SandboxLifetime {
    /// Nothing that one operation left behind reaches the next.
    #[default]
    FreshEachOperation,
    /// Kept for the next operation unless something went wrong in it; for long runs. It
    /// holds one of the host's places
    /// ([`HostOptions::max_instances`](crate::HostOptions::max_instances)) while it waits.
    OnePerConnection,
}

/// What a connection is made of.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectionOptions {
    /// The manifest's settings, by name.
    pub settings: BTreeMap<String, String>,
    /// Where the secrets come from.
    pub credentials: Arc<dyn Credentials>,
    /// How the network may be used.
    pub network: Network,
    /// What an operation may use up.
    pub limits: Limits,
    /// Sees every exchange.
    pub observer: Option<Arc<dyn Observer>>,
    /// Reads are sent; the first write ends the operation with [`Failure::DryRun`].
    pub dry_run: bool,
    /// What [`Connection::learned`] gave for the same component and settings.
    pub learned: Option<String>,
    /// How long a sandbox lives.
    pub sandbox: SandboxLifetime,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self {
            settings: BTreeMap::new(),
            credentials: Arc::new(StaticCredentials::new()),
            network: Network::default(),
            limits: Limits::default(),
            observer: None,
            dry_run: false,
            learned: None,
            sandbox: SandboxLifetime::default(),
        }
    }
}

impl ConnectionOptions {
    /// Without settings, credentials or anything unusual.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this setting.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// With this source of secrets.
    #[must_use]
    pub fn credentials(mut self, credentials: impl Credentials + 'static) -> Self {
        self.credentials = Arc::new(credentials);
        self
    }
}

impl fmt::Debug for ConnectionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionOptions")
            .field("settings", &self.settings)
            .field("network", &self.network)
            .field("limits", &self.limits)
            .field("dry_run", &self.dry_run)
            .field("sandbox", &self.sandbox)
            .finish_non_exhaustive()
    }
}

/// An open connection. Clones share it; operations may run at the same time.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    component: Component,
    settings: Vec<contract::SettingValue>,
    granted: Vec<Grant>,
    reach: Vec<Grant>,
    egress: Arc<Egress>,
    limits: Limits,
    lifetime: SandboxLifetime,
    learned: Mutex<Option<String>>,
    /// An open sandbox that waits for its next operation.
    idle: Mutex<Option<Sandbox>>,
}

/// Whether an operation may change anything upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Reads,
    Writes,
}

impl Connection {
    pub(crate) async fn open(
        component: Component,
        options: ConnectionOptions,
    ) -> Result<Self, Failure> {
        let mut checked = settings::check(
            component.manifest(),
            &options.settings,
            &*options.credentials,
            &options.network,
        );
        if options.limits.fuel.is_some() && !component.host().counts_fuel() {
            checked.problems.push(contract::Problem {
                name: "fuel".to_owned(),
                code: "unsupported".to_owned(),
                message: "`fuel` under [limits] has no effect here: this host does not count \
                          instructions (`HostOptions::count_fuel`)."
                    .to_owned(),
            });
        }
        let opened = {
            let limits = &options.limits;
            let work = async {
                let mut sandbox = component.sandbox(limits).await?;
                sandbox
                    .open(&checked.values, options.learned.as_deref())
                    .await?;
                sandbox.reach().await
            };
            component
                .host()
                .within("open", limits.operation_time, work)
                .await
        };
        let reach = match opened {
            Err(Failure::Connector(failure))
                if failure.kind == contract::FailureKind::InvalidSettings =>
            {
                if checked.problems.is_empty() {
                    return Err(Failure::Connector(failure));
                }
                return Err(Failure::InvalidSettings {
                    problems: checked.merged(failure.problems),
                });
            }
            Err(failure) => return Err(failure),
            Ok(_) if !checked.problems.is_empty() => {
                return Err(Failure::InvalidSettings {
                    problems: checked.problems,
                });
            }
            Ok(reach) => narrowed(&checked.grants, &reach)?,
        };
        let egress = Egress::new(EgressOptions {
            manifest: component.manifest(),
            granted: checked.grants.clone(),
            reach: reach.clone(),
            credentials: options.credentials,
            network: &options.network,
            limits: options.limits.clone(),
            clock: Arc::clone(component.host().clock()),
            observer: options.observer,
            dry_run: options.dry_run,
            lookup: None,
        })
        .map_err(|problem| Failure::InvalidSettings {
            problems: vec![problem],
        })?;
        Ok(Self(Arc::new(Inner {
            component,
            settings: checked.values,
            granted: checked.grants,
            reach,
            egress: Arc::new(egress),
            limits: options.limits,
            lifetime: options.sandbox,
            learned: Mutex::new(options.learned),
            idle: Mutex::new(None),
        })))
    }

    /// What the connector says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.0.component.manifest()
    }

    /// What the operator's settings grant: one for each base-url setting.
    #[must_use]
    pub fn granted(&self) -> &[Grant] {
        &self.0.granted
    }

    /// What the connection's requests stay under: the grants, as far as the connector asked
    /// for them.
    #[must_use]
    pub fn reach(&self) -> &[Grant] {
        &self.0.reach
    }

    /// What was found out about the upstream so far, for
    /// [`ConnectionOptions::learned`] of a later connection.
    #[must_use]
    pub fn learned(&self) -> Option<String> {
        self.0.learned().clone()
    }

    /// Whether settings and credentials are good. Changes nothing.
    ///
    /// # Errors
    ///
    /// Those that the contract names for `check`, and the host's own.
    pub async fn check(&self) -> Result<CheckReport, Failure> {
        self.run(
            "check",
            Access::Reads,
            |_| Ok(()),
            |mut sandbox| async move {
                let result = sandbox.check().await;
                (sandbox, result)
            },
        )
        .await
    }

    /// One page of all accounts.
    ///
    /// # Errors
    ///
    /// Those that the contract names for `list`, and the host's own.
    pub async fn list(&self, query: PageQuery) -> Result<Page, Failure> {
        let query = PageQuery {
            limit: query.limit.max(1),
            ..query
        };
        let query = &query;
        self.run(
            "list",
            Access::Reads,
            |page| promises::page(self.manifest(), query.limit, query.cursor.as_deref(), page),
            |mut sandbox| async move {
                let result = sandbox.list(query).await;
                (sandbox, result)
            },
        )
        .await
    }

    /// All accounts, as a stream; see [`Self::listing`]. It ends after an error.
    pub fn accounts(&self) -> impl Stream<Item = Result<Account, Failure>> + Send + use<> {
        futures_util::stream::unfold(self.listing(), |mut listing| async move {
            Some((listing.next().await?, listing))
        })
    }

    /// All accounts, page by page as they are asked for; an account that several pages
    /// show comes once. To tell, eight bytes of each id are kept: in a listing of a million
    /// accounts the odds that one is mistaken for another are 1 to 30 million.
    #[must_use]
    pub fn listing(&self) -> Listing {
        Listing {
            connection: self.clone(),
            next: Some(None),
            page_size: self.manifest().max_page_size,
            pages: 0,
            total: None,
            ready: VecDeque::new(),
            seen: Seen::default(),
            cursors: Seen::default(),
            stale_pages: 0,
        }
    }

    /// One account.
    ///
    /// # Errors
    ///
    /// Those that the contract names for `get`, and the host's own.
    pub async fn get(&self, id: &str) -> Result<Account, Failure> {
        self.run(
            "get",
            Access::Reads,
            |account| promises::account_of(self.manifest(), id, account),
            |mut sandbox| async move {
                let result = sandbox.get(id).await;
                (sandbox, result)
            },
        )
        .await
    }

    /// The account with this value of a lookup key, if there is one.
    ///
    /// # Errors
    ///
    /// Those that the contract names for `find`, and the host's own.
    pub async fn find(&self, name: &str, value: &Value) -> Result<Option<Account>, Failure> {
        self.run(
            "find",
            Access::Reads,
            |found: &Option<Account>| promises::found(self.manifest(), name, value, found.as_ref()),
            |mut sandbox| async move {
                let result = sandbox.find(name, value).await;
                (sandbox, result)
            },
        )
        .await
    }

    /// Makes an account.
    ///
    /// # Errors
    ///
    /// Those that the contract names for `create`, and the host's own.
    pub async fn create(&self, draft: &Draft) -> Result<Outcome, Failure> {
        self.run(
            "create",
            Access::Writes,
            |outcome| promises::outcome(self.manifest(), outcome),
            |mut sandbox| async move {
                let result = sandbox.create(draft).await;
                (sandbox, result)
            },
        )
        .await
    }

    /// Changes an account.
    ///
    /// # Errors
    ///
    /// Those that the contract names for `update`, and the host's own.
    pub async fn update(&self, id: &str, edits: &Edits) -> Result<Outcome, Failure> {
        self.run(
            "update",
            Access::Writes,
            |outcome| promises::outcome_of(self.manifest(), id, outcome),
            |mut sandbox| async move {
                let result = sandbox.update(id, edits).await;
                (sandbox, result)
            },
        )
        .await
    }

    /// Deletes an account, in the upstream's sense of it
    /// ([`Manifest::deletion`](contract::Manifest)).
    ///
    /// # Errors
    ///
    /// Those that the contract names for `delete`, and the host's own.
    pub async fn delete(&self, id: &str) -> Result<Deletion, Failure> {
        self.run(
            "delete",
            Access::Writes,
            |deletion| promises::deletion(self.manifest(), id, deletion),
            |mut sandbox| async move {
                let result = sandbox.delete(id).await;
                (sandbox, result)
            },
        )
        .await
    }

    /// What is left in the memory of the sandbox that waits for the next operation
    /// ([`SandboxLifetime::OnePerConnection`]), which is thrown away.
    #[cfg(feature = "memory-dump")]
    #[doc(hidden)]
    pub async fn guest_memory(&self) -> Option<Vec<u8>> {
        let sandbox = {
            let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.take()?
        };
        sandbox.into_memory().await
    }

    /// Runs one operation in a sandbox, against its deadline, and holds its result against
    /// what the contract promises.
    async fn run<T, F>(
        &self,
        name: &'static str,
        access: Access,
        promise: impl Fn(&T) -> Result<(), Failure> + Send,
        call: impl FnOnce(Sandbox) -> F + Send,
    ) -> Result<T, Failure>
    where
        T: Send,
        F: Future<Output = (Sandbox, Result<T, Failure>)> + Send,
    {
        let inner = &*self.0;
        let host = inner.component.host();
        let _running = host.run_clockwork();
        let time = inner.limits.operation_time;
        let start = host.clock().now();
        // Requests end a little earlier than the operation, so that the connector can still
        // say what a missing answer means.
        let reserve = (time / 10).min(Duration::from_millis(500));
        let requests_end = start.saturating_add(time.saturating_sub(reserve));
        let operation = Operation::new(name, access == Access::Reads, requests_end);
        let wrote = operation.wrote();
        let work = async {
            let mut sandbox = inner.sandbox().await?;
            sandbox.begin(operation, Arc::clone(&inner.egress));
            Ok::<_, Failure>(call(sandbox).await)
        };
        let (sandbox, result) = tokio::select! {
            done = work => done?,
            () = host.clock().alarm(start.saturating_add(time)) => {
                return Err(Failure::out_of_time(name, time, wrote.load(Ordering::Relaxed)));
            }
        };
        // Not against the deadline: the operation has its result, whatever becomes of a note.
        if matches!(result, Ok(_) | Err(Failure::Connector(_))) {
            inner.leave(sandbox).await;
        }
        result
            .and_then(|result| promise(&result).map(|()| result))
            .map_err(|failure| failure.after(wrote.load(Ordering::Relaxed)))
    }
}

impl Inner {
    fn learned(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sandbox with an open connection.
    async fn sandbox(&self) -> Result<Sandbox, Failure> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(sandbox) = idle {
            return Ok(sandbox);
        }
        let mut sandbox = self.component.sandbox(&self.limits).await?;
        let learned = self.learned().clone();
        sandbox.open(&self.settings, learned.as_deref()).await?;
        Ok(sandbox)
    }

    /// Takes over what was learned, and keeps the sandbox if it may live on.
    async fn leave(&self, mut sandbox: Sandbox) {
        let Ok(learned) = sandbox.learned().await else {
            return;
        };
        if learned.is_some() {
            *self.learned() = learned;
        }
        if self.lifetime == SandboxLifetime::OnePerConnection {
            *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(sandbox);
        }
    }
}

/// The grants, narrowed to what the connector asks for.
fn narrowed(granted: &[Grant], reach: &[String]) -> Result<Vec<Grant>, Failure> {
    reach
        .iter()
        .map(|prefix| {
            let mut refused = None;
            for grant in granted {
                match grant.narrowed_to(prefix) {
                    Ok(narrow) => return Ok(narrow),
                    Err(refusal) => refused = refused.or(Some(refusal.message)),
                }
            }
            let reason = refused.unwrap_or_else(|| "No setting grants any address.".to_owned());
            Err(Failure::ConnectorFault {
                message: format!("The connector asks for more than was granted. {reason}"),
            })
        })
        .collect()
}

/// A listing under way.
pub struct Listing {
    connection: Connection,
    /// The next page's cursor; the outer `None` is the end.
    next: Option<Option<String>>,
    page_size: u32,
    pages: u32,
    total: Option<u32>,
    ready: VecDeque<Account>,
    seen: Seen,
    cursors: Seen,
    /// Pages in a row that showed nobody new.
    stale_pages: u32,
}

/// An upstream that shifts may repeat itself for a page or two, and no more.
const MOST_STALE_PAGES: u32 = 5;

impl Listing {
    /// The upstream's own count, which may be wrong; known from the first page on, if it
    /// tells.
    #[must_use]
    pub fn total(&self) -> Option<u32> {
        self.total
    }

    /// No more than so many will be asked for: a page need not be larger.
    pub fn expect(&mut self, accounts: u64) {
        let accounts = u32::try_from(accounts).unwrap_or(u32::MAX).max(1);
        self.page_size = self.page_size.min(accounts);
    }

    /// The next account; `None` at the end, and after an error.
    pub async fn next(&mut self) -> Option<Result<Account, Failure>> {
        let item = self.advance().await;
        if matches!(item, Some(Err(_))) {
            self.next = None;
            self.ready.clear();
        }
        item
    }

    async fn advance(&mut self) -> Option<Result<Account, Failure>> {
        loop {
            while let Some(account) = self.ready.pop_front() {
                if self.seen.is_new(&account.id) {
                    self.stale_pages = 0;
                    return Some(Ok(account));
                }
            }
            let cursor = self.next.take()?;
            let limits = &self.connection.0.limits;
            if self.pages >= limits.pages {
                return Some(Err(Failure::LimitReached {
                    limit: Limit::Pages,
                    message: Limit::Pages.message(limits),
                }));
            }
            if self.stale_pages >= MOST_STALE_PAGES {
                return Some(Err(promises::stale_listing(self.stale_pages)));
            }
            self.pages += 1;
            self.stale_pages += 1;
            let limit = self.page_size;
            match self.connection.list(PageQuery { cursor, limit }).await {
                Ok(page) => {
                    self.total = page.total.or(self.total);
                    self.ready = page.accounts.into();
                    if let Some(next) = page.next {
                        if !self.cursors.is_new(&next) {
                            return Some(Err(promises::repeated_cursor()));
                        }
                        self.next = Some(Some(next));
                    }
                }
                Err(failure) => return Some(Err(failure)),
            }
        }
    }
}

/// Texts that were met before, by their keyed hashes.
#[derive(Default)]
struct Seen {
    keys: RandomState,
    hashes: std::collections::HashSet<u64>,
}

impl Seen {
    fn is_new(&mut self, text: &str) -> bool {
        self.hashes.insert(self.keys.hash_one(text))
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("pages", &self.pages)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("component", &self.0.component)
            .field("granted", &self.0.granted)
            .field("reach", &self.0.reach)
            .finish_non_exhaustive()
    }
}
