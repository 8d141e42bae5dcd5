//! One run, from a roster to a report: reads, plans, and carries out what was agreed to.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::apply::{Applying, Halt, Resolving, resolve};
use super::clocked::{before, now};
use super::directory::Reading;
use super::error::SyncError;
use super::guard::{self, Allowed, Ground, Stopped};
use super::journal::{Journal, RunStart};
use super::lock::Lock;
use super::plan::Left;
use super::plan::{self, Action, Asked, Entry, Making, Plan, compare};
use super::report::{Report, Resolved};
use super::scratch::Scratch;
use super::{Policy, Tenant};
use crate::clock::Clock;
use crate::connection::Connection;

/// How a run is carried out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SyncOptions {
    /// Where the journal is.
    pub journal: PathBuf,
    /// No journal is made where there is none: for a plan alone.
    pub plan_alone: bool,
    /// These actions alone.
    pub only: Option<BTreeSet<Action>>,
    /// This person alone, by their key.
    pub person: Option<String>,
    /// The guards that are overridden.
    pub allowed: Allowed,
    /// How many operations at a time.
    pub concurrency: usize,
    /// So long after it was begun, a write of a stopped run may still come to pass: before,
    /// one that reading does not show is not taken for one that was not done.
    pub settle: Duration,
    /// Forget what is older, at the end; nothing without it.
    pub retain: Option<Duration>,
    /// The folder that the lock of the run stands in; the user's own without it. Only runs that
    /// use the same folder exclude each other.
    pub locks: Option<PathBuf>,
    /// What a second run is told of this one.
    pub command: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl SyncOptions {
    /// The usual ones, with a journal at a place.
    #[must_use]
    pub fn new(journal: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self {
            journal,
            plan_alone: false,
            only: None,
            person: None,
            allowed: Allowed::new(),
            concurrency: 2,
            settle: Duration::from_secs(30),
            retain: None,
            locks: None,
            command: "harness sync".to_owned(),
            clock,
        }
    }
}

/// What a run is doing.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Progress {
    /// Rows of the roster, so far.
    Rows(u64),
    /// Accounts of the tenant, so far and in all, where that is known.
    Accounts(u64, Option<u64>),
    /// Writes that have ended, and all of them.
    Writes(u64, u64),
}

/// Told what a run is doing.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Sync);

/// What the roster and the rules come to.
pub(crate) struct Company<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) protects: &'a plan::Protects<'a>,
    /// Reads the roster into the scratch database; the roster's digest.
    pub(crate) read: &'a mut (dyn FnMut(&Scratch) -> Result<String, SyncError> + Send),
    pub(crate) rules: String,
}

/// A run that has planned and has not written.
pub struct Prepared<'a> {
    connection: &'a Connection,
    options: SyncOptions,
    policy: Policy,
    journal: Journal,
    scratch: Scratch,
    plan: Plan,
    asked: Asked,
    began: String,
    resolved: Vec<Resolved>,
    moved: Vec<Left>,
    rejected: Vec<Left>,
    _lock: Lock,
}

/// Reads roster, journal and tenant, and plans.
pub(crate) async fn prepare<'a>(
    connection: &'a Connection,
    company: Company<'_>,
    options: SyncOptions,
    progress: OnProgress<'_>,
) -> Result<Prepared<'a>, SyncError> {
    let tenant = Tenant::of(connection);
    let manifest = connection.manifest();
    let began = now(&*options.clock);
    let asked = Asked {
        only: options.only.clone(),
        person: options.person.clone(),
    };
    let scratch = Scratch::new(manifest, company.policy, connection.limits())?;
    let roster = (company.read)(&scratch)?;
    if let Some(person) = &asked.person
        && scratch.wish(person)?.is_none()
        && !scratch.is_bad(person)?
    {
        return Err(SyncError::Usage(format!(
            "No row of the roster is about {}.",
            person.escape_debug()
        )));
    }
    let lock = match &options.locks {
        Some(folder) => Lock::take_in(folder, &tenant, &began, &options.command)?,
        None => Lock::take(&tenant, &began, &options.command)?,
    };
    let journal = if options.plan_alone && !options.journal.exists() {
        Journal::in_memory()?
    } else {
        Journal::open(&options.journal, &tenant)?
    };
    let resolution = resolve(&Resolving {
        connection,
        journal: &journal,
        policy: company.policy,
        concurrency: options.concurrency,
        clock: Arc::clone(&options.clock),
        settle: options.settle,
    })
    .await?;
    scratch.copy_links(&journal)?;
    let reading = Reading {
        connection,
        scratch: &scratch,
        policy: company.policy,
        asked: &asked,
        concurrency: options.concurrency.max(1),
        progress: &|read, total| progress(Progress::Accounts(read, total)),
    };
    let gaps = reading.read().await?;
    let plan = plan::make(&Making {
        manifest,
        policy: company.policy,
        protects: company.protects,
        scratch: &scratch,
        journal: &journal,
        tenant: &tenant,
        asked: &asked,
        allowed: &options.allowed,
        doubtful: &resolution.doubtful,
        identity_unchecked: gaps.identity_unchecked,
        made_at: now(&*options.clock),
        roster,
        rules: company.rules,
    })?;
    Ok(Prepared {
        connection,
        policy: company.policy.clone(),
        options,
        journal,
        scratch,
        plan,
        asked,
        began,
        resolved: resolution.resolved,
        moved: Vec::new(),
        rejected: Vec::new(),
        _lock: lock,
    })
}

