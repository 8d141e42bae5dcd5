//! Who is told of exchanges and operations.

use std::sync::Arc;

use super::exchange::Exchange;
use super::stats::OperationStats;

/// Something that wants to know of exchanges and operations. It is called while the
/// operation waits, so it should be quick. Several are one: `Vec<Arc<dyn Observer>>` is an
/// observer that tells each.
pub trait Observer: Send + Sync {
    /// One attempt of one request has ended: with an answer, without one, or because the
    /// operation was cancelled.
    fn exchange(&self, exchange: &Exchange);

    /// An operation has ended, in whatever way: done, failed, stopped by a limit, cancelled.
    /// The caller gets its result after this.
    fn operation(&self, _stats: &OperationStats) {}
}

impl Observer for Vec<Arc<dyn Observer>> {
    fn exchange(&self, exchange: &Exchange) {
        self.iter().for_each(|each| each.exchange(exchange));
    }

    fn operation(&self, stats: &OperationStats) {
        self.iter().for_each(|each| each.operation(stats));
    }
}
