//! `harness demo`: one person through hire, change, leave and rehire, by the bundled
//! connector in the sandbox, over real HTTP to the simulated tenant.

use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use serde_json::{Value as Json, json};

use super::connect::{component, host, observer, trace};
use super::options::{Options, Stop};
use super::output::{Output, printable};
use crate::attributes;
use crate::connection::{Connection, ConnectionOptions};
use crate::contract::{AccountStatus, Deletion, Effect, Manifest, Outcome};
use crate::egress::StaticCredentials;
use crate::failure::Failure;
use crate::provision::{Matching, deprovision, provision};
use crate::trace::{Exchange, HarFile, Observer};
use simulated_8x8::{SimulatedTenant, TenantOptions};

#[derive(Debug, Args)]
pub(super) struct Arguments {}

/// What the demo saw on the wire since it last looked.
#[derive(Default)]
struct Watched {
    lines: Mutex<Vec<String>>,
    trace: Option<Arc<HarFile>>,
}

impl Observer for Watched {
    fn exchange(&self, exchange: &Exchange) {
        let result = match &exchange.result {
            Ok(response) => response.status.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        let path = exchange
            .request
            .url
            .split_once("/scim/v2")
            .map_or("", |(_, path)| path);
        let line = format!("{} {path} → {result}", exchange.request.method);
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
        if let Some(trace) = &self.trace {
            trace.exchange(exchange);
        }
    }
}

impl Watched {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Demo {
    connection: Connection,
    watched: Arc<Watched>,
    output: Output,
    steps: Vec<Json>,
    unexpected: usize,
}

pub(super) async fn run(_: Arguments, options: &Options, output: Output) -> Result<(), Stop> {
    let tenant = SimulatedTenant::start(TenantOptions {
        people: 3,
        ..TenantOptions::default()
    })
    .await
    .map_err(|error| Stop::Usage(error.to_string()))?;
    tenant.reserve_elsewhere("grace@example.com");
    let host = host(options)?;
    let component = component(&host, options, None).await?;
    let trace = trace(options, component.manifest())?;
    let watched = Arc::new(Watched {
        trace,
        ..Watched::default()
    });
    let mut connect = ConnectionOptions::new()
        .setting("instance-url", tenant.instance_url())
        .setting("customer-id", tenant.customer_id())
        .credentials(StaticCredentials::new().with("api-token", tenant.token()));
    connect.network.allow_loopback_http = true;
    connect.wire = options.tapes.wire(options.record.as_deref(), None, false)?;
    let shown: Arc<dyn Observer> = watched.clone();
    connect.observer = observer([shown].into_iter().chain(options.measured()));
    let mut demo = Demo {
        connection: component.connect(connect).await?,
        watched,
        output,
        steps: Vec::new(),
        unexpected: 0,
    };
    if !output.is_json() {
        output.line(format!(
            "A simulated 8x8 tenant, and the {} connector in its sandbox.",
            demo.connection.manifest().title
        ));
    }
    demo.walk(&tenant).await?;
    if let Some(trace) = &demo.watched.trace {
        trace
            .finish()
            .map_err(|error| Stop::Usage(error.to_string()))?;
    }
    tenant.stop().await;
    demo.verdict()
}

const ADA: [&str; 7] = [
    "userName=ada@example.com",
    "givenName=Ada",
    "familyName=Lovelace",
    "workEmail=ada@example.com",
    "externalId=E-17",
    "title=Analyst",
    "site=London",
];

impl Demo {
    async fn walk(&mut self, tenant: &SimulatedTenant) -> Result<(), Stop> {
        let check = self.connection.check().await;
        self.step(
            "check the connection",
            check.as_ref().map(|_| "ok".to_owned()),
            Ok("ok"),
        );

        let hired = self.provision(&ADA).await;
        self.step(
            "hire: Ada joins in London",
            told(&hired),
            Ok("created, active"),
        );
        let same = self.provision(&ADA).await;
        self.step("the same once more", told(&same), Ok("unchanged, active"));

        let mut moved = ADA;
        moved[5] = "title=Countess";
        moved[6] = "site=Madrid";
        let change = self.provision(&moved).await;
        self.step(
            "change: a new title, and a new site, which 8x8 does not let change",
            told(&change),
            Ok("updated, active, set-once-differs"),
        );

        let left = self.deprovision(&ADA).await;
        self.step(
            "leave: Ada is deactivated",
            left_told(&left),
            Ok("updated, inactive"),
        );
        let again = self.deprovision(&ADA).await;
        self.step(
            "the same once more",
            left_told(&again),
            Ok("unchanged, inactive"),
        );

        let mut namesake = moved;
        namesake[4] = "externalId=E-99";
        let other = self.provision(&namesake).await;
        self.step(
            "another Ada is hired under the same name: she is not handed Ada's account",
            told(&other),
            Err("ambiguous"),
        );
        let back = self.provision(&moved).await;
        self.step(
            "rehire: Ada returns, recognised by her external id",
            told(&back),
            Ok("updated, active, set-once-differs"),
        );

        let mut grace = ADA;
        grace[0] = "userName=grace@example.com";
        grace[4] = "externalId=E-18";
        let taken = self.provision(&grace).await;
        self.step(
            "a user name that another company holds",
            told(&taken),
            Err("held-elsewhere"),
        );

        tenant.inject(simulated_8x8::Fault {
            method: Some(simulated_8x8::Method::POST),
            effect: simulated_8x8::FaultEffect::CutAfterCommit,
        });
        let mut alan = ADA;
        alan[0] = "userName=alan@example.com";
        alan[1] = "givenName=Alan";
        alan[2] = "familyName=Turing";
        alan[3] = "workEmail=alan@example.com";
        alan[4] = "externalId=E-19";
        let lost = self.provision(&alan).await;
        self.step(
            "hire: the network fails after 8x8 made the account; it is found, not made twice",
            told(&lost),
            Ok("created, active"),
        );
        if let Ok(outcome) = &lost {
            let deleted = self.connection.delete(&outcome.account.id).await;
            self.step(
                "delete: 8x8 keeps the user, deactivated",
                deleted.as_ref().map(|deletion| match deletion {
                    Deletion::Gone => "gone".to_owned(),
                    Deletion::Kept(outcome) => format!("kept, {}", state(outcome)),
                }),
                Ok("kept, updated, inactive"),
            );
        }
        tenant.clear_token();
        let refused = self.connection.check().await;
        self.step(
            "an administrator switches SCIM off, which clears the token",
            refused.as_ref().map(|_| "ok".to_owned()),
            Err("unauthenticated"),
        );
        Ok(())
    }

