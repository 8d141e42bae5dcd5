//! Guards: what stops a run before its first write, or in the middle, until a person has
//! looked. Each can be overridden for one run, by its name.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::str::FromStr;

use super::Guards;

/// A guard, by the name under which it is overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guard {
    /// Too many accounts would be deactivated in one run.
    Deactivations,
    /// The roster has no row at all.
    EmptyRoster,
    /// The roster has far fewer rows than the last one.
    ShorterRoster,
    /// Too many operations fail.
    Failures,
    /// Rows cannot be read, and accounts without a row would be deactivated.
    BadRows,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Deactivations,
        Self::EmptyRoster,
        Self::ShorterRoster,
        Self::Failures,
        Self::BadRows,
    ];

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deactivations => "deactivations",
            Self::EmptyRoster => "empty-roster",
            Self::ShorterRoster => "shorter-roster",
            Self::Failures => "failures",
            Self::BadRows => "bad-rows",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Guard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|guard| guard.name() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no guard `{text}`; the guards are {names}")
        })
    }
}

/// The guards that are overridden for this run.
pub type Allowed = BTreeSet<Guard>;

/// Why a guard stopped the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Which one.
    pub guard: Guard,
    /// What it found.
    pub found: String,
}

impl Stopped {
    /// What was found, and how to go on in spite of it.
    #[must_use]
    pub fn message(&self) -> String {
        format!(
            "{} If that is meant so, `--allow {}` lets this one run pass.",
            self.found, self.guard
        )
    }
}

/// What a plan is about to do, as far as guards look at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ground {
    /// Rows of the roster, those that cannot be read among them.
    pub rows: u64,
    /// Rows of the roster of the last run about everybody.
    pub rows_before: Option<u64>,
    /// Accounts that are active now, as far as they were read.
    pub active: u64,
    /// How many of them this run would deactivate, for whatever reason.
    pub deactivations: u64,
}

/// Of a company of ten, one person is a tenth: fewer missing rows than this say nothing about a
/// roster, however many percent they are.
const FEWEST_MISSING: u64 = 5;

/// What stops a run before its first write.
#[must_use]
pub fn before(ground: &Ground, guards: &Guards, allowed: &Allowed) -> Vec<Stopped> {
    let mut stopped = Vec::new();
    let mut stop = |guard, found| {
        if !allowed.contains(&guard) {
            stopped.push(Stopped { guard, found });
        }
    };
    if ground.rows == 0 {
        stop(Guard::EmptyRoster, "The roster is empty.".to_owned());
    } else if let Some(before) = ground.rows_before
        && before.saturating_sub(ground.rows) >= FEWEST_MISSING
        && percent(before.saturating_sub(ground.rows), before) > guards.shorter_roster
    {
        stop(
            Guard::ShorterRoster,
            format!(
                "The roster has {} rows, and had {before} at the last run: more than {} % fewer.",
                ground.rows, guards.shorter_roster
            ),
        );
    }
    let most = most_deactivations(ground.active, guards);
    if ground.deactivations > most {
        stop(
            Guard::Deactivations,
            format!(
                "{} of {} active accounts would be deactivated, and {most} are the most for one \
                 run.",
                ground.deactivations, ground.active
            ),
        );
    }
    stopped
}

/// How many deactivations pass.
fn most_deactivations(active: u64, guards: &Guards) -> u64 {
    let share =
        f64::from(u32::try_from(active).unwrap_or(u32::MAX)) * guards.deactivations.percent / 100.0;
    // A share of at most 2³² accounts is far inside what an f64 has exactly.
    let share = share.max(0.0).floor() as u64;
    // The floor wins where somebody has set it above the ceiling.
    share
        .min(guards.deactivations.at_most)
        .max(guards.deactivations.at_least)
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 * 100.0 / whole as f64
}

/// How many of the latest operations are looked at.
pub(crate) const WINDOW: usize = 20;

/// Watches how many of the latest operations failed.
#[derive(Debug)]
pub(crate) struct FailureRate {
    most_percent: f64,
    latest: VecDeque<bool>,
    armed: bool,
}

