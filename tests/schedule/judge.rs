//! What has to hold after each operation, by what the tenant held before and holds after, and by
//! its log in between:
//!
//! * what was reported done is done, wholly;
//! * what was reported failed is not done, not even a part, unless the failure leaves that open
//!   ([`is_unsettled`]);
//! * nothing else of the person's account changed, and nobody who is there is said not to be.
//!
//! What no client can tell is excused and counted: a stale read that was struck may make
//! somebody invisible who is there, and a request that the network delivered twice may make two
//! accounts where names are not unique.

use std::collections::{BTreeMap, BTreeSet};

use host_harness::Failure;
use host_harness::contract::{Account, AccountStatus, Deletion, Effect, Outcome};
use serde_json::Value as Json;
use simulated_8x8::{Delivery, FaultEffect, Received};

use super::people::{Person, is_of_another_writer};
use super::plan::Plan;
use super::report::Violation;
use super::worker::{Done, Operation, id};
use crate::stage::{held, is_active, stored};

/// What a worker has found so far.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) violations: Vec<Violation>,
    pub(crate) done: usize,
    pub(crate) failed: usize,
    pub(crate) unsettled: usize,
    /// Not judged wrong, though it would have been without the fault that was struck.
    pub(crate) excused: usize,
}

/// One operation, seen from the tenant.
pub(crate) struct Window<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) person: &'a Person,
    pub(crate) operation: &'a Operation,
    /// The person's accounts.
    pub(crate) before: &'a [Json],
    pub(crate) after: &'a [Json],
    /// Ids of accounts that the person had.
    pub(crate) gone: &'a [String],
    /// What the tenant received meanwhile, of all workers.
    pub(crate) log: &'a [Received],
    /// How many users there were all the time.
    pub(crate) everybody: usize,
}

/// A failure that says that the operation may have been done, wholly or in part.
pub(crate) fn is_unsettled(failure: &Failure) -> bool {
    matches!(
        failure.kind(),
        "outcome-unknown" | "deadline-exceeded" | "limit-reached" | "cancelled"
    )
}

impl Window<'_> {
    fn struck(&self, is_it: impl Fn(&FaultEffect) -> bool) -> usize {
        let faults = self
            .log
            .iter()
            .filter_map(|received| received.fault.as_ref());
        faults.filter(|fault| is_it(fault)).count()
    }

    /// Stale reads meanwhile, be they this worker's or another's.
    fn stale(&self) -> usize {
        self.struck(|fault| *fault == FaultEffect::StaleRead)
    }

    /// Second deliveries of requests that create this person.
    fn redelivered_creates(&self) -> usize {
        let creates = self.log.iter().filter(|received| {
            received.redelivered && received.method == "POST" && self.names(received)
        });
        creates.count()
    }

    fn names(&self, received: &Received) -> bool {
        user_name(received).as_deref() == Some(self.person.user_name.as_str())
    }

    /// Requests about one of the person's accounts by id.
    fn about(&self, id: &str) -> impl Iterator<Item = &Received> {
        let end = format!("/Users/{id}");
        self.log
            .iter()
            .filter(move |received| received.path.ends_with(&end))
    }

    fn others_wrote(&self, id: &str) -> bool {
        self.about(id)
            .any(|received| received.fault == Some(FaultEffect::OtherWriter))
    }

    fn new_accounts(&self) -> Vec<&Json> {
        let was = |user: &&Json| self.before.iter().any(|known| known["id"] == user["id"]);
        self.after.iter().filter(|user| !was(user)).collect()
    }
}

/// The userName in the body of a create.
pub(crate) fn user_name(received: &Received) -> Option<String> {
    let body: Json = serde_json::from_slice(&received.body).ok()?;
    Some(body["userName"].as_str()?.to_owned())
}

/// Everything that is wrong.
pub(crate) fn judge(
    window: &Window<'_>,
    result: &Result<Done, Failure>,
    judged: &mut Judged,
) -> Vec<String> {
    let mut court = Court {
        window,
        wrongs: Vec::new(),
        excused: 0,
    };
    match result {
        Ok(done) => {
            judged.done += 1;
            court.done(done);
        }
        Err(failure) if is_unsettled(failure) => {
            judged.unsettled += 1;
            court.unsettled();
        }
        Err(failure) => {
            judged.failed += 1;
            court.failed(failure);
        }
    }
    judged.excused += court.excused;
    court.wrongs
}

