//! A company, its tenant with a relay before it, and the program that brings the one in line with
//! the other.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};
use simulated_8x8::{SimulatedTenant, Switch, Switches, TenantOptions};
use tempfile::TempDir;

use crate::journal::Journal;
use crate::relay::{Relay, Request};
use crate::run::Run;

/// How many people there are of each kind, forty in all: each needs one write.
const JOINERS: usize = 16;
const MOVERS: usize = 8;
const RETURNERS: usize = 8;
const LEAVERS: usize = 8;
pub(crate) const PEOPLE: usize = JOINERS + MOVERS + RETURNERS + LEAVERS;

const RULES: &str = r#"
[match]
key = "person.id"

[provision]
everyone = true

[dates]
disabled = 'person.status == "left"'

[attributes]
userName = "person.email"
workEmail = "person.email"
givenName = "person.given"
familyName = "person.family"
externalId = "person.id"
title = "person.title"
"#;

/// What somebody is before the company is brought in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Joiner,
    Mover,
    Returner,
    Leaver,
}

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) kind: Kind,
}

impl Person {
    pub(crate) fn email(&self) -> String {
        format!("{}@example.com", self.id.to_lowercase())
    }

    fn resource(&self, title: &str, active: bool) -> Json {
        json!({
            "userName": self.email(),
            "externalId": self.id,
            "name": {"givenName": "Given", "familyName": "Family"},
            "emails": [{"value": self.email(), "type": "work"}],
            "title": title,
            "active": active,
        })
    }
}

pub(crate) struct Town {
    pub(crate) tenant: SimulatedTenant,
    pub(crate) relay: Relay,
    pub(crate) people: Vec<Person>,
    /// How many writes a run has under way at a time.
    at_a_time: usize,
    folder: TempDir,
}

impl Town {
    pub(crate) async fn new(unique: bool, at_a_time: usize) -> Self {
        let switches: Switches = if unique {
            Switches::none()
        } else {
            Switch::NamesNotUnique.into()
        };
        let tenant = SimulatedTenant::start(TenantOptions {
            switches,
            ..TenantOptions::default()
        })
        .await
        .unwrap();
        let kinds = [
            (Kind::Joiner, JOINERS),
            (Kind::Mover, MOVERS),
            (Kind::Returner, RETURNERS),
            (Kind::Leaver, LEAVERS),
        ];
        let mut people = Vec::new();
        for (kind, count) in kinds {
            for _ in 0..count {
                let id = format!("E{:03}", people.len());
                people.push(Person { id, kind });
            }
        }
        for person in &people {
            match person.kind {
                Kind::Joiner => continue,
                Kind::Mover => tenant.add_console_user(person.resource("Clerk", true)),
                Kind::Returner => tenant.add_console_user(person.resource("Analyst", false)),
                Kind::Leaver => tenant.add_console_user(person.resource("Analyst", true)),
            };
        }
        let relay = Relay::before(address(&tenant)).await;
        let town = Self {
            tenant,
            relay,
            people,
            at_a_time,
            folder: tempfile::tempdir().unwrap(),
        };
        town.write_files();
        town
    }

    fn write_files(&self) {
        let mut roster = "id,email,given,family,title,status\n".to_owned();
        for person in &self.people {
            let status = match person.kind {
                Kind::Leaver => "left",
                _ => "active",
            };
            let (id, email) = (&person.id, person.email());
            roster.push_str(&format!("{id},{email},Given,Family,Analyst,{status}\n"));
        }
        std::fs::write(self.path("roster.csv"), roster).unwrap();
        std::fs::write(self.path("rules.toml"), RULES).unwrap();
        let relay = self.relay.address().to_string();
        let url = self.tenant.instance_url();
        let url = url.replace(&address(&self.tenant).to_string(), &relay);
        let connection = format!(
            "[settings]\ninstance-url = \"{url}\"\ncustomer-id = \"{}\"\n\n[credentials]\napi-token = \
             {{ env = \"KILLED_TENANT_TOKEN\" }}\n\n[network]\nallow-loopback-http = true\n\
             max-concurrency = {}\n",
            self.tenant.customer_id(),
            self.at_a_time,
        );
        std::fs::write(self.path("tenant.toml"), connection).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn journal_path(&self) -> PathBuf {
        self.path("tenant.journal")
    }

    pub(crate) fn journal(&self) -> Journal {
        Journal::read(&self.journal_path())
    }

    /// A run, for which an earlier one's writes may still come to pass for as long as `settle` says.
    pub(crate) fn run(&self, settle: &str) -> Run {
        let trace = self.path("trace.har");
        // An earlier run's says nothing of this one.
        let _ = std::fs::remove_file(&trace);
        let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command
            .current_dir(self.folder.path())
            .env("XDG_CACHE_HOME", cache)
            .env("XDG_STATE_HOME", self.path("state"))
            .env("KILLED_TENANT_TOKEN", self.tenant.token())
            .env_remove("HARNESS_CONNECTION")
            .args(["--connection", "tenant.toml", "--json"])
            .args(["--trace", "trace.har"])
            .args(["sync", "roster.csv", "--rules", "rules.toml"])
            .args(["--yes", "--allow", "deactivations", "--settle", settle])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Run::new(command.spawn().unwrap(), trace)
    }

    /// From the id of an account to whose it is.
    fn owner(&self, account: &str) -> Option<String> {
        let users = self.tenant.users();
        let user = users.iter().find(|user| user["id"] == account)?;
        user["externalId"].as_str().map(str::to_owned)
    }

    /// Whom a request is about: by whose account it names, whom it looks for, or whom it makes.
    pub(crate) fn whom(&self, request: &Request) -> Option<String> {
        if let Some((_, account)) = request.line.split_once("/Users/") {
            return self.owner(account);
        }
        let body: Option<Json> = serde_json::from_slice(request.body.as_deref()?).ok();
        let is_meant = |person: &&Person| {
            let name = format!("%22{}%22", person.email().replace('@', "%40"));
            let makes = body.as_ref().map(|body| &body["externalId"]);
            request.line.contains(&name) || makes.is_some_and(|made| *made == person.id)
        };
        self.people
            .iter()
            .find(is_meant)
            .map(|person| person.id.clone())
    }
}

fn address(tenant: &SimulatedTenant) -> SocketAddr {
    let url = tenant.instance_url();
    let address = url.split('/').nth(2).unwrap();
    address.parse().unwrap()
}
