//! The operations that write.
//!
//! A success is no proof and a lost answer is no failure: what counts is what the service
//! shows afterwards. A create is sent once; where its answer is lost, the account is looked
//! for, and where reading proves nothing, the outcome is unknown.

use crate::connection::{Connection, Result, check_id};
use crate::contract::manifest::Uniqueness;
use crate::contract::{
    Account, Deletion, Draft, Edits, Effect, Failure, FailureKind, Notice, Outcome, RetryAdvice,
    Value,
};
use crate::exchange::{self, Response, Transport, Written};
use crate::failure::{self, Asked, Failed, failure, invalid, outcome_unknown, problem};
use crate::service::{self, TITLE};
use crate::wish::{Plan, Wish, spec, values};

/// Waits before each read that looks for the effect of a write, in milliseconds. A read
/// straight after may be stale, so one miss proves nothing.
const SETTLING: [u32; 4] = [0, 500, 2_000, 5_000];

/// How often a lost race is run again.
const MOST_RACES: usize = 3;

impl<T: Transport> Connection<T> {
    /// A new account.
    ///
    /// # Errors
    ///
    /// `invalid-account` before anything is sent; `already-exists`, `held-elsewhere`;
    /// `outcome-unknown`; `unsupported` where the service dropped a part of it.
    pub fn create(&self, draft: &Draft) -> Result<Outcome> {
        let asked = Asked::Create;
        let wish = Wish::from_draft(&self.manifest, draft)
            .map_err(|problems| invalid(FailureKind::InvalidAccount, problems))?;
        let request = service::create_request(&self.tenant, &wish);
        let mut notices = Vec::new();
        let account = match self.write(asked, request)? {
            Written::Accepted(response) => self.created(&wish, &response)?,
            Written::Refused(response) => {
                let failed = service::failure(asked, &response);
                return Err(self.with_holder(&wish, None, failed));
            }
            Written::Lost(lost) => {
                notices.push(found_by_reading());
                self.recover(&wish, &lost)?
            }
        };
        Ok(self.outcome(&wish, account, Effect::Created, notices))
    }

    /// Changes an account: reads, sends what differs, looks whether it is so.
    ///
    /// # Errors
    ///
    /// `not-found`, `invalid-account`, `precondition-failed`, and those of `create`.
    pub fn update(&self, id: &str, edits: &Edits) -> Result<Outcome> {
        let asked = Asked::Update;
        let refuse = |problems| invalid(FailureKind::InvalidAccount, problems);
        check_id(id)?;
        let plan = Plan::from_edits(&self.manifest, edits).map_err(refuse)?;
        let mut now = self.account(id, 0)?;
        let expected = edits.expected_version.as_ref();
        if expected.is_some_and(|version| now.version.as_ref() != Some(version)) {
            return Err(moved_on());
        }
        let mut lost_a_race = None;
        for _ in 0..MOST_RACES {
            let change = plan.against(&self.manifest, &now).map_err(refuse)?;
            if change.is_empty() {
                // Someone else's doing, or that of our own request, delivered twice.
                let (effect, notices) = match lost_a_race {
                    Some(_) => (Effect::Updated, vec![found_by_reading()]),
                    None => (Effect::Unchanged, Vec::new()),
                };
                return Ok(self.outcome(&change, now, effect, notices));
            }
            if lost_a_race.is_some() && expected.is_some() {
                break;
            }
            let request = service::update_request(&self.tenant, &now, &change);
            match self.write(asked, request)? {
                Written::Accepted(response) => {
                    let account = self.changed(id, &change, &response)?;
                    return Ok(self.outcome(&change, account, Effect::Updated, Vec::new()));
                }
                Written::Lost(lost) => {
                    let account = self.until_met(id, &change).0;
                    let account = account.ok_or_else(|| outcome_unknown(asked, &lost, Some(id)))?;
                    let notices = vec![found_by_reading()];
                    return Ok(self.outcome(&change, account, Effect::Updated, notices));
                }
                Written::Refused(response) => {
                    let failed = service::failure(asked, &response);
                    if failed.kind != FailureKind::PreconditionFailed {
                        return Err(self.with_holder(&change, Some(id), failed));
                    }
                    now = self.account(id, 0)?;
                    lost_a_race = Some(failed);
                }
            }
        }
        Err(lost_a_race.unwrap_or_else(moved_on))
    }

