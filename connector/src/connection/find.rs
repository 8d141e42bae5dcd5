//! An account by the value of a lookup key.
//!
//! Every hit is checked here: a service that ignores `filter` answers with page one of
//! everybody, and taking its first entry would hit the wrong person. Where the filter is
//! refused or ignored, the users are read one bounded page after the other.

use super::prints::Prints;
use super::{Connection, Result, list};
use crate::account::{State, User};
use crate::attributes::Attribute;
use crate::contract::manifest::Uniqueness;
use crate::contract::{Account, FailureKind, Value};
use crate::failure::{Refine, failure};
use crate::manifest::MAX_PAGE_SIZE;
use crate::planted::{self, Planted};
use crate::prelude::*;
use crate::scim::{Path, Resource, equals};
use crate::transport::Transport;

/// How many pages are read where the service cannot search: 5,000 users at full pages.
const MAX_SCAN_PAGES: u32 = 50;

impl<T: Transport> Connection<T> {
    /// # Errors
    ///
    /// `ambiguous` where several accounts have the value; `unsupported` where the
    /// attribute is no lookup key, or where the service offers no way to be sure.
    pub fn find(&self, name: &str, value: &Value) -> Result<Option<Account>> {
        self.begin();
        let attribute = match Attribute::named(name) {
            Some(attribute @ (Attribute::UserName | Attribute::ExternalId)) => attribute,
            _ => {
                return Err(failure(
                    FailureKind::Unsupported,
                    text!(
                        "8x8 users are found by userName or externalId, not by ",
                        name,
                        "."
                    ),
                )
                .code("no-lookup-key"));
            }
        };
        let value = match value {
            Value::Text(text) if !text.trim().is_empty() => text.trim(),
            _ => {
                return Err(crate::failure::invalid_account(vec![
                    crate::account::problem(name, "wrong-type", text!(name, " is a text.")),
                ]));
            }
        };
        Ok(self
            .search(attribute, value, 0)?
            .map(|state| state.account()))
    }

    /// The one user that has exactly this value.
    pub(super) fn search(
        &self,
        attribute: Attribute,
        value: &str,
        delay_ms: u32,
    ) -> Result<Option<User>> {
        let filter = equals(attribute.name(), value);
        let has = |byte: u8| value.as_bytes().contains(&byte);
        match self.ask(attribute, value, &filter, delay_ms)? {
            None => self.scan(attribute, value),
            // Some services do not undo the escapes of a filter, and miss whoever they have.
            // Where those are all there is, they are asked in their own way. A value with a
            // quote they cannot be asked for.
            Some(None) if has(b'\\') && !has(b'"') => {
                let filter = text!(attribute.name(), " eq \"", value, "\"");
                Ok(self.ask(attribute, value, &filter, 0)?.flatten())
            }
            Some(found) => Ok(found),
        }
    }

    /// What a filter that names the value finds; `None` where its answer proves nothing.
    fn ask(
        &self,
        attribute: Attribute,
        value: &str,
        filter: &str,
        delay_ms: u32,
    ) -> Result<Option<Option<User>>> {
        let count = number(MAX_PAGE_SIZE);
        let query = [("filter", filter), ("startIndex", "1"), ("count", &count)];
        let answer = match self.read_users(&query, delay_ms) {
            Ok(answer) => answer,
            Err(refused) if refuses_filter(&refused) => return Ok(None),
            Err(failed) => return Err(failed),
        };
        let page = self.page(&answer)?;
        let received = page.resources.len();
        let more =
            page.next_cursor.is_some() || page.total.is_some_and(|total| total as usize > received);
        let mut matches = Matches::new(attribute, value);
        let all_match = matches.take(self, page.resources)?;
        if all_match && !more {
            return matches.only(attribute).map(Some);
        }
        if all_match && received > 0 && matches.0.len() > 1 {
            return Err(ambiguous(attribute));
        }
        Ok(None)
    }

