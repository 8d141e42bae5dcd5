//! Reads the tenant once: all of it, page by page, or person by person where that takes fewer
//! requests. A listing that fails or is not whole ends the run: a plan over a part of the
//! accounts would make some people a second one.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, TryStreamExt as _};

use super::error::SyncError;
use super::plan::Asked;
use super::scratch::{Count, Scratch};
use super::{Policy, Unnamed, Wish};
use crate::connection::Connection;
use crate::contract::{Account, Attribute, FailureKind, Operations};
use crate::failure::Failure;

/// Requests for a person, by and large: by identity key and by name.
const LOOKUPS_EACH: u64 = 2;
/// How often a listing is read that turns out not to be whole: accounts come and go meanwhile.
const LISTINGS: u32 = 2;
/// How many people are looked up before the next are taken from the scratch database.
const AT_ONCE: u32 = 500;

/// What is needed to read a tenant.
pub(crate) struct Reading<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) scratch: &'a Scratch,
    pub(crate) policy: &'a Policy,
    pub(crate) asked: &'a Asked,
    pub(crate) concurrency: usize,
    /// Told how many accounts were read, and of how many.
    pub(crate) progress: &'a (dyn Fn(u64, Option<u64>) + Sync),
}

/// What was not to be had.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// The upstream offers no way to look for identity keys.
    pub(crate) identity_unchecked: bool,
}

impl Reading<'_> {
    pub(crate) async fn read(&self) -> Result<Gaps, SyncError> {
        let wishes = match self.asked.person {
            Some(_) => 1,
            None => self.scratch.count(Count::Wishes)?,
        };
        let listable = self
            .connection
            .manifest()
            .operations
            .contains(Operations::LIST);
        let everybody = self.policy.unnamed == Unnamed::Deactivate && self.asked.is_whole();
        if everybody && !listable {
            return Err(SyncError::Usage(
                "The rules deactivate accounts without a row, and this connector cannot list \
                 accounts."
                    .to_owned(),
            ));
        }
        let dearest = (!everybody).then_some(wishes.saturating_mul(LOOKUPS_EACH));
        if listable && self.list(dearest).await? {
            self.look_behind_links().await?;
            return Ok(Gaps::default());
        }
        self.look_up_all().await
    }

    /// Lists everybody, unless that takes more pages than `dearest`. Whether it did.
    async fn list(&self, dearest: Option<u64>) -> Result<bool, SyncError> {
        let page = u64::from(self.connection.manifest().max_page_size.max(1));
        let (mut listed, mut total) = (0, 0);
        for _ in 0..LISTINGS {
            self.scratch.clear_accounts()?;
            let mut listing = self.connection.listing();
            while let Some(account) = listing.next().await {
                self.scratch.add_account(&account?)?;
                let says = listing.total().map(u64::from);
                if let (Some(dearest), Some(total)) = (dearest, says)
                    && total.div_ceil(page) > dearest.max(1)
                {
                    return Ok(false);
                }
                listed += 1;
                (self.progress)(listed, says);
            }
            listed = self.scratch.count(Count::Accounts)?;
            total = listing.total().map_or(0, u64::from);
            if listed >= total {
                return Ok(true);
            }
            listed = 0;
        }
        let listed = self.scratch.count(Count::Accounts)?;
        Err(SyncError::IncompleteListing { listed, total })
    }

    /// An account that the journal knows and no page showed may still be there.
    async fn look_behind_links(&self) -> Result<(), SyncError> {
        let unseen = self.scratch.unseen_links()?;
        futures_util::stream::iter(unseen)
            .map(|id| async move { self.get(&id).await })
            .buffer_unordered(self.concurrency)
            .try_collect()
            .await
    }

    async fn look_up_all(&self) -> Result<Gaps, SyncError> {
        self.scratch.clear_accounts()?;
        let unchecked = AtomicBool::new(false);
        let unchecked = &unchecked;
        if let Some(person) = &self.asked.person {
            if let Some(wish) = self.scratch.wish(person)? {
                self.look_up(&wish, unchecked).await?;
            }
        } else {
            let (mut line, mut done) = (0, 0);
            loop {
                let wishes = self.scratch.wishes_after(line, AT_ONCE)?;
                let Some(last) = wishes.last() else {
                    break;
                };
                line = last.line;
                let mut looked = futures_util::stream::iter(wishes)
                    .map(|wish| async move { self.look_up(&wish, unchecked).await })
                    .buffer_unordered(self.concurrency);
                while let Some(result) = looked.next().await {
                    result?;
                    done += 1;
                    (self.progress)(done, Some(self.scratch.count(Count::Wishes)?));
                }
            }
        }
        Ok(Gaps {
            identity_unchecked: unchecked.load(Ordering::Relaxed),
        })
    }

    async fn look_up(&self, wish: &Wish, unchecked: &AtomicBool) -> Result<(), SyncError> {
        if let Some(id) = self.scratch.link(&wish.key)? {
            self.get(&id).await?;
        }
        let keys = &self.connection.manifest().lookup_keys;
        let other = wish.identity.as_ref().filter(|identity| {
            let lookup = wish.lookup.as_ref();
            lookup.is_none_or(|lookup| lookup.name != identity.name)
        });
        if let Some(identity) = other
            && (!keys.contains(&identity.name) || !self.find(identity).await?)
        {
            unchecked.store(true, Ordering::Relaxed);
        }
        if let Some(lookup) = &wish.lookup
            && !self.find(lookup).await?
        {
            return Err(SyncError::Usage(format!(
                "Accounts cannot be found by {} here. Choose another `lookup` in the rules.",
                lookup.name
            )));
        }
        Ok(())
    }

    async fn get(&self, id: &str) -> Result<(), SyncError> {
        match self.connection.get(id).await {
            Ok(account) => self.scratch.add_account(&account),
            Err(failure) if names_nobody(&failure) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Whether it could be asked.
    async fn find(&self, key: &Attribute) -> Result<bool, SyncError> {
        match find(self.connection, key).await? {
            Search::Found(account) => self.scratch.add_account(&account)?,
            Search::Nobody => {}
            Search::Several => self.scratch.add_several(key)?,
            Search::Unsupported => return Ok(false),
        }
        Ok(true)
    }
}

/// What a search came to.
pub(crate) enum Search {
    Found(Box<Account>),
    Nobody,
    Several,
    /// The upstream offers no way to be sure.
    Unsupported,
}

/// The account with a value of a lookup key.
pub(crate) async fn find(connection: &Connection, key: &Attribute) -> Result<Search, Failure> {
    let [value] = key.values.as_slice() else {
        return Ok(Search::Nobody);
    };
    match connection.find(&key.name, value).await {
        Ok(Some(account)) => Ok(Search::Found(Box::new(account))),
        Ok(None) => Ok(Search::Nobody),
        Err(Failure::Connector(failed)) if failed.kind == FailureKind::Ambiguous => {
            Ok(Search::Several)
        }
        Err(Failure::Connector(failed)) if failed.kind == FailureKind::Unsupported => {
            Ok(Search::Unsupported)
        }
        Err(failure) => Err(failure),
    }
}

/// Whether a read of an id says that there is no such account.
pub(crate) fn names_nobody(failure: &Failure) -> bool {
    failure.contract().is_some_and(|failed| {
        matches!(
            failed.kind,
            FailureKind::NotFound | FailureKind::InvalidAccount
        )
    })
}
