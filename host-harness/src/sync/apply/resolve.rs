//! Writes that an earlier run left open: it was killed, or the answer never came. What became
//! of them is found out by reading, before anything is planned.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;

use crate::attributes::{same, spec, values};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::contract::{Account, AccountStatus, Attribute, FailureKind};
use crate::failure::Failure;
use crate::sync::Policy;
use crate::sync::clocked::{now, since};
use crate::sync::directory::{Search, find, names_nobody};
use crate::sync::error::SyncError;
use crate::sync::journal::{Conclusion, Journal, OpenStep, Outcome};
use crate::sync::report::Resolved;
use crate::sync::values::attributes_from_json;

/// How long to wait before reading once more.
const AGAIN: Duration = Duration::from_secs(2);

/// What is needed to resolve open writes.
pub(crate) struct Resolving<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) journal: &'a Journal,
    pub(crate) policy: &'a Policy,
    pub(crate) concurrency: usize,
    pub(crate) clock: Arc<dyn Clock>,
    /// So long after it was begun, a write may still come to pass.
    pub(crate) settle: Duration,
}

/// What came of resolving.
#[derive(Debug, Default)]
pub(crate) struct Resolution {
    pub(crate) resolved: Vec<Resolved>,
    /// People of whom a write is still open, and why.
    pub(crate) doubtful: HashMap<String, String>,
}

/// What reading shows.
enum Shown {
    Done(String),
    NotDone(String),
    Doubt(String),
}

/// Reads what became of every open write, and notes it.
pub(crate) async fn resolve(resolving: &Resolving<'_>) -> Result<Resolution, SyncError> {
    let open = resolving.journal.open_steps()?;
    let mut shown = futures_util::stream::iter(open)
        .map(|step| async move {
            let shown = resolving.look(&step).await;
            (step, shown)
        })
        .buffer_unordered(resolving.concurrency.max(1));
    let mut resolution = Resolution::default();
    while let Some((step, shown)) = shown.next().await {
        let (outcome, account, detail) = match shown? {
            Shown::Done(account) => (
                Outcome::Done,
                Some(account),
                "Reading shows that it was done.".to_owned(),
            ),
            Shown::NotDone(detail) => (Outcome::NotDone, None, detail),
            Shown::Doubt(detail) => (Outcome::Unknown, None, detail),
        };
        let intent = &step.intent;
        let who = [&intent.person, &intent.name, &intent.account];
        let who = who.into_iter().find_map(Option::as_ref);
        resolution.resolved.push(Resolved {
            who: who.cloned().unwrap_or_default(),
            action: intent.action.clone(),
            done: (outcome != Outcome::Unknown).then_some(outcome == Outcome::Done),
            detail: detail.clone(),
        });
        if outcome == Outcome::Unknown
            && let Some(person) = &intent.person
        {
            let doubt = format!(
                "A `{}` of an earlier run is open, and what became of it cannot be told: {detail}",
                intent.action
            );
            resolution.doubtful.insert(person.clone(), doubt);
        }
        let conclusion = Conclusion {
            at: now(&*resolving.clock),
            outcome,
            detail: Some(detail),
            link: intent.person.clone().zip(account.clone()),
            account,
            spellings: Vec::new(),
        };
        resolving.journal.conclude(step.id, &conclusion)?;
    }
    Ok(resolution)
}

