//! What a run came to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Something that must not be, with all that is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Violation(pub(crate) String);

/// The figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) seeds: usize,
    pub(crate) operations: usize,
    pub(crate) done: usize,
    pub(crate) failed: usize,
    pub(crate) unsettled: usize,
    pub(crate) excused: usize,
    pub(crate) requests: usize,
    pub(crate) faults: BTreeMap<&'static str, usize>,
    pub(crate) time: Duration,
    /// By seed.
    pub(crate) violations: BTreeMap<u64, String>,
}

impl Report {
    pub(crate) fn add(&mut self, other: Report) {
        self.seeds += other.seeds;
        self.operations += other.operations;
        self.done += other.done;
        self.failed += other.failed;
        self.unsettled += other.unsettled;
        self.excused += other.excused;
        self.requests += other.requests;
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        self.violations.extend(other.violations);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} seeds, {} operations ({} done, {} failed, {} left open, {} excused), {} requests, \
             {:.1} s, {} violations",
            self.seeds,
            self.operations,
            self.done,
            self.failed,
            self.unsettled,
            self.excused,
            self.requests,
            self.time.as_secs_f64(),
            self.violations.len()
        )?;
        let struck: usize = self.faults.values().sum();
        writeln!(f, "{struck} faults:")?;
        for (kind, count) in &self.faults {
            writeln!(f, "  {count:6} {kind}")?;
        }
        for (seed, violation) in self.violations.iter().take(5) {
            writeln!(
                f,
                "\nseed {seed}: {violation}\nto run it alone: SCHEDULE_SEED={seed} cargo test \
                 --package end-to-end schedule::nobody -- --nocapture"
            )?;
        }
        for (seed, violation) in self.violations.iter().skip(5) {
            let wrong = violation.lines().nth(1).unwrap_or_default();
            writeln!(f, "seed {seed}: {wrong}")?;
        }
        Ok(())
    }
}
