//! One tenant of the service, and the operations that read. Nothing that the service answers
//! is taken on faith: an account is the one that was asked for, a page ends, a search is looked
//! through again.

use crate::contract::manifest::{Manifest, ValueType};
use crate::contract::{
    Account, CheckReport, FailureKind, Page, PageQuery, RetryAdvice, SettingValue, Value,
};
use crate::exchange::{self, Transport, is_id};
use crate::failure::{self, Asked, Failed, failure, invalid, problem};
use crate::service::{self, TITLE, Tenant};
use crate::settings::Settings;
use crate::wish::{same, spec, values};

/// What every operation gives.
pub type Result<T> = core::result::Result<T, Failed>;

/// How many pages a search is followed for, where the service shows more than was asked for.
const MOST_SEARCHED: usize = 50;

/// One tenant.
#[derive(Debug)]
pub struct Connection<T> {
    pub(crate) manifest: Manifest,
    pub(crate) tenant: Tenant,
    pub(crate) transport: T,
    bases: Vec<String>,
}

impl<T: Transport> Connection<T> {
    /// Reads the settings; sends nothing.
    ///
    /// # Errors
    ///
    /// `invalid-settings`, with every problem at once.
    pub fn open(settings: &[SettingValue], transport: T) -> Result<Self> {
        let manifest = service::manifest();
        let refuse = |problems| invalid(FailureKind::InvalidSettings, problems);
        let settings = Settings::read(&manifest, settings).map_err(refuse)?;
        let tenant = service::tenant(&settings).map_err(refuse)?;
        Ok(Self {
            manifest,
            tenant,
            transport,
            bases: settings.bases().to_vec(),
        })
    }

    /// The prefixes that every request stays under.
    #[must_use]
    pub fn reach(&self) -> Vec<String> {
        self.bases.clone()
    }

    /// Whether the settings and the credential are good.
    ///
    /// # Errors
    ///
    /// What the service says against them.
    pub fn check(&self) -> Result<CheckReport> {
        let asked = Asked::Check;
        let response = self.read(asked, service::check_request(&self.tenant), 0)?;
        service::read_check(&response)
            .ok_or_else(|| failure::malformed(asked, &response, "something else"))
    }

