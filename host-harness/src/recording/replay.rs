//! Answers from a folder, and says where what is sent is not what was recorded.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::difference::{differences, listed};
use super::exchange::{End, Recorded};
use super::folder::{self, Head, Kept};
use super::hidden;
use super::unusable::unusable;
use crate::connection::ConnectionOptions;
use crate::contract::{Manifest, Refusal, RefusalReason, TransportFailure};
use crate::egress::{Answer, Attempt, Begun, Carrier, Outgoing, Wire};
use crate::failure::Failure;
use crate::limits::Limit;
use crate::safe_text::{SafeText, Unanswered};
use crate::scrub::Scrubber;
use crate::trace::SentRequest;

/// Answers the requests of one connection
/// ([`ConnectionOptions::wire`](crate::ConnectionOptions::wire)) from a recording, each
/// exchange once.
///
/// A request that is not the recorded one gets no answer, and its operation ends in
/// [`Failure::OtherThanRecorded`], whatever the connector makes of it. Clones are the same one.
#[derive(Clone)]
pub struct Replay {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    head: Head,
    /// Whether operations were under way at the same time.
    together: bool,
    /// Whether something else was sent than was recorded.
    departed: AtomicBool,
    state: Mutex<State>,
}

struct State {
    kept: Vec<Kept>,
    answered: Vec<bool>,
    /// Recorded operations that are followed, or were.
    followed: BTreeSet<u32>,
}

/// An operation that is answered from a recording.
struct ReplayedOperation {
    shared: Arc<Shared>,
    name: &'static str,
    hidden: Scrubber,
    place: Mutex<Place>,
}

#[derive(Default)]
struct Place {
    /// The recorded operation whose exchanges this one gets.
    following: Option<u32>,
    /// How the first request that is not the recorded one differs.
    difference: Option<String>,
}