struct Court<'a> {
    window: &'a Window<'a>,
    wrongs: Vec<String>,
    excused: usize,
}

impl Court<'_> {
    fn wrong(&mut self, what: impl Into<String>) {
        self.wrongs.push(what.into());
    }

    fn wrong_unless(&mut self, excused: bool, what: impl Into<String>) {
        if excused {
            self.excused += 1;
        } else {
            self.wrong(what);
        }
    }

    fn done(&mut self, done: &Done) {
        let window = self.window;
        match (window.operation, done) {
            // One read was enough to see that nothing is to be done; it may have been stale.
            (
                Operation::Provision(_) | Operation::Update(..) | Operation::Deprovision,
                Done::Outcome(outcome) | Done::Deprovisioned(Some(outcome)),
            ) if outcome.effect == Effect::Unchanged && window.stale() > 0 => {
                self.excused += 1;
            }
            // The answer was lost, and a stale read showed an older state that was the wanted
            // one too: a proof that is none, and nobody can tell.
            (
                Operation::Provision(_) | Operation::Update(..) | Operation::Deprovision,
                Done::Outcome(outcome) | Done::Deprovisioned(Some(outcome)),
            ) if is_found_by_reading(outcome) && window.stale() > 0 => self.excused += 1,
            (Operation::Delete(_), Done::Deleted(Deletion::Kept(outcome)))
                if is_found_by_reading(outcome) && window.stale() > 0 =>
            {
                self.excused += 1;
            }
            (Operation::Create(wanted), Done::Outcome(outcome)) => {
                if outcome.effect != Effect::Created {
                    self.wrong("a create that created nothing");
                }
                self.created(outcome);
                self.holds(&outcome.account.id, &all(wanted), Some(true));
            }
            (Operation::Provision(wanted), Done::Outcome(outcome)) => {
                match (outcome.effect, window.before) {
                    (Effect::Created, _) => self.created(outcome),
                    (_, [_]) => self.nobody_new(),
                    // Made by a delivery of the create whose answer said "taken".
                    _ => self.made_by_redelivery(),
                }
                self.holds(&outcome.account.id, &all(wanted), Some(true));
            }
            (Operation::Update(id, changes, status), Done::Outcome(outcome)) => {
                self.nobody_new();
                if outcome.account.id != *id {
                    self.wrong("the outcome is about another account");
                }
                self.holds(id, changes, *status);
            }
            (Operation::Deprovision, Done::Deprovisioned(outcome)) => {
                self.nobody_new();
                match outcome {
                    Some(outcome) => {
                        let nothing = BTreeMap::new();
                        self.holds(&outcome.account.id, &nothing, Some(false));
                    }
                    None => {
                        let excused = window.before.is_empty() || window.stale() > 0;
                        self.unless_there(excused, "somebody who is there was not deprovisioned");
                    }
                }
            }
            (Operation::Delete(id), Done::Deleted(deletion)) => {
                self.nobody_new();
                self.deleted(id, deletion);
            }
            (Operation::Find(_), Done::Account(found)) => {
                self.untouched();
                match found {
                    Some(account) => self.shows(account),
                    None => {
                        let excused = window.before.is_empty() || window.stale() > 0;
                        self.unless_there(excused, "somebody who is there was not found");
                    }
                }
            }
            (Operation::Get(id), Done::Account(Some(account))) => {
                self.untouched();
                if account.id != *id {
                    self.wrong("another account than asked for");
                }
                self.shows(account);
            }
            (Operation::List, Done::Listed(accounts)) => {
                self.untouched();
                self.listed(accounts);
            }
            other => self.wrong(format!("{other:?} is no answer to that")),
        }
    }

    /// An excuse counts only where there is something to excuse.
    fn unless_there(&mut self, excused: bool, what: &str) {
        if !self.window.before.is_empty() {
            self.wrong_unless(excused, what);
        }
    }

    fn failed(&mut self, failure: &Failure) {
        let window = self.window;
        match failure.kind() {
            "connector-fault" | "invalid-settings" | "dry-run" => {
                self.wrong("a failure that there is no reason for");
            }
            "invalid-account" if !window.plan.refuses_edits() => {
                // A change made from a stale read may not fit what is there.
                let stale = window.stale() > 0;
                self.wrong_unless(stale, "the values are good, and were not accepted");
            }
            "ambiguous" if window.before.len() < 2 && window.after.len() < 2 => {
                self.wrong_unless(window.stale() > 0, "one account was taken for several");
            }
            "not-found" if !window.before.is_empty() && !window.after.is_empty() => {
                self.wrong_unless(window.stale() > 0, "somebody who is there was not found");
            }
            // Looked at twice before it is said.
            "held-elsewhere" if !window.after.is_empty() => self.wrong_unless(
                window.stale() > 1,
                "an account of this tenant was said to be held elsewhere",
            ),
            "already-exists" => {
                let known = |id: &str| {
                    let there = window.after.iter().any(|user| user["id"] == id);
                    there || window.gone.iter().any(|gone| gone == id)
                };
                if failure.account().is_some_and(|id| !known(id)) {
                    self.wrong("somebody else's account was said to be in the way");
                }
                if window.after.is_empty() && window.before.is_empty() {
                    self.wrong("nobody was in the way");
                }
            }
            _ => {}
        }
        if failure.code() == Some("attribute-ignored") {
            self.ignored(failure);
            return;
        }
        if failure.code() == Some("not-served") && window.stale() > 1 {
            // Two reads showed who was gone by a first delivery of the deletion.
            self.excused += 1;
            return;
        }
        let excuse = window.struck(|fault| *fault == FaultEffect::Twice(Delivery::Last)) > 0
            && window.redelivered_creates() > 0;
        for new in window.new_accounts() {
            let is_named = failure.account() == Some(id(new));
            let what = format!("reported failed, and {} was made", id(new));
            self.wrong_unless(excuse && (is_named || failure.kind() != "other"), what);
        }
        for before in window.before {
            if !excuse || !window.new_accounts().is_empty() {
                self.as_before(before, "reported failed");
            }
        }
    }

    /// `attribute-ignored` names what was not stored; the rest was.
    fn ignored(&mut self, failure: &Failure) {
        let window = self.window;
        let (mut wanted, status) = self.asked();
        let names: BTreeSet<&str> = failure
            .problems()
            .iter()
            .map(|problem| problem.name.as_str())
            .collect();
        let Some(account) = failure.account() else {
            return self.wrong("an attribute was ignored, nobody knows whose");
        };
        let Some(user) = window.after.iter().find(|user| user["id"] == account) else {
            return self.wrong("an attribute of nobody was ignored");
        };
        let now = stored(user);
        for name in &names {
            let asked = match *name {
                "active" => status == Some(is_active(user)),
                name => wanted
                    .get(name)
                    .is_some_and(|asked| asked.as_ref() == now.get(name)),
            };
            if asked {
                // More than one read is made before this is said.
                let what = format!("{name} was said to be ignored, and was stored");
                self.wrong_unless(window.stale() > 1, what);
            }
        }
        wanted.retain(|name, _| !names.contains(name.as_str()));
        let status = status.filter(|_| !names.contains("active"));
        self.between(account, &wanted, status);
    }

    /// It may have been done, wholly or in part, and nothing else may.
    fn unsettled(&mut self) {
        let window = self.window;
        let creates = matches!(
            window.operation,
            Operation::Create(_) | Operation::Provision(_)
        );
        let (wanted, status) = self.asked();
        let new = window.new_accounts();
        let most = usize::from(creates && (window.before.is_empty() || self.blind()));
        if new.len() > most + self.doubles() {
            self.wrong(format!("{} accounts more", new.len()));
        }
        for user in window.after {
            self.between(id(user), &wanted, status);
        }
        let deletes = matches!(window.operation, Operation::Delete(_));
        if !deletes && window.after.len() < window.before.len() {
            self.wrong("an account is gone");
        }
    }

    /// What was asked for: of attributes and status.
    fn asked(&self) -> (BTreeMap<String, Option<String>>, Option<bool>) {
        match self.window.operation {
            Operation::Create(wanted) | Operation::Provision(wanted) => (all(wanted), Some(true)),
            Operation::Update(_, changes, status) => (changes.clone(), *status),
            Operation::Deprovision | Operation::Delete(_) => (BTreeMap::new(), Some(false)),
            _ => (BTreeMap::new(), None),
        }
    }

    /// Whether the upstream showed nobody who is there, and would take a second account.
    fn blind(&self) -> bool {
        self.window.plan.names_not_unique() && self.window.stale() > 0
    }

    /// Accounts that the network alone made too many.
    fn doubles(&self) -> usize {
        if self.window.plan.names_not_unique() {
            self.window.redelivered_creates()
        } else {
            0
        }
    }

    /// Exactly one account more, and it is the outcome's.
    fn created(&mut self, outcome: &Outcome) {
        let window = self.window;
        let new = window.new_accounts();
        let was = window
            .before
            .iter()
            .any(|user| user["id"] == outcome.account.id.as_str());
        if was && is_found_by_reading(outcome) {
            // The create had no answer, and all that was asked for was there already, and
            // nothing else: nobody can tell that it was not this that made it.
            self.excused += 1;
            return self.nobody_new();
        }
        if !new.iter().any(|user| id(user) == outcome.account.id) {
            self.wrong("what was reported created is not there");
        }
        if new.len() > 1 + self.doubles() {
            self.wrong(format!("{} accounts were created", new.len()));
        }
        if !window.before.is_empty() {
            let blind = self.blind();
            self.wrong_unless(blind, "somebody who was there has a second account");
        }
    }

    fn made_by_redelivery(&mut self) {
        let window = self.window;
        let excused = window.redelivered_creates() > 0;
        if !window.new_accounts().is_empty() {
            self.wrong_unless(excused, "an account was made and reported as there before");
        }
    }

    fn nobody_new(&mut self) {
        for new in self.window.new_accounts() {
            let what = format!("{} is new", id(new));
            self.wrong(what);
        }
    }

    fn untouched(&mut self) {
        self.nobody_new();
        for before in self.window.before {
            self.as_before(before, "a reading operation");
        }
    }

    fn as_before(&mut self, before: &Json, whose: &str) {
        let window = self.window;
        let Some(after) = window.after.iter().find(|user| user["id"] == before["id"]) else {
            return self.wrong(format!("{whose}, and the account is gone"));
        };
        if is_active(after) != is_active(before) {
            self.wrong(format!("{whose}, and the status changed"));
        }
        let (mut was, mut is) = (stored(before), stored(after));
        if window.others_wrote(id(before)) {
            was.remove("title");
            is.remove("title");
        }
        if was != is {
            self.wrong(format!("{whose}, and {}", difference(&was, &is)));
        }
    }

    /// The account holds all of this, and whatever else it had.
    fn holds(&mut self, id: &str, asked: &BTreeMap<String, Option<String>>, status: Option<bool>) {
        let window = self.window;
        let Some(after) = window.after.iter().find(|user| user["id"] == id) else {
            let was = window.gone.iter().any(|gone| gone == id);
            let what = format!("reported done, and the account {id} is not there");
            return self.wrong_unless(was && window.stale() > 0, what);
        };
        if status.is_some_and(|status| status != is_active(after)) {
            self.wrong("reported done, and the status is another");
        }
        let is = stored(after);
        let others = window.others_wrote(id);
        for (name, value) in asked {
            if others && name == "title" {
                continue;
            }
            if is.get(name) != value.as_ref() {
                // The whole user was sent as a stale read had it, and another stale read
                // showed that nothing was left to do.
                let excused = window.stale() > 1 && self.puts_without_version(id);
                self.wrong_unless(
                    excused,
                    format!(
                        "reported done, and {name} is {:?} instead of {value:?}",
                        is.get(name)
                    ),
                );
            }
        }
        self.rest(after, asked, status);
    }

    /// Each attribute that was asked for is as before or as asked, and the rest as before.
    fn between(
        &mut self,
        account: &str,
        asked: &BTreeMap<String, Option<String>>,
        status: Option<bool>,
    ) {
        let window = self.window;
        let Some(after) = window.after.iter().find(|user| user["id"] == account) else {
            return;
        };
        let before = window.before.iter().find(|user| user["id"] == account);
        let was = before.map(stored);
        let is = stored(after);
        for (name, value) in asked {
            let now = is.get(name);
            let kept = was.as_ref().is_some_and(|was| was.get(name) == now);
            let by_another = name == "title" && now.is_some_and(|now| is_of_another_writer(now));
            if !kept && now != value.as_ref() && !by_another {
                self.wrong(format!("{name} became {now:?}, which nobody asked for"));
            }
        }
        self.rest(after, asked, status);
    }

    /// What was not asked for is as it was.
    fn rest(
        &mut self,
        after: &Json,
        asked: &BTreeMap<String, Option<String>>,
        status: Option<bool>,
    ) {
        let window = self.window;
        let Some(before) = window.before.iter().find(|user| user["id"] == after["id"]) else {
            return;
        };
        if status.is_none() && is_active(after) != is_active(before) {
            let excused = window.stale() > 0 && self.puts_without_version(id(before));
            self.wrong_unless(excused, "the status changed, which nobody asked for");
        }
        let (mut was, mut is) = (stored(before), stored(after));
        if window.others_wrote(id(before)) {
            self.another_writers_title(id(before), asked, is.get("title"));
            was.remove("title");
            is.remove("title");
        }
        for name in asked.keys() {
            was.remove(name);
            is.remove(name);
        }
        if was != is {
            // The whole user goes back as it was read, and nothing tells that this was stale.
            let excused = window.stale() > 0 && self.puts_without_version(id(before));
            self.wrong_unless(
                excused,
                format!("beside what was asked for, {}", difference(&was, &is)),
            );
        }
    }

    /// What somebody else wrote in between survives, unless the whole user was sent without
    /// a version to say of which state.
    fn another_writers_title(
        &mut self,
        id: &str,
        asked: &BTreeMap<String, Option<String>>,
        title: Option<&String>,
    ) {
        let puts = self.puts_without_version(id);
        let lost = !title.is_some_and(|title| is_of_another_writer(title));
        if lost && !puts && !asked.contains_key("title") {
            self.wrong("another writer's change was lost");
        }
    }

    fn puts_without_version(&self, id: &str) -> bool {
        self.window
            .about(id)
            .any(|received| received.method == "PUT" && received.header("if-match").is_none())
    }

    fn deleted(&mut self, id: &str, deletion: &Deletion) {
        let window = self.window;
        let after = window.after.iter().find(|user| user["id"] == id);
        match (deletion, after) {
            (Deletion::Gone, None) => {}
            (Deletion::Gone, Some(_)) => {
                self.wrong_unless(window.stale() > 0, "said to be gone, and is there");
            }
            (Deletion::Kept(outcome), Some(user)) => {
                if is_active(user) || outcome.account.status == AccountStatus::Active {
                    self.wrong("said to be deleted, and is active");
                }
                self.rest(user, &BTreeMap::new(), Some(false));
            }
            (Deletion::Kept(_), None) => {
                self.wrong_unless(window.stale() > 0, "said to be kept, and is gone");
            }
        }
    }

    /// What a reading operation gave is what the tenant holds, or held where it was stale.
    fn shows(&mut self, account: &Account) {
        let window = self.window;
        let user = window
            .after
            .iter()
            .find(|user| user["id"] == account.id.as_str());
        let Some(user) = user else {
            let was = window.gone.contains(&account.id);
            return self.wrong_unless(was && window.stale() > 0, "somebody else was shown");
        };
        let shown = held(account);
        if shown.get("userName") != Some(&window.person.user_name) {
            self.wrong("another person was shown");
        }
        let active = account.status == AccountStatus::Active;
        if window.stale() == 0 && (shown != stored(user) || active != is_active(user)) {
            self.wrong(format!(
                "what was shown is not so: {}",
                difference(&stored(user), &shown)
            ));
        }
    }

    /// A listing shows everybody who was there all the time; this worker's people were.
    fn listed(&mut self, accounts: &[Account]) {
        let window = self.window;
        for user in window.before {
            let shown = accounts.iter().find(|account| account.id == id(user));
            match shown {
                Some(account) => self.shows(account),
                None => self.wrong_unless(
                    window.stale() > 0 || window.plan.people_vanish(),
                    "a listing left somebody out",
                ),
            }
        }
        if accounts.len() < window.everybody {
            self.wrong_unless(
                window.stale() > 0 || window.plan.people_vanish(),
                format!(
                    "a listing showed {} of {}",
                    accounts.len(),
                    window.everybody
                ),
            );
        }
    }
}

/// Whether the answer was lost, and the outcome is what reading showed.
fn is_found_by_reading(outcome: &Outcome) -> bool {
    let mut notices = outcome.notices.iter();
    notices.any(|notice| notice.code == "answer-lost")
}

fn all(wanted: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>> {
    let given = wanted.iter();
    given
        .map(|(name, value)| (name.clone(), Some(value.clone())))
        .collect()
}

fn difference(was: &BTreeMap<String, String>, is: &BTreeMap<String, String>) -> String {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let changed: Vec<_> = names
        .into_iter()
        .filter(|name| was.get(*name) != is.get(*name))
        .map(|name| format!("{name} went from {:?} to {:?}", was.get(name), is.get(name)))
        .collect();
    changed.join(", ")
}
