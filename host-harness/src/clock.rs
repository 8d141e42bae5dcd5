//! The one source of time. Deadlines, back-off, `Retry-After` and rate limits ask a
//! [`Clock`], so that a test runs through an hour of retries without waiting.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;

/// Wall time, monotonic time and waiting.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The time of day, for reading dates and for records.
    fn wall(&self) -> SystemTime;

    /// Time since some fixed moment; never goes back.
    fn now(&self) -> Duration;

    /// Waits because the host chose to: back-off, a delay, a rate limit.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Completes once [`now`](Clock::now) has reached `at`: the deadline of something that
    /// goes on meanwhile, such as an answer on a socket. Unlike
    /// [`sleep`](Clock::sleep) it is never the reason why time passes.
    fn alarm(&self, at: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn alarm(&self, at: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(at.saturating_sub(self.now())))
    }
}

/// A clock for tests: a sleep moves it forward at once and is written down; otherwise
/// time stands still until [`advance`](TestClock::advance).
#[derive(Debug, Clone)]
pub struct TestClock {
    state: Arc<Mutex<TestTime>>,
    moved: Arc<tokio::sync::Notify>,
}

#[derive(Debug)]
struct TestTime {
    start: SystemTime,
    elapsed: Duration,
    sleeps: Vec<Duration>,
}

impl TestClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: SystemTime) -> Self {
        Self {
            state: Arc::new(Mutex::new(TestTime {
                start,
                elapsed: Duration::ZERO,
                sleeps: Vec::new(),
            })),
            moved: Arc::default(),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        self.with(|time| time.elapsed += duration);
        self.moved.notify_waiters();
    }

    /// How long was slept, in order, since the last call.
    #[must_use]
    pub fn take_sleeps(&self) -> Vec<Duration> {
        self.with(|time| std::mem::take(&mut time.sleeps))
    }

    fn with<T>(&self, look: impl FnOnce(&mut TestTime) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for TestClock {
    /// Starts at 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600))
    }
}

impl Clock for TestClock {
    fn wall(&self) -> SystemTime {
        self.with(|time| time.start + time.elapsed)
    }

    fn now(&self) -> Duration {
        self.with(|time| time.elapsed)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.with(|time| time.sleeps.push(duration));
        self.advance(duration);
        Box::pin(tokio::task::yield_now())
    }

    fn alarm(&self, at: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            loop {
                let moved = clock.moved.notified();
                tokio::pin!(moved);
                // Listens before it looks, so that no step is missed in between.
                moved.as_mut().enable();
                if clock.now() >= at {
                    return;
                }
                moved.await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleep_on_the_test_clock_moves_time_and_is_recorded() {
        let clock = TestClock::default();
        clock.sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now(), Duration::from_secs(3600));
        assert_eq!(clock.take_sleeps(), [Duration::from_secs(3600)]);
    }

    #[tokio::test]
    async fn an_alarm_rings_when_time_is_moved_past_it() {
        let clock = TestClock::default();
        let ring = tokio::spawn(clock.alarm(Duration::from_secs(5)));
        clock.advance(Duration::from_secs(5));
        ring.await.unwrap();
    }
}