impl FailureRate {
    pub(crate) fn new(guards: &Guards, allowed: &Allowed) -> Self {
        Self {
            most_percent: guards.failures,
            latest: VecDeque::with_capacity(WINDOW),
            armed: !allowed.contains(&Guard::Failures),
        }
    }

    /// Takes in how an operation ended. Says so when too many of the latest failed; never
    /// before there were enough of them to tell.
    pub(crate) fn note(&mut self, failed: bool) -> Option<Stopped> {
        if self.latest.len() == WINDOW {
            self.latest.pop_front();
        }
        self.latest.push_back(failed);
        let failures = self.latest.iter().filter(|failed| **failed).count();
        let too_many = percent(failures as u64, WINDOW as u64) > self.most_percent;
        (self.armed && self.latest.len() == WINDOW && too_many).then(|| Stopped {
            guard: Guard::Failures,
            found: format!("{failures} of the last {WINDOW} operations failed."),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ground: Ground, allowed: &[Guard]) -> Vec<&'static str> {
        let allowed = allowed.iter().copied().collect();
        before(&ground, &Guards::default(), &allowed)
            .iter()
            .map(|stopped| stopped.guard.name())
            .collect()
    }

    fn deactivating(deactivations: u64, active: u64) -> Ground {
        Ground {
            rows: active,
            rows_before: None,
            active,
            deactivations,
        }
    }

    #[test]
    fn ten_percent_pass_but_never_fewer_than_five_nor_more_than_a_hundred() {
        for (active, most) in [
            (0, 5),
            (20, 5),
            (50, 5),
            (60, 6),
            (500, 50),
            (1000, 100),
            (9000, 100),
        ] {
            let rows = active.max(1);
            let ground = |deactivations| Ground {
                rows,
                ..deactivating(deactivations, active)
            };
            assert_eq!(names(ground(most), &[]), [""; 0], "{active}");
            assert_eq!(names(ground(most + 1), &[]), ["deactivations"], "{active}");
        }
    }

    #[test]
    fn an_empty_and_a_much_shorter_roster_stop_the_run() {
        let rows = |rows, rows_before| Ground {
            rows,
            rows_before,
            ..Ground::default()
        };
        assert_eq!(names(rows(0, None), &[]), ["empty-roster"]);
        assert_eq!(names(rows(0, Some(10)), &[]), ["empty-roster"]);
        assert_eq!(names(rows(80, Some(100)), &[]), [""; 0]);
        assert_eq!(names(rows(79, Some(100)), &[]), ["shorter-roster"]);
        assert_eq!(names(rows(500, Some(100)), &[]), [""; 0]);
        assert_eq!(names(rows(1, Some(5)), &[]), [""; 0]);
        assert_eq!(names(rows(5, Some(10)), &[]), ["shorter-roster"]);
    }

    #[test]
    fn each_guard_is_overridden_by_its_name_alone() {
        let all = Ground {
            rows: 10,
            rows_before: Some(100),
            ..deactivating(50, 100)
        };
        assert_eq!(names(all, &[]), ["shorter-roster", "deactivations"]);
        assert_eq!(names(all, &[Guard::Deactivations]), ["shorter-roster"]);
        assert_eq!(names(all, &[Guard::ShorterRoster]), ["deactivations"]);
        assert_eq!(names(all, &[Guard::EmptyRoster]).len(), 2);
        for guard in Guard::ALL {
            assert_eq!(guard.name().parse(), Ok(guard));
        }
    }

    #[test]
    fn more_failures_than_half_of_the_last_twenty_stop_the_run() {
        let mut rate = FailureRate::new(&Guards::default(), &Allowed::new());
        // Nothing is concluded from a few.
        assert!((0..10).all(|_| rate.note(true).is_none()));
        assert!((0..10).all(|_| rate.note(false).is_none()));
        // One failure leaves the window, one comes: still half.
        assert_eq!(rate.note(true), None);
        let mut rate = FailureRate::new(&Guards::default(), &Allowed::new());
        assert!((0..19).all(|_| rate.note(true).is_none()));
        assert_eq!(rate.note(true).unwrap().guard, Guard::Failures);
        let mut rate = FailureRate::new(&Guards::default(), &[Guard::Failures].into());
        assert!((0..99).all(|_| rate.note(true).is_none()));
    }
}
