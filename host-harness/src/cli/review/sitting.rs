//! What somebody decides about a plan, until it is saved.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::sync::SyncError;
use crate::sync::page::State;
use crate::sync::plan::Plan;

/// A plan and what was decided of it so far.
pub(super) struct Sitting {
    path: PathBuf,
    /// Of the file, as it was read.
    digest: [u8; 32],
    pub(super) plan: Plan,
    saved: bool,
}

/// How much is decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) open: u64,
    pub(super) approved: u64,
    pub(super) rejected: u64,
}

impl Tally {
    pub(super) fn writes(self) -> u64 {
        self.open + self.approved + self.rejected
    }
}

/// Why nothing was saved.
#[derive(Debug)]
pub(super) enum Unsaved {
    /// A plan of which nothing is decided counts as one that nobody reviewed, and is carried
    /// out as a whole: saving it would approve everything.
    Undecided,
    /// Somebody else wrote the file.
    Changed,
    Failed(SyncError),
}

impl Sitting {
    pub(super) fn open(path: &Path) -> Result<Self, SyncError> {
        let text = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            digest: Sha256::digest(&text).into(),
            plan: Plan::parse(path, &text)?,
            saved: false,
        })
    }

    /// Decides about an entry; whether there is such a one, about which something can be
    /// decided.
    pub(super) fn decide(&mut self, position: usize, state: State) -> bool {
        match self.plan.entries.get_mut(position) {
            Some(entry) if entry.action.writes() => {
                entry.approved = match state {
                    State::Open => None,
                    State::Approved => Some(true),
                    State::Rejected => Some(false),
                };
                true
            }
            _ => false,
        }
    }

    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for entry in self
            .plan
            .entries
            .iter()
            .filter(|entry| entry.action.writes())
        {
            *match State::of(entry) {
                State::Open => &mut tally.open,
                State::Approved => &mut tally.approved,
                State::Rejected => &mut tally.rejected,
            } += 1;
        }
        tally
    }

    /// Writes the plan in place of the file that was read, if that is still there.
    pub(super) fn save(&mut self) -> Result<(), Unsaved> {
        let tally = self.tally();
        if tally.approved + tally.rejected == 0 {
            return Err(Unsaved::Undecided);
        }
        let now = read(&self.path).map_err(Unsaved::Failed)?;
        if <[u8; 32]>::from(Sha256::digest(&now)) != self.digest {
            return Err(Unsaved::Changed);
        }
        self.plan.write(&self.path).map_err(Unsaved::Failed)?;
        self.saved = true;
        Ok(())
    }

    /// What was saved.
    pub(super) fn saved(&self) -> Option<Tally> {
        self.saved.then(|| self.tally())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SyncError> {
    std::fs::read(path).map_err(|source| SyncError::File {
        path: path.to_owned(),
        what: "read",
        source,
    })
}