impl Prepared<'_> {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Writes of earlier runs that were open, and what became of them.
    #[must_use]
    pub fn resolved(&self) -> &[Resolved] {
        &self.resolved
    }

    /// Leaves of the plan what an approved one has too.
    ///
    /// # Errors
    ///
    /// It was made for another tenant.
    pub fn restrict_to(&mut self, approved: &Plan) -> Result<(), SyncError> {
        if approved.tenant_digest != self.plan.tenant_digest {
            return Err(SyncError::Usage(format!(
                "The plan is for {}, and this is {}.",
                approved.tenant, self.plan.tenant
            )));
        }
        let fresh = std::mem::take(&mut self.plan.entries);
        let comparison = compare(approved, fresh);
        self.plan.entries = comparison.entries;
        self.moved = comparison.moved;
        self.rejected = comparison.rejected;
        Ok(())
    }

    /// What stops the run before its first write.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn guards(&self) -> Result<Vec<Stopped>, SyncError> {
        let deactivations = self.plan.entries.iter();
        let deactivations = deactivations.filter(|entry| entry.action == Action::Deactivate);
        let rows_before = match self.asked.is_whole() {
            true => self.journal.rows_of_last_run()?,
            false => None,
        };
        let ground = Ground {
            rows: self.plan.counts.rows,
            rows_before,
            active: self.plan.counts.active_accounts,
            deactivations: deactivations.count() as u64,
        };
        Ok(guard::before(
            &ground,
            &self.policy.guards,
            &self.options.allowed,
        ))
    }

    /// Carries the plan out.
    ///
    /// # Errors
    ///
    /// A guard stops it before the first write; or the journal cannot be written. Whatever
    /// happens after that is in the report.
    pub async fn apply(self, halt: &Halt, progress: OnProgress<'_>) -> Result<Report, SyncError> {
        let clock = Arc::clone(&self.options.clock);
        let mut start = RunStart {
            at: self.began.clone(),
            roster: self.plan.roster.clone(),
            rules: self.plan.rules.clone(),
            rows: self.plan.counts.rows,
            whole: self.asked.is_whole(),
        };
        let stopped = self.guards()?;
        if !stopped.is_empty() {
            // Noted, and no measure for the next roster.
            start.whole = false;
            let run = self.journal.begin_run(&start)?;
            let counts = serde_json::Value::Null;
            self.journal
                .end_run(run, &now(&*clock), "stopped", &counts)?;
            return Err(SyncError::Stopped(stopped));
        }
        let run = self.journal.begin_run(&start)?;
        self.link_those_found()?;
        let entries = &self.plan.entries;
        let mut report = Report {
            tenant: self.plan.tenant.clone(),
            run: Some(run),
            began: self.began.clone(),
            moved: self.moved,
            rejected: self.rejected,
            resolved: self.resolved,
            notices: self.plan.notices.clone(),
            ..Report::default()
        };
        report.counts.moved = report.moved.len() as u64;
        report.counts.rejected = report.rejected.len() as u64;
        report.counts.unchanged = self.plan.counts.nothing;
        report.counts.total = report.counts.moved
            + report.counts.rejected
            + report.counts.unchanged
            + entries.len() as u64;
        let applying = Applying {
            connection: self.connection,
            journal: &self.journal,
            scratch: &self.scratch,
            run,
            policy: &self.policy,
            allowed: &self.options.allowed,
            concurrency: self.options.concurrency,
            clock: Arc::clone(&clock),
            halt,
            progress: &|ended, total| progress(Progress::Writes(ended, total)),
        };
        applying.apply(entries, &mut report).await;
        report.ended = now(&*clock);
        let counts = serde_json::to_value(report.counts).unwrap_or_default();
        self.journal
            .end_run(run, &report.ended, report.state(), &counts)?;
        if let Some(retain) = self.options.retain {
            self.journal.forget_before(&before(&*clock, retain))?;
        }
        Ok(report)
    }

    /// Notes whose account is which for those who need nothing; the others are noted with
    /// their writes.
    fn link_those_found(&self) -> Result<(), SyncError> {
        let left: Vec<&[Left]> = vec![&self.moved, &self.rejected];
        let mut others: HashSet<&str> = left
            .into_iter()
            .flatten()
            .filter_map(|left| left.person.as_deref())
            .collect();
        let people = self.plan.entries.iter().filter_map(person);
        others.extend(people);
        let claims = self.scratch.claims()?;
        let found = claims
            .iter()
            .map(|(person, account)| (person.as_str(), account.as_str()))
            .filter(|(person, _)| {
                let asked = self.asked.person.as_deref();
                asked.is_none_or(|asked| asked == *person) && !others.contains(person)
            });
        self.journal.link_all(&self.began, found)?;
        Ok(())
    }
}

fn person(entry: &Entry) -> Option<&str> {
    entry.person.as_deref()
}