    /// Whoever has a userName that a search did not find, and that is taken. Some services
    /// compare it with case where they search and without where they create, which shows in
    /// how they search for somebody who is there (RFC 7643 §4.1.1 has it without).
    pub(super) fn overlooked(&self, name: &str) -> Result<Option<User>> {
        let answer = self.read_one()?;
        let page = self.page(&answer)?;
        let somebody = page.resources.first();
        let path = Path::Attribute(Attribute::UserName.name());
        let Some(mut known) = somebody.and_then(|user| user.read(path).value()) else {
            return Ok(None);
        };
        if known.bytes().any(|byte| byte.is_ascii_lowercase()) {
            known.to_mut().make_ascii_uppercase();
        } else {
            known.to_mut().make_ascii_lowercase();
        }
        if self.search(Attribute::UserName, &known, 0)?.is_some() {
            return Ok(None);
        }
        self.scan(Attribute::UserName, name)
    }

    /// Reads everybody, within bounds. Nobody is said only where as many were seen as the
    /// service counts.
    fn scan(&self, attribute: Attribute, value: &str) -> Result<Option<User>> {
        self.transport
            .tell("the filter is refused or ignored; reading all users instead");
        let mut matches = Matches::new(attribute, value);
        let mut cursor = list::Cursor::START;
        // By id: a page that shows somebody twice has left somebody else out.
        let (mut seen, mut counted) = (Prints::default(), 0);
        let mut all = false;
        for _ in 0..MAX_SCAN_PAGES {
            let answer = self.ask_page(&cursor, MAX_PAGE_SIZE)?;
            let step = self.step(&answer, &cursor, MAX_PAGE_SIZE)?;
            for id in step.resources.iter().filter_map(Resource::id) {
                seen.add(&id);
            }
            counted = counted.max(step.total.unwrap_or_default());
            matches.take(self, step.resources)?;
            match step.next {
                Some(next) => cursor = next,
                None => {
                    all = seen.count() >= counted as usize;
                    break;
                }
            }
        }
        let unique = attribute.spec().uniqueness == Uniqueness::Global;
        if all || unique && matches.0.len() == 1 {
            return matches.only(attribute);
        }
        Err(failure(
            FailureKind::Unsupported,
            text!(
                "8x8 does not search by ",
                attribute.name(),
                " here, and did not show all of its users in ",
                number(MAX_SCAN_PAGES),
                " pages."
            ),
        )
        .code("no-search"))
    }
}

/// True matches, by id, so that a user who is listed twice counts once.
struct Matches<'a>(Vec<User>, Attribute, &'a str);

impl<'a> Matches<'a> {
    fn new(attribute: Attribute, value: &'a str) -> Self {
        Self(Vec::new(), attribute, value)
    }

    /// Keeps those that match; whether all did.
    fn take<T: Transport>(
        &mut self,
        connection: &Connection<T>,
        resources: Vec<Resource<'_>>,
    ) -> Result<bool> {
        let mut all = true;
        for resource in resources {
            let state = State::read(resource, &connection.tenant).ok_or_else(list::nameless)?;
            if !state.has(self.1, self.2) && !planted::is(Planted::UncheckedHit) {
                all = false;
            } else if !self.0.iter().any(|known| known.id == state.id) {
                self.0.push(state.owned());
            }
        }
        Ok(all)
    }

    fn only(self, attribute: Attribute) -> Result<Option<User>> {
        let mut states = self.0.into_iter();
        match (states.next(), states.next()) {
            (_, Some(_)) => Err(ambiguous(attribute)),
            (state, None) => Ok(state),
        }
    }
}

fn ambiguous(attribute: Attribute) -> crate::failure::Boxed {
    failure(
        FailureKind::Ambiguous,
        text!(
            "Several 8x8 users have this ",
            attribute.name(),
            ". Find out which one is meant, and use its id."
        ),
    )
}

/// 400 says that the filter is not understood, 501 and 405 that there is none; `tooMany`
/// and 413 that the service would not answer such a query.
fn refuses_filter(refused: &crate::contract::Failure) -> bool {
    refused
        .upstream
        .as_ref()
        .is_some_and(|answer| matches!(answer.status, 400 | 405 | 413 | 422 | 501))
}
