//! One attempt of a request, as what carries it sees it.

use std::time::{Duration, SystemTime};

use super::operation::Operation;
use crate::clock::Clock;
use crate::limits::{Limit, Limits};
use crate::trace::Place;

/// One attempt: its bounds, and the account of what it took.
#[derive(Debug)]
pub struct Attempt<'a> {
    operation: &'a mut Operation,
    clock: &'a dyn Clock,
    limits: &'a Limits,
    number: u32,
    writes: bool,
    began: Option<(SystemTime, Duration)>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        operation: &'a mut Operation,
        clock: &'a dyn Clock,
        limits: &'a Limits,
        number: u32,
        writes: bool,
    ) -> Self {
        Self {
            operation,
            clock,
            limits,
            number,
            writes,
            began: None,
        }
    }

    /// The operation: `get`, `create` and so on.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation.name
    }

    /// Counts from 1; above it, a retry.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// By the clock's `now`: when it must have ended.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.operation.deadline
    }

    /// The most bytes that the answer's body may have.
    #[must_use]
    pub fn most_body(&self) -> usize {
        self.most_of_body().0
    }

    /// The most bytes that its header lines may have.
    #[must_use]
    pub fn most_head(&self) -> usize {
        self.limits.header_bytes
    }

    /// The first byte may be sent from now on: the request counts, and a write may happen.
    pub fn begins(&mut self) {
        self.began = Some((self.clock.wall(), self.clock.now()));
        self.operation.note_request();
        if self.writes {
            self.operation.note_write();
        }
    }

    /// When it began, by the time of day, and how long ago that is.
    #[must_use]
    pub fn began(&self) -> Option<(SystemTime, Duration)> {
        let (at, since) = self.began?;
        Some((at, self.clock.now().saturating_sub(since)))
    }

    /// The time of day.
    #[must_use]
    pub fn time_of_day(&self) -> SystemTime {
        self.clock.wall()
    }

    /// So many bytes of a body came. Counted as they come: what breaks off was received, too.
    pub fn received(&mut self, bytes: usize) {
        if let Some(meter) = &mut self.operation.meter {
            meter.received(bytes);
        }
        self.operation.received = self.operation.received.saturating_add(bytes);
    }

    /// Waits from now on, or goes on.
    pub(super) fn waits(&mut self, waits: bool) {
        let place = if waits { Place::Waiting } else { Place::Host };
        self.operation.turn_to(place);
    }

    /// Whether there is time and budget for a further attempt.
    pub(super) fn may_go_on(&self) -> bool {
        self.operation.requests < self.limits.requests && self.clock.now() < self.operation.deadline
    }

    /// What came of it, in the operation's account.
    pub(super) fn account(&mut self) -> &mut Operation {
        self.operation
    }

    /// How many bytes the body may have, and which limit says so.
    pub(super) fn most_of_body(&self) -> (usize, Limit) {
        let left = self
            .limits
            .received_bytes
            .saturating_sub(self.operation.received);
        if left < self.limits.response_bytes {
            (left, Limit::ReceivedBytes)
        } else {
            (self.limits.response_bytes, Limit::ResponseBytes)
        }
    }
}
