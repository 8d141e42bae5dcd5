//! A company, its tenant, and the program that brings the one in line with the other.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use simulated_8x8::{SimulatedTenant, Switch, Switches, TenantOptions};
use tempfile::TempDir;

/// Longer than any run takes on a busy machine; a guard against one that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many people there are of each kind.
pub(crate) const JOINERS: usize = 40;
pub(crate) const MOVERS: usize = 20;
pub(crate) const RETURNERS: usize = 10;
pub(crate) const LEAVERS: usize = 10;

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
    pub(crate) people: Vec<Person>,
    folder: TempDir,
}

impl Town {
    pub(crate) async fn new(unique: bool) -> Self {
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
        let town = Self {
            tenant,
            people,
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
        let connection = format!(
            "[settings]\ninstance-url = \"{}\"\ncustomer-id = \"{}\"\n\n[credentials]\napi-token = \
             {{ env = \"KILLED_TENANT_TOKEN\" }}\n\n[network]\nallow-loopback-http = true\n",
            self.tenant.instance_url(),
            self.tenant.customer_id()
        );
        std::fs::write(self.path("tenant.toml"), connection).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A run, which kills itself as `order` says.
    pub(crate) fn start(&self, order: Option<&str>, settle: &str) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        command
            .current_dir(self.folder.path())
            .env("XDG_CACHE_HOME", cache)
            .env("XDG_STATE_HOME", self.path("state"))
            .env("KILLED_TENANT_TOKEN", self.tenant.token())
            .env_remove("HARNESS_CONNECTION")
            .env_remove("HOST_HARNESS_KILL")
            .args([
                "--connection",
                "tenant.toml",
                "--json",
                "sync",
                "roster.csv",
            ])
            .args(["--rules", "rules.toml", "--yes", "--allow", "deactivations"])
            .args(["--settle", settle])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(order) = order {
            command.env("HOST_HARNESS_KILL", order);
        }
        command.spawn().unwrap()
    }

    /// A run that nobody kills: its report.
    pub(crate) async fn finish(&self) -> Json {
        let child = self.start(None, "0s");
        let output = tokio::task::spawn_blocking(move || child.wait_with_output());
        let output = output.await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Waits for a run's end, or until `enough` says so, and kills it then. Whether it was killed,
/// by whomever.
pub(crate) async fn until(mut child: Child, mut enough: impl FnMut() -> bool) -> bool {
    use std::os::unix::process::ExitStatusExt as _;

    let started = Instant::now();
    let ended: ExitStatus = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(started.elapsed() < PATIENCE, "it hangs");
        if enough() {
            child.kill().unwrap();
            break child.wait().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    if ended.signal() == Some(9) {
        return true;
    }
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert!(ended.success(), "{ended} {said}");
    false
}
