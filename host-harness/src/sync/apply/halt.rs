//! What ends a run before everything is done: nothing new is begun, what is under way ends.

use std::sync::{Arc, Mutex, PoisonError};

use crate::contract::FailureKind;
use crate::failure::Failure;
use crate::sync::report::Stop;

/// The switch that stops a run. Clones are the same switch.
#[derive(Debug, Clone, Default)]
pub struct Halt(Arc<Mutex<Option<Stop>>>);

impl Halt {
    /// One that nobody has thrown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Somebody wants the run to end.
    pub fn interrupt(&self) {
        self.stop(Stop::Interrupted);
    }

    /// Stops the run; the first reason counts.
    pub(crate) fn stop(&self, reason: Stop) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get_or_insert(reason);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.reason().is_some()
    }

    pub(crate) fn reason(&self) -> Option<Stop> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A refused credential, and a host that lets nothing be written, fail everybody alike.
    pub(super) fn on_refusal(&self, failure: &Failure) {
        let refused = failure.contract().is_some_and(|failed| {
            matches!(
                failed.kind,
                FailureKind::Unauthenticated | FailureKind::RefusedByHost
            )
        });
        if refused {
            self.stop(Stop::Refused(failure.clone()));
        }
    }
}
