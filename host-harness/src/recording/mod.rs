//! Exchanges kept in a folder ([`Recorder`]), and answers from there instead of from the network
//! ([`Replay`]): what `harness --record` and `--replay` do. A replay reads no credential, resolves
//! no name, opens no socket and waits for nothing; everything before the network is as ever:
//! grants, header rules, limits.
//!
#![doc = include_str!("../../../docs/recordings.md")]

mod difference;
mod exchange;
mod folder;
mod hidden;
mod layout;
mod recorder;
mod replay;
mod unusable;

pub use recorder::Recorder;
pub use replay::Replay;
