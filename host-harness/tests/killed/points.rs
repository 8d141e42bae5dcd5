//! The steps of a write, and how a run is held at each from outside.

use crate::journal::WriteLock;
use crate::relay::{Held, Hold, Order, Request};
use crate::town::Town;

/// Where a run is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// The write is decided, and waits to be noted: the journal is locked.
    BeforeIntent,
    /// The intent is in the journal, and the program is connected.
    Connected,
    /// The write is sent. It never reaches the tenant.
    Sent,
    /// The tenant has carried the write out and has answered. The answer is under way.
    Answered,
    /// The program has the answer, which waits to be noted: the journal is locked.
    BeforeOutcome,
}

impl Point {
    /// Whether the tenant has carried the write out.
    pub(crate) fn is_carried_out(self) -> bool {
        matches!(self, Self::Answered | Self::BeforeOutcome)
    }

    /// Whether the program has read the last answer that was held up.
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

/// What is seen of a run that was killed.
pub(crate) struct Killed {
    /// What was held up.
    pub(crate) held: Vec<Request>,
    /// The last request that the program had read the answer to.
    pub(crate) last_answered: Option<String>,
}

/// One run, killed at a point of the write, or of so many that are under way at a time, that follows
/// after others have ended.
pub(crate) async fn kill_at(
    point: Point,
    town: &Town,
    after_writes: usize,
    how_many: usize,
) -> Killed {
    town.relay.orders(Some(Order {
        hold: point.hold(),
        after_writes,
        how_many,
    }));
    let mut run = town.run("0s");
    let mut all: Vec<Held> = Vec::new();
    while all.len() < how_many {
        all.push(run.until(|| town.relay.held()).await);
    }
    let held = all.iter().map(|one| one.request.clone()).collect();
    let last_answered = if point.is_read() {
        // Before the answer is let go, so that the program finds the journal locked.
        let _lock = WriteLock::take(&town.journal_path());
        for one in all {
            let line = one.request.line.clone();
            one.let_go();
            run.until_it_has_read_the_answer_to(&line).await;
        }
        run.kill()
    } else {
        run.kill()
    };
    Killed {
        held,
        last_answered,
    }
}
