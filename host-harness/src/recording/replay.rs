//! Answers from a folder, and says where what is sent is not what was recorded.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::difference::{differences, listed};
use super::exchange::Recorded;
use super::folder::{self, Head, Kept};
use super::hidden::{self, Given};
use super::unusable::unusable;
use crate::contract::Manifest;
use crate::failure::Failure;
use crate::scrub::Scrubber;
use crate::trace::SentRequest;

/// Answers the requests of one connection
/// ([`ConnectionOptions::replay`](crate::ConnectionOptions::replay)) from a recording, each
/// exchange once.
///
/// A request that is not the recorded one gets no answer, and its operation ends in
/// [`Failure::OtherThanRecorded`], whatever the connector makes of it.
pub struct Replay {
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
pub(crate) struct ReplayedOperation {
    replay: Arc<Replay>,
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
        Ok(Self {
            folder,
            head,
            together: kept.iter().any(|kept| kept.recorded.beside_others),
            departed: AtomicBool::new(false),
            state: Mutex::new(State {
                answered: vec![false; kept.len()],
                kept,
                followed: BTreeSet::new(),
            }),
        })
    }

    /// What was connected when the recording was made.
    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// Whether a request differed from the recording, after which nothing there needs to fit.
    #[must_use]
    pub fn departed(&self) -> bool {
        self.departed.load(Ordering::Relaxed)
    }

    /// What was recorded and not asked for: file, method and URL.
    #[must_use]
    pub fn left_over(&self) -> Vec<String> {
        let state = self.state();
        let left = state.kept.iter().zip(&state.answered);
        left.filter(|(_, answered)| !**answered)
            .map(|(kept, _)| format!("{}: {}", kept.file, kept.recorded.line()))
            .collect()
    }

    /// Whether it is of this connector, in any version.
    pub(crate) fn fits(&self, manifest: &Manifest) -> Result<(), Failure> {
        if manifest.id == self.head.id {
            return Ok(());
        }
        Err(unusable(
            "other-connector",
            &self.folder,
            format!(
                "it is of the connector `{}`, and this one is `{}`.",
                self.head.id, manifest.id
            ),
        ))
    }

    pub(crate) fn operation(
        self: &Arc<Self>,
        name: &'static str,
        given: Given<'_>,
        manifest: &Manifest,
    ) -> Arc<ReplayedOperation> {
        Arc::new(ReplayedOperation {
            replay: Arc::clone(self),
            name,
            hidden: given.scrubber(manifest),
            place: Mutex::default(),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplayedOperation {
    /// What the recording has for this request; `Err` says how it has nothing.
    pub(crate) fn answer(&self, request: &SentRequest, attempt: u32) -> Result<Recorded, String> {
        let request = hidden::scrubbed(&self.hidden, request);
        let mut state = self.replay.state();
        let mut place = self.place();
        let found = if self.replay.together && place.following.is_none() {
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
                self.replay.departed.store(true, Ordering::Relaxed);
                place.difference.get_or_insert_with(|| difference.clone());
                Err(difference)
            }
        }
    }

    /// Whether the request that was answered last was tried once more.
    pub(crate) fn goes_on(&self, attempt: u32) -> bool {
        let state = self.replay.state();
        let place = self.place();
        state
            .next_for(self.replay.together, &place)
            .is_some_and(|index| {
                let next = state.kept.get(index).map(|kept| &kept.recorded);
                next.is_some_and(|next| {
                    Some(next.operation) == place.following && next.attempt == attempt
                })
            })
    }

    /// How the operation departed from the recording.
    pub(crate) fn difference(&self) -> Option<Failure> {
        let message = self.place().difference.clone()?;
        Some(Failure::OtherThanRecorded { message })
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
        let Some(index) = state.next_for(self.replay.together, place) else {
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
            self.replay.folder.display()
        )
    }

    fn differs(&self, file: &str, found: &[String]) -> String {
        format!(
            "`{}` sent a request that differs from the recorded one, {}: {}.",
            self.name,
            self.replay.folder.join(file).display(),
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
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