impl Resolving<'_> {
    async fn look(&self, step: &OpenStep) -> Result<Shown, SyncError> {
        let wanted = attributes_from_json(&step.intent.wanted["attributes"]);
        let Some(wanted) = wanted else {
            let doubt = "the journal does not say what was wanted.";
            return Ok(Shown::Doubt(doubt.to_owned()));
        };
        loop {
            let shown = match &step.intent.account {
                Some(id) => self.changed(&step.intent.action, id, &wanted).await,
                None => self.made(&wanted).await,
            };
            let left = self
                .settle
                .saturating_sub(since(&*self.clock, &step.intent.at));
            match shown {
                // It may still be under way. Who is made anew would be there twice, and what is
                // planned to undo or outdo a change would be undone when that comes to pass.
                Ok(Shown::NotDone(_)) if !left.is_zero() => {
                    self.clock.sleep(left.min(AGAIN)).await;
                }
                Ok(shown) => return Ok(shown),
                Err(failure) if ends_the_run(&failure) => return Err(failure.into()),
                Err(failure) => return Ok(Shown::Doubt(failure.message())),
            }
        }
    }

    /// Whether an account was made: by the identity key, else by the name.
    async fn made(&self, wanted: &[Attribute]) -> Result<Shown, Failure> {
        let given = |name: &str| wanted.iter().find(|attribute| attribute.name == name);
        let keys = &self.connection.manifest().lookup_keys;
        let identity = self.policy.identity_key.as_deref().and_then(given);
        if let Some(identity) = identity.filter(|identity| keys.contains(&identity.name)) {
            match find(self.connection, identity).await? {
                Search::Found(account) => return Ok(Shown::Done(account.id)),
                Search::Several => {
                    return Ok(Shown::Doubt(format!(
                        "several accounts have the {} of this person.",
                        identity.name
                    )));
                }
                Search::Nobody | Search::Unsupported => {}
            }
        }
        let Some(name) = given(&self.policy.lookup_key) else {
            return Ok(Shown::Doubt(
                "the journal has no name to look for.".to_owned(),
            ));
        };
        Ok(match find(self.connection, name).await? {
            Search::Found(account) if self.is_ours(&account, wanted, identity) => {
                Shown::Done(account.id)
            }
            Search::Found(account) => Shown::NotDone(format!(
                "Somebody else's account, {}, has the name.",
                account.id
            )),
            Search::Nobody => Shown::NotDone("Reading does not show it.".to_owned()),
            Search::Several => Shown::Doubt("several accounts have the name.".to_owned()),
            Search::Unsupported => {
                Shown::Doubt(format!("nobody can be looked for by {} here.", name.name))
            }
        })
    }

    /// Whether an account that has the name is the one that was to be made. Nobody had the
    /// name right before the write; all the same, who they are has to agree.
    fn is_ours(
        &self,
        account: &Account,
        wanted: &[Attribute],
        identity: Option<&Attribute>,
    ) -> bool {
        let manifest = self.connection.manifest();
        let agrees = |attribute: &Attribute| {
            spec(manifest, &attribute.name)
                .is_some_and(|spec| same(spec, values(account, &attribute.name), &attribute.values))
        };
        match identity {
            Some(identity) => agrees(identity),
            None => wanted
                .iter()
                .filter(|attribute| {
                    spec(manifest, &attribute.name).is_some_and(|spec| spec.required)
                })
                .all(agrees),
        }
    }

    /// Whether an account is as it was to be. Where it is not, what is still to be done is
    /// planned anew from what is there.
    async fn changed(
        &self,
        action: &str,
        id: &str,
        wanted: &[Attribute],
    ) -> Result<Shown, Failure> {
        let account = match self.connection.get(id).await {
            Ok(account) => account,
            Err(failure) if names_nobody(&failure) => {
                return Ok(Shown::NotDone(format!("The account {id} is gone.")));
            }
            Err(failure) => return Err(failure),
        };
        let manifest = self.connection.manifest();
        let status = match action {
            "reactivate" => account.status == AccountStatus::Active,
            "deactivate" => account.status == AccountStatus::Inactive,
            _ => true,
        };
        let all = wanted.iter().all(|attribute| {
            spec(manifest, &attribute.name)
                .is_none_or(|spec| same(spec, values(&account, &attribute.name), &attribute.values))
        });
        Ok(if status && all {
            Shown::Done(account.id)
        } else {
            Shown::NotDone("Reading does not show it, or not all of it.".to_owned())
        })
    }
}

/// What would fail everything that follows, too.
fn ends_the_run(failure: &Failure) -> bool {
    failure.contract().is_some_and(|failed| {
        matches!(
            failed.kind,
            FailureKind::Unauthenticated
                | FailureKind::RefusedByHost
                | FailureKind::InvalidSettings
        )
    })
}
