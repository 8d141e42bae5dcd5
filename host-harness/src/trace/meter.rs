//! The stopwatch that finds out what an operation uses up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::observer::Observer;
use super::stats::OperationStats;
use crate::clock::Clock;

/// Where an operation spends its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Guest,
    Wire,
    Waiting,
    Host,
}

/// Measures one operation, and tells the observer when it is dropped: operations end in many
/// ways, and one that is cancelled runs no more code.
pub(crate) struct Meter {
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    stats: OperationStats,
    place: Place,
    since: Duration,
    fuel_given: u64,
}

impl Meter {
    pub(crate) fn start(
        operation: &'static str,
        observer: Option<&Arc<dyn Observer>>,
        clock: &Arc<dyn Clock>,
    ) -> Option<Self> {
        Some(Self {
            observer: Arc::clone(observer?),
            clock: Arc::clone(clock),
            stats: OperationStats {
                operation,
                requests: 0,
                sent_bytes: 0,
                received_bytes: 0,
                fuel: None,
                memory_peak: 0,
                guest: Duration::ZERO,
                wire: Duration::ZERO,
                waiting: Duration::ZERO,
                host: Duration::ZERO,
            },
            place: Place::Host,
            since: clock.now(),
            fuel_given: 0,
        })
    }

    /// From now on time is spent there.
    pub(crate) fn turn_to(&mut self, place: Place) {
        let now = self.clock.now();
        let spent = match self.place {
            Place::Guest => &mut self.stats.guest,
            Place::Wire => &mut self.stats.wire,
            Place::Waiting => &mut self.stats.waiting,
            Place::Host => &mut self.stats.host,
        };
        *spent += now.saturating_sub(self.since);
        (self.place, self.since) = (place, now);
    }

    pub(crate) fn fuel_given(&mut self, fuel: u64) {
        self.fuel_given = fuel;
        self.stats.fuel = Some(0);
    }

    pub(crate) fn fuel_left(&mut self, fuel: u64) {
        self.stats.fuel = Some(self.fuel_given.saturating_sub(fuel));
    }

    pub(crate) fn memory(&mut self, bytes: usize) {
        self.stats.memory_peak = self.stats.memory_peak.max(count(bytes));
    }

    pub(crate) fn request(&mut self) {
        self.stats.requests = self.stats.requests.saturating_add(1);
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.stats.sent_bytes = self.stats.sent_bytes.saturating_add(count(bytes));
    }

    pub(crate) fn received(&mut self, bytes: usize) {
        self.stats.received_bytes = self.stats.received_bytes.saturating_add(count(bytes));
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.turn_to(Place::Host);
        self.observer.operation(&self.stats);
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::clock::TestClock;
    use crate::trace::Exchange;

    #[derive(Default)]
    struct Seen(Mutex<Vec<OperationStats>>);

    impl Observer for Seen {
        fn exchange(&self, _: &Exchange) {}

        fn operation(&self, stats: &OperationStats) {
            let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(stats.clone());
        }
    }

    #[test]
    fn each_moment_is_counted_once_and_the_end_is_told_by_the_drop() {
        let (first, second) = (Arc::new(Seen::default()), Arc::new(Seen::default()));
        let both: Vec<Arc<dyn Observer>> = vec![first.clone(), second.clone()];
        let observer: Arc<dyn Observer> = Arc::new(both);
        let time = TestClock::default();
        let clock: Arc<dyn Clock> = Arc::new(time.clone());
        let mut meter = Meter::start("get", Some(&observer), &clock).unwrap();
        let ms = Duration::from_millis;
        for (place, lasts) in [
            (Place::Guest, 1),
            (Place::Waiting, 20),
            (Place::Wire, 300),
            (Place::Guest, 4_000),
            (Place::Host, 50_000),
        ] {
            meter.turn_to(place);
            time.advance(ms(lasts));
        }
        assert!(first.0.lock().unwrap().is_empty());
        drop(meter);
        let seen = first.0.lock().unwrap();
        assert_eq!(*seen, *second.0.lock().unwrap());
        assert_eq!(seen[0].guest, ms(4_001));
        assert_eq!(seen[0].waiting, ms(20));
        assert_eq!(seen[0].wire, ms(300));
        assert_eq!(seen[0].host, ms(50_000));
        assert_eq!(seen[0].total(), ms(54_321));
    }
}
