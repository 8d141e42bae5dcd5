//! What the structure of the source has to be. The files are read with `syn`; nothing is
//! compiled or run.

#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod circles;
mod modules;
mod page;
mod paths;
