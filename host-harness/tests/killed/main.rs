//! `harness sync`, killed by `kill -9` at each step of a write, again and again, and run once more each
//! time: nothing is done twice, nobody is forgotten, and nobody gets a second account.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod judge;
mod points;
mod town;
