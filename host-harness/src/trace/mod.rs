//! What an embedding platform, or a person, may watch: every exchange with the upstream,
//! as it went over the wire less the secrets, and what each operation used up.

mod exchange;
mod har;
mod meter;
mod observer;
mod stats;

pub(crate) use exchange::time_text;
pub use exchange::{Exchange, REDACTED, ReceivedResponse, SentRequest};
pub use har::HarFile;
pub(crate) use meter::{Meter, Place};
pub use observer::Observer;
pub use stats::OperationStats;
