//! `check`, `list`, `get` and `find`.

use connector_8x8::account::is_id;
use connector_8x8::connection::Result;
use connector_8x8::contract::{
    Account, AccountStatus, CheckReport, FailureKind, Page, PageQuery, Value,
};
use connector_8x8::manifest::MAX_PAGE_SIZE;
use connector_8x8::transport::Method;

use crate::wider::{SHORT, widened};
use crate::{Mutant, other};

fn without(mut account: Account, name: &str) -> Account {
    account.attributes.retain(|held| held.name != name);
    account
}

fn page(accounts: Vec<Account>) -> Page {
    Page {
        accounts,
        next: None,
        total: None,
    }
}

impl Mutant {
    pub(crate) fn checked(&self) -> Result<CheckReport> {
        let mut report = self.inner.check().map_err(|mut failed| {
            if self.is("wrong-credential-is-forbidden") {
                failed.kind = FailureKind::Forbidden;
            }
            failed
        })?;
        if self.is("check-writes") {
            self.write("nobody", true)?;
        }
        if self.is("foreign-note-believed") && self.has_note {
            report.writable = Some(false);
        }
        Ok(report)
    }

    pub(crate) fn listed(&self, query: &PageQuery) -> Result<Page> {
        let first = PageQuery {
            cursor: None,
            limit: query.limit,
        };
        let large = query.limit > MAX_PAGE_SIZE;
        let small = query.limit == 1;
        if self.is("cursor-of-one-connection") && query.cursor.is_some() && !self.has_note {
            return Err(other(FailureKind::InvalidCursor));
        }
        let mut page = match self.inner.list(query) {
            Err(failed) if failed.kind == FailureKind::InvalidCursor => match self.fault.as_str() {
                "foreign-cursor-starts-over" => self.inner.list(&first)?,
                "foreign-cursor-ends" => page(Vec::new()),
                "code-is-a-sentence" => {
                    let mut failed = failed;
                    failed.code = Some("No such page.".to_owned());
                    return Err(failed);
                }
                _ => return Err(failed),
            },
            listed => listed?,
        };
        match self.fault.as_str() {
            "every-page-the-first" if small => page.accounts = self.inner.list(&first)?.accounts,
            "every-second-page-left-out" if small && page.next.is_some() => {
                page.next = self
                    .inner
                    .list(&PageQuery {
                        cursor: page.next,
                        limit: 1,
                    })?
                    .next;
            }
            "large-page-refused" if large => return Err(other(FailureKind::InvalidAccount)),
            "large-page-empty" if large => page.accounts.clear(),
            "list-without-the-inactive" => {
                page.accounts
                    .retain(|listed| listed.status == AccountStatus::Active);
            }
            "list-ends-early" if !small => {
                page.accounts.truncate(2);
                page.next = None;
            }
            "list-shows-less" => {
                page.accounts = page
                    .accounts
                    .into_iter()
                    .map(|a| without(a, SHORT))
                    .collect();
            }
            _ => {}
        }
        page.accounts = page.accounts.into_iter().map(widened).collect();
        Ok(page)
    }

    pub(crate) fn got(&self, id: &str) -> Result<Account> {
        if self.is("memory")
            && let Some(question) = id.strip_prefix("memory-")
        {
            return self.remembered(question);
        }
        if self.is("part-of-an-id-is-enough") && id.contains('?') {
            let part = id.split('?').next().unwrap_or_default();
            let mut account = self.inner.get(part)?;
            account.id = id.to_owned();
            return Ok(widened(account));
        }
        if self.is("impossible-ids-are-sent") && !is_id(id) {
            let answer = self.send(Method::Get, &format!("/{id}"), None)?;
            return Err(other(match answer.status {
                404 => FailureKind::NotFound,
                _ => FailureKind::MalformedAnswer,
            }));
        }
        let account = self.inner.get(id).map_err(|mut failed| {
            if failed.kind == FailureKind::NotFound {
                match self.fault.as_str() {
                    "unknown-id-is-unavailable" => failed.kind = FailureKind::Unavailable,
                    "failure-without-words" => failed.message.clear(),
                    _ => {}
                }
            }
            failed
        })?;
        let account = widened(account);
        Ok(if self.is("get-shows-less") {
            without(account, SHORT)
        } else {
            account
        })
    }

    pub(crate) fn found(&self, name: &str, value: &Value) -> Result<Option<Account>> {
        let text = match value {
            Value::Text(text) => text.as_str(),
            _ => "",
        };
        let key = matches!(name, "userName" | "externalId");
        match self.fault.as_str() {
            "anything-is-a-key" if !key => return Ok(None),
            "one-key-finds-nobody" if name == "externalId" => return Ok(None),
            "quotes-end-a-search" if text.contains('"') => {
                return Err(other(FailureKind::MalformedAnswer));
            }
            _ => {}
        }
        let found = self.inner.find(name, value)?;
        let as_written = |found: &Account| {
            let mut held = found.attributes.iter();
            held.any(|held| held.name == name && held.values.contains(value))
        };
        match found {
            None if self.is("nobody-is-a-failure") && name == "userName" => {
                Err(other(FailureKind::NotFound))
            }
            None if self.is("case-never-counts") && name == "externalId" => {
                let all = self.inner.list(&PageQuery {
                    cursor: None,
                    limit: MAX_PAGE_SIZE,
                })?;
                let mut all = all.accounts.into_iter().map(widened);
                Ok(all.find(|account| {
                    account.attributes.iter().any(|held| {
                        held.name == name
                            && held.values.iter().any(|held| {
                                matches!(held, Value::Text(held) if held.eq_ignore_ascii_case(text))
                            })
                    })
                }))
            }
            Some(found) if self.is("case-always-counts") && !as_written(&found) => Ok(None),
            Some(found) if self.is("find-shows-less") => Ok(Some(without(widened(found), SHORT))),
            found => Ok(found.map(widened)),
        }
    }
}
