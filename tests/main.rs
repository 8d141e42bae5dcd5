//! End to end: the built component, in the real host, over real sockets, against the
//! simulated tenant. One module a promise.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod budgets;
mod cancelled;
mod conform;
mod contract;
mod dependencies;
mod egress;
mod guest_fuzz;
mod in_process;
mod lifecycle;
mod lost_answers;
mod memory;
mod people;
mod properties;
mod recordings;
mod registry;
mod sandbox;
mod schedule;
mod second_connector;
mod secrets;
mod security;
mod stage;
mod stats;
mod switches;
mod sync;
mod unchanged;
mod upstream;
