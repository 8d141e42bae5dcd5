//! What the host does under load, each figure against its target; the servers run in a process
//! of their own, so that memory and the machine's other processor are counted apart.
//!
//! ```text
//! cargo bench -p end-to-end --bench scale                  all of it, a few minutes
//! cargo bench -p end-to-end --bench scale -- throughput    one of them:
//! ```
//!
//! - `throughput`: operations a second, against bare reqwest sending the same requests
//! - `listing`: a tenant of 1,000,000 accounts, page by page
//! - `connections`: 1,000 connections with 20 operations each at once, undisturbed, beside one
//!   tenant that does not answer, and beside a connector that computes without end
//! - `process`: `harness account get` as a whole process; needs `cargo build --profile bench` before

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark"
)]

mod child;
mod connections;
#[path = "../figures/mod.rs"]
#[allow(dead_code, reason = "each benchmark uses its part")]
mod figures;
#[path = "../../in_process.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod in_process;
mod listing;
mod process;
mod resident;
#[path = "../../stage.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod stage;
mod throughput;

use std::process::ExitCode;

fn main() -> ExitCode {
    // cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", what] => runtime.block_on(child::serve(what)),
        ["measure", what] => match *what {
            "throughput" => runtime.block_on(throughput::measure()),
            "listing" => runtime.block_on(listing::measure()),
            "connections" => runtime.block_on(connections::measure()),
            _ => process::measure(),
        },
        [] => return all(&FIGURES),
        named => {
            if let Some(unknown) = named.iter().find(|named| !FIGURES.contains(named)) {
                eprintln!(
                    "Nothing measures `{unknown}`; there are {}.",
                    FIGURES.join(", ")
                );
                return ExitCode::from(2);
            }
            return all(named);
        }
    }
    ExitCode::SUCCESS
}

const FIGURES: [&str; 4] = ["throughput", "listing", "connections", "process"];

/// Each in a process of its own, whose memory begins with it; compiled code is there already.
fn all(figures: &[&str]) -> ExitCode {
    child::run(&["serve", "nothing"]);
    figures::head();
    for figure in figures {
        child::run(&["measure", figure]);
    }
    ExitCode::SUCCESS
}
