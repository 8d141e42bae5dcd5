//! What the connector sends while it is tried.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::trace::{Exchange, Observer, OperationStats};

/// Counts what is sent.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    pub(super) requests: AtomicUsize,
    pub(super) writes: AtomicUsize,
}

impl Watcher {
    pub(super) fn reset(&self) {
        self.requests.store(0, Ordering::Relaxed);
        self.writes.store(0, Ordering::Relaxed);
    }
}

impl Observer for Watcher {
    fn exchange(&self, exchange: &Exchange) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !matches!(exchange.request.method.as_str(), "GET" | "HEAD") {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn operation(&self, _stats: &OperationStats) {}
}
