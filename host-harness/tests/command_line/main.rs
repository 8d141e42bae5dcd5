//! The program `harness` as a user runs it: arguments in; stdout, stderr and an exit code out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod authors;
mod bad_input;
mod commands;
mod compiling;
mod conform;
mod hurtful;
mod inspect;
#[cfg(unix)]
mod interruption;
mod pages;
mod peers;
mod program;
mod provenance;
mod recordings;
mod review;
mod rules;
mod stats;
mod sync;
#[cfg(unix)]
mod terminal;
mod traces;
