//! Moments, as the journal and the plan have them.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;

/// The time of day, to the millisecond, in RFC 3339: all of one length, so that they sort.
pub(crate) fn now(clock: &dyn Clock) -> String {
    let now = Timestamp::try_from(clock.wall()).unwrap_or(Timestamp::UNIX_EPOCH);
    written(now)
}

/// A moment so long ago.
pub(crate) fn before(clock: &dyn Clock, ago: Duration) -> String {
    let moment = clock.wall().checked_sub(ago);
    let moment = moment.and_then(|moment| Timestamp::try_from(moment).ok());
    written(moment.unwrap_or(Timestamp::UNIX_EPOCH))
}

fn written(moment: Timestamp) -> String {
    format!("{moment:.3}")
}

/// How long ago a moment was; zero for one that is to come or cannot be read.
pub(crate) fn since(clock: &dyn Clock, moment: &str) -> Duration {
    let now = Timestamp::try_from(clock.wall()).unwrap_or(Timestamp::UNIX_EPOCH);
    let then: Option<Timestamp> = moment.parse().ok();
    then.and_then(|then| Duration::try_from(now.duration_since(then)).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    #[test]
    fn moments_are_of_one_length_and_read_back() {
        let clock = TestClock::default();
        assert_eq!(now(&clock), "2026-01-01T00:00:00.000Z");
        let then = now(&clock);
        clock.advance(Duration::from_millis(1500));
        assert_eq!(since(&clock, &then), Duration::from_millis(1500));
        assert_eq!(before(&clock, Duration::from_millis(1500)), then);
        assert_eq!(since(&clock, "soon"), Duration::ZERO);
        assert_eq!(since(&clock, "2100-01-01T00:00:00Z"), Duration::ZERO);
    }
}
