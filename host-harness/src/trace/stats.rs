//! What an operation used up.

use std::time::Duration;

/// What one operation used up. Times are by the host's clock; each moment is counted in one
/// of them and no other.
///
/// Beside the operations that a caller asks for, the host has two of its own, which are
/// counted apart: `describe`, when a component is loaded, and `open`, whenever a sandbox is
/// started and the connection opened in it: once when a connection is made, and, with
/// [`SandboxLifetime::FreshEachOperation`](crate::SandboxLifetime), before each operation.
/// Starting the sandbox is part of them. What the connector then tells to have learned is
/// part of the operation that it learned it in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationStats {
    /// `check`, `list`, `get`, `find`, `create`, `update`, `delete`; `describe`, `open`.
    pub operation: &'static str,
    /// Requests as [`Limits::requests`](crate::Limits::requests) counts them: each attempt
    /// is one, and one that found no connection too.
    pub requests: u32,
    /// Bytes of the bodies that were sent, those of repeated attempts included.
    pub sent_bytes: u64,
    /// Bytes of the answers' bodies, as far as they were read.
    pub received_bytes: u64,
    /// Instructions, where the host counts them
    /// ([`HostOptions::count_fuel`](crate::HostOptions::count_fuel)). Of a guest that was
    /// stopped in the middle of a function by another limit, those since the function last
    /// called another are missing.
    pub fuel: Option<u64>,
    /// The largest size of the guest's linear memory, in bytes. It never shrinks, so that a
    /// sandbox that is kept begins with what the operation before left.
    pub memory_peak: u64,
    /// Computing in the guest.
    pub guest: Duration,
    /// From a request's first byte to the end of its answer, connecting included; all
    /// attempts together.
    pub wire: Duration,
    /// Waiting because the host, the connector or the upstream chose to: back-off,
    /// `retry-after`, rate limits, a request's delay, a place among the host's instances.
    pub waiting: Duration,
    /// Everything else: starting the sandbox, checks, credentials, passing values to and fro,
    /// and other work of the machine in between.
    pub host: Duration,
}

impl OperationStats {
    /// All times together, from the operation's beginning to its end.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.guest + self.wire + self.waiting + self.host
    }
}
