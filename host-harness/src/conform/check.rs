//! What a check is.

use std::fmt;

use futures_util::future::BoxFuture;

use super::outcome::Checked;
use super::trial::Trial;

/// One rule of the contract, tried.
#[non_exhaustive]
pub struct Check {
    /// Stable, kebab-case.
    pub name: &'static str,
    /// What is demanded, and why, in a sentence.
    pub reason: &'static str,
    /// Where the contract says so: a file of `wit/`, and the item in it.
    pub contract: &'static str,
    pub(super) touches: Touches,
    pub(super) run: Run,
}

impl Check {
    /// Whether it sends writes, or might if the connector were wrong; it is skipped where the
    /// connection is read-only.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.touches == Touches::Writes
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touches {
    /// Opens connections at most, and runs also where the trial's own could not be opened.
    Nothing,
    /// Sends reads at most, also where the connector is wrong.
    Reads,
    Writes,
}

pub(super) type Run = for<'a> fn(&'a mut Trial) -> BoxFuture<'a, Checked>;
