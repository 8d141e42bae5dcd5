//! A connector that attacks its host. What it does, and in which function, is one text,
//! such as `endless-loop in get`: the setting `attack`, or for `describe`, which knows no
//! settings, a marker in the component's data that a test writes over. Without
//! either it is honest, and sends the requests that it is told to:
//!
//! - `harm`: what it does to the sandbox: loops, memory, stack, traps, floods;
//! - `lies`: results that break the contract;
//! - `manifest`: what it claims of itself;
//! - `request`: requests as a caller spells them in an account's id.

#![allow(
    clippy::result_large_err,
    reason = "the contract's failure as it is; speed is no aim here"
)]

mod component;
mod contract;
mod harm;
mod lies;
mod manifest;
mod request;

/// The attack in `describe`, after the colon and up to the first blank run.
static DESCRIBE: [u8; 64] = *b"attack-in-describe:                                             ";

/// What to do, and in which function.
#[derive(Debug, Clone, Default)]
struct Attack(String);

impl Attack {
    /// What to do in the function `place`; empty where nothing.
    fn at(&self, place: &str) -> &str {
        match self.0.split_once(" in ") {
            Some((what, where_)) if where_ == place => what,
            _ => "",
        }
    }

    /// What the marker says of `describe`.
    fn in_describe() -> String {
        // What the bytes are is known only after the test wrote them.
        let marker = std::hint::black_box(&DESCRIBE);
        let text = String::from_utf8_lossy(marker);
        text.split_once(':')
            .map_or_else(String::new, |(_, what)| what.trim().to_owned())
    }
}
