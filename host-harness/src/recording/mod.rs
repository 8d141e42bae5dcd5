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

pub(crate) use exchange::End;
pub(crate) use hidden::Given;
pub(crate) use recorder::RecordedOperation;
pub use recorder::Recorder;
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
