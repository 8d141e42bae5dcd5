//! `harness sync`, as it ships, killed by `kill -9` at each step of a write, forty times each, and run
//! again each time: nothing is done twice, nobody is forgotten, and nobody gets a second account.
//!
//! The program has no part in it. A relay before the tenant and SQLite's own lock on the journal hold it
//! where it is to be killed, and journal, trace and the tenant's log show that it was there. Where the
//! journal is locked, it may be killed right before it asks for the lock: it can note nothing either way.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod journal;
mod judge;
mod locked;
mod point;
mod points;
mod relay;
mod run;
mod town;
