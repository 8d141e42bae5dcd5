//! A roster, rules and a journal beside a stage.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use host_harness::clock::TestClock;
use host_harness::sync::plan::Plan;
use host_harness::sync::report::Report;
use host_harness::sync::{
    Halt, Prepared, Roster, RosterSource, Rules, SyncError, SyncOptions, plan_for,
};
use serde_json::Value as Json;
use simulated_8x8::{Fault, FaultEffect, Method, Received, Switches};
use tempfile::TempDir;

use crate::stage::{Stage, connector_on, named};

pub(crate) const RULES: &str = r#"
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
site = "person.site"
mobilePhone = "person.phone"
"#;

/// The same, and accounts that no row names go.
pub(crate) fn strict() -> String {
    format!("{RULES}\n[policy]\naccounts-without-row = \"deactivate\"\n")
}

pub(crate) const HEADER: &str = "id,email,given,family,title,site,phone,status\n";

/// Somebody in a roster: by default an analyst in London.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    id: String,
    email: String,
    title: String,
    site: String,
    phone: String,
    status: &'static str,
}

pub(crate) fn row(id: &str, name: &str) -> Row {
    Row {
        id: id.to_owned(),
        email: format!("{name}@example.com"),
        title: "Analyst".to_owned(),
        site: "London".to_owned(),
        phone: String::new(),
        status: "active",
    }
}

impl Row {
    pub(crate) fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    pub(crate) fn site(mut self, site: &str) -> Self {
        site.clone_into(&mut self.site);
        self
    }

    pub(crate) fn phone(mut self, phone: &str) -> Self {
        phone.clone_into(&mut self.phone);
        self
    }

    pub(crate) fn left(mut self) -> Self {
        self.status = "left";
        self
    }

    fn line(&self) -> String {
        let Self {
            id,
            email,
            title,
            site,
            phone,
            status,
        } = self;
        format!("{id},{email},Given,Family,{title},{site},{phone},{status}\n")
    }
}

/// So many people, from E0000 on.
pub(crate) fn people(count: usize) -> Vec<Row> {
    (0..count)
        .map(|n| row(&format!("E{n:04}"), &format!("p{n}")))
        .collect()
}

pub(crate) struct Town {
    pub(crate) stage: Stage,
    pub(crate) clock: TestClock,
    pub(crate) rules: String,
    /// Changes of the usual options.
    pub(crate) options: fn(&mut SyncOptions),
    pub(crate) halt: Halt,
    folder: TempDir,
}

impl Town {
    pub(crate) async fn new() -> Self {
        Self::with(Switches::none(), 0).await
    }

    pub(crate) async fn with(switches: impl Into<Switches>, people: usize) -> Self {
        Self::on(TestClock::default(), switches, people).await
    }

    pub(crate) async fn on(clock: TestClock, switches: impl Into<Switches>, people: usize) -> Self {
        let connector = connector_on(&clock).await;
        Self {
            stage: Stage::on(&connector, switches, people).await,
            clock,
            rules: RULES.to_owned(),
            options: |_| {},
            halt: Halt::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn prepare(&self, roster: &str) -> Result<Prepared<'_>, SyncError> {
        // What begins like one is JSON Lines.
        let name = if roster.starts_with('{') {
            "roster.jsonl"
        } else {
            "roster.csv"
        };
        let path = self.path(name);
        std::fs::write(&path, roster).unwrap();
        let manifest = self.stage.connection.manifest();
        let rules = Rules::parse(Path::new("rules.toml"), &self.rules, manifest).unwrap();
        let roster = Roster::open(&RosterSource::File(path), rules.roster_format()).unwrap();
        let clock = Arc::new(self.clock.clone());
        let mut options = SyncOptions::new(self.path("town.journal"), clock);
        options.locks = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("locks"));
        (self.options)(&mut options);
        let connection = &self.stage.connection;
        plan_for(connection, roster, &rules, options, &|_| {}).await
    }

    /// A run over the text of a roster.
    pub(crate) async fn try_text(&self, roster: &str) -> Result<Report, SyncError> {
        self.prepare(roster).await?.apply(&self.halt, &|_| {}).await
    }

    pub(crate) async fn try_run(&self, rows: &[Row]) -> Result<Report, SyncError> {
        self.try_text(&roster(rows)).await
    }

    pub(crate) async fn run(&self, rows: &[Row]) -> Report {
        self.try_run(rows).await.unwrap()
    }

    pub(crate) async fn plan(&self, rows: &[Row]) -> Plan {
        self.prepare(&roster(rows)).await.unwrap().plan().clone()
    }

    /// A run that is stopped dead once the tenant has its next write of this kind, which is
    /// never carried out.
    pub(crate) async fn killed_in_flight(&self, method: Method, run: impl Future<Output = Report>) {
        let for_ever = FaultEffect::Delay(Duration::from_secs(300));
        self.stage.tenant.inject(Fault {
            method: Some(method),
            effect: for_ever.clone(),
        });
        let sent = async {
            let arrived = |one: &Received| one.fault.as_ref() == Some(&for_ever);
            while !self.stage.tenant.log().iter().any(arrived) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            report = run => panic!("{report:#?}"),
            () = sent => {}
        }
    }

    /// A second run changes nothing and sends no write.
    pub(crate) async fn settled(&self, rows: &[Row]) {
        self.stage.tenant.clear_log();
        let report = self.run(rows).await;
        assert_eq!(self.stage.writes(), [""; 0], "{report:#?}");
    }

    pub(crate) fn user(&self, name: &str) -> Json {
        let mut users = named(&self.stage.tenant, &format!("{name}@example.com"));
        assert_eq!(users.len(), 1, "{name}: {users:#?}");
        users.remove(0)
    }

    pub(crate) fn active(&self) -> usize {
        let users = self.stage.tenant.users();
        users.iter().filter(|user| user["active"] == true).count()
    }
}

pub(crate) fn roster(rows: &[Row]) -> String {
    let rows: String = rows.iter().map(Row::line).collect();
    format!("{HEADER}{rows}")
}

/// What was written: created, updated, reactivated, deactivated.
pub(crate) fn written(report: &Report) -> [u64; 4] {
    let counts = report.counts;
    [
        counts.created,
        counts.updated,
        counts.reactivated,
        counts.deactivated,
    ]
}

/// Who is a conflict.
pub(crate) fn conflicts(report: &Report) -> Vec<String> {
    report.conflicts.iter().map(|left| left.who()).collect()
}
