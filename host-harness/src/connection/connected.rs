//! [`Connection`]: its operations, each in a sandbox, against a deadline, and held against what
//! the contract promises.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::not_needed::NotNeeded;
use super::options::{ConnectionOptions, SandboxLifetime};
use crate::component::Component;
use crate::contract::{
    self, Account, CheckReport, Deletion, Draft, Edits, Manifest, Outcome, Page, PageQuery, Value,
};
use crate::egress::{Begun, Connected, Egress, EgressOptions, Given, Grant, Operation};
use crate::engine::Share;
use crate::failure::Failure;
use crate::limits::{LEARNED_BYTES, Limits};
use crate::promises;
use crate::sandbox::Sandbox;
use crate::settings;
use crate::trace::{Meter, Observer};

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
    share: Share,
    observer: Option<Arc<dyn Observer>>,
    learned: Mutex<Option<String>>,
    /// Bytes of a note that was too long to be taken over; 0 where there was none.
    overlong: AtomicUsize,
    /// An open sandbox that waits for its next operation.
    idle: Mutex<Option<Sandbox>>,
}

impl Component {
    /// Opens a connection to one upstream tenant. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidSettings`] with every problem that host and connector find, and
    /// what a call into the connector may end in.
    pub async fn connect(&self, options: ConnectionOptions) -> Result<Connection, Failure> {
        Connection::open(self.clone(), options).await
    }
}

/// Whether an operation may change anything upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Reads,
    Writes,
}

/// An operation's name, and what it may do and was given.
#[derive(Clone, Copy)]
struct Call<'a> {
    name: &'static str,
    access: Access,
    given: Given<'a>,
}

impl<'a> Call<'a> {
    fn reads(name: &'static str, given: Given<'a>) -> Self {
        Self {
            name,
            access: Access::Reads,
            given,
        }
    }

    fn writes(name: &'static str, given: Given<'a>) -> Self {
        Self {
            name,
            access: Access::Writes,
            given,
        }
    }
}

