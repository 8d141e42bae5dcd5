//! Writes exchanges into a folder.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::exchange::{End, Recorded};
use super::folder::{self, Head};
use super::hidden;
use super::unusable::unusable;
use crate::egress::{Answer, Attempt, Begun, Carrier, Connected, Outgoing, Wire};
use crate::failure::Failure;
use crate::safe_text::{SafeText, Unanswered};
use crate::scrub::Scrubber;
use crate::trace::{ReceivedResponse, time_text};

/// Records the exchanges of one connection
/// ([`ConnectionOptions::wire`](crate::ConnectionOptions::wire)) in a folder of its own; see
/// [the module](super) for what stands there.
pub struct Recorder {
    shared: Arc<Shared>,
}

/// What the recorder and the operations that it records share.
struct Shared {
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
struct RecordedOperation {
    shared: Arc<Shared>,
    network: Arc<dyn Carrier>,
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
            shared: Arc::new(Shared {
                folder,
                state: Mutex::default(),
            }),
        })
    }

    /// Whether every exchange so far is in the folder.
    ///
    /// # Errors
    ///
    /// Writing failed at some point; the files before are whole.
    pub fn finish(&self) -> io::Result<()> {
        match self.shared.state().failed {
            Some(kind) => Err(kind.into()),
            None => Ok(()),
        }
    }
}

impl Wire for Recorder {
    fn connected(&self, connected: &Connected<'_>) -> Result<(), Failure> {
        let manifest = connected.manifest;
        let unhideable = hidden::unhideable(manifest);
        if !unhideable.is_empty() {
            return Err(unusable(
                "sensitive",
                &self.shared.folder,
                format!(
                    "{} is not recorded, since its sensitive values would stand in what the \
                     upstream answers: {}.",
                    manifest.title,
                    unhideable.join(", ")
                ),
            ));
        }
        let mut state = self.shared.state();
        if state.connected {
            let what = "it already holds another connection; each has a recording of its own.";
            return Err(unusable("taken", &self.shared.folder, what));
        }
        let head = Head {
            id: manifest.id.clone(),
            version: manifest.version.clone(),
            sha256: connected.sha256.to_owned(),
            settings: connected.settings.clone(),
            read_only: connected.network.read_only,
            allow_loopback_http: connected.network.allow_loopback_http,
            learned: connected.learned.map(str::to_owned),
        };
        folder::write_head(&self.shared.folder, &head).map_err(|error| {
            let what = format!("it cannot be written: {error}.");
            unusable("unwritable", &self.shared.folder, what)
        })?;
        state.connected = true;
        Ok(())
    }

    fn begin(&self, begun: &Begun<'_>, network: Arc<dyn Carrier>) -> Arc<dyn Carrier> {
        let mut state = self.shared.state();
        state.operations += 1;
        let operation = Arc::new(RecordedOperation {
            shared: Arc::clone(&self.shared),
            network,
            number: state.operations,
            name: begun.operation,
            beside_others: AtomicBool::new(false),
            hidden: hidden::scrubber(begun.given, begun.manifest),
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
}

impl Carrier for RecordedOperation {
    fn exchange<'a>(
        &'a self,
        request: &'a Outgoing,
        attempt: &'a mut Attempt<'_>,
    ) -> BoxFuture<'a, Result<Answer, Unanswered>> {
        Box::pin(async move {
            let mut recording = Recording {
                operation: self,
                request,
                attempt,
                ended: false,
            };
            let network = &*self.network;
            let answer = network.exchange(request, recording.attempt).await;
            recording.ends(match &answer {
                Ok(answer) => End::Answered {
                    response: ReceivedResponse {
                        status: answer.status,
                        headers: answer.headers.clone(),
                        body: answer.body.clone(),
                    },
                    retry_in: retry_in(answer),
                },
                Err(Unanswered::OutOfTime(refusal)) => End::OutOfTime(refusal.message.clone()),
                Err(failure) => End::Failed(failure.clone().into_failure()),
            });
            answer
        })
    }

    fn renew<'a>(
        &'a self,
        request: &'a Outgoing,
        attempt: &'a mut Attempt<'_>,
    ) -> BoxFuture<'a, bool> {
        self.network.renew(request, attempt)
    }

    fn pause<'a>(&'a self, wait: Duration, attempt: &'a mut Attempt<'_>) -> BoxFuture<'a, bool> {
        self.network.pause(wait, attempt)
    }

    fn verdict(&self) -> Result<(), Failure> {
        self.network.verdict()
    }
}

/// An exchange that is being recorded, also where it is given up: what was sent was sent.
struct Recording<'a, 'b> {
    operation: &'a RecordedOperation,
    request: &'a Outgoing,
    attempt: &'a mut Attempt<'b>,
    ended: bool,
}

impl Recording<'_, '_> {
    fn ends(&mut self, end: End) {
        self.ended = true;
        // Where it was refused before its turn, it took no time.
        let (started, took) = match self.attempt.began() {
            Some(began) => began,
            None => (self.attempt.time_of_day(), Duration::ZERO),
        };
        let operation = self.operation;
        let hidden = &operation.hidden;
        operation.shared.write(&Recorded {
            operation: operation.number,
            name: operation.name.to_owned(),
            attempt: self.attempt.number(),
            beside_others: operation.beside_others.load(Ordering::Relaxed),
            began: time_text(started),
            took,
            request: hidden::scrubbed(hidden, self.request.shown()),
            end: match end {
                End::Answered { response, retry_in } => End::Answered {
                    response: ReceivedResponse {
                        status: response.status,
                        headers: hidden.scrub_lines(response.headers),
                        body: hidden.scrub(response.body),
                    },
                    retry_in,
                },
                other => other,
            },
        });
    }
}

impl Drop for Recording<'_, '_> {
    fn drop(&mut self) {
        if !self.ended && self.attempt.began().is_some() {
            let given_up = SafeText::ours("The operation was cancelled before an answer came.");
            self.ends(End::Failed(Unanswered::NoAnswer(given_up).into_failure()));
        }
    }
}

impl Shared {
    fn write(&self, recorded: &Recorded) {
        let mut state = self.state();
        state.exchanges += 1;
        let written = folder::write_exchange(&self.folder, state.exchanges, recorded);
        if let Err(error) = written {
            if state.failed.is_none() {
                tracing::warn!("the recording cannot be written: {error}");
            }
            state.failed = Some(error.kind());
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds mean the same at any time; a date does not.
fn retry_in(answer: &Answer) -> Option<Duration> {
    let mut lines = answer.headers.iter();
    let line = lines.find(|line| line.name == "retry-after")?;
    let is_seconds = line.value.trim().bytes().all(|byte| byte.is_ascii_digit());
    (!is_seconds)
        .then_some(answer.retry_after_ms)
        .flatten()
        .map(|ms| Duration::from_millis(ms.into()))
}

impl fmt::Debug for RecordedOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedOperation")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("folder", &self.shared.folder)
            .finish_non_exhaustive()
    }
}
