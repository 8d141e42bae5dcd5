//! The steps of a write, and how a run is held at each from outside.

use crate::journal::WriteLock;
use crate::relay::{Held, Hold, Order, Request};
use crate::run::Run;
use crate::town::Town;

/// Where a run is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// The write is decided, and its intent cannot be noted: the journal is locked.
    BeforeIntent,
    /// The intent is in the journal, and the program is connected: nothing of the write is read.
    Connected,
    /// The whole write is sent. It never reaches the tenant.
    Sent,
    /// The tenant has carried the write out and has answered. The answer is under way.
    Answered,
    /// The program has read the answer, which cannot be noted: the journal is locked.
    BeforeOutcome,
}

impl Point {
    /// Whether the tenant has carried the write out.
    pub(crate) fn is_carried_out(self) -> bool {
        matches!(self, Self::Answered | Self::BeforeOutcome)
    }

    /// Whether the program has read the answer that was held up.
    pub(crate) fn is_read(self) -> bool {
        matches!(self, Self::BeforeIntent | Self::BeforeOutcome)
    }

    fn hold(self) -> Hold {
        match self {
            Self::BeforeIntent => Hold::AnswerToLook,
            Self::Connected => Hold::UnreadWrite,
            Self::Sent => Hold::Write,
            Self::Answered | Self::BeforeOutcome => Hold::AnswerToWrite,
        }
    }
}

/// A run that has come to a point, and does not get beyond it.
pub(crate) struct Reached {
    pub(crate) run: Run,
    /// Where the journal is what it waits for.
    pub(crate) lock: Option<WriteLock>,
    requests: Vec<Request>,
    /// Those that were let go are not here.
    held: Vec<Held>,
}

/// Starts a run, lets some writes pass, and waits until it has come to a point of the next, or of the
/// next few, which are under way together.
pub(crate) async fn reach(
    point: Point,
    town: &Town,
    after_writes: usize,
    how_many: usize,
) -> Reached {
    town.relay.orders(Some(Order {
        hold: point.hold(),
        after_writes,
        how_many,
    }));
    let mut run = town.run("0s");
    let mut held: Vec<Held> = Vec::new();
    while held.len() < how_many {
        held.push(run.until(|| town.relay.held()).await);
    }
    let requests: Vec<Request> = held.iter().map(|one| one.request.clone()).collect();
    let mut lock = None;
    if point.is_read() {
        // Before the answer is let go, so that the program finds the journal locked.
        lock = Some(WriteLock::take(&town.journal_path()));
        for (one, request) in held.drain(..).zip(&requests) {
            one.let_go();
            run.until_it_has_read_the_answer_to(&request.line).await;
        }
    }
    Reached {
        run,
        lock,
        requests,
        held,
    }
}

/// What is seen of a run that was killed.
pub(crate) struct Killed {
    /// What was held up.
    pub(crate) held: Vec<Request>,
    /// The last request that the program had read the answer to.
    pub(crate) last_answered: Option<String>,
}

impl Reached {
    pub(crate) fn kill(self) -> Killed {
        let last_answered = self.run.kill();
        // Only now, that there is nobody to go on.
        drop((self.held, self.lock));
        Killed {
            held: self.requests,
            last_answered,
        }
    }
}
