//! Carries a plan out: wave after wave, as many at a time as the connection allows, each write
//! between an intent and an outcome in the journal.

mod halt;
mod resolve;
mod write;

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt as _;

pub use self::halt::Halt;
pub(crate) use self::resolve::{Resolving, resolve};

use super::Policy;
use super::clocked::now;
use super::guard::{Allowed, FailureRate};
use super::journal::{Journal, RunId};
use super::plan::{Entry, waves};
use super::report::{Report, Stop};
use super::scratch::Scratch;
use crate::clock::Clock;
use crate::connection::Connection;
use crate::failure::Failure;

/// What is needed to carry a plan out.
pub(crate) struct Applying<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) journal: &'a Journal,
    /// The accounts as they were read for the plan.
    pub(crate) scratch: &'a Scratch,
    pub(crate) run: RunId,
    pub(crate) policy: &'a Policy,
    pub(crate) allowed: &'a Allowed,
    pub(crate) concurrency: usize,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) halt: &'a Halt,
    /// Told how many writes have ended, and of how many.
    pub(crate) progress: &'a (dyn Fn(u64, u64) + Sync),
}

/// How a write ended.
enum Ended {
    Done(Vec<crate::contract::Notice>),
    /// Not done, or nobody knows.
    Failed(Failure),
    /// Not tried: somebody turned up, the account has changed, or somebody else's change did
    /// not come about.
    Left(&'static str, String),
    NotBegun,
    Journal(String),
}

impl Applying<'_> {
    /// Carries out what of the entries sends writes, and counts the rest.
    pub(crate) async fn apply(&self, entries: &[Entry], report: &mut Report) {
        for entry in entries.iter().filter(|entry| !entry.action.writes()) {
            report.left(entry);
        }
        let waves = waves(entries, &self.policy.order);
        let total: usize = waves.iter().map(Vec::len).sum();
        let (mut ended, total) = (0, total as u64);
        let mut rate = FailureRate::new(&self.policy.guards, self.allowed);
        let mut done: HashSet<String> = HashSet::new();
        for wave in waves {
            let finished = &done;
            let mut ended_now = Vec::new();
            let these = wave.iter().filter_map(|position| entries.get(*position));
            let mut under_way = futures_util::stream::iter(these)
                .map(|entry| async move { (entry, self.one(entry, finished).await) })
                .buffer_unordered(self.concurrency.max(1));
            while let Some((entry, how)) = under_way.next().await {
                let failed = match how {
                    Ended::Done(notices) => {
                        report.done(entry, &notices);
                        ended_now.extend(entry.person.clone());
                        Some(false)
                    }
                    Ended::Failed(failure) => {
                        self.halt.on_refusal(&failure);
                        report.failed(entry, failure.kind(), failure.message());
                        Some(true)
                    }
                    Ended::Left(kind, reason) => {
                        report.failed(entry, kind, reason);
                        None
                    }
                    Ended::NotBegun => {
                        report.not_begun(entry);
                        None
                    }
                    Ended::Journal(message) => {
                        report.failed(entry, "journal", message.clone());
                        self.halt.stop(Stop::Journal(message));
                        None
                    }
                };
                if let Some(stopped) = failed.and_then(|failed| rate.note(failed)) {
                    self.halt.stop(Stop::Guard(stopped));
                }
                ended += 1;
                (self.progress)(ended, total);
            }
            drop(under_way);
            done.extend(ended_now);
        }
        report.stopped = self.halt.reason();
    }

    fn now(&self) -> String {
        now(&*self.clock)
    }
}
