//! All accounts, page by page (RFC 7644 §3.4.2.4, RFC 9865).
//!
//! A cursor says where the next page begins and how this service pages. It advances by
//! what was received, since services cap pages, and carries a fingerprint of the page
//! before, so that a service which ignores `startIndex` is noticed instead of read for
//! ever.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Connection, Result};
use crate::account::State;
use crate::contract::{Account, FailureKind, Page, PageQuery, RetryAdvice};
use crate::failure::{Refine, failure};
use crate::manifest::MAX_PAGE_SIZE;
use crate::scim::{ListResponse, Resource};
use crate::transport::Transport;

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cursor {
    /// `startIndex`, from 1, and the fingerprint of the page before.
    Index { start: u64, before: u64 },
    /// The service answers with everybody at once: so many were handed on already.
    Everybody { passed: u64 },
    /// The service's own (RFC 9865).
    Upstream(String),
}

impl Cursor {
    pub(super) const START: Self = Self::Index {
        start: 1,
        before: 0,
    };

    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "index" => {
                let (start, before) = rest.split_once(':')?;
                let start = start.parse().ok().filter(|start| *start > 1)?;
                Some(Self::Index {
                    start,
                    before: u64::from_str_radix(before, 16).ok()?,
                })
            }
            "all" => Some(Self::Everybody {
                passed: rest.parse().ok()?,
            }),
            "cursor" => Some(Self::Upstream(rest.to_owned())),
            _ => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Index { start, before } => format!("index:{start}:{before:x}"),
            Self::Everybody { passed } => format!("all:{passed}"),
            Self::Upstream(cursor) => format!("cursor:{cursor}"),
        }
    }
}

/// What one request for a page gave.
pub(super) struct Step {
    pub(super) resources: Vec<Resource>,
    pub(super) next: Option<Cursor>,
    pub(super) total: Option<u32>,
}

impl Step {
    fn end(total: Option<u32>) -> Self {
        Self {
            resources: Vec::new(),
            next: None,
            total,
        }
    }
}

impl<T: Transport> Connection<T> {
    /// One page of all accounts.
    ///
    /// # Errors
    ///
    /// `invalid-cursor`; `malformed-answer` where a service pages in a way that would
    /// leave people out.
    pub fn list(&self, query: &PageQuery) -> Result<Page> {
        let cursor = match query.cursor.as_deref() {
            None => Cursor::START,
            Some(text) => Cursor::parse(text).ok_or_else(|| {
                failure(
                    FailureKind::InvalidCursor,
                    "This is no place in a listing of 8x8 users: start it over.",
                )
            })?,
        };
        let limit = query.limit.clamp(1, MAX_PAGE_SIZE);
        let step = self.step(&cursor, limit)?;
        let mut accounts: Vec<Account> = Vec::with_capacity(step.resources.len());
        for resource in step.resources {
            let state = State::read(resource, &self.tenant).ok_or_else(nameless)?;
            if !accounts.iter().any(|known| known.id == state.id) {
                accounts.push(state.account());
            }
        }
        Ok(Page {
            accounts,
            next: step.next.map(|cursor| cursor.text()),
            total: step.total,
        })
    }

    /// Asks for the page that begins at `cursor`.
    pub(super) fn step(&self, cursor: &Cursor, limit: u32) -> Result<Step> {
        let count = limit.to_string();
        match cursor {
            Cursor::Index { start, before } => {
                let index = start.to_string();
                let page = self.read_users(&[("startIndex", &index), ("count", &count)], 0)?;
                match after_index(page, *start, *before, limit)? {
                    Some(step) => Ok(step),
                    None if self.shows_everybody_at_once()? => Ok(Step::end(None)),
                    None => Err(repeats()),
                }
            }
            Cursor::Everybody { passed } => {
                let page = self.read_users(&[("startIndex", "1"), ("count", &count)], 0)?;
                Ok(part_of_everybody(page, *passed, limit))
            }
            Cursor::Upstream(own) => {
                let page = self.read_users(&[("cursor", own), ("count", &count)], 0)?;
                if page.next_cursor.as_ref() == Some(own) {
                    return Err(failure(
                        FailureKind::MalformedAnswer,
                        "8x8 repeats the place in its listing, which would never end.",
                    )
                    .code("paging-repeats"));
                }
                Ok(after_cursor(page))
            }
        }
    }

    /// Asked where `startIndex` means nothing and nobody counts: whether a page without a
    /// cursor is everybody. It is if asking for one user shows more than one, since then
    /// pages mean nothing here, or a cursor, since then that would tell.
    fn shows_everybody_at_once(&self) -> Result<bool> {
        let page = self.read_users(&[("startIndex", "1"), ("count", "1")], 0)?;
        Ok(page.resources.len() > 1 || page.next_cursor.is_some())
    }
}

fn repeats() -> crate::failure::Boxed {
    failure(
        FailureKind::MalformedAnswer,
        "8x8 answers with the same page again and again, so that users beyond it cannot be listed.",
    )
    .code("paging-repeats")
    .retry(RetryAdvice::AfterRepair)
}

fn after_cursor(page: ListResponse) -> Step {
    Step {
        next: page.next_cursor.map(Cursor::Upstream),
        resources: page.resources,
        total: page.total,
    }
}

/// `None` where the service shows the page before once more and does not count.
fn after_index(page: ListResponse, start: u64, before: u64, limit: u32) -> Result<Option<Step>> {
    if page.next_cursor.is_some() {
        return Ok(Some(after_cursor(page)));
    }
    let received = page.resources.len() as u64;
    if start == 1 && received > u64::from(limit) {
        // Neither `count` nor `startIndex` means anything here.
        return Ok(Some(part_of_everybody(page, 0, limit)));
    }
    let print = fingerprint(&page.resources);
    let so_far = start - 1 + received;
    let total = page.total.map(u64::from);
    if received > 0 && start > 1 && print == before {
        // The page before once more: `startIndex` means nothing here. Everybody was seen
        // if the service counts no more than this. Where it does not count, nothing in the
        // page tells: one that has room left may have been cut by the service.
        return match total {
            Some(count) if count <= received => Ok(Some(Step::end(page.total))),
            Some(_) => Err(repeats()),
            None => Ok(None),
        };
    }
    // A full first page whose total is its own length may be counting the page.
    let suspicious = start == 1 && received == u64::from(limit);
    let ended = received == 0 || (total == Some(so_far) && !suspicious);
    Ok(Some(Step {
        resources: page.resources,
        next: (!ended).then_some(Cursor::Index {
            start: so_far + 1,
            before: print,
        }),
        total: page.total,
    }))
}

fn part_of_everybody(page: ListResponse, passed: u64, limit: u32) -> Step {
    let received = page.resources.len() as u64;
    let end = passed + u64::from(limit);
    let skip = usize::try_from(passed).unwrap_or(usize::MAX);
    Step {
        resources: page
            .resources
            .into_iter()
            .skip(skip)
            .take(limit as usize)
            .collect(),
        next: (end < received).then_some(Cursor::Everybody { passed: end }),
        total: page.total,
    }
}

/// Of the ids in their order.
fn fingerprint(resources: &[Resource]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for resource in resources {
        resource.id().hash(&mut hasher);
    }
    hasher.finish()
}

/// A user of a listing that has no id, or one that cannot be used.
pub(super) fn nameless() -> crate::failure::Boxed {
    failure(
        FailureKind::MalformedAnswer,
        "8x8 listed a user without a usable id.",
    )
    .code("no-id")
    .retry(RetryAdvice::AfterRepair)
}
