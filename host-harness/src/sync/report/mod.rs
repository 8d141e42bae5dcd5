//! What a run came to: counts, whom it failed for and why, what was left alone, and what
//! people should know.

mod json;

use serde::Serialize;

use super::guard::Stopped;
use super::journal::RunId;
use super::plan::{Action, Entry, Left, NoticeGroup, PlanNotice};
use crate::contract::{FailureKind, Notice};
use crate::failure::Failure;

/// How many of each there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReportCounts {
    /// Everybody the run was about: rows of the roster, and accounts that no row names.
    pub total: u64,
    /// Left alone by somebody's decision.
    pub skipped: u64,
    /// Nothing differed.
    pub unchanged: u64,
    /// New accounts.
    pub created: u64,
    /// Accounts whose attributes were changed.
    pub updated: u64,
    /// Accounts that became active again.
    pub reactivated: u64,
    /// Accounts that became inactive.
    pub deactivated: u64,
    /// Left alone until a person has looked.
    pub conflicts: u64,
    /// Tried, and it did not work, or nobody knows whether it did.
    pub failed: u64,
    /// Not as the approved plan has it, and therefore left.
    pub moved: u64,
    /// Rejected in review.
    pub rejected: u64,
    /// Not begun, because the run was stopped.
    pub not_begun: u64,
}

/// Somebody for whom it did not work.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Who, and what was to be done.
    pub left: Left,
    /// The failure's kind.
    pub kind: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

/// What became of a write that an earlier run left open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// Whom it was about.
    pub who: String,
    /// What was to be done.
    pub action: String,
    /// Whether it was done; none where that is still not known.
    pub done: Option<bool>,
    /// In a sentence.
    pub detail: String,
}

/// Why a run ended before everything was done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Stop {
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// The upstream does not take the credential, or the host lets nothing be written.
    Refused(Failure),
    /// A guard.
    Guard(Stopped),
    /// The journal cannot be written: without it nothing may be sent.
    Journal(String),
}

impl Stop {
    /// Kebab-case, for scripts.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Refused(failure) => failure.kind(),
            Self::Guard(_) => "guard",
            Self::Journal(_) => "journal",
        }
    }

    /// In a sentence.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Interrupted => "Interrupted: what was under way was ended, and nothing new was \
                                  begun. Run it again to go on."
                .to_owned(),
            Self::Refused(failure) => failure.message(),
            Self::Guard(stopped) => stopped.message(),
            Self::Journal(message) => message.clone(),
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The tenant, for people.
    pub tenant: String,
    /// The run's number in the journal.
    pub run: Option<RunId>,
    /// When it began, in RFC 3339.
    pub began: String,
    /// When it ended.
    pub ended: String,
    /// How many of each.
    pub counts: ReportCounts,
    /// For whom it did not work.
    pub failures: Vec<Failed>,
    /// Whom a person has to look at; rows that cannot be read are among them.
    pub conflicts: Vec<Left>,
    /// Who was left alone by somebody's decision.
    pub skipped: Vec<Left>,
    /// What is not as the approved plan has it.
    pub moved: Vec<Left>,
    /// What was rejected in review.
    pub rejected: Vec<Left>,
    /// What was not begun.
    pub not_begun: Vec<Left>,
    /// What people should know, grouped.
    pub notices: Vec<NoticeGroup>,
    /// Writes of earlier runs that were open.
    pub resolved: Vec<Resolved>,
    /// Why it ended early.
    pub stopped: Option<Stop>,
}

impl Report {
    /// 0: all done · 1: stopped, for another reason than a guard · 3: somebody failed, is a
    /// conflict, or has moved since the plan · 4: stopped by a guard.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match &self.stopped {
            Some(Stop::Guard(_)) => 4,
            Some(_) => 1,
            None if self.counts.failed + self.counts.conflicts + self.counts.moved > 0 => 3,
            None => 0,
        }
    }

    /// How it ended, for the journal.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self.exit_code() {
            0 => "done",
            3 => "in-part",
            _ => "stopped",
        }
    }

    pub(crate) fn done(&mut self, entry: &Entry, notices: &[Notice]) {
        let count = match entry.action {
            Action::Create => &mut self.counts.created,
            Action::Update => &mut self.counts.updated,
            Action::Reactivate => &mut self.counts.reactivated,
            Action::Deactivate => &mut self.counts.deactivated,
            Action::Nothing | Action::Skipped | Action::Conflict => return,
        };
        *count += 1;
        self.note(entry);
        for notice in notices {
            let notice = PlanNotice {
                code: notice.code.clone(),
                attribute: notice.attribute.clone(),
                message: notice.message.clone(),
            };
            NoticeGroup::add(&mut self.notices, &notice, entry.who());
        }
    }

    /// The plan's own notices of somebody.
    pub(crate) fn note(&mut self, entry: &Entry) {
        for notice in &entry.notices {
            NoticeGroup::add(&mut self.notices, notice, entry.who());
        }
    }

    pub(crate) fn failed(&mut self, entry: &Entry, kind: &'static str, message: String) {
        self.counts.failed += 1;
        self.failures.push(Failed {
            left: Left::of(entry, message),
            kind,
            advice: advice(kind),
        });
    }

    /// Somebody to whom nothing is to be done.
    pub(crate) fn left(&mut self, entry: &Entry) {
        let reason = entry.reason.clone().unwrap_or_default();
        match entry.action {
            Action::Conflict => {
                self.counts.conflicts += 1;
                self.conflicts.push(Left::of(entry, reason));
            }
            Action::Skipped => {
                self.counts.skipped += 1;
                self.note(entry);
                self.skipped.push(Left::of(entry, reason));
            }
            _ => {}
        }
    }

    pub(crate) fn not_begun(&mut self, entry: &Entry) {
        self.counts.not_begun += 1;
        let reason = "The run was stopped before.".to_owned();
        self.not_begun.push(Left::of(entry, reason));
    }
}

/// What to do about a failure of a kind; its own message may say more.
fn advice(kind: &str) -> &'static str {
    match kind {
        "outcome-unknown" | "connector-fault" | "limit-reached" | "deadline-exceeded"
        | "malformed-answer" => "Run it again: it looks first what became of this.",
        "precondition-failed" | "moved" | "waits" => "Run it again: it decides anew.",
        "rate-limited" | "unavailable" => "Run it again later.",
        "already-exists" | "held-elsewhere" | "ambiguous" => {
            "Find out who has the name; then correct one of the two."
        }
        "invalid-account" => "Correct the person's row or the rules.",
        "quota-exceeded" => "Make room upstream; then run it again.",
        "forbidden" | "unsupported" => "Ask the upstream's administrator.",
        _ => "See the message.",
    }
}

/// Whether nobody can say what became of a write that ended so.
pub(crate) fn is_open(failure: &Failure) -> bool {
    match failure {
        Failure::Connector(failed) => {
            matches!(
                failed.kind,
                FailureKind::OutcomeUnknown | FailureKind::MalformedAnswer
            )
        }
        Failure::ConnectorFault { .. }
        | Failure::LimitReached { .. }
        | Failure::DeadlineExceeded { .. }
        | Failure::Cancelled { .. } => true,
        _ => false,
    }
}
