//! One worker: a connection of its own, a few people to look after, and one operation after the
//! other on a person of its choice. What each operation did is judged at once, by what the
//! tenant holds; nobody else touches these people, but for the faults.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use host_harness::contract::{Account, AccountStatus, Change, Deletion, Edits, Outcome, Value};
use host_harness::provision::{Matching, deprovision, provision};
use host_harness::{Component, Connection, Failure};
use serde_json::Value as Json;
use simulated_8x8::{Received, SimulatedTenant};

use super::judge::{self, Judged, Window};
use super::people::{CHANGEABLE, CLEARABLE, Person, as_draft, as_known};
use super::plan::{Plan, Planted};
use super::report::Violation;
use crate::stage::{attribute, is_active, options};

const PEOPLE: usize = 3;

/// What is asked for, in the words of a report.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Create(BTreeMap<String, String>),
    Provision(BTreeMap<String, String>),
    /// `None` clears; the status, where it is to change.
    Update(String, BTreeMap<String, Option<String>>, Option<bool>),
    Deprovision,
    Find(&'static str),
    Get(String),
    List,
    Delete(String),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Done {
    Outcome(Outcome),
    Deprovisioned(Option<Outcome>),
    Account(Option<Account>),
    Listed(Vec<Account>),
    Deleted(Deletion),
}

pub(crate) struct Worker<'a> {
    plan: &'a Plan,
    tenant: &'a SimulatedTenant,
    connection: Connection,
    people: Vec<Person>,
    /// Whose last create left open what it did: to be looked at before anything else.
    look_first: Vec<bool>,
    /// Ids that existed and do not any more.
    gone: Vec<Vec<String>>,
    rng: Rng,
    pub(crate) judged: Judged,
    pub(crate) operations: usize,
}

impl<'a> Worker<'a> {
    pub(crate) async fn new(
        plan: &'a Plan,
        number: usize,
        tenant: &'a SimulatedTenant,
        connector: &Component,
        planted: Option<Planted>,
    ) -> Result<Self, Failure> {
        let mut options = options(tenant).setting("update-method", plan.update_method);
        options.limits.request_time = plan.request_time();
        options.sandbox = plan.sandbox;
        if let Some(Planted(name)) = planted {
            options.learned = Some(serde_json::json!({"planted": name}).to_string());
        }
        Ok(Self {
            plan,
            tenant,
            connection: connector.connect(options).await?,
            people: (0..PEOPLE)
                .map(|index| Person::new(number, index))
                .collect(),
            look_first: vec![false; PEOPLE],
            gone: vec![Vec::new(); PEOPLE],
            rng: plan.rng(number),
            judged: Judged::default(),
            operations: 0,
        })
    }

    pub(crate) fn people(&self) -> &[Person] {
        &self.people
    }

    /// All of the worker's operations, or as many as go well.
    pub(crate) async fn run(&mut self) {
        for _ in 0..self.plan.operations {
            self.step().await;
            if !self.judged.violations.is_empty() {
                return;
            }
        }
    }

    async fn step(&mut self) {
        let index = self.rng.usize(0..self.people.len());
        let person = self.people[index].clone();
        let before = self.tenant.users_named(&person.user_name);
        let there = self.tenant.users();
        let operation = self.choose(index, &person, &before);
        let first = self.tenant.log_len();

        let result = self.perform(&person, &operation).await;
        self.operations += 1;
        if result.as_ref().is_err_and(judge::is_unsettled) {
            // What was given up may still be under way; it is over in a moment. Several turns
            // of the runtime, since one alone may end without a look at the sockets.
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }

        let after = self.tenant.users_named(&person.user_name);
        let log = self.tenant.log_since(first);
        // Another worker may have removed a second account meanwhile.
        let still = self.tenant.users();
        let all_the_time = |user: &&Json| still.iter().any(|other| other["id"] == user["id"]);
        let everybody = there.iter().filter(all_the_time).count();
        let window = Window {
            plan: self.plan,
            person: &person,
            operation: &operation,
            before: &before,
            after: &after,
            gone: &self.gone[index],
            log: &log,
            everybody,
        };
        let wrongs = judge::judge(&window, &result, &mut self.judged);
        for wrong in wrongs {
            self.judged
                .violations
                .push(violation(&window, &result, wrong));
        }
        self.tidy_up(index, &before, &after, &operation, &result);
    }

    /// What a person with a keyboard would do, so that the run goes on: gives the token back
    /// now and then, and removes a second account for which only the network is to blame.
    fn tidy_up(
        &mut self,
        index: usize,
        before: &[Json],
        after: &[Json],
        operation: &Operation,
        result: &Result<Done, Failure>,
    ) {
        let unauthenticated = matches!(result, Err(failure) if failure.kind() == "unauthenticated");
        if unauthenticated || self.rng.u32(0..4) == 0 {
            self.tenant.restore_token();
        }
        for second in after.iter().skip(1) {
            self.tenant.delete_in_console(id(second));
            self.gone[index].push(id(second).to_owned());
        }
        for earlier in before {
            if !after.iter().any(|user| user["id"] == earlier["id"]) {
                self.gone[index].push(id(earlier).to_owned());
            }
        }
        let creates = matches!(operation, Operation::Create(_) | Operation::Provision(_));
        let unsettled = result.as_ref().is_err_and(judge::is_unsettled);
        let looked = result.is_ok();
        if creates && unsettled {
            self.look_first[index] = true;
        } else if looked && !matches!(operation, Operation::Get(_) | Operation::List) {
            self.look_first[index] = false;
        }
    }

