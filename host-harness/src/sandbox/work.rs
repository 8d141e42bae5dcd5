//! How long a thread works for a guest: on the guest's own instructions and on what the guest has
//! the host do, however long one call takes. What it waits for (the network, its turn on the
//! thread) is not counted, since nothing of it is polled meanwhile.

use std::cell::Cell;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// What this thread is working on.
#[derive(Clone, Copy)]
struct AtWork {
    /// What it had taken before this poll.
    before: Duration,
    since: Instant,
}

thread_local! {
    static AT_WORK: Cell<Option<AtWork>> = const { Cell::new(None) };
}

/// Does it, and adds the time that it takes of a thread to the sum.
pub(super) async fn counted<F: Future>(sum: &mut Duration, work: F) -> F::Output {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        let since = Instant::now();
        let before = *sum;
        let outer = AT_WORK.replace(Some(AtWork { before, since }));
        let polled: Poll<F::Output> = work.as_mut().poll(context);
        AT_WORK.set(outer);
        *sum = before.saturating_add(since.elapsed());
        polled
    })
    .await
}

/// What the work has taken so far that this thread is at; asked from within it.
pub(super) fn so_far() -> Option<Duration> {
    let at_work = AT_WORK.get()?;
    Some(at_work.before.saturating_add(at_work.since.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    #[tokio::test]
    async fn work_is_counted_over_all_its_polls_and_waiting_is_not() {
        let mut sum = Duration::ZERO;
        let seen = counted(&mut sum, async {
            busy(Duration::from_millis(20));
            tokio::time::sleep(Duration::from_millis(300)).await;
            busy(Duration::from_millis(20));
            so_far()
        });
        let seen = seen.await.unwrap();
        for counted in [seen, sum] {
            let least = Duration::from_millis(40);
            assert!(counted >= least, "{counted:?}");
            assert!(counted < Duration::from_millis(290), "{counted:?}");
        }
        assert_eq!(so_far(), None, "nothing is at work any more");
    }
}
