//! The tenant that the checks run on: its connection, watched, and the accounts that one check
//! leaves to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::outcome::Stop;
use super::outcome::told;
use super::values::{Slot, Values};
use super::watcher::Watcher;
use crate::attributes::{same, spec, values};
use crate::component::Component;
use crate::connection::{Connection, ConnectionOptions};
use crate::contract::{
    self, Account, Attribute, CheckReport, Deletion, Draft, Edits, FailureKind, Manifest, Notice,
    Operations, Outcome, Page, PageQuery, Value,
};
use crate::failure::Failure;
use crate::trace::Observer;

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
    pub(super) astray: bool,
    /// Whatever the connector said in words.
    pub(super) failures: Vec<contract::Failure>,
    pub(super) notices: Vec<Notice>,
    /// What the running check wants its reader to know.
    pub(super) notes: Vec<String>,
    /// Accounts that exist because of the run; whether they are deleted as far as that goes.
    pub(super) alive: BTreeMap<String, bool>,
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
