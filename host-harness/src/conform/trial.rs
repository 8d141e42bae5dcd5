//! The tenant that the checks run on: its connection, watched, and the accounts that one check
//! leaves to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::check::Stop;
use super::expect::told;
use super::values::{Slot, Values};
use crate::attributes::{same, spec, values};
use crate::component::Component;
use crate::connection::{Connection, ConnectionOptions};
use crate::contract::{
    self, Account, AccountStatus, Attribute, Change, CheckReport, Deletion, Draft, Edits,
    FailureKind, Manifest, Mutability, Notice, Operations, Outcome, Page, PageQuery, Value,
};
use crate::failure::Failure;
use crate::trace::{Exchange, Observer, OperationStats};

/// An account of the run.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// As it was last shown in its first state.
    pub(super) account: Account,
    /// What it was given.
    pub(super) wanted: Vec<Attribute>,
}

/// What the checks share.
pub(super) struct Trial {
    pub(super) component: Component,
    pub(super) options: ConnectionOptions,
    /// What came of opening it.
    opened: Result<Connection, Failure>,
    watcher: Arc<Watcher>,
    pub(super) values: Values,
    /// Whether anything may be written.
    pub(super) writes: bool,
    pub(super) first: Option<Made>,
    pub(super) second: Option<Made>,
    /// Somebody to read where nothing is written.
    bystander: Option<Account>,
    /// Attributes that this tenant does not take as they were given.
    pub(super) left_out: BTreeSet<String>,
    /// Set once an account could not be brought back to its first state.
    astray: bool,
    /// Whatever the connector said in words.
    pub(super) failures: Vec<contract::Failure>,
    pub(super) notices: Vec<Notice>,
    /// What the running check wants its reader to know.
    pub(super) notes: Vec<String>,
    /// Accounts that exist because of the run; whether they are deleted as far as that goes.
    alive: BTreeMap<String, bool>,
}

impl Trial {
    pub(super) async fn open(
        component: &Component,
        mut options: ConnectionOptions,
        values: Values,
    ) -> Result<Self, Failure> {
        let watcher = Arc::new(Watcher::default());
        let watching: Arc<dyn Observer> = watcher.clone();
        options.observer = Some(match options.observer.take() {
            Some(other) => Arc::new(vec![other, watching]),
            None => watching,
        });
        let writes = !options.network.read_only && !options.dry_run;
        let opened = match component.connect(options.clone()).await {
            // The checks say what is wrong with the connector.
            Err(failure) if !is_the_connectors(&failure) => return Err(failure),
            opened => opened,
        };
        Ok(Self {
            opened,
            component: component.clone(),
            options,
            watcher,
            values,
            writes,
            first: None,
            second: None,
            bystander: None,
            left_out: BTreeSet::new(),
            astray: false,
            failures: Vec::new(),
            notices: Vec::new(),
            notes: Vec::new(),
            alive: BTreeMap::new(),
        })
    }

    /// The connection, or why there is none.
    pub(super) fn connection(&self) -> Result<&Connection, Failure> {
        self.opened.as_ref().map_err(Clone::clone)
    }

    pub(super) fn manifest(&self) -> &Manifest {
        self.component.manifest()
    }

    /// Skips what the manifest does not claim.
    pub(super) fn claims(&self, operation: Operations, name: &str) -> Result<(), Stop> {
        if self.manifest().operations.contains(operation) {
            return Ok(());
        }
        Err(Stop::Skip(format!("the manifest does not claim `{name}`")))
    }

    /// Requests that the last operation sent.
    pub(super) fn requests(&self) -> usize {
        self.watcher.requests.load(Ordering::Relaxed)
    }

    /// Writes that the last operation sent.
    pub(super) fn written(&self) -> usize {
        self.watcher.writes.load(Ordering::Relaxed)
    }

    fn heard<T>(&mut self, result: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(Failure::Connector(failure)) = &result {
            self.failures.push((**failure).clone());
        }
        result
    }

    pub(super) async fn check(&mut self) -> Result<CheckReport, Failure> {
        self.watcher.reset();
        let result = self.connection()?.check().await;
        self.heard(result)
    }

    pub(super) async fn list(&mut self, query: PageQuery) -> Result<Page, Failure> {
        self.watcher.reset();
        let result = self.connection()?.list(query).await;
        self.heard(result)
    }

    pub(super) async fn get(&mut self, id: &str) -> Result<Account, Failure> {
        self.watcher.reset();
        let result = self.connection()?.get(id).await;
        self.heard(result)
    }

    pub(super) async fn find(
        &mut self,
        name: &str,
        value: &Value,
    ) -> Result<Option<Account>, Failure> {
        self.watcher.reset();
        let result = self.connection()?.find(name, value).await;
        self.heard(result)
    }