    /// Deletes an account, and looks whether it is gone.
    ///
    /// # Errors
    ///
    /// `invalid-account` where the id can name no account; `outcome-unknown`.
    pub fn delete(&self, id: &str) -> Result<Deletion> {
        let asked = Asked::Delete;
        check_id(id)?;
        let request = service::delete_request(&self.tenant, id);
        let lost = match self.write(asked, request)? {
            Written::Accepted(response) => unseen(asked, &response),
            Written::Refused(response) => {
                let failed = service::failure(asked, &response);
                if failed.kind == FailureKind::NotFound {
                    return Ok(Deletion::Gone);
                }
                return Err(failed);
            }
            Written::Lost(lost) => lost,
        };
        for delay in SETTLING {
            match self.account(id, delay) {
                Err(failed) if failed.kind == FailureKind::NotFound => return Ok(Deletion::Gone),
                Err(failed) if !is_passing(&failed) => break,
                _ => {}
            }
        }
        Err(outcome_unknown(asked, &lost, Some(id)))
    }

    fn write(&self, asked: Asked, request: exchange::Request) -> Result<Written> {
        exchange::write(&self.transport, &self.manifest, asked, request)
    }

    /// The account that a success made: as the answer shows it, else as it can be read.
    fn created(&self, wish: &Wish, response: &Response) -> Result<Account> {
        let asked = Asked::Create;
        let shown = service::read_account(response);
        let Some(shown) = shown.filter(|account| self.is_named(wish, account)) else {
            return self.recover(wish, &unseen(asked, response));
        };
        if wish.unmet(&self.manifest, &shown).is_empty() {
            return Ok(shown);
        }
        match self.until_met(&shown.id, wish) {
            (Some(account), _) => Ok(account),
            (None, Some(last)) => Err(self.ignored(wish, &last)),
            (None, None) => Err(outcome_unknown(
                asked,
                &unseen(asked, response),
                Some(&shown.id),
            )),
        }
    }

    /// After a lost answer: looks for the account until it shows. Who has the name and is not
    /// what was asked for proves nothing.
    fn recover(&self, wish: &Wish, lost: &Failure) -> Result<Account> {
        let mut other = None;
        if let Some((name, value)) = self.unique(wish).next() {
            for delay in SETTLING {
                match self.search(name, value, delay) {
                    Ok(Some(found)) if wish.unmet(&self.manifest, &found).is_empty() => {
                        return Ok(found);
                    }
                    Ok(Some(found)) => other = Some(found.id),
                    Ok(None) => {}
                    Err(failed) if is_passing(&failed) => {}
                    Err(_) => break,
                }
            }
        }
        Err(outcome_unknown(Asked::Create, lost, other.as_deref()))
    }

    /// The account after an accepted change.
    fn changed(&self, id: &str, change: &Wish, response: &Response) -> Result<Account> {
        let shown = service::read_account(response).filter(|account| account.id == id);
        let met = |account: &Account| change.unmet(&self.manifest, account).is_empty();
        if let Some(shown) = shown.filter(met) {
            return Ok(shown);
        }
        match self.until_met(id, change) {
            (Some(account), _) => Ok(account),
            // 202 only promises to look at it (RFC 9110 §15.3.3).
            (None, Some(last)) if response.status != 202 => Err(self.ignored(change, &last)),
            _ => {
                let asked = Asked::Update;
                Err(outcome_unknown(asked, &unseen(asked, response), Some(id)))
            }
        }
    }

    /// Reads until the account is as wished, or for as long as makes sense: that account; and
    /// as it was last, where it was seen more than once, since once may be a stale read.
    fn until_met(&self, id: &str, wish: &Wish) -> (Option<Account>, Option<Account>) {
        let (mut last, mut seen) = (None, 0);
        for delay in SETTLING {
            match self.account(id, delay) {
                Ok(account) if wish.unmet(&self.manifest, &account).is_empty() => {
                    return (Some(account), None);
                }
                Ok(account) => {
                    last = Some(account);
                    seen += 1;
                }
                // An account so new that it does not show yet.
                Err(failed) if failed.kind == FailureKind::NotFound => {}
                Err(failed) if is_passing(&failed) => {}
                Err(_) => break,
            }
        }
        (None, last.filter(|_| seen > 1))
    }

