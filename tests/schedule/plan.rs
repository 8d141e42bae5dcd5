//! What a seed stands for: the tenant, its faults, the workers, and what each of them does.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use host_harness::SandboxLifetime;
use simulated_8x8::{FaultSchedule, Switch, Switches};

/// Operations of a seed, all workers together.
const OPERATIONS: usize = 56;

/// A mistake that the connector makes on purpose, by the name that it knows it by, to show that the
/// driver notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planted(pub(crate) &'static str);

/// Everything that is decided before a seed runs.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) switches: Switches,
    /// People whom nobody touches.
    pub(crate) crowd: usize,
    pub(crate) max_page: usize,
    pub(crate) workers: usize,
    pub(crate) operations: usize,
    pub(crate) fault_rate: f64,
    pub(crate) update_method: &'static str,
    pub(crate) sandbox: SandboxLifetime,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let workers = rng.usize(1..=4);
        Self {
            seed,
            switches: switches(&mut rng),
            crowd: [0, 0, 1, 3, 25][rng.usize(0..5)],
            max_page: [7, 10, 100][rng.usize(0..3)],
            workers,
            operations: OPERATIONS / workers,
            fault_rate: [0.02, 0.08, 0.15, 0.3][rng.usize(0..4)],
            update_method: ["auto", "auto", "patch", "put"][rng.usize(0..4)],
            sandbox: if rng.u32(0..4) == 0 {
                SandboxLifetime::FreshEachOperation
            } else {
                SandboxLifetime::OnePerConnection
            },
        }
    }

    pub(crate) fn schedule(&self) -> FaultSchedule {
        FaultSchedule::new(self.seed)
            .rate(self.fault_rate)
            .clears_token()
    }

    /// One request, on the workers' clock; faults that last for ever last longer.
    pub(crate) fn request_time(&self) -> Duration {
        Duration::from_secs(15)
    }

    /// Whether two users may have one userName, so that nothing but care keeps them single.
    pub(crate) fn names_not_unique(&self) -> bool {
        self.switches.contains(Switch::NamesNotUnique)
    }

    /// Whether good values may be refused, all the same.
    pub(crate) fn refuses_edits(&self) -> bool {
        [
            Switch::InactiveEditsRefused,
            Switch::PatchActiveOnly,
            Switch::PatchIgnoresOthers,
        ]
        .iter()
        .any(|switch| self.switches.contains(*switch))
    }

    /// Whether somebody may vanish in the middle of a listing, which moves all later pages.
    pub(crate) fn people_vanish(&self) -> bool {
        self.switches.contains(Switch::DeleteReallyDeletes)
    }

    /// The connection's numbers of its own, for what a worker does.
    pub(crate) fn rng(&self, worker: usize) -> Rng {
        Rng::with_seed(self.seed.wrapping_mul(31).wrapping_add(worker as u64 + 1))
    }
}

/// Its uniqueness check is off in a third of all seeds, and every other unknown that could
/// change what a lost answer means in some.
fn switches(rng: &mut Rng) -> Switches {
    let mut switches = Switches::none();
    if rng.u32(0..3) == 0 {
        switches.insert(Switch::NamesNotUnique);
    }
    for switch in [
        Switch::FilterIgnored,
        Switch::FilterRefused,
        Switch::ExternalIdFilterRefused,
        Switch::PatchNoContent,
        Switch::PatchRefused,
        Switch::PatchActiveOnly,
        Switch::PatchIgnoresOthers,
        Switch::InactiveEditsRefused,
        Switch::DeleteReallyDeletes,
        Switch::CreateWithoutBody,
        Switch::LocationMissing,
        Switch::DuplicateIs400,
        Switch::CursorPaging,
        Switch::TotalMissing,
        Switch::EmptyListWithoutResources,
        Switch::ScimJsonRefused,
        Switch::ScimTypeMissing,
        Switch::ActiveAsString,
        Switch::Versions,
        Switch::NotFoundHtml,
    ] {
        if rng.u32(0..8) == 0 {
            switches.insert(switch);
        }
    }
    switches
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let switches: Vec<_> = self.switches.iter().map(Switch::name).collect();
        write!(
            f,
            "seed {}: {} workers × {} operations, {} others, pages of {}, faults at {}, \
             update-method {}, {:?}, switches [{}]",
            self.seed,
            self.workers,
            self.operations,
            self.crowd,
            self.max_page,
            self.fault_rate,
            self.update_method,
            self.sandbox,
            switches.join(", ")
        )
    }
}
