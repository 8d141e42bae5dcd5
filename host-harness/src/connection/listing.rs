//! A listing under way: page after page, each account once, and an end in any case.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use super::Connection;
use crate::contract::{Account, PageQuery};
use crate::failure::Failure;
use crate::mitigation::Mitigation;
use crate::promises;
use crate::sandbox::{Limit, MOST_STALE_PAGES};

/// A listing under way.
pub struct Listing {
    connection: Connection,
    /// The next page's cursor; the outer `None` is the end.
    next: Option<Option<String>>,
    page_size: u32,
    pages: u32,
    total: Option<u32>,
    ready: VecDeque<Account>,
    seen: Seen,
    cursors: Seen,
    /// Pages in a row that showed somebody, and nobody new.
    stale_pages: u32,
}

impl Listing {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            next: Some(None),
            page_size: connection.manifest().max_page_size,
            connection,
            pages: 0,
            total: None,
            ready: VecDeque::new(),
            seen: Seen::default(),
            cursors: Seen::default(),
            stale_pages: 0,
        }
    }

    /// The upstream's own count, which may be wrong; known from the first page on, if it
    /// tells.
    #[must_use]
    pub fn total(&self) -> Option<u32> {
        self.total
    }

    /// No more than so many will be asked for: a page need not be larger.
    pub fn at_most(&mut self, accounts: u64) {
        let accounts = u32::try_from(accounts).unwrap_or(u32::MAX).max(1);
        self.page_size = self.page_size.min(accounts);
    }

    /// The next account; `None` at the end, and after an error.
    pub async fn next(&mut self) -> Option<Result<Account, Failure>> {
        let item = self.advance().await;
        if matches!(item, Some(Err(_))) {
            self.next = None;
            self.ready.clear();
        }
        item
    }

    async fn advance(&mut self) -> Option<Result<Account, Failure>> {
        loop {
            while let Some(account) = self.ready.pop_front() {
                if self.seen.is_new(&account.id) {
                    self.stale_pages = 0;
                    return Some(Ok(account));
                }
            }
            let cursor = self.next.take()?;
            let limits = &self.connection.0.limits;
            if self.pages >= limits.pages {
                return Some(Err(Failure::LimitReached {
                    limit: Limit::Pages,
                    message: Limit::Pages.message(limits),
                }));
            }
            if self.stale_pages >= MOST_STALE_PAGES && Mitigation::Promises.is_on() {
                return Some(Err(promises::stale_listing(self.stale_pages)));
            }
            self.pages += 1;
            let limit = self.page_size;
            match self.connection.list(PageQuery { cursor, limit }).await {
                Ok(page) => {
                    // The most that any page said: who is removed meanwhile may hide another.
                    self.total = self.total.max(page.total);
                    // A page may be empty and not the last; one that only repeats leads nowhere.
                    self.stale_pages += u32::from(!page.accounts.is_empty());
                    self.ready = page.accounts.into();
                    if let Some(next) = page.next {
                        if !self.cursors.is_new(&next) && Mitigation::Promises.is_on() {
                            return Some(Err(promises::repeated_cursor()));
                        }
                        self.next = Some(Some(next));
                    }
                }
                Err(failure) => return Some(Err(failure)),
            }
        }
    }
}

/// Texts that were met before, by their keyed hashes.
#[derive(Default)]
struct Seen {
    keys: RandomState,
    hashes: std::collections::HashSet<u64>,
}

impl Seen {
    fn is_new(&mut self, text: &str) -> bool {
        self.hashes.insert(self.keys.hash_one(text))
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("pages", &self.pages)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}