    pub(super) async fn create(&mut self, draft: &Draft) -> Result<Outcome, Failure> {
        self.watcher.reset();
        let result = self.connection()?.create(draft).await;
        match &result {
            Ok(outcome) => {
                self.alive.insert(outcome.account.id.clone(), false);
                self.notices.extend(outcome.notices.iter().cloned());
            }
            // Made, and a part of the draft dropped.
            Err(Failure::Connector(failure)) if failure.kind == FailureKind::Unsupported => {
                let left = failure.account.clone();
                self.alive.extend(left.map(|id| (id, false)));
            }
            Err(_) => {}
        }
        self.heard(result)
    }

    pub(super) async fn update(&mut self, id: &str, edits: &Edits) -> Result<Outcome, Failure> {
        self.watcher.reset();
        let result = self.connection()?.update(id, edits).await;
        if let Ok(outcome) = &result {
            self.notices.extend(outcome.notices.iter().cloned());
        }
        self.heard(result)
    }

    pub(super) async fn delete(&mut self, id: &str) -> Result<Deletion, Failure> {
        self.watcher.reset();
        let result = self.connection()?.delete(id).await;
        match &result {
            Ok(Deletion::Gone) => {
                self.alive.remove(id);
            }
            Ok(Deletion::Kept(outcome)) => {
                self.notices.extend(outcome.notices.iter().cloned());
                if let Some(deleted) = self.alive.get_mut(id) {
                    *deleted = true;
                }
            }
            Err(_) => {}
        }
        self.heard(result)
    }

    /// Looks for the accounts that an earlier run with this prefix left.
    pub(super) async fn look_for_earlier_accounts(&mut self) -> Result<(), Failure> {
        if self.writes && self.opened.is_ok() {
            self.first = self.earlier(Slot::First).await?;
            self.second = self.earlier(Slot::Second).await?;
        }
        Ok(())
    }