impl Connection {
    pub(crate) async fn open(
        component: Component,
        mut options: ConnectionOptions,
    ) -> Result<Self, Failure> {
        if let Some(wire) = &options.wire {
            wire.fits(component.manifest())?;
            if !wire.uses_network() {
                options.credentials = Arc::new(NotNeeded);
                options.network.proxy = None;
                options.network.ca_file = None;
            }
        }
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
                let clock = component.host().clock();
                let meter = Meter::start("open", options.observer.as_ref(), clock);
                let mut sandbox = component.sandbox(limits, None, meter).await?;
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
        if let Some(wire) = &options.wire {
            wire.connected(&Connected {
                manifest: component.manifest(),
                sha256: &component.inspection().sha256,
                settings: &options.settings,
                network: &options.network,
                learned: options.learned.as_deref(),
            })?;
        }
        let egress = Egress::new(EgressOptions {
            manifest: component.manifest(),
            granted: checked.grants.clone(),
            reach: reach.clone(),
            credentials: options.credentials,
            network: &options.network,
            limits: options.limits.clone(),
            clock: Arc::clone(component.host().clock()),
            observer: options.observer.clone(),
            dry_run: options.dry_run,
            wire: options.wire,
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
            share: Share::of(options.network.max_concurrency),
            observer: options.observer,
            learned: Mutex::new(options.learned),
            overlong: AtomicUsize::new(0),
            idle: Mutex::new(None),
        })))
    }

    /// The connector.
    pub(crate) fn component(&self) -> &Component {
        &self.0.component
    }

    /// What its operations and listings may use up.
    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
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

    /// The bytes of a note that was not taken over, since the contract has it shorter.
    pub(crate) fn overlong_note(&self) -> Option<usize> {
        let bytes = self.0.overlong.load(Ordering::Relaxed);
        (bytes > 0).then_some(bytes)
    }

    /// Whether settings and credentials are good. Changes nothing.
    ///
    /// # Errors
    ///
    /// Those that the contract names for `check`, and the host's own.
    pub async fn check(&self) -> Result<CheckReport, Failure> {
        self.run(
            Call::reads("check", Given::Nothing),
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
            Call::reads("list", Given::Nothing),
            |page| promises::page(self.manifest(), query.limit, query.cursor.as_deref(), page),
            |mut sandbox| async move {
                let result = sandbox.list(query).await;
                (sandbox, result)
            },
        )
        .await
    }

    /// One account.
    ///
    /// # Errors
    ///
    /// Those that the contract names for `get`, and the host's own.
    pub async fn get(&self, id: &str) -> Result<Account, Failure> {
        self.run(
            Call::reads("get", Given::Nothing),
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
            Call::reads("find", Given::Key(name, value)),
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
            Call::writes("create", Given::Draft(draft)),
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
            Call::writes("update", Given::Edits(edits)),
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
            Call::writes("delete", Given::Nothing),
            |deletion| promises::deletion(self.manifest(), id, deletion),
            |mut sandbox| async move {
                let result = sandbox.delete(id).await;
                (sandbox, result)
            },
        )
        .await
    }

    /// Runs one operation in a sandbox, against its deadline, and holds its result against
    /// what the contract promises.
    async fn run<T, F>(
        &self,
        operation: Call<'_>,
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
        let Call {
            name,
            access,
            given,
        } = operation;
        let carrier = inner.egress.begin(&Begun {
            operation: name,
            given,
            manifest: self.manifest(),
        });
        let mut operation = Operation::new(name, access == Access::Reads, requests_end);
        let wrote = operation.wrote();
        let work = async {
            let mut sandbox = inner.sandbox().await?;
            operation.meter = inner.meter(name);
            sandbox.begin(operation, Arc::clone(&inner.egress), Arc::clone(&carrier));
            Ok::<_, Failure>(call(sandbox).await)
        };
        let (sandbox, result) = tokio::select! {
            // A timer is set only where there is something to wait for.
            biased;
            done = work => done?,
            () = host.clock().alarm(start.saturating_add(time)) => {
                return Err(Failure::out_of_time(name, time, wrote.load(Ordering::Relaxed)));
            }
        };
        carrier.verdict()?;
        // Not against the deadline: the operation has its result, whatever becomes of a note.
        if matches!(result, Ok(_) | Err(Failure::Connector(_))) {
            inner.leave(sandbox).await;
        }
        result
            .and_then(|result| match promise(&result) {
                Err(broken) => Err(broken),
                Ok(()) => Ok(result),
            })
            .map_err(|failure| failure.after(wrote.load(Ordering::Relaxed)))
    }
}

impl Inner {
    fn learned(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn meter(&self, operation: &'static str) -> Option<Meter> {
        Meter::start(
            operation,
            self.observer.as_ref(),
            self.component.host().clock(),
        )
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
        let meter = self.meter("open");
        let share = Some(&self.share);
        let mut sandbox = self.component.sandbox(&self.limits, share, meter).await?;
        let learned = self.learned().clone();
        sandbox.open(&self.settings, learned.as_deref()).await?;
        Ok(sandbox)
    }

    /// Takes over what was learned, and keeps the sandbox if it may live on.
    async fn leave(&self, mut sandbox: Sandbox) {
        let Ok(learned) = sandbox.learned().await else {
            return;
        };
        match learned {
            Some(note) if note.len() > LEARNED_BYTES => {
                self.overlong.store(note.len(), Ordering::Relaxed);
            }
            Some(note) => *self.learned() = Some(note),
            None => {}
        }
        sandbox.end();
        let outlives = self.lifetime == SandboxLifetime::OnePerConnection;
        if outlives && sandbox.may_stay() {
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

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("component", &self.0.component)
            .field("granted", &self.0.granted)
            .field("reach", &self.0.reach)
            .finish_non_exhaustive()
    }
}
