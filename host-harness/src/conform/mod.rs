//! Contract tests for any connector: checks derived from the connector's own manifest, run
//! against a tenant. What the manifest does not claim is skipped, and said so; where the
//! contract demands a failure, that failure is demanded.
//!
//! [`Conformance::prepare`] connects and looks for what earlier runs left behind;
//! [`Conformance::run`] runs [`checks`] in their order and gives a [`Report`]. A run makes at
//! most two accounts, named `PREFIX-1` and `PREFIX-2`, and deletes them; a connector that takes
//! what it has to refuse makes a further one, `PREFIX-refused`. Where the connector cannot remove
//! accounts, they are kept, and the next run with the same prefix takes them up again. Whoever is found under these names is taken to be ours, and is changed and deleted.
//!
//! | Module | Holds |
//! |---|---|
//! | `check`, `table` | what a check is, and the table of them |
//! | `trial` | the tenant that they run on, and what one check leaves to the next |
//! | `first_state` | how an account is brought back to it |
//! | `watcher` | what is sent |
//! | `values` | values for attributes, made from their specs |
//! | `expect` | what is demanded of results |
//! | `report` | what came of it |
//! | the others | the checks, by what they look at |
//!
//! ```no_run
//! use host_harness::conform::{Conformance, Options};
//! use host_harness::{Component, ConnectionOptions, Failure};
//!
//! # async fn run(connector: Component, tenant: ConnectionOptions) -> Result<(), Failure> {
//! let conformance = Conformance::prepare(&connector, tenant, Options::default()).await?;
//! println!("{} accounts will stay", conformance.will_stay());
//! let report = conformance.run(|_| {}).await;
//! assert!(report.passed(), "{}", report.to_json());
//! # Ok(())
//! # }
//! ```

mod access;
mod check;
mod claims;
mod creating;
mod deleting;
mod expect;
mod finding;
mod first_state;
mod listing;
mod opening;
mod options;
mod outcome;
mod reading;
mod refusals;
mod report;
mod status;
mod table;
mod texts;
mod trial;
mod updating;
mod values;
mod watcher;

pub use self::check::Check;
pub use self::options::Options;
pub use self::report::{Finding, Report, Verdict};

pub use self::table::checks;

use self::check::Touches;
use self::outcome::Stop;
use self::trial::Trial;
use self::values::Values;
use crate::component::Component;
use crate::connection::ConnectionOptions;
use crate::contract::{DeletionEffect, Operations};
use crate::failure::Failure;

/// A run about to begin.
pub struct Conformance {
    trial: Trial,
}

impl Conformance {
    /// Connects, and looks for the accounts of earlier runs. Writes nothing.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidSettings`] where settings, prefix or values are wrong, and whatever
    /// connecting and looking may end in.
    pub async fn prepare(
        component: &Component,
        connection: ConnectionOptions,
        options: Options,
    ) -> Result<Self, Failure> {
        let values = Values::new(component.manifest(), &options)?;
        let mut trial = Trial::open(component, connection, values).await?;
        trial.look_for_earlier_accounts().await?;
        Ok(Self { trial })
    }

    /// How many accounts this run will add that nobody can remove through the connector.
    /// Those of earlier runs are not counted.
    #[must_use]
    pub fn will_stay(&self) -> usize {
        let manifest = self.trial.manifest();
        let removes = manifest.operations.contains(Operations::DELETE)
            && manifest.deletion == DeletionEffect::Removes;
        if removes || !self.trial.writes || !manifest.operations.contains(Operations::CREATE) {
            return 0;
        }
        let earlier = [&self.trial.first, &self.trial.second];
        earlier.iter().filter(|made| made.is_none()).count()
    }

    /// The names of the accounts that the run makes or takes up.
    #[must_use]
    pub fn account_names(&self) -> Vec<String> {
        self.trial.values.names()
    }

    /// Runs every check, tells each finding, and tidies up.
    pub async fn run(mut self, mut tell: impl FnMut(&Finding)) -> Report {
        let clock = std::sync::Arc::clone(self.trial.component.host().clock());
        let mut findings = Vec::new();
        for check in checks() {
            let began = clock.now();
            let result = match check.touches {
                Touches::Reads | Touches::Writes if self.trial.connection().is_err() => Err(
                    Stop::skip("no connection could be opened: see `reach-lies-in-the-grant`"),
                ),
                Touches::Writes if !self.trial.writes => Err(Stop::skip(
                    "the connection is read-only, so nothing is written",
                )),
                _ => (check.run)(&mut self.trial).await,
            };
            let finding = Finding {
                check,
                verdict: match result {
                    Ok(()) => Verdict::Passed,
                    Err(Stop::Skip(why)) => Verdict::Skipped(why),
                    Err(Stop::Fail(what)) => Verdict::Failed(what),
                },
                notes: std::mem::take(&mut self.trial.notes),
                time: clock.now().saturating_sub(began),
            };
            tell(&finding);
            findings.push(finding);
        }
        let left = self.trial.tidy().await;
        Report {
            connector: self.trial.manifest().id.clone(),
            version: self.trial.manifest().version.clone(),
            sha256: self.trial.component.inspection().sha256.clone(),
            findings,
            left,
        }
    }
}

impl std::fmt::Debug for Conformance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conformance")
            .field("connector", &self.trial.component)
            .finish_non_exhaustive()
    }
}
