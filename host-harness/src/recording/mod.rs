//! Exchanges kept in a folder, and answers from there instead of from the network.
//!
//! A [`Recorder`] writes one file for each exchange, beside `recording.toml`, which says what was
//! connected. What stands there is what the connector saw of each attempt: the answer, or what
//! became of the request instead. No secret is in it, and the files are their owner's alone.
//! A [`Replay`] answers from such a folder: no credential is read, no name is resolved, no socket
//! is opened, and no wait is waited. Everything before the network is as ever: grants, header
//! rules, limits.
//!
//! ```text
//! operation: 2 update
//! attempt: 1
//! began: 2026-03-01T09:30:00.125Z
//! took: 12ms
//!
//! > PATCH https://scim.example/v2/Users/4
//! > content-type: application/scim+json
//! > authorization: Bearer [redacted]
//! = json
//! { … }
//!
//! < 200
//! < content-type: application/scim+json
//! = json
//! { … }
//! ```
//!
//! - `= json` is a body that is written out over several lines: blanks outside its texts do not
//!   count. `= text` is one to the letter, `= base64` any other, `= empty` one of no bytes.
//! - `! no-answer: …` stands in place of an answer; likewise `not-sent`, `too-large`, `withheld`,
//!   `out-of-time` and `refused` with its reason, which are those of the contract's
//!   `transport-failure`.
//! - `began` and `took` are for people. The order is that of the numbers in the files' names.
//!
//! **Order.** Where no two operations were under way at once, a replay takes the exchanges in
//! exactly the recorded order. Where some were (`beside: others`), the order among operations was
//! chance: each operation that is replayed then follows the first recorded one, not followed by
//! another yet, that has its name and begins with its request, and takes that one's exchanges in
//! their order.
//!
//! **Values that are nobody's to read.** Of an attribute that is write-only (a first password), the
//! values that an operation was given are left out of the recording, wherever they stand, and
//! out of the comparison of a replay. A connector with a sensitive attribute that can be read
//! is not recorded: its values stand in answers, where the host cannot tell them from others.

mod difference;
mod exchange;
mod folder;
mod hidden;
mod layout;
mod recorder;
mod replay;

pub(crate) use exchange::End;
pub(crate) use hidden::Given;
pub use recorder::Recorder;
pub(crate) use recorder::RecordedOperation;
pub use replay::Replay;
pub(crate) use replay::{NotNeeded, ReplayedOperation};

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::contract::Problem;
use crate::failure::Failure;

/// One operation's part in a recording: being written, or being answered from.
#[derive(Clone)]
pub(crate) enum Tape {
    Record(Arc<RecordedOperation>),
    Replay(Arc<ReplayedOperation>),
}

impl Tape {
    pub(crate) fn recorded(&self) -> Option<&Arc<RecordedOperation>> {
        match self {
            Self::Record(operation) => Some(operation),
            Self::Replay(_) => None,
        }
    }

    pub(crate) fn replayed(&self) -> Option<&Arc<ReplayedOperation>> {
        match self {
            Self::Replay(operation) => Some(operation),
            Self::Record(_) => None,
        }
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Record(_) => "Record",
            Self::Replay(_) => "Replay",
        })
    }
}

/// What is wrong with a recording's folder or files, which are the operator's to name.
fn unusable(code: &str, path: &Path, what: impl fmt::Display) -> Failure {
    Failure::InvalidSettings {
        problems: vec![Problem {
            name: path.display().to_string(),
            code: code.to_owned(),
            message: format!("The recording {}: {what}", path.display()),
        }],
    }
}
