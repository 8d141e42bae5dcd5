//! `--record` and `--replay`: exchanges into a folder, and answers out of it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::output::{Output, printable};
use crate::failure::Failure;
use crate::recording::{Recorder, Replay};
use crate::wire::Wire;

/// Files of a recording that are named; of more, their number says enough.
const MOST_NAMED: usize = 5;

/// The recording of this run of the program, written or answered from.
#[derive(Debug, Default)]
pub(super) struct Tapes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    record: Option<Arc<Recorder>>,
    replay: Option<Arc<Replay>>,
    /// Whether what is left over says nothing: a dry run ends before the first write.
    ends_early: bool,
}

impl Tapes {
    /// The folder to write into.
    fn record(&self, folder: Option<&Path>) -> Result<Option<Arc<Recorder>>, Failure> {
        let Some(folder) = folder else {
            return Ok(None);
        };
        let recorder = Arc::new(Recorder::create(folder)?);
        self.state().record = Some(Arc::clone(&recorder));
        Ok(Some(recorder))
    }

    /// The recording to answer from, read once.
    pub(super) fn replay(
        &self,
        folder: Option<&Path>,
        dry_run: bool,
    ) -> Result<Option<Arc<Replay>>, Failure> {
        let Some(folder) = folder else {
            return Ok(None);
        };
        let mut state = self.state();
        if state.replay.is_none() {
            state.replay = Some(Arc::new(Replay::open(folder)?));
            state.ends_early = dry_run;
        }
        Ok(state.replay.clone())
    }

    /// What carries the requests of a connection, where it is recorded or answered from a
    /// recording.
    pub(super) fn wire(
        &self,
        record: Option<&Path>,
        replay: Option<&Path>,
        dry_run: bool,
    ) -> Result<Option<Arc<dyn Wire>>, Failure> {
        if let Some(replay) = self.replay(replay, dry_run)? {
            return Ok(Some(replay));
        }
        let recorder = self.record(record)?;
        Ok(recorder.map(|recorder| recorder as Arc<dyn Wire>))
    }

    /// Says on stderr what is missing at the end, and the exit code that it makes of a success.
    pub(super) fn end(&self, output: Output) -> Option<u8> {
        let state = self.state();
        if let Some(Err(error)) = state.record.as_ref().map(|record| record.finish()) {
            output.error(&format!("The recording is not whole: {error}."));
            return Some(2);
        }
        let replay = state.replay.as_ref()?;
        let left = replay.left_over();
        if left.is_empty() || state.ends_early {
            return None;
        }
        let count = match left.len() {
            1 => "One recorded exchange was".to_owned(),
            count => format!("{count} recorded exchanges were"),
        };
        if replay.departed() {
            // Said already; the rest follows from it.
            output.error(&format!("{count} not asked for."));
            return Some(1);
        }
        output.error(&format!("{count} not asked for:"));
        for line in left.iter().take(MOST_NAMED) {
            output.note(format!("  {}", printable(line)));
        }
        if let more @ 1.. = left.len().saturating_sub(MOST_NAMED) {
            output.note(format!("  and {more} more"));
        }
        Some(1)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