    fn choose(&mut self, index: usize, person: &Person, before: &[Json]) -> Operation {
        if self.look_first[index] {
            return match self.rng.u32(0..3) {
                0 => Operation::Find("userName"),
                _ => Operation::Provision(person.wanted(&mut self.rng)),
            };
        }
        let Some(account) = before.first() else {
            return match self.rng.u32(0..10) {
                0..5 => Operation::Create(person.wanted(&mut self.rng)),
                5..8 => Operation::Provision(person.wanted(&mut self.rng)),
                8 => Operation::Deprovision,
                _ => Operation::Find("userName"),
            };
        };
        let id = id(account).to_owned();
        match self.rng.u32(0..100) {
            // Who is there is not made again, and where names are not unique, nobody would
            // stop it.
            0..6 if !self.plan.names_not_unique() => {
                Operation::Create(person.wanted(&mut self.rng))
            }
            0..22 => Operation::Provision(person.wanted(&mut self.rng)),
            22..50 => {
                let changes = self.changes(person);
                let status = (self.rng.u32(0..4) == 0).then(|| self.rng.bool());
                Operation::Update(id, changes, status)
            }
            50..64 => Operation::Update(id, BTreeMap::new(), Some(!is_active(account))),
            64..72 => Operation::Deprovision,
            72..80 => Operation::Find(if self.rng.bool() {
                "userName"
            } else {
                "externalId"
            }),
            80..87 => Operation::Get(id),
            87..92 => Operation::List,
            _ => Operation::Delete(id),
        }
    }

    fn changes(&mut self, person: &Person) -> BTreeMap<String, Option<String>> {
        let mut changes = BTreeMap::new();
        for _ in 0..self.rng.usize(1..4) {
            let name = CHANGEABLE[self.rng.usize(0..CHANGEABLE.len())];
            let clears = CLEARABLE.contains(&name) && self.rng.u32(0..4) == 0;
            let value = (!clears).then(|| person.value(name, &mut self.rng));
            changes.insert(name.to_owned(), value);
        }
        changes
    }

    async fn perform(&mut self, person: &Person, operation: &Operation) -> Result<Done, Failure> {
        let connection = &self.connection;
        let matching = Matching::default();
        match operation {
            Operation::Create(wanted) => {
                let draft = as_draft(wanted, AccountStatus::Active);
                connection.create(&draft).await.map(Done::Outcome)
            }
            Operation::Provision(wanted) => {
                let draft = as_draft(wanted, AccountStatus::Active);
                provision(connection, &draft, &matching)
                    .await
                    .map(Done::Outcome)
            }
            Operation::Update(id, changes, status) => {
                let edits = as_edits(changes, *status);
                connection.update(id, &edits).await.map(Done::Outcome)
            }
            Operation::Deprovision => deprovision(connection, &as_known(person), &matching)
                .await
                .map(Done::Deprovisioned),
            Operation::Find(name) => {
                let known = person.wanted(&mut self.rng.clone());
                let value = Value::Text(known[*name].clone());
                connection.find(name, &value).await.map(Done::Account)
            }
            Operation::Get(id) => connection
                .get(id)
                .await
                .map(|account| Done::Account(Some(account))),
            Operation::List => {
                let mut listing = connection.listing();
                let mut accounts = Vec::new();
                while let Some(account) = listing.next().await {
                    accounts.push(account?);
                }
                Ok(Done::Listed(accounts))
            }
            Operation::Delete(id) => connection.delete(id).await.map(Done::Deleted),
        }
    }
}

fn as_edits(changes: &BTreeMap<String, Option<String>>, status: Option<bool>) -> Edits {
    let changes = changes.iter().map(|(name, value)| match value {
        Some(value) => Change::Set(attribute(name, value)),
        None => Change::Clear(name.clone()),
    });
    Edits {
        status: status.map(|active| match active {
            true => AccountStatus::Active,
            false => AccountStatus::Inactive,
        }),
        changes: changes.collect(),
        expected_version: None,
    }
}

pub(crate) fn id(user: &Json) -> &str {
    user["id"].as_str().unwrap_or_default()
}

fn violation(window: &Window<'_>, result: &Result<Done, Failure>, wrong: String) -> Violation {
    let lines = window.log.iter().map(line).collect::<Vec<_>>();
    Violation(format!(
        "{wrong}\n  operation: {} of {:?}\n  result: {result:?}\n  before: {}\n  after: {}\n  \
         received meanwhile:\n    {}",
        window.person.user_name,
        window.operation,
        serde_json::json!(window.before),
        serde_json::json!(window.after),
        lines.join("\n    ")
    ))
}

/// A line of the tenant's log, with what went wrong.
pub(crate) fn line(received: &Received) -> String {
    let path = received.path.split_once("/scim/v2");
    let path = path.map_or(received.path.as_str(), |(_, path)| path);
    format!(
        "{} {path} → {}{}{}{} {}",
        received.method,
        received.status.map_or("-".to_owned(), |s| s.to_string()),
        if received.committed {
            ", committed"
        } else {
            ""
        },
        if received.redelivered {
            ", second delivery"
        } else {
            ""
        },
        received
            .fault
            .as_ref()
            .map_or(String::new(), |fault| format!(", {fault}")),
        String::from_utf8_lossy(&received.body)
    )
}
