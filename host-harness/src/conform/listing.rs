//! Pages and their cursors.

use std::collections::BTreeMap;

use super::expect::{done, refused};
use super::first_state::with_status;
use super::outcome::{Checked, Stop};
use super::trial::Trial;
use crate::contract::{Account, AccountStatus, FailureKind, Operations, Page, PageQuery};

/// Pages of one that are read. A larger tenant is read to its end in larger pages.
const SMALL_PAGES: usize = 5;
/// Accounts that are read in search of the run's own.
const MOST_ACCOUNTS: usize = 5_000;
/// A page may be empty and not the last; so many in a row lead nowhere.
const EMPTY_PAGES: usize = 5;
/// Cursors are at most 4 KiB.
const LONG_CURSOR: usize = 4 << 10;

async fn page(trial: &mut Trial, cursor: Option<String>, limit: u32) -> Result<Page, Stop> {
    done("`list`", trial.list(PageQuery { cursor, limit }).await)
}

pub(super) async fn pages_of_one(trial: &mut Trial) -> Checked {
    trial.claims(Operations::LIST, "list")?;
    // The host holds each page against its limit, and each cursor against the one before.
    let mut shown: BTreeMap<String, usize> = BTreeMap::new();
    let mut cursor = None;
    let (mut pages, mut empty) = (0, 0);
    loop {
        let page = page(trial, cursor, 1).await?;
        pages += 1;
        match page.accounts.first() {
            Some(account) => {
                *shown.entry(account.id.clone()).or_default() += 1;
                empty = 0;
            }
            None => empty += 1,
        }
        cursor = page.next;
        if cursor.is_none() || pages >= SMALL_PAGES {
            break;
        }
        if empty > EMPTY_PAGES {
            return Err(Stop::fail("page after page is empty, and none is the last"));
        }
    }
    if let Some(times) = shown.values().find(|times| **times > 1) {
        return Err(Stop::Fail(format!(
            "of {pages} pages of one, {times} show the same account"
        )));
    }
    if cursor.is_some() {
        return Ok(());
    }
    // The end came soon: whoever was passed over shows on one page of all.
    let most = trial.manifest().max_page_size;
    let all = page_of_all(trial, most).await?;
    let missing = all
        .iter()
        .filter(|account| !shown.contains_key(&account.id));
    match missing.count() {
        0 => Ok(()),
        missing => Err(Stop::Fail(format!(
            "pages of one end without {missing} of the {} accounts that larger pages show",
            all.len()
        ))),
    }
}

async fn page_of_all(trial: &mut Trial, limit: u32) -> Result<Vec<Account>, Stop> {
    let mut all = Vec::new();
    let mut cursor = None;
    let mut empty = 0;
    loop {
        let page = page(trial, cursor, limit).await?;
        empty = if page.accounts.is_empty() {
            empty + 1
        } else {
            0
        };
        all.extend(page.accounts);
        cursor = page.next;
        if empty > EMPTY_PAGES {
            return Err(Stop::fail("page after page is empty, and none is the last"));
        }
        if cursor.is_none() || all.len() >= MOST_ACCOUNTS {
            return Ok(all);
        }
    }
}

pub(super) async fn beyond_the_largest(trial: &mut Trial) -> Checked {
    trial.claims(Operations::LIST, "list")?;
    let most = trial.manifest().max_page_size;
    let at_most = page(trial, None, most).await?;
    for limit in [most.saturating_add(1), u32::MAX] {
        let what = format!("`list` with a limit of {limit}");
        let query = PageQuery {
            cursor: None,
            limit,
        };
        let beyond = done(&what, trial.list(query).await)?;
        if beyond.accounts.is_empty() && !at_most.accounts.is_empty() {
            return Err(Stop::Fail(format!(
                "{what} shows nobody, where a smaller one shows somebody"
            )));
        }
    }
    Ok(())
}

pub(super) async fn cursor_again(trial: &mut Trial) -> Checked {
    trial.claims(Operations::LIST, "list")?;
    let Some(cursor) = page(trial, None, 1).await?.next else {
        return Err(Stop::skip("the tenant shows everybody on one page of one"));
    };
    let first = page(trial, Some(cursor.clone()), 1).await?;
    let other = trial.component.connect(trial.options.clone()).await;
    let other = done("connecting once more", other)?;
    let query = PageQuery {
        cursor: Some(cursor),
        limit: 1,
    };
    let what = "`list` with a cursor of another connection";
    let second = done(what, other.list(query).await)?;
    let ids = |page: &Page| {
        page.accounts
            .iter()
            .map(|a| a.id.clone())
            .collect::<Vec<_>>()
    };
    if ids(&first) != ids(&second) {
        return Err(Stop::fail(
            "one cursor leads to different pages in two connections",
        ));
    }
    Ok(())
}

pub(super) async fn foreign_cursor(trial: &mut Trial) -> Checked {
    trial.claims(Operations::LIST, "list")?;
    let due = [(FailureKind::InvalidCursor, "invalid-cursor")];
    let long = "x".repeat(LONG_CURSOR);
    for cursor in ["conform: nobody's cursor", "", "{}", "\u{1f984}", &long] {
        let query = PageQuery {
            cursor: Some(cursor.to_owned()),
            limit: 1,
        };
        let what = format!(
            "`list` with a foreign cursor of {} bytes ({:.30})",
            cursor.len(),
            cursor
        );
        refused(&what, trial.list(query).await, &due)?;
    }
    Ok(())
}

pub(super) async fn everybody(trial: &mut Trial) -> Checked {
    trial.claims(Operations::LIST, "list")?;
    let own = [&trial.first, &trial.second];
    let own: Vec<_> = own
        .into_iter()
        .flatten()
        .map(|m| m.account.clone())
        .collect();
    if own.is_empty() {
        return Err(Stop::skip("this run made no account to look for"));
    }
    // An inactive account is an account.
    let made = trial.other();
    let inactive = match &made {
        Some(made) if trial.claims(Operations::SET_STATUS, "set-status").is_ok() => {
            let inactive = with_status(AccountStatus::Inactive);
            trial.update(&made.account.id, &inactive).await.is_ok()
        }
        _ => false,
    };
    let result = shows(trial, own).await;
    if let (true, Some(made)) = (inactive, made) {
        let active = with_status(AccountStatus::Active);
        let activated = trial.update(&made.account.id, &active).await;
        result?;
        return done("activating the account", activated).map(drop);
    }
    result
}

async fn shows(trial: &mut Trial, own: Vec<Account>) -> Checked {
    let most = trial.manifest().max_page_size;
    let all = page_of_all(trial, most).await?;
    if all.len() >= MOST_ACCOUNTS {
        return Err(Stop::Skip(format!(
            "the tenant has more than {MOST_ACCOUNTS} accounts"
        )));
    }
    for account in own {
        let Some(listed) = all.iter().find(|listed| listed.id == account.id) else {
            return Err(Stop::fail(
                "the listing does not show an account that exists",
            ));
        };
        if trial.manifest().operations.contains(Operations::GET) {
            let shown = done("`get`", trial.get(&account.id).await)?;
            trial.alike("the listing", &shown, listed)?;
        }
    }
    Ok(())
}
