//! The epoch, by which wasmtime interrupts guests that compute.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

/// How finely the time that guests compute is measured.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Moves the epoch on while guests run, from a thread that sleeps while none does and ends
/// with the host.
#[derive(Default)]
pub(crate) struct Ticker {
    engines: Mutex<Vec<EngineWeak>>,
    running: AtomicUsize,
    /// Whether the thread waits to be woken: guests come and go a hundred thousand times a
    /// second, and the system is only called where it does.
    asleep: AtomicBool,
    ended: Mutex<bool>,
    changed: Condvar,
}

/// Keeps the ticker going.
pub(crate) struct Running(Arc<Ticker>);

impl Ticker {
    pub(crate) fn start(self: &Arc<Self>) -> std::io::Result<()> {
        let ticker = Arc::clone(self);
        std::thread::Builder::new()
            .name("host-harness-epoch".to_owned())
            .spawn(move || {
                while ticker.wait_for_work() {
                    std::thread::sleep(TICK);
                    for engine in ticker.engines().iter().filter_map(EngineWeak::upgrade) {
                        engine.increment_epoch();
                    }
                }
            })
            .map(drop)
    }

    /// Moves this one's epoch on as well.
    pub(crate) fn drive(&self, engine: &Engine) {
        self.engines().push(engine.weak());
    }

    pub(crate) fn end(&self) {
        *self.ended() = true;
        self.changed.notify_all();
    }

    fn engines(&self) -> MutexGuard<'_, Vec<EngineWeak>> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is work, once there is or the host has ended.
    fn wait_for_work(&self) -> bool {
        let mut ended = self.ended();
        // Told before it is looked whether anybody runs, as whoever begins to run does so
        // before it looks whether this is told: one of the two sees the other.
        self.asleep.store(true, Ordering::SeqCst);
        while !*ended && self.running.load(Ordering::SeqCst) == 0 {
            ended = self
                .changed
                .wait(ended)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.store(false, Ordering::SeqCst);
        !*ended
    }

    pub(crate) fn hold(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) {
            // With the lock, since the thread may have looked and not wait yet.
            let _ended = self.ended();
            self.changed.notify_all();
        }
        Running(Arc::clone(self))
    }

    fn ended(&self) -> MutexGuard<'_, bool> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