impl Replay {
    /// Reads a recording.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidSettings`]: there is none, it is damaged, or of another contract.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, Failure> {
        let folder = folder.as_ref().to_owned();
        let (head, kept) = folder::read(&folder)?;
        let shared = Shared {
            folder,
            head,
            together: kept.iter().any(|kept| kept.recorded.beside_others),
            departed: AtomicBool::new(false),
            state: Mutex::new(State {
                answered: vec![false; kept.len()],
                kept,
                followed: BTreeSet::new(),
            }),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The options of a connection that is answered from here, with the recorded settings, and
    /// whether it was read-only or on loopback. Needs no credentials. Limits are the usual ones:
    /// where others were in force and something came up against them, set the same.
    #[must_use]
    pub fn options(&self) -> ConnectionOptions {
        let head = &self.shared.head;
        let mut options = ConnectionOptions::new();
        options.settings = head.settings.clone();
        options.learned.clone_from(&head.learned);
        options.network.read_only = head.read_only;
        options.network.allow_loopback_http = head.allow_loopback_http;
        options.wire = Some(Arc::new(self.clone()));
        options
    }

    /// Whether a request differed from the recording, after which nothing there needs to fit.
    #[must_use]
    pub fn departed(&self) -> bool {
        self.shared.departed.load(Ordering::Relaxed)
    }

    /// What was recorded and not asked for: file, method and URL.
    #[must_use]
    pub fn left_over(&self) -> Vec<String> {
        let state = self.shared.state();
        let left = state.kept.iter().zip(&state.answered);
        left.filter(|(_, answered)| !**answered)
            .map(|(kept, _)| format!("{}: {}", kept.file, kept.recorded.line()))
            .collect()
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire for Replay {
    /// Whether it is of this connector, in any version.
    fn fits(&self, manifest: &Manifest) -> Result<(), Failure> {
        let head = &self.shared.head;
        if manifest.id == head.id {
            return Ok(());
        }
        Err(unusable(
            "other-connector",
            &self.shared.folder,
            format!(
                "it is of the connector `{}`, and this one is `{}`.",
                head.id, manifest.id
            ),
        ))
    }

    fn uses_network(&self) -> bool {
        false
    }

    fn begin(&self, begun: &Begun<'_>, _: Arc<dyn Carrier>) -> Arc<dyn Carrier> {
        Arc::new(ReplayedOperation {
            shared: Arc::clone(&self.shared),
            name: begun.operation,
            hidden: hidden::scrubber(begun.given, begun.manifest),
            place: Mutex::default(),
        })
    }
}

impl Carrier for ReplayedOperation {
    fn exchange<'a>(
        &'a self,
        request: &'a Outgoing,
        attempt: &'a mut Attempt<'_>,
    ) -> BoxFuture<'a, Result<Answer, Unanswered>> {
        Box::pin(async move {
            let refused = |reason, message| Refusal { reason, message };
            let recorded = self.recorded(request.shown(), attempt.number());
            let recorded = recorded.map_err(|difference| {
                Unanswered::Refused(refused(RefusalReason::Other, difference))
            })?;
            let text = |text: &str| SafeText::without_secrets(text);
            match recorded.end {
                End::OutOfTime(message) => Err(Unanswered::OutOfTime(refused(
                    RefusalReason::Budget,
                    message,
                ))),
                // Refused before its turn on the wire.
                End::Failed(TransportFailure::Refused(refusal))
                    if refusal.reason != RefusalReason::Address =>
                {
                    Err(Unanswered::Refused(refusal))
                }
                End::Failed(failure) => {
                    attempt.begins();
                    Err(match failure {
                        TransportFailure::Refused(refusal) => Unanswered::Refused(refusal),
                        TransportFailure::NotSent(why) => Unanswered::NotSent(text(&why)),
                        TransportFailure::NoAnswer(why) => Unanswered::NoAnswer(text(&why)),
                        TransportFailure::Withheld(why) => Unanswered::Withheld(text(&why)),
                        TransportFailure::TooLarge(most) => {
                            let head = attempt.most_head();
                            if usize::try_from(most).is_ok_and(|most| most == head) {
                                Unanswered::HeadTooLarge(Limit::HeaderBytes, head)
                            } else {
                                Unanswered::TooLarge(most)
                            }
                        }
                    })
                }
                End::Answered { response, retry_in } => {
                    attempt.begins();
                    attempt.received(response.body.len());
                    let milliseconds =
                        |wait: Duration| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
                    let mut answer = Answer::new(response.status, response.headers, response.body);
                    answer.retry_after_ms = retry_in.map(milliseconds);
                    Ok(answer)
                }
            }
        })
    }

    // What time, budget and the vault decided is known from the recording.

    fn renew<'a>(&'a self, _: &'a Outgoing, attempt: &'a mut Attempt<'_>) -> BoxFuture<'a, bool> {
        let goes_on = self.goes_on(attempt.number() + 1);
        Box::pin(async move { goes_on })
    }

    fn pause<'a>(&'a self, _: Duration, attempt: &'a mut Attempt<'_>) -> BoxFuture<'a, bool> {
        let goes_on = self.goes_on(attempt.number() + 1);
        Box::pin(async move { goes_on })
    }

    /// How the operation departed from the recording.
    fn verdict(&self) -> Result<(), Failure> {
        match self.place().difference.clone() {
            Some(message) => Err(Failure::OtherThanRecorded { message }),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ReplayedOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayedOperation")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl ReplayedOperation {
    /// What the recording has for this request; `Err` says how it has nothing.
    fn recorded(&self, request: &SentRequest, attempt: u32) -> Result<Recorded, String> {
        let request = hidden::scrubbed(&self.hidden, request);
        let mut state = self.shared.state();
        let mut place = self.place();
        let found = if self.shared.together && place.following.is_none() {
            self.begun(&state, &request)
        } else {
            self.next(&state, &place, &request, attempt)
        };
        match found {
            Ok(index) => {
                if let Some(answered) = state.answered.get_mut(index) {
                    *answered = true;
                }
                let Some(kept) = state.kept.get(index) else {
                    return Err(String::new());
                };
                let recorded = kept.recorded.clone();
                place.following = Some(recorded.operation);
                state.followed.insert(recorded.operation);
                Ok(recorded)
            }
            Err(difference) => {
                self.shared.departed.store(true, Ordering::Relaxed);
                place.difference.get_or_insert_with(|| difference.clone());
                Err(difference)
            }
        }
    }

    /// Whether the request that was answered last was tried once more.
    fn goes_on(&self, attempt: u32) -> bool {
        let state = self.shared.state();
        let place = self.place();
        state
            .next_for(self.shared.together, &place)
            .is_some_and(|index| {
                let next = state.kept.get(index).map(|kept| &kept.recorded);
                next.is_some_and(|next| {
                    Some(next.operation) == place.following && next.attempt == attempt
                })
            })
    }

    /// The exchange that comes next, if this request is its.
    fn next(
        &self,
        state: &State,
        place: &Place,
        request: &SentRequest,
        attempt: u32,
    ) -> Result<usize, String> {
        let line = format!("{} {}", request.method, request.url);
        let Some(index) = state.next_for(self.shared.together, place) else {
            return Err(self.missing(&line, "there is nothing more"));
        };
        let Some(Kept { file, recorded }) = state.kept.get(index) else {
            return Err(self.missing(&line, "there is nothing more"));
        };
        let mine = match place.following {
            Some(operation) => recorded.operation == operation,
            None => !state.followed.contains(&recorded.operation) && recorded.name == self.name,
        };
        let found = differences(&recorded.request, request);
        if mine && found.is_empty() && recorded.attempt == attempt {
            return Ok(index);
        }
        let next = format!(
            "next is {file} ({}, in `{}`)",
            recorded.line(),
            recorded.name
        );
        // The same request once more is no request that differs.
        if !mine || found.is_empty() {
            return Err(self.missing(&line, &next));
        }
        Err(self.differs(file, &found))
    }

    /// The first exchange of an operation that nobody follows yet and that begins so.
    fn begun(&self, state: &State, request: &SentRequest) -> Result<usize, String> {
        let mut seen = BTreeSet::new();
        let mut nearest: Option<(&str, Vec<String>)> = None;
        for (index, kept) in state.kept.iter().enumerate() {
            let recorded = &kept.recorded;
            let first = seen.insert(recorded.operation);
            let free = !state.followed.contains(&recorded.operation);
            if !first || !free || recorded.name != self.name {
                continue;
            }
            let found = differences(&recorded.request, request);
            if found.is_empty() {
                return Ok(index);
            }
            if nearest
                .as_ref()
                .is_none_or(|(_, least)| found.len() < least.len())
            {
                nearest = Some((&kept.file, found));
            }
        }
        Err(match nearest {
            Some((file, found)) => self.differs(file, &found),
            None => {
                let line = format!("{} {}", request.method, request.url);
                self.missing(&line, "no such operation is left there")
            }
        })
    }

    fn missing(&self, line: &str, instead: &str) -> String {
        format!(
            "`{}` sent a request that is not in the recording {} at this place: {line}; {instead}.",
            self.name,
            self.shared.folder.display()
        )
    }

    fn differs(&self, file: &str, found: &[String]) -> String {
        format!(
            "`{}` sent a request that differs from the recorded one, {}: {}.",
            self.name,
            self.shared.folder.join(file).display(),
            listed(found)
        )
    }

    fn place(&self) -> std::sync::MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first exchange that has not been given: of all, or, where operations were under way
    /// together, of the operation that is followed.
    fn next_for(&self, together: bool, place: &Place) -> Option<usize> {
        let mut left = self.kept.iter().zip(&self.answered);
        left.position(|(kept, answered)| {
            !answered && (!together || Some(kept.recorded.operation) == place.following)
        })
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("folder", &self.shared.folder)
            .finish_non_exhaustive()
    }
}
