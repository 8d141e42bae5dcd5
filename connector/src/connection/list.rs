//! All accounts, page by page (RFC 7644 §3.4.2.4, RFC 9865).
//!
//! A cursor says where the next page begins and how this service pages. It advances by
//! what was received, since services cap pages, and carries a fingerprint of the page
//! before, so that a service which ignores `startIndex` is noticed instead of read for
//! ever.

use super::prints::print;
use super::{Connection, Result};
use crate::account::State;
use crate::contract::{Account, FailureKind, Page, PageQuery, RetryAdvice};
use crate::failure::{Refine, failure};
use crate::manifest::MAX_PAGE_SIZE;
use crate::planted::{self, Planted};
use crate::prelude::*;
use crate::scim::{ListResponse, Resource};
use crate::transport::{Response, Transport};

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cursor {
    /// `startIndex`, from 1; how many of that answer were handed on already, since a service
    /// may send more than it was asked for; and the fingerprint of the answer before.
    Index {
        start: u64,
        passed: u64,
        before: u64,
    },
    /// The service's own (RFC 9865), and how many of that answer were handed on already.
    Upstream { cursor: String, passed: u64 },
}

/// The longest cursor that a service may send: ours has to stay below 4 KiB.
const MAX_CURSOR_BYTES: usize = 3_900;

impl Cursor {
    pub(super) const START: Self = Self::Index {
        start: 1,
        passed: 0,
        before: 0,
    };

    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (passed, rest) = rest.split_once(':')?;
        let passed = passed.parse().ok()?;
        match kind {
            "index" => {
                let (start, before) = rest.split_once(':')?;
                let start = start.parse().ok().filter(|start| *start >= 1)?;
                Some(Self::Index {
                    start,
                    passed,
                    before: before.parse().ok()?,
                })
            }
            "cursor" => Some(Self::Upstream {
                cursor: rest.to_owned(),
                passed,
            }),
            _ => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Index {
                start,
                passed,
                before,
            } => text!(
                "index:",
                number(*passed),
                ":",
                number(*start),
                ":",
                number(*before)
            ),
            Self::Upstream { cursor, passed } => text!("cursor:", number(*passed), ":", cursor),
        }
    }

    /// The same answer once more, less so many of its users.
    fn after(&self, more: u64) -> Self {
        let mut again = self.clone();
        match &mut again {
            Self::Index { passed, .. } | Self::Upstream { passed, .. } => *passed += more,
        }
        again
    }
}

/// What one request for a page gave.
pub(super) struct Step<'a> {
    pub(super) resources: Vec<Resource<'a>>,
    pub(super) next: Option<Cursor>,
    pub(super) total: Option<u32>,
}

impl Step<'_> {
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
        self.begin();
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
        let answer = self.ask_page(&cursor, limit)?;
        let mut step = self.step(&answer, &cursor, limit)?;
        if step.resources.len() > limit as usize {
            step.resources.truncate(limit as usize);
            step.next = Some(cursor.after(u64::from(limit)));
        }
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
    pub(super) fn ask_page(&self, cursor: &Cursor, count: u32) -> Result<Box<Response>> {
        let count = ("count", &*number(count));
        match cursor {
            Cursor::Index { start, .. } => {
                self.read_users(&[("startIndex", &number(*start)), count], 0)
            }
            Cursor::Upstream { cursor, .. } => self.read_users(&[("cursor", cursor), count], 0),
        }
    }

    /// What the answer holds, which may be more than was asked for.
    pub(super) fn step<'a>(
        &self,
        answer: &'a Response,
        cursor: &Cursor,
        count: u32,
    ) -> Result<Step<'a>> {
        let page = self.page(answer)?;
        let (mut step, passed) = match cursor {
            Cursor::Index {
                start,
                passed,
                before,
            } => {
                let step = match after_index(page, *start, *before, count)? {
                    Some(step) => step,
                    None if self.shows_everybody_at_once()? => Step::end(None),
                    None => return Err(repeats()),
                };
                (step, *passed)
            }
            Cursor::Upstream { cursor, passed } => {
                if page.next_cursor.as_deref() == Some(cursor) {
                    return Err(repeats());
                }
                (after_cursor(page)?, *passed)
            }
        };
        let passed = usize::try_from(passed).unwrap_or(usize::MAX);
        step.resources.drain(..passed.min(step.resources.len()));
        Ok(step)
    }

    /// Asked where `startIndex` means nothing and nobody counts: whether a page without a
    /// cursor is everybody. It is if asking for one user shows more than one, since then
    /// pages mean nothing here, or a cursor, since then that would tell.
    fn shows_everybody_at_once(&self) -> Result<bool> {
        let answer = self.read_one()?;
        let page = self.page(&answer)?;
        Ok(page.resources.len() > 1 || page.next_cursor.is_some())
    }
}

fn after_cursor(page: ListResponse<'_>) -> Result<Step<'_>> {
    let next = match page.next_cursor {
        Some(cursor) if cursor.len() > MAX_CURSOR_BYTES => {
            return Err(failure(
                FailureKind::MalformedAnswer,
                "8x8 names a place in its listing that is too long to keep.",
            )
            .code("cursor-too-long"));
        }
        cursor => cursor.map(|cursor| Cursor::Upstream {
            cursor: cursor.into_owned(),
            passed: 0,
        }),
    };
    Ok(Step {
        next,
        resources: page.resources,
        total: page.total,
    })
}

/// `None` where the service shows the page before once more and does not count.
fn after_index(
    page: ListResponse<'_>,
    start: u64,
    before: u64,
    count: u32,
) -> Result<Option<Step<'_>>> {
    if page.next_cursor.is_some() {
        return after_cursor(page).map(Some);
    }
    let received = page.resources.len() as u64;
    let print = fingerprint(&page.resources);
    let total = page.total.map(u64::from);
    if received > 0 && start > 1 && print == before {
        // The page before once more: `startIndex` means nothing here. Everybody was seen
        // if the service counts no more than this. Where it does not count, nothing in the
        // page tells: one that has room left may have been cut by the service.
        return match total {
            Some(total) if total <= received => Ok(Some(Step::end(page.total))),
            Some(_) => Err(repeats()),
            None => Ok(None),
        };
    }
    let so_far = if planted::is(Planted::PageAsAsked) {
        start - 1 + u64::from(count)
    } else {
        start - 1 + received
    };
    // A full first page whose total is its own length may be counting the page.
    let suspicious = start == 1 && received == u64::from(count);
    let ended = received == 0 || (total == Some(so_far) && !suspicious);
    Ok(Some(Step {
        resources: page.resources,
        next: (!ended).then_some(Cursor::Index {
            start: so_far + 1,
            passed: 0,
            before: print,
        }),
        total: page.total,
    }))
}

fn repeats() -> crate::failure::Boxed {
    failure(
        FailureKind::MalformedAnswer,
        "8x8 answers with the same page again and again, so that users beyond it cannot be \
         listed.",
    )
    .code("paging-repeats")
    .retry(RetryAdvice::AfterRepair)
}

/// Of the ids, in whatever order.
fn fingerprint(resources: &[Resource<'_>]) -> u64 {
    let each = resources.iter();
    each.map(|resource| print(&resource.id().unwrap_or_default()))
        .fold(0, u64::wrapping_add)
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
