//! Time for workers who do not wait: each has a clock of its own, on which a back-off passes at
//! once, and an answer that does not come is given up a hundred times sooner than the machine's
//! clock would have it. Not tokio's paused clock, which jumps while a real socket is awaited.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use host_harness::clock::Clock;
use tokio::sync::Notify;

/// How much faster time passes than on the machine, while a socket is awaited.
const FASTER: u32 = 100;

/// The longest step at which the machine's clock is followed. A thread that the machine held up
/// for longer has read no socket meanwhile, and nothing may be given up for that.
const STEP: Duration = Duration::from_millis(2);

tokio::task_local! {
    static TIME: Arc<Time>;
}

/// The time of one worker.
#[derive(Debug)]
struct Time {
    passed: Mutex<Passed>,
    moved: Notify,
}

#[derive(Debug)]
struct Passed {
    time: Duration,
    /// When the machine's clock was looked at last.
    seen: Instant,
}

impl Time {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            passed: Mutex::new(Passed {
                time: Duration::ZERO,
                seen: Instant::now(),
            }),
            moved: Notify::new(),
        })
    }

    fn now(&self) -> Duration {
        let mut passed = self.passed.lock().unwrap();
        let now = Instant::now();
        let step = now.duration_since(passed.seen).min(STEP);
        passed.time += step * FASTER;
        passed.seen = now;
        passed.time
    }
}

/// Runs a worker in a time of its own.
pub(crate) async fn in_own_time<T>(worker: impl Future<Output = T>) -> T {
    TIME.scope(Time::new(), worker).await
}

/// One clock for a host, and on it one time for each worker.
#[derive(Debug)]
pub(crate) struct WorkersClock {
    /// For what belongs to no worker, such as loading the component.
    outside: Arc<Time>,
}

impl WorkersClock {
    pub(crate) fn new() -> Self {
        Self {
            outside: Time::new(),
        }
    }

    fn time(&self) -> Arc<Time> {
        TIME.try_with(Arc::clone)
            .unwrap_or_else(|_| Arc::clone(&self.outside))
    }
}

impl Clock for WorkersClock {
    /// The machine's: the tenant's dates count from that, and nobody measures with it.
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn now(&self) -> Duration {
        self.time().now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let time = self.time();
        time.passed.lock().unwrap().time += duration;
        time.moved.notify_waiters();
        Box::pin(tokio::task::yield_now())
    }

    fn alarm(&self, at: Duration) -> BoxFuture<'static, ()> {
        let time = self.time();
        Box::pin(async move {
            loop {
                let moved = time.moved.notified();
                tokio::pin!(moved);
                // Listens before it looks, so that no step is missed in between.
                moved.as_mut().enable();
                let left = at.saturating_sub(time.now());
                if left.is_zero() {
                    return;
                }
                tokio::select! {
                    () = moved => {}
                    () = tokio::time::sleep((left / FASTER).min(STEP / 2)) => {}
                }
            }
        })
    }
}
