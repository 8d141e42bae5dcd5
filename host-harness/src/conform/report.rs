//! What came of a run.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::check::Check;

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was as the contract has it.
    Passed,
    /// There was nothing to check; why.
    Skipped(String),
    /// The connector broke the rule; how.
    Failed(String),
}

impl Verdict {
    /// `passed`, `skipped` or `failed`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
        }
    }

    /// Why it was skipped, or how it failed.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Skipped(message) | Self::Failed(message) => Some(message),
        }
    }
}

/// A check and what came of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Finding {
    /// The check.
    pub check: &'static Check,
    /// What came of it.
    pub verdict: Verdict,
    /// What a reader of the verdict should know: attributes that were left out, for example.
    pub notes: Vec<String>,
    /// How long it took.
    pub time: Duration,
}

/// What came of a run. Holds names of attributes and accounts, and no other values of them
/// than those that the run itself made up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// The connector's id.
    pub connector: String,
    /// Its version.
    pub version: String,
    /// The component's digest.
    pub sha256: String,
    /// One for each check, in their order.
    pub findings: Vec<Finding>,
    /// What the run left behind in the tenant, a sentence for each account.
    pub left: Vec<String>,
}

impl Report {
    /// Whether no check failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Finding> {
        let failed = |finding: &&Finding| matches!(finding.verdict, Verdict::Failed(_));
        self.findings.iter().filter(failed)
    }

    /// How many findings have this verdict: `passed`, `skipped` or `failed`.
    #[must_use]
    pub fn count(&self, word: &str) -> usize {
        let same = |finding: &&Finding| finding.verdict.word() == word;
        self.findings.iter().filter(same).count()
    }

    /// As a program reads it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let checks: Vec<_> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "name": finding.check.name,
                    "verdict": finding.verdict.word(),
                    "message": finding.verdict.message(),
                    "notes": finding.notes,
                    "reason": finding.check.reason,
                    "contract": finding.check.contract,
                    "seconds": finding.time.as_secs_f64(),
                })
            })
            .collect();
        json!({
            "connector": self.connector,
            "version": self.version,
            "sha256": self.sha256,
            "passed": self.count("passed"),
            "skipped": self.count("skipped"),
            "failed": self.count("failed"),
            "left": self.left,
            "checks": checks,
        })
    }
}