    async fn earlier(&self, slot: Slot) -> Result<Option<Made>, Failure> {
        let manifest = self.manifest();
        let wanted = match slot {
            Slot::First => self.values.everything(slot),
            _ => self.values.least(slot, &manifest.lookup_keys),
        };
        if !manifest.operations.contains(Operations::FIND) {
            return Ok(None);
        }
        let keys = manifest.lookup_keys.iter();
        for spec in keys.filter_map(|key| spec(manifest, key)) {
            // Found by a key that others may have, too, it need not be ours.
            if !super::values::is_unique(spec) || !super::values::is_given(spec) {
                continue;
            }
            let value = self.values.value(spec, slot);
            match self.connection()?.find(&spec.name, &value).await {
                Ok(Some(account)) => {
                    return Ok(Some(Made { account, wanted }));
                }
                Ok(None) => {}
                // The checks say what is wrong with it.
                Err(failure) if !is_of_the_tenant(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    }

    /// An account to read: the run's own, or else the first of the listing.
    pub(super) async fn subject(&mut self) -> Result<Account, Stop> {
        if let Some(first) = &self.first
            && self.alive.contains_key(&first.account.id)
        {
            return Ok(first.account.clone());
        }
        if let Some(bystander) = &self.bystander {
            return Ok(bystander.clone());
        }
        if self.writes {
            return Err(Stop::skip("there is no account of this run to read"));
        }
        self.claims(Operations::LIST, "list")?;
        let query = PageQuery {
            cursor: None,
            limit: self.manifest().max_page_size.min(10),
        };
        let page = self.list(query).await.map_err(|failure| {
            Stop::Skip(format!("there is nobody to read: {}", told(&failure)))
        })?;
        let somebody = page.accounts.into_iter().next();
        let somebody = somebody.ok_or_else(|| {
            Stop::skip("nothing is written, and the tenant showed nobody to read")
        })?;
        self.bystander = Some(somebody.clone());
        Ok(somebody)
    }

    /// A second account of the run that is there still.
    pub(super) fn other(&self) -> Option<Made> {
        let second = self.second.as_ref();
        let alive = second.filter(|made| self.alive.contains_key(&made.account.id));
        alive.cloned()
    }

    /// The run's first account, in its first state.
    pub(super) async fn ready(&mut self) -> Result<Made, Stop> {
        self.claims(Operations::UPDATE, "update")?;
        let made = match &self.first {
            Some(made) if self.alive.contains_key(&made.account.id) => made.clone(),
            _ => return Err(Stop::skip("there is no account: see `create`")),
        };
        if self.astray {
            return Err(Stop::skip(
                "the account could not be brought back to its first state before",
            ));
        }
        let whole = edits_to(self.manifest(), &made, &self.left_out);
        if self.is_restored(&made, &whole).await.is_ok() {
            return Ok(made);
        }
        // A connector that cannot do it at once may do it one by one.
        let mut status = edits(Vec::new());
        status.status = whole.status;
        let changes = whole.changes.into_iter();
        let single = changes.map(|change| edits(vec![change]));
        for update in std::iter::once(status).chain(single) {
            if let Err(why) = self.is_restored(&made, &update).await {
                self.astray = true;
                return Err(Stop::Fail(format!(
                    "the account could not be brought back to its first state: {why}"
                )));
            }
        }
        Ok(made)
    }

    /// Updates an account, and says what it then lacks.
    async fn is_restored(&mut self, made: &Made, update: &Edits) -> Result<(), String> {
        let updated = self.update(&made.account.id, update).await;
        let outcome = updated.map_err(|failure| told(&failure))?;
        let mut shown = outcome.account;
        if self.manifest().operations.contains(Operations::GET) {
            let read = self.get(&made.account.id).await;
            shown = read.map_err(|failure| told(&failure))?;
        }
        if update.status.is_some_and(|status| status != shown.status) {
            return Err("its status is another".to_owned());
        }
        for change in &update.changes {
            let Change::Set(wanted) = change else {
                continue;
            };
            let name = &wanted.name;
            let held = values(&shown, name);
            // As it was given, or as the upstream spelled it then.
            let first = [wanted.values.as_slice(), values(&made.account, name)];
            let is = spec(self.manifest(), name)
                .is_none_or(|spec| first.iter().any(|first| same(spec, held, first)));
            if !is {
                return Err(format!("its {name} is another"));
            }
        }
        Ok(())
    }

    /// Takes up an account that an earlier run made.
    pub(super) fn take_up(&mut self, id: &str) {
        self.alive.insert(id.to_owned(), false);
    }

    /// Deletes what is left; tells what stays.
    pub(super) async fn tidy(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        for (id, deleted) in self.alive.clone() {
            if deleted {
                left.push(format!(
                    "The account {id} stays, inactive: the next run takes it up."
                ));
                continue;
            }
            if !self.manifest().operations.contains(Operations::DELETE) {
                left.push(format!(
                    "The account {id} stays: the connector deletes nobody."
                ));
                continue;
            }
            match self.delete(&id).await {
                Ok(Deletion::Gone) => {}
                Ok(Deletion::Kept(_)) => left.push(format!(
                    "The account {id} stays, inactive: the next run takes it up."
                )),
                Err(failure) => left.push(format!(
                    "The account {id} stays, since deleting it failed: {}.",
                    told(&failure)
                )),
            }
        }
        left
    }
}

/// What brings an account to the state that it had first.
pub(super) fn edits_to(manifest: &Manifest, made: &Made, left_out: &BTreeSet<String>) -> Edits {
    let changes = made.wanted.iter().filter_map(|attribute| {
        let spec = spec(manifest, &attribute.name)?;
        let given = match spec.mutability {
            Mutability::ReadWrite => true,
            Mutability::SetOnce => values(&made.account, &spec.name).is_empty(),
            // Nobody sees whether it is the same.
            Mutability::WriteOnly | Mutability::ReadOnly => false,
        };
        let wanted = given && !left_out.contains(&spec.name);
        wanted.then(|| Change::Set(attribute.clone()))
    });
    let set_status = manifest.operations.contains(Operations::SET_STATUS);
    Edits {
        status: set_status.then_some(AccountStatus::Active),
        changes: changes.collect(),
        expected_version: None,
    }
}

/// Only these changes.
pub(super) fn edits(changes: Vec<Change>) -> Edits {
    Edits {
        status: None,
        changes,
        expected_version: None,
    }
}

/// Only this status.
pub(super) fn with_status(status: AccountStatus) -> Edits {
    Edits {
        status: Some(status),
        ..edits(Vec::new())
    }
}

/// Whether two accounts agree in a key that is given.
pub(super) fn is_ours(manifest: &Manifest, account: &Account, wanted: &[Attribute]) -> bool {
    wanted.iter().any(|attribute| {
        let Some(spec) = spec(manifest, &attribute.name) else {
            return false;
        };
        super::values::is_unique(spec) && same(spec, values(account, &spec.name), &attribute.values)
    })
}

/// Whether a connection could not be opened because of the connector, and not of its settings.
fn is_the_connectors(failure: &Failure) -> bool {
    match failure {
        Failure::ConnectorFault { .. } | Failure::LimitReached { .. } => true,
        Failure::Connector(failure) => failure.kind != FailureKind::InvalidSettings,
        _ => false,
    }
}

/// Whether a failure says that this tenant cannot be worked with at all.
fn is_of_the_tenant(failure: &Failure) -> bool {
    match failure {
        Failure::Connector(failure) => matches!(
            failure.kind,
            FailureKind::Unauthenticated
                | FailureKind::Forbidden
                | FailureKind::RateLimited
                | FailureKind::Unavailable
                | FailureKind::InvalidSettings
        ),
        Failure::DeadlineExceeded { .. } => true,
        _ => false,
    }
}

/// Counts what is sent.
#[derive(Debug, Default)]
struct Watcher {
    requests: AtomicUsize,
    writes: AtomicUsize,
}

impl Watcher {
    fn reset(&self) {
        self.requests.store(0, Ordering::Relaxed);
        self.writes.store(0, Ordering::Relaxed);
    }
}

impl Observer for Watcher {
    fn exchange(&self, exchange: &Exchange) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !matches!(exchange.request.method.as_str(), "GET" | "HEAD") {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn operation(&self, _stats: &OperationStats) {}
}
