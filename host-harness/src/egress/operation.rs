//! What one operation may still do on the network, and what it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::limits::Limit;
use crate::trace::{Meter, Place, SentRequest};

/// One operation's account.
#[derive(Debug)]
pub(crate) struct Operation {
    /// `get`, `create` and so on, for records.
    pub(crate) name: &'static str,
    /// Whether it may only read.
    pub(crate) reading: bool,
    /// By the clock's `now`: when requests must have ended.
    pub(crate) deadline: Duration,
    /// Requests that went to the wire.
    pub(crate) requests: u32,
    /// Bytes of request bodies.
    pub(crate) sent: usize,
    /// Bytes of response bodies.
    pub(crate) received: usize,
    /// The limit that stopped a request.
    pub(crate) reached: Option<Limit>,
    /// Whether a request was refused since the operation's time was up.
    pub(crate) out_of_time: bool,
    /// What a dry run did not send.
    pub(crate) planned: Option<SentRequest>,
    /// Measures it, where somebody wants to know.
    pub(crate) meter: Option<Meter>,
    wrote: Arc<AtomicBool>,
}

impl Operation {
    pub(crate) fn new(name: &'static str, reading: bool, deadline: Duration) -> Self {
        Self {
            name,
            reading,
            deadline,
            requests: 0,
            sent: 0,
            received: 0,
            reached: None,
            out_of_time: false,
            planned: None,
            meter: None,
            wrote: Arc::default(),
        }
    }

    /// A request goes to the wire.
    pub(crate) fn note_request(&mut self) {
        self.requests += 1;
        if let Some(meter) = &mut self.meter {
            meter.request();
            meter.turn_to(Place::Wire);
        }
    }

    /// From now on its time is spent there.
    pub(crate) fn turn_to(&mut self, place: Place) {
        if let Some(meter) = &mut self.meter {
            meter.turn_to(place);
        }
    }

    pub(crate) fn note_write(&self) {
        self.wrote.store(true, Ordering::Relaxed);
    }

    /// Whether a write was sent; it can be asked after the operation was dropped.
    pub(crate) fn wrote(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.wrote)
    }
}
