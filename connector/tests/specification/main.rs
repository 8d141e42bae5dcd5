//! The connector's rules, natively: a script answers instead of a host.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod failures;
mod finding;
mod golden;
mod json;
mod listing;
mod properties;
mod script;
mod settings;
mod writing;
