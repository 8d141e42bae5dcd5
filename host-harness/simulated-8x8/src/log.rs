//! What the tenant received, oldest first. Kept from the moment a request arrived, so that those
//! whose sender went away are there too. The `Authorization` value is not kept.

use std::collections::VecDeque;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use axum::http::request::Parts;

use super::faults::FaultEffect;

/// How many requests are kept; older ones are dropped and counted.
const MAX_ENTRIES: usize = 100_000;
/// How many bytes of bodies are kept, for the same.
const MAX_BODY_BYTES: usize = 128 * 1024 * 1024;

/// One request as the tenant received it, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// GET, POST, PUT, PATCH, DELETE, or whatever was sent.
    pub method: String,
    /// The path with the query, as sent.
    pub path: String,
    /// The headers in the order received, names in lower case. The value of `authorization` is
    /// replaced by `[left out]`. A value that is no text is shown lossily.
    pub headers: Vec<(String, String)>,
    /// The body, up to the cap of 1 MiB; empty where that was exceeded.
    pub body: Vec<u8>,
    /// Whether the token was right.
    pub authorised: bool,
    /// The status answered; none where no answer was sent, or not yet.
    pub status: Option<u16>,
    /// Whether the request was carried out on the store, whatever was answered.
    pub committed: bool,
    /// What went wrong with it on purpose.
    pub fault: Option<FaultEffect>,
    /// Whether it is the second delivery of the request before it: the sender sent one.
    pub redelivered: bool,
}

impl Received {
    pub(super) fn new(head: &Parts, body: &[u8], authorised: bool) -> Self {
        Self {
            method: head.method.as_str().to_owned(),
            path: head
                .uri
                .path_and_query()
                .map_or_else(|| head.uri.to_string(), ToString::to_string),
            headers: kept(&head.headers),
            body: body.to_vec(),
            authorised,
            status: None,
            committed: false,
            fault: None,
            redelivered: false,
        }
    }

    /// The value of a header, by name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = if name == AUTHORIZATION || name == PROXY_AUTHORIZATION {
                "[left out]".to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// Names an entry, to be completed when the answer is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry(u64);

/// The bounded log.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<Received>,
    body_bytes: usize,
    /// The number of the first entry kept.
    first: u64,
    dropped: u64,
}

impl Log {
    pub(super) fn add(&mut self, received: Received) -> Entry {
        self.body_bytes += received.body.len();
        self.entries.push_back(received);
        let entry = Entry(self.first + self.entries.len() as u64 - 1);
        while self.entries.len() > MAX_ENTRIES || self.body_bytes > MAX_BODY_BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.body_bytes -= oldest.body.len();
            self.first += 1;
            self.dropped += 1;
        }
        entry
    }

    /// Changes an entry, unless it was dropped meanwhile.
    pub(super) fn amend(&mut self, entry: Entry, change: impl FnOnce(&mut Received)) {
        let position = entry.0.checked_sub(self.first);
        if let Some(received) = position
            .and_then(|position| usize::try_from(position).ok())
            .and_then(|position| self.entries.get_mut(position))
        {
            change(received);
        }
    }

    pub(super) fn entries(&self) -> Vec<Received> {
        self.entries.iter().cloned().collect()
    }

    pub(super) fn entries_from(&self, first: usize) -> Vec<Received> {
        self.entries.iter().skip(first).cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn clear(&mut self) {
        self.first += self.entries.len() as u64;
        self.entries.clear();
        self.body_bytes = 0;
        self.dropped = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(body: Vec<u8>) -> Received {
        let (head, ()) = axum::http::Request::new(()).into_parts();
        Received::new(&head, &body, true)
    }

    #[test]
    fn the_log_is_bounded_by_entries_and_counts_what_it_dropped() {
        let mut log = Log::default();
        let first = log.add(received(Vec::new()));
        for _ in 0..MAX_ENTRIES {
            log.add(received(Vec::new()));
        }
        assert_eq!((log.entries.len(), log.dropped()), (MAX_ENTRIES, 1));
        log.amend(first, |_| unreachable!());
    }

    #[test]
    fn an_answer_that_comes_after_the_log_was_cleared_changes_nothing() {
        let mut log = Log::default();
        let old = log.add(received(Vec::new()));
        log.clear();
        log.add(received(Vec::new()));
        log.amend(old, |_| unreachable!());
    }
}
