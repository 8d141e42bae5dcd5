//! A listing under way: page after page, each account once, and an end in any case.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use futures_util::Stream;

use super::connected::Connection;
use crate::contract::{Account, Attribute, PageQuery, Value};
use crate::failure::Failure;
use crate::limits::{Limit, MOST_STALE_PAGES};
use crate::promises;

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
    /// Accounts that were handed on, and bytes of those that the pages held.
    accounts: u64,
    bytes: u64,
    cursors: Seen,
    /// Pages in a row that showed somebody, and nobody new.
    stale_pages: u32,
}

impl Connection {
    /// All accounts, as a stream; see [`Self::listing`]. It ends after an error.
    pub fn accounts(&self) -> impl Stream<Item = Result<Account, Failure>> + Send + use<> {
        futures_util::stream::unfold(self.listing(), |mut listing| async move {
            Some((listing.next().await?, listing))
        })
    }

    /// All accounts, page by page as they are asked for; an account that several pages
    /// show comes once. To tell, eight bytes of each id are kept: in a listing of a million
    /// accounts the odds that one is mistaken for another are 1 to 30 million.
    #[must_use]
    pub fn listing(&self) -> Listing {
        Listing::new(self.clone())
    }
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
            accounts: 0,
            bytes: 0,
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
                    if self.accounts >= self.connection.limits().listing_accounts {
                        return Some(Err(self.ended_by(Limit::ListingAccounts)));
                    }
                    self.accounts += 1;
                    return Some(Ok(account));
                }
            }
            let cursor = self.next.take()?;
            if self.pages >= self.connection.limits().pages {
                return Some(Err(self.ended_by(Limit::Pages)));
            }
            if self.stale_pages >= MOST_STALE_PAGES {
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
                    let bytes: u64 = page.accounts.iter().map(size).sum();
                    self.bytes = self.bytes.saturating_add(bytes);
                    if self.bytes > self.connection.limits().listing_bytes {
                        return Some(Err(self.ended_by(Limit::ListingBytes)));
                    }
                    self.ready = page.accounts.into();
                    if let Some(next) = page.next {
                        if !self.cursors.is_new(&next) {
                            return Some(Err(promises::repeated_cursor()));
                        }
                        self.next = Some(Some(next));
                    }
                }
                Err(failure) => return Some(Err(failure)),
            }
        }
    }

    fn ended_by(&self, limit: Limit) -> Failure {
        Failure::LimitReached {
            limit,
            message: limit.message(self.connection.limits()),
        }
    }
}

/// Bytes of what an account says: its texts, and eight for any other value.
fn size(account: &Account) -> u64 {
    let value = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Boolean(_) | Value::Integer(_) => size_of::<i64>(),
    };
    let attribute = |attribute: &Attribute| {
        attribute.name.len() + attribute.values.iter().map(value).sum::<usize>()
    };
    let attributes: usize = account.attributes.iter().map(attribute).sum();
    let version = account.version.as_ref().map_or(0, String::len);
    u64::try_from(account.id.len() + version + attributes).unwrap_or(u64::MAX)
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