    async fn provision(&self, person: &[&str]) -> Result<Outcome, Failure> {
        let wanted = attributes::draft(self.connection.manifest(), &pairs(person))?;
        provision(&self.connection, &wanted, &Matching::default()).await
    }

    async fn deprovision(&self, person: &[&str]) -> Result<Option<Outcome>, Failure> {
        let manifest: &Manifest = self.connection.manifest();
        let person = attributes::draft(manifest, &pairs(person))?;
        deprovision(&self.connection, &person.attributes, &Matching::default()).await
    }

    /// Shows what a step sent and came to, and compares it with what was expected: a result
    /// that begins so, or a failure of this kind.
    fn step(
        &mut self,
        title: &str,
        result: Result<String, &Failure>,
        expected: Result<&str, &str>,
    ) {
        let exchanges = self.watched.take();
        let (text, good) = match (&result, expected) {
            (Ok(text), Ok(expected)) => (text.clone(), text.starts_with(expected)),
            (Ok(text), Err(_)) => (text.clone(), false),
            (Err(failure), Err(kind)) => (described(failure), failure.kind() == kind),
            (Err(failure), Ok(_)) => (described(failure), false),
        };
        if !good {
            self.unexpected += 1;
        }
        let number = self.steps.len() + 1;
        if !self.output.is_json() {
            let mut shown = format!("\n{number}. {title}\n");
            for exchange in &exchanges {
                shown.push_str(&format!("     {}\n", printable(exchange)));
            }
            let mark = if good { "=" } else { "UNEXPECTED" };
            shown.push_str(&format!("   {mark} {}", printable(&text)));
            self.output.line(&shown);
        }
        self.steps.push(json!({
            "title": title,
            "requests": exchanges,
            "result": text,
            "as-expected": good,
        }));
    }

    fn verdict(self) -> Result<(), Stop> {
        let (steps, unexpected) = (self.steps.len(), self.unexpected);
        let good = unexpected == 0;
        let document = json!({ "ok": good, "steps": self.steps });
        self.output.answer(
            || document,
            || {
                if good {
                    format!("\nAll {steps} steps went as expected.")
                } else {
                    format!("\n{unexpected} of {steps} steps did not go as expected.")
                }
            },
        );
        if good { Ok(()) } else { Err(Stop::Verdict) }
    }
}

fn pairs(person: &[&str]) -> Vec<attributes::Pair> {
    person
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Effect, status and the codes of the notices.
fn state(outcome: &Outcome) -> String {
    let status = match outcome.account.status {
        AccountStatus::Active => "active",
        AccountStatus::Inactive => "inactive",
    };
    let effect = match outcome.effect {
        Effect::Created => "created",
        Effect::Updated => "updated",
        Effect::Unchanged => "unchanged",
    };
    let codes: Vec<_> = outcome
        .notices
        .iter()
        .map(|notice| notice.code.as_str())
        .collect();
    let separator = if codes.is_empty() { "" } else { ", " };
    format!("{effect}, {status}{separator}{}", codes.join(", "))
}

fn told(result: &Result<Outcome, Failure>) -> Result<String, &Failure> {
    result.as_ref().map(state)
}

fn left_told(result: &Result<Option<Outcome>, Failure>) -> Result<String, &Failure> {
    result
        .as_ref()
        .map(|outcome| outcome.as_ref().map_or("nobody there".to_owned(), state))
}

fn described(failure: &Failure) -> String {
    format!("{}: {}", failure.kind(), failure.message())
}