    /// One page of all accounts.
    ///
    /// # Errors
    ///
    /// `invalid-cursor`; `malformed-answer` where the service's pages lead nowhere.
    pub fn list(&self, query: &PageQuery) -> Result<Page> {
        let limit = query.limit.clamp(1, self.manifest.max_page_size);
        let cursor = query.cursor.as_deref();
        let request = service::list_request(&self.tenant, cursor, limit);
        let page = self.page(Asked::List, request, cursor, 0)?;
        if page.accounts.len() > usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(page_fault(&format!(
                "shows {} accounts where {limit} were asked for",
                page.accounts.len()
            )));
        }
        Ok(page)
    }

    /// One account by its id.
    ///
    /// # Errors
    ///
    /// `not-found`; `invalid-account` where the id can name no account.
    pub fn get(&self, id: &str) -> Result<Account> {
        check_id(id)?;
        self.account(id, 0)
    }

    /// The one account that has this value.
    ///
    /// # Errors
    ///
    /// `ambiguous` where several have it; `unsupported` where `name` is no lookup key.
    pub fn find(&self, name: &str, value: &Value) -> Result<Option<Account>> {
        let keys = &self.manifest.lookup_keys;
        if !keys.iter().any(|key| key == name) {
            let message = format!(
                "Accounts are found by {}, not by {name}.",
                keys.join(" or ")
            );
            let mut failed = failure(FailureKind::Unsupported, message);
            failed.code = Some("no-lookup-key".to_owned());
            return Err(failed);
        }
        let typed = spec(&self.manifest, name).map(|spec| (spec.value_type, value));
        let good = match typed {
            Some((ValueType::Text, Value::Text(text))) => !text.trim().is_empty(),
            Some((ValueType::Boolean, Value::Boolean(_))) => true,
            Some((ValueType::Integer, Value::Integer(_))) => true,
            _ => false,
        };
        if !good {
            let problem = problem(name, "wrong-type", "Nobody can have this value.");
            return Err(invalid(FailureKind::InvalidAccount, vec![problem]));
        }
        self.search(name, value, 0)
    }

    /// Looks for a value. Every hit is looked at again, since a service may ignore its own
    /// filter; then its pages are followed, and whoever has the value found among them.
    pub(crate) fn search(
        &self,
        name: &str,
        value: &Value,
        delay_ms: u32,
    ) -> Result<Option<Account>> {
        let Some(spec) = spec(&self.manifest, name) else {
            return Ok(None);
        };
        let wanted = std::slice::from_ref(value);
        let mut found: Option<Account> = None;
        let mut cursor: Option<String> = None;
        let mut delay_ms = delay_ms;
        for _ in 0..MOST_SEARCHED {
            let from = cursor.as_deref();
            let request = service::search_request(&self.tenant, name, value, from);
            let page = self.page(Asked::Search, request, from, delay_ms)?;
            for account in page.accounts {
                let has = values(&account, name).iter();
                let mut has = has.filter(|held| same(spec, std::slice::from_ref(*held), wanted));
                if has.next().is_none() {
                    continue;
                }
                if found.as_ref().is_some_and(|other| other.id != account.id) {
                    let message = format!("{TITLE} has several accounts with this {name}.");
                    return Err(failure(FailureKind::Ambiguous, message));
                }
                found = Some(account);
            }
            cursor = page.next;
            delay_ms = 0;
            if cursor.is_none() {
                return Ok(found);
            }
        }
        let message = format!(
            "{TITLE} answers a search with more accounts than can be looked through, so that who \
             has this {name} is not certain."
        );
        Err(failure(FailureKind::Unsupported, message))
    }

    /// One account, whose id must be one.
    pub(crate) fn account(&self, id: &str, delay_ms: u32) -> Result<Account> {
        let asked = Asked::Get;
        let request = service::get_request(&self.tenant, id);
        let response = self.read(asked, request, delay_ms)?;
        match service::read_account(&response) {
            Some(account) if account.id == id => Ok(account),
            Some(_) => Err(failure::malformed(asked, &response, "another account")),
            None => Err(failure::malformed(asked, &response, "no account")),
        }
    }

    pub(crate) fn read(
        &self,
        asked: Asked,
        request: exchange::Request,
        delay_ms: u32,
    ) -> Result<Box<exchange::Response>> {
        exchange::read(&self.transport, &self.manifest, asked, request, delay_ms)
    }

    fn page(
        &self,
        asked: Asked,
        request: exchange::Request,
        cursor: Option<&str>,
        delay_ms: u32,
    ) -> Result<Page> {
        const LONGEST_CURSOR: usize = 4_096;

        let response = self.read(asked, request, delay_ms)?;
        let mut page = service::read_page(&response)
            .ok_or_else(|| failure::malformed(asked, &response, "no page of accounts"))?;
        match page.next.as_deref() {
            Some(next) if Some(next) == cursor => {
                return Err(page_fault("names itself as the next one"));
            }
            Some(next) if next.is_empty() || next.len() > LONGEST_CURSOR => {
                return Err(page_fault("names a next one that cannot be asked for"));
            }
            _ => {}
        }
        let mut accounts: Vec<Account> = Vec::with_capacity(page.accounts.len());
        for account in page.accounts {
            if !accounts.iter().any(|known| known.id == account.id) {
                accounts.push(account);
            }
        }
        page.accounts = accounts;
        Ok(page)
    }
}

pub(crate) fn check_id(id: &str) -> Result<()> {
    if is_id(id) {
        return Ok(());
    }
    let problem = problem("id", "malformed", "This can name no account.");
    Err(invalid(FailureKind::InvalidAccount, vec![problem]))
}

fn page_fault(what: &str) -> Failed {
    let message = format!("A page of {TITLE} {what}, so that accounts would be left out.");
    let mut failed = failure(FailureKind::MalformedAnswer, message);
    failed.code = Some("paging".to_owned());
    failed.retry = RetryAdvice::AfterRepair;
    failed
}
