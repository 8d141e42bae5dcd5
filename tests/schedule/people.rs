//! The people whom a worker looks after. Everything that one of them can be given says whose it
//! is, so that another person's data shows.

use std::collections::BTreeMap;

use fastrand::Rng;
use host_harness::contract::{AccountStatus, Draft};

use crate::stage::{attribute, draft};

/// What an account that nobody gave an address has.
const NO_ADDRESS: &str = "noreply@8x8.com";

/// Somebody, looked after by one worker.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) user_name: String,
    number: usize,
}

/// What can be set and cleared.
pub(crate) const CHANGEABLE: [&str; 6] = [
    "title",
    "department",
    "mobilePhone",
    "workPhone",
    "familyName",
    "timezone",
];
/// Those of them that an account can do without.
pub(crate) const CLEARABLE: [&str; 4] = ["title", "department", "mobilePhone", "workPhone"];

impl Person {
    pub(crate) fn new(worker: usize, index: usize) -> Self {
        let number = worker * 100 + index;
        Self {
            user_name: format!("Person-{number:04}"),
            number,
        }
    }

    /// One of the values that an attribute of this person may have, and nobody else's.
    pub(crate) fn value(&self, name: &str, rng: &mut Rng) -> String {
        let variant = rng.u32(0..4);
        let number = self.number;
        match name {
            "mobilePhone" => format!("+44 7700 {number:04}{variant}"),
            "workPhone" => format!("+44 20 7946 {number:04}{variant}"),
            "timezone" => ["Europe/London", "Europe/Madrid", "Asia/Singapore", "UTC"]
                [usize::try_from(variant).unwrap()]
            .to_owned(),
            name => format!("{name} {variant} of {number:04}"),
        }
    }

    /// Whether the attribute may have this value, of all that were ever asked for.
    pub(crate) fn may_have(&self, name: &str, value: &str) -> bool {
        let number = self.number;
        match name {
            "userName" => value == self.user_name,
            "givenName" => value == format!("Given {number:04}"),
            "externalId" => value == format!("E-{number:04}"),
            "workEmail" => value == format!("p{number:04}@example.com") || value == NO_ADDRESS,
            "mobilePhone" => value.starts_with(&format!("+44 7700 {number:04}")),
            "workPhone" => value.starts_with(&format!("+44 20 7946 {number:04}")),
            "title" if is_of_another_writer(value) => true,
            "title" | "department" | "familyName" => {
                value.starts_with(name) && value.ends_with(&format!(" of {number:04}"))
            }
            "locale" | "timezone" => true,
            _ => false,
        }
    }

    /// All of a new account.
    pub(crate) fn wanted(&self, rng: &mut Rng) -> BTreeMap<String, String> {
        let number = self.number;
        let mut wanted: BTreeMap<String, String> = [
            ("userName", self.user_name.clone()),
            ("givenName", format!("Given {number:04}")),
            ("workEmail", format!("p{number:04}@example.com")),
            ("externalId", format!("E-{number:04}")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        for name in CHANGEABLE {
            if name == "familyName" || rng.bool() {
                wanted.insert(name.to_owned(), self.value(name, rng));
            }
        }
        wanted
    }
}

pub(crate) fn as_draft(wanted: &BTreeMap<String, String>, status: AccountStatus) -> Draft {
    let attributes = wanted.iter().map(|(name, value)| attribute(name, value));
    Draft {
        status,
        attributes: attributes.collect(),
    }
}

/// What somebody is looked for by who is to be deprovisioned.
pub(crate) fn as_known(person: &Person) -> Vec<host_harness::contract::Attribute> {
    draft(&[("userName", &person.user_name)]).attributes
}

/// Whether a title came from outside.
pub(crate) fn is_of_another_writer(title: &str) -> bool {
    title.starts_with("By another writer,")
}