    /// A taken value: who has it?
    fn with_holder(&self, wish: &Wish, own: Option<&str>, mut failed: Failed) -> Failed {
        if failed.kind != FailureKind::AlreadyExists {
            return failed;
        }
        let keys = &self.manifest.lookup_keys;
        let unique = |name: &str| {
            spec(&self.manifest, name).is_some_and(|spec| spec.uniqueness != Uniqueness::None)
        };
        let mut names = wish.values.iter().map(|(name, _)| name);
        let mut sure = !names.any(|name| unique(name) && !keys.contains(name));
        for (name, value) in self.unique(wish) {
            match self.search(name, value, 0) {
                Ok(Some(holder)) if Some(holder.id.as_str()) != own => {
                    failed.message = format!("{TITLE} already has an account with this {name}.");
                    failed.account = Some(holder.id);
                    return failed;
                }
                Ok(_) => {}
                Err(_) => sure = false,
            }
        }
        if sure {
            failed.kind = FailureKind::HeldElsewhere;
            failed.message = format!(
                "{TITLE} says that a value is taken, and shows nobody who has it: an account that \
                 this connection cannot see. ({})",
                failed.message
            );
        }
        failed
    }

    /// The wish's unique values by which an account can be found, the usual one first.
    fn unique<'a>(&'a self, wish: &'a Wish) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.manifest.lookup_keys.iter().filter_map(|name| {
            let spec = spec(&self.manifest, name)?;
            let value = wish.get(name)?.first()?;
            (spec.uniqueness != Uniqueness::None).then_some((name.as_str(), value))
        })
    }

    /// Whether it has the names that were asked for.
    fn is_named(&self, wish: &Wish, account: &Account) -> bool {
        let unmet = wish.unmet(&self.manifest, account);
        self.unique(wish).all(|(name, _)| unmet.get(name).is_none())
    }

    /// The service took the request and left a part of it out.
    fn ignored(&self, wish: &Wish, account: &Account) -> Failed {
        let unmet = wish.unmet(&self.manifest, account);
        let names = unmet.names();
        let message = format!(
            "{TITLE} answered with success and did not store {}. Leave it out, or set it there.",
            names.join(", ")
        );
        let problem = |name: &&str| problem(name, "attribute-ignored", "It was not stored.");
        let mut failed = failure(FailureKind::Unsupported, message);
        failed.code = Some("attribute-ignored".to_owned());
        failed.problems = names.iter().map(problem).collect();
        failed.retry = RetryAdvice::AfterRepair;
        failed.account = Some(account.id.clone());
        failed
    }

    fn outcome(
        &self,
        wish: &Wish,
        account: Account,
        effect: Effect,
        mut notices: Vec<Notice>,
    ) -> Outcome {
        for (name, wanted) in &wish.values {
            let stored = values(&account, name);
            if !wanted.iter().all(|value| stored.contains(value)) {
                notices.push(Notice {
                    code: "stored-differently".to_owned(),
                    attribute: Some(name.clone()),
                    message: format!("{TITLE} stores {name} in a spelling of its own."),
                });
            }
        }
        Outcome {
            account,
            effect,
            notices,
        }
    }
}

/// A write that was taken, as far as its answer tells, and does not show.
fn unseen(asked: Asked, response: &Response) -> Failed {
    failure::malformed(asked, response, "success, which nothing shows yet")
}

fn found_by_reading() -> Notice {
    Notice {
        code: "answer-lost".to_owned(),
        attribute: None,
        message: "The answer was lost; reading showed that it was done.".to_owned(),
    }
}

fn moved_on() -> Failed {
    let mut failed = failure(
        FailureKind::PreconditionFailed,
        "The account is no longer in the version that was expected. Read it and decide anew.",
    );
    failed.retry = RetryAdvice::AfterMs(0);
    failed
}

/// What is worth another look; everything else stays as it is however often one looks.
fn is_passing(failed: &Failure) -> bool {
    matches!(
        failed.kind,
        FailureKind::Unavailable | FailureKind::MalformedAnswer | FailureKind::RateLimited
    )
}
