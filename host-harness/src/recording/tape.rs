//! One operation's part in a recording.

use std::fmt;
use std::sync::Arc;

use super::recorder::RecordedOperation;
use super::replay::ReplayedOperation;

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
