//! Mistakes that this connector does not make. The tests build it with the feature
//! `planted-faults` and switch one on, to show that they would notice; without the feature
//! nothing of this is compiled in.
//!
//! Which one is said by the member `planted` of the note of what was learned: it reaches a
//! connection without a setting of its own.

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planted {
    /// After a lost create, a read that does not show the user is taken for proof that there
    /// is none, and one that shows anybody of that name for proof of success.
    UnprovenRead,
    /// What a filter finds is not looked at again.
    UncheckedHit,
    /// A page begins where the one before was asked to end, not where it ended.
    PageAsAsked,
    /// A 5xx to a write is taken for "not done".
    ServerErrorAsNotDone,
}

#[cfg(not(feature = "planted-faults"))]
pub(crate) const fn is(_: Planted) -> bool {
    false
}

#[cfg(feature = "planted-faults")]
pub(crate) use on::{is, name, read};

#[cfg(feature = "planted-faults")]
mod on {
    use core::sync::atomic::{AtomicUsize, Ordering};

    use super::Planted;

    /// Its place in the list, from 1.
    static PLANTED: AtomicUsize = AtomicUsize::new(0);

    const NAMES: [(Planted, &str); 4] = [
        (Planted::UnprovenRead, "unproven-read"),
        (Planted::UncheckedHit, "unchecked-hit"),
        (Planted::PageAsAsked, "page-as-asked"),
        (Planted::ServerErrorAsNotDone, "server-error-as-not-done"),
    ];

    pub(crate) fn is(planted: Planted) -> bool {
        now().is_some_and(|(on, _)| *on == planted)
    }

    /// For the note of what was learned.
    pub(crate) fn name() -> Option<&'static str> {
        now().map(|(_, name)| *name)
    }

    pub(crate) fn read(name: &str) {
        let at = NAMES.iter().position(|(_, known)| *known == name);
        PLANTED.store(at.map_or(0, |at| at + 1), Ordering::Relaxed);
    }

    fn now() -> Option<&'static (Planted, &'static str)> {
        NAMES.get(PLANTED.load(Ordering::Relaxed).checked_sub(1)?)
    }
}
