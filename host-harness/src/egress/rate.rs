//! The client's own manners: how many requests go out at once, and in a minute. Shared by
//! all operations of a connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;

const MINUTE: Duration = Duration::from_secs(60);

/// A connection's turnstile.
#[derive(Debug)]
pub(crate) struct Rate {
    at_once: Arc<Semaphore>,
    per_minute: Option<usize>,
    /// When the requests of the last minute went, or will go, out.
    sent: Mutex<VecDeque<Duration>>,
}

/// The wait for a turn would outlast the operation.
#[derive(Debug)]
pub(crate) struct NoTurn;

impl Rate {
    pub(crate) fn new(max_concurrency: usize, max_requests_per_minute: Option<u32>) -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(
                max_concurrency.clamp(1, Semaphore::MAX_PERMITS),
            )),
            per_minute: max_requests_per_minute
                .map(|most| usize::try_from(most.max(1)).unwrap_or(usize::MAX)),
            sent: Mutex::default(),
        }
    }

    /// Waits for a turn; it lasts until the permit is dropped.
    pub(crate) async fn turn(
        &self,
        clock: &dyn Clock,
        deadline: Duration,
    ) -> Result<OwnedSemaphorePermit, NoTurn> {
        let permit = tokio::select! {
            biased;
            permit = Arc::clone(&self.at_once).acquire_owned() => permit.map_err(|_| NoTurn)?,
            () = clock.alarm(deadline) => return Err(NoTurn),
        };
        let now = clock.now();
        let start = self.reserve(now, deadline)?;
        if start > now {
            clock.sleep(start - now).await;
        }
        Ok(permit)
    }

    /// When the next request may start.
    fn reserve(&self, now: Duration, deadline: Duration) -> Result<Duration, NoTurn> {
        let Some(most) = self.per_minute else {
            return Ok(now);
        };
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        while sent.front().is_some_and(|first| *first + MINUTE <= now) {
            sent.pop_front();
        }
        let start = match sent.len().checked_sub(most).and_then(|at| sent.get(at)) {
            Some(blocking) => (*blocking + MINUTE).max(now),
            None => now,
        };
        if start >= deadline {
            return Err(NoTurn);
        }
        sent.push_back(start);
        Ok(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn no_more_requests_start_in_a_minute_than_allowed() {
        let (rate, clock) = (Rate::new(2, Some(3)), TestClock::default());
        let mut starts = Vec::new();
        for _ in 0..7 {
            drop(rate.turn(&clock, HOUR).await.unwrap());
            starts.push(clock.now().as_secs());
        }
        assert_eq!(starts, [0, 0, 0, 60, 60, 60, 120]);
    }

    #[tokio::test]
    async fn a_turn_after_the_deadline_is_refused_at_once() {
        let (rate, clock) = (Rate::new(2, Some(1)), TestClock::default());
        let deadline = Duration::from_secs(30);
        drop(rate.turn(&clock, deadline).await.unwrap());
        assert!(rate.turn(&clock, deadline).await.is_err());
        assert!(clock.take_sleeps().is_empty());
    }

    #[tokio::test]
    async fn no_more_requests_run_at_once_than_allowed() {
        let (rate, clock) = (Rate::new(1, None), TestClock::default());
        let first = rate.turn(&clock, HOUR).await.unwrap();
        let second = rate.turn(&clock, HOUR);
        tokio::pin!(second);
        assert!(futures_util::FutureExt::now_or_never(second.as_mut()).is_none());
        drop(first);
        assert!(second.await.is_ok());
    }
}
