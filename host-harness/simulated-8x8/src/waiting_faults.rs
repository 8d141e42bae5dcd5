//! The faults that are yet to strike.

use std::collections::VecDeque;

use axum::http::Method;

use super::faults::{Fault, FaultEffect};
use super::schedule::FaultSchedule;

/// The faults that wait, first come first served, and those that are yet to be drawn.
#[derive(Debug, Default)]
pub(super) struct Faults {
    ordered: VecDeque<Fault>,
    schedule: Option<FaultSchedule>,
}

impl Faults {
    pub(super) fn drawn_from(schedule: Option<FaultSchedule>) -> Self {
        Self {
            ordered: VecDeque::new(),
            schedule,
        }
    }

    pub(super) fn add(&mut self, fault: Fault) {
        self.ordered.push_back(fault);
    }

    pub(super) fn end_schedule(&mut self) {
        self.schedule = None;
    }

    /// The first fault that strikes a request with this method, else one of the schedule's.
    pub(super) fn take(&mut self, method: &Method) -> Option<FaultEffect> {
        let position = self.ordered.iter().position(|fault| {
            fault.method.as_ref().is_none_or(|wanted| wanted == method)
                && fault.effect.suits(method)
        });
        match position {
            Some(position) => self.ordered.remove(position).map(|fault| fault.effect),
            None => self.schedule.as_mut()?.draw(method),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_strikes_once_and_only_what_it_matches() {
        let mut faults = Faults::default();
        for given in [
            "any:stale-read",
            "any:other-writer",
            "post:500",
            "any:cut-before-commit",
        ] {
            faults.add(given.parse().unwrap());
        }
        assert_eq!(faults.take(&Method::PUT), Some(FaultEffect::OtherWriter));
        assert_eq!(
            faults.take(&Method::PUT),
            Some(FaultEffect::CutBeforeCommit)
        );
        assert_eq!(faults.take(&Method::PUT), None);
        assert_eq!(faults.take(&Method::GET), Some(FaultEffect::StaleRead));
        assert_eq!(faults.take(&Method::GET), None);
        assert!(faults.take(&Method::POST).is_some());
    }
}
