//! How long a thread works for a guest: on the guest's own instructions and on what the guest has
//! the host do, however long one call takes. What it waits for (the network, its turn on the
//! thread) is not counted, since nothing of it is polled meanwhile; nor, where the system keeps a
//! clock for each thread, is what the machine gives to others while the thread is at it.

use std::cell::Cell;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use self::clock::Moment;

/// Whether the clock stands still while the machine does something else.
pub(super) const IS_EXACT: bool = clock::IS_OF_THE_THREAD;

/// The thread's own processor time.
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod clock {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    pub(super) const IS_OF_THE_THREAD: bool = true;

    /// A moment of the thread that asks: another one's clock says something else.
    #[derive(Clone, Copy)]
    pub(super) struct Moment(Duration);

    impl Moment {
        pub(super) fn now() -> Self {
            let now = clock_gettime(ClockId::ThreadCPUTime);
            let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
            let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
            Self(Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds))
        }

        pub(super) fn elapsed(self) -> Duration {
            Self::now().0.saturating_sub(self.0)
        }
    }
}

/// The machine's clock, which goes on while the thread is held up.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod clock {
    use std::time::{Duration, Instant};

    pub(super) const IS_OF_THE_THREAD: bool = false;

    #[derive(Clone, Copy)]
    pub(super) struct Moment(Instant);

    impl Moment {
        pub(super) fn now() -> Self {
            Self(Instant::now())
        }

        pub(super) fn elapsed(self) -> Duration {
            self.0.elapsed()
        }
    }
}

/// What this thread is working on.
#[derive(Clone, Copy)]
struct AtWork {
    /// What it had taken before this poll.
    before: Duration,
    since: Moment,
}

thread_local! {
    static AT_WORK: Cell<Option<AtWork>> = const { Cell::new(None) };
}

/// Does it, and adds the time that it takes of a thread to the sum.
pub(super) async fn counted<F: Future>(sum: &mut Duration, work: F) -> F::Output {
    let mut work = pin!(work);
    // A poll begins and ends on one thread, whichever that is.
    std::future::poll_fn(|context| {
        let since = Moment::now();
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
        let began = Moment::now();
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

    /// As on a machine that gives the processor to others.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    #[tokio::test]
    async fn what_holds_up_the_thread_is_not_counted() {
        let mut sum = Duration::ZERO;
        let held_up = async { std::thread::sleep(Duration::from_millis(300)) };
        counted(&mut sum, held_up).await;
        assert!(sum < Duration::from_millis(200), "{sum:?}");
    }
}
