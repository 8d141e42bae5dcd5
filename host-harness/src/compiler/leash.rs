//! A process that ends when it is no longer wanted.

use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a process that has said everything may take to end.
const LAST_WORDS: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(2);

/// Holds a process, and ends it when it is cut. Clones hold the same one.
#[derive(Clone, Default)]
pub(crate) struct Leash(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    child: Option<Child>,
    cut: bool,
}

/// Cuts its leash when it is dropped.
pub(crate) struct Cut(Leash);

impl Leash {
    pub(crate) fn cut_on_drop(&self) -> Cut {
        Cut(self.clone())
    }

    pub(super) fn hold(&self, mut child: Child) {
        let mut held = self.held();
        if held.cut {
            let _ = child.kill();
        }
        held.child = Some(child);
    }

    /// Ends it, and whatever is held from now on.
    pub(super) fn cut(&self) {
        let mut held = self.held();
        held.cut = true;
        if let Some(child) = &mut held.child {
            // It has ended already, or does now.
            let _ = child.kill();
        }
    }

    /// How it ended, once it has; it is made to where it does not by itself.
    pub(super) fn ended(&self) -> Option<ExitStatus> {
        let mut waited = Duration::ZERO;
        loop {
            if let Some(child) = &mut self.held().child {
                match child.try_wait() {
                    Ok(None) => {}
                    Ok(Some(status)) => return Some(status),
                    Err(_) => return None,
                }
                if waited > LAST_WORDS {
                    let _ = child.kill();
                    return child.wait().ok();
                }
            } else {
                return None;
            }
            std::thread::sleep(STEP);
            waited += STEP;
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.cut();
    }
}
