//! Writes exchanges into a folder.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::exchange::{End, Recorded};
use super::folder::{self, Head};
use super::hidden::{self, Given};
use super::unusable::unusable;
use crate::contract::{Manifest, Response, TransportFailure};
use crate::failure::Failure;
use crate::scrub::Scrubber;
use crate::trace::{Exchange, ReceivedResponse};

/// Records the exchanges of one connection
/// ([`ConnectionOptions::record`](crate::ConnectionOptions::record)) in a folder of its own; see
/// [the module](super) for what stands there.
pub struct Recorder {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connected: bool,
    operations: u32,
    exchanges: u64,
    under_way: Vec<Weak<RecordedOperation>>,
    failed: Option<io::ErrorKind>,
}

/// An operation that is being recorded.
pub(crate) struct RecordedOperation {
    recorder: Arc<Recorder>,
    number: u32,
    name: &'static str,
    beside_others: AtomicBool,
    hidden: Scrubber,
}

impl Recorder {
    /// Makes the folder, or takes an empty one.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidSettings`]: it holds something, or cannot be written.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self, Failure> {
        let folder = folder.as_ref().to_owned();
        folder::create(&folder)?;
        Ok(Self {
            folder,
            state: Mutex::default(),
        })
    }

    /// Whether every exchange so far is in the folder.
    ///
    /// # Errors
    ///
    /// Writing failed at some point; the files before are whole.
    pub fn finish(&self) -> io::Result<()> {
        match self.state().failed {
            Some(kind) => Err(kind.into()),
            None => Ok(()),
        }
    }

    /// A connection is recorded here from now on.
    pub(crate) fn begin(&self, manifest: &Manifest, head: &Head) -> Result<(), Failure> {
        let unhideable = hidden::unhideable(manifest);
        if !unhideable.is_empty() {
            return Err(unusable(
                "sensitive",
                &self.folder,
                format!(
                    "{} is not recorded, since its sensitive values would stand in what the \
                     upstream answers: {}.",
                    manifest.title,
                    unhideable.join(", ")
                ),
            ));
        }
        let mut state = self.state();
        if state.connected {
            let what = "it already holds another connection; each has a recording of its own.";
            return Err(unusable("taken", &self.folder, what));
        }
        folder::write_head(&self.folder, head).map_err(|error| {
            let what = format!("it cannot be written: {error}.");
            unusable("unwritable", &self.folder, what)
        })?;
        state.connected = true;
        Ok(())
    }

    pub(crate) fn operation(
        self: &Arc<Self>,
        name: &'static str,
        given: Given<'_>,
        manifest: &Manifest,
    ) -> Arc<RecordedOperation> {
        let mut state = self.state();
        state.operations += 1;
        let operation = Arc::new(RecordedOperation {
            recorder: Arc::clone(self),
            number: state.operations,
            name,
            beside_others: AtomicBool::new(false),
            hidden: given.scrubber(manifest),
        });
        state.under_way.retain(|other| match other.upgrade() {
            Some(other) => {
                other.beside_others.store(true, Ordering::Relaxed);
                operation.beside_others.store(true, Ordering::Relaxed);
                true
            }
            None => false,
        });
        state.under_way.push(Arc::downgrade(&operation));
        operation
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordedOperation {
    /// An attempt has ended, as an observer sees it, and as the connector does.
    pub(crate) fn exchange(&self, exchange: &Exchange, response: Option<&Response>) {
        let end = match &exchange.result {
            Ok(received) => End::Answered {
                response: received.clone(),
                retry_in: retry_in(received, response.and_then(|r| r.retry_after_ms)),
            },
            Err(failure) => End::Failed(failure.clone()),
        };
        self.write(exchange, end);
    }

    /// A request was refused after the policy had passed it, and so may be another time.
    pub(crate) fn refused(&self, exchange: &Exchange, out_of_time: bool) {
        self.write(
            exchange,
            match &exchange.result {
                Err(TransportFailure::Refused(refusal)) if out_of_time => {
                    End::OutOfTime(refusal.message.clone())
                }
                Err(failure) => End::Failed(failure.clone()),
                Ok(_) => return,
            },
        );
    }

    fn write(&self, exchange: &Exchange, end: End) {
        let recorded = Recorded {
            operation: self.number,
            name: self.name.to_owned(),
            attempt: exchange.attempt,
            beside_others: self.beside_others.load(Ordering::Relaxed),
            began: exchange.started_text(),
            took: exchange.duration,
            request: hidden::scrubbed(&self.hidden, &exchange.request),
            end: match end {
                End::Answered { response, retry_in } => End::Answered {
                    response: ReceivedResponse {
                        status: response.status,
                        headers: self.hidden.scrub_lines(response.headers),
                        body: self.hidden.scrub(response.body),
                    },
                    retry_in,
                },
                other => other,
            },
        };
        let mut state = self.recorder.state();
        state.exchanges += 1;
        let written = folder::write_exchange(&self.recorder.folder, state.exchanges, &recorded);
        if let Err(error) = written {
            if state.failed.is_none() {
                tracing::warn!("the recording cannot be written: {error}");
            }
            state.failed = Some(error.kind());
        }
    }
}

/// Seconds mean the same at any time; a date does not.
fn retry_in(received: &ReceivedResponse, ms: Option<u32>) -> Option<std::time::Duration> {
    let mut lines = received.headers.iter();
    let line = lines.find(|line| line.name == "retry-after")?;
    let is_seconds = line.value.trim().bytes().all(|byte| byte.is_ascii_digit());
    (!is_seconds)
        .then_some(ms)
        .flatten()
        .map(|ms| std::time::Duration::from_millis(ms.into()))
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
