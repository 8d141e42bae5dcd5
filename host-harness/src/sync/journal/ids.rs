//! Numbers in the journal.

/// A run's number in the journal.
pub type RunId = i64;
/// A step's number in the journal.
pub type StepId = i64;
