//! Every operation, at each exchange of it in turn, against every malformed answer with every
//! status. What may come of a cell stands in one table, `docs/answers.md`, which is read here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod answers;
mod attack;
mod bodies;
mod matrix;
mod operations;
mod service;

#[test]
fn every_cell_ends_as_the_table_says() {
    matrix::run();
}
