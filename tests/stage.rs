//! Where every test plays: the bundled connector in a host, connected to a simulated tenant.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use component_8x8::CONNECTOR_8X8;
use host_harness::clock::{Clock, SystemClock, TestClock};
use host_harness::contract::{
    Account, AccountStatus, Attribute, Change, Draft, Edits, Notice, Outcome, Value,
};
use host_harness::{
    CompiledCode, Component, Connection, ConnectionOptions, Failure, Host, HostOptions,
    StaticCredentials,
};
use serde_json::{Value as Json, json};
use simulated_8x8::{Received, SimulatedTenant, Switches, TenantOptions};
use tokio::sync::OnceCell;

pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const SITE: &str = "urn:ietf:params:scim:schemas:extension:8x8:1.1:User";
pub(crate) const OTHER_SITE: &str = "urn:8x8:scim:schemas:extension:8x8user:2.0:User";

/// Ada, with every attribute there is.
pub(crate) const ADA: [(&str, &str); 12] = [
    ("userName", "Ada.Lovelace@Example.com"),
    ("givenName", "Ada"),
    ("familyName", "Lovelace"),
    ("workEmail", "ada.lovelace@example.com"),
    ("externalId", "E-1815"),
    ("mobilePhone", "+44 7700 900123"),
    ("workPhone", "+44 20 7946 0018"),
    ("title", "Analyst"),
    ("locale", "en-GB"),
    ("timezone", "Europe/London"),
    ("department", "R&D"),
    ("site", "London"),
];

/// The bundled connector on the machine's clock, compiled once for all tests.
pub(crate) async fn connector() -> Component {
    static CONNECTOR: OnceCell<Component> = OnceCell::const_new();
    CONNECTOR
        .get_or_init(|| load(Arc::new(SystemClock::new())))
        .await
        .clone()
}

/// The bundled connector on a clock of the test's own: a host has one clock, and a test that
/// jumps ahead must not make another's time run out.
pub(crate) async fn connector_on(clock: &TestClock) -> Component {
    // The first one to load it leaves the compiled code for all others.
    connector().await;
    load(Arc::new(clock.clone())).await
}

async fn load(clock: Arc<dyn Clock>) -> Component {
    let host = host(clock);
    Component::from_bytes(&host, CONNECTOR_8X8).await.unwrap()
}

/// A host that shares its compiled code with those of all other tests.
pub(crate) fn host(clock: Arc<dyn Clock>) -> Host {
    let mut options = HostOptions::default();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    options.compiled_code = CompiledCode::In(folder);
    options.max_instances = 16;
    options.clock = clock;
    Host::new(options).unwrap()
}

/// A tenant and a connection to it.
pub(crate) struct Stage {
    pub(crate) tenant: SimulatedTenant,
    pub(crate) connection: Connection,
}

impl Stage {
    /// A tenant of nobody, without switches.
    pub(crate) async fn new() -> Self {
        Self::with(Switches::none(), 0).await
    }

    pub(crate) async fn with(switches: impl Into<Switches>, people: usize) -> Self {
        Self::on(&connector().await, switches, people).await
    }

    pub(crate) async fn on(
        connector: &Component,
        switches: impl Into<Switches>,
        people: usize,
    ) -> Self {
        let tenant = SimulatedTenant::start(TenantOptions {
            switches: switches.into(),
            people,
            ..TenantOptions::default()
        })
        .await
        .unwrap();
        let connection = connector.connect(options(&tenant)).await.unwrap();
        Self { tenant, connection }
    }

    /// The requests since the log was cleared, a line each: `GET /Users/42`.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines(&self.tenant.log())
    }

    /// Those that are no GET.
    pub(crate) fn writes(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.retain(|line| !line.starts_with("GET "));
        lines
    }
}

pub(crate) fn named(tenant: &SimulatedTenant, user_name: &str) -> Vec<Json> {
    let mut users = tenant.users();
    users.retain(|user| {
        user["userName"]
            .as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case(user_name))
    });
    users
}

pub(crate) fn lines(log: &[Received]) -> Vec<String> {
    log.iter()
        .map(|received| {
            let path = received.path.split_once("/scim/v2");
            let path = path.map_or(received.path.as_str(), |(_, path)| path);
            format!("{} {path}", received.method)
        })
        .collect()
}

/// As an operator would connect to a simulated tenant.
pub(crate) fn options(tenant: &SimulatedTenant) -> ConnectionOptions {
    let mut options = ConnectionOptions::new()
        .setting("instance-url", tenant.instance_url())
        .setting("customer-id", tenant.customer_id())
        .credentials(StaticCredentials::new().with("api-token", tenant.token()));
    options.network.allow_loopback_http = true;
    options
}

pub(crate) fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub(crate) fn attribute(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        values: vec![text(value)],
    }
}

pub(crate) fn draft(attributes: &[(&str, &str)]) -> Draft {
    Draft {
        status: AccountStatus::Active,
        attributes: attributes
            .iter()
            .map(|(name, value)| attribute(name, value))
            .collect(),
    }
}

/// `attributes`, with these in place of those of the same name; an empty one leaves it out.
pub(crate) fn but<'a>(
    attributes: &[(&'a str, &'a str)],
    changed: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut all: BTreeMap<&str, &str> = attributes.iter().copied().collect();
    all.extend(changed.iter().copied());
    all.retain(|_, value| !value.is_empty());
    all.into_iter().collect()
}

/// Sets what has a value and clears what has none.
pub(crate) fn edits(changes: &[(&str, &str)]) -> Edits {
    Edits {
        status: None,
        changes: changes
            .iter()
            .map(|(name, value)| match *value {
                "" => Change::Clear((*name).to_owned()),
                value => Change::Set(attribute(name, value)),
            })
            .collect(),
        expected_version: None,
    }
}

pub(crate) fn set_status(status: AccountStatus) -> Edits {
    Edits {
        status: Some(status),
        changes: Vec::new(),
        expected_version: None,
    }
}

/// The attributes of an account, in the names that people use.
pub(crate) fn held(account: &Account) -> BTreeMap<String, String> {
    account
        .attributes
        .iter()
        .map(|attribute| match attribute.values.as_slice() {
            [Value::Text(value)] => (attribute.name.clone(), value.clone()),
            other => panic!("{} holds {other:?}", attribute.name),
        })
        .collect()
}

/// The attributes of a resource in the tenant, read without the connector's help.
pub(crate) fn stored(user: &Json) -> BTreeMap<String, String> {
    let of_type = |list: &str, kind: &str| {
        user[list]
            .as_array()
            .and_then(|elements| elements.iter().find(|element| element["type"] == kind))
            .map_or(Json::Null, |element| element["value"].clone())
    };
    let site = match &user[SITE]["site"] {
        Json::Null => user[OTHER_SITE]["site"].clone(),
        site => site.clone(),
    };
    [
        ("userName", user["userName"].clone()),
        ("givenName", user["name"]["givenName"].clone()),
        ("familyName", user["name"]["familyName"].clone()),
        ("workEmail", of_type("emails", "work")),
        ("externalId", user["externalId"].clone()),
        ("mobilePhone", of_type("phoneNumbers", "mobile")),
        ("workPhone", of_type("phoneNumbers", "work")),
        ("title", user["title"].clone()),
        ("locale", user["locale"].clone()),
        ("timezone", user["timezone"].clone()),
        ("department", user[ENTERPRISE]["department"].clone()),
        ("site", site),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value.as_str()?.to_owned())))
    .collect()
}

/// Whether a resource in the tenant is active; the switch `active-as-string` makes it a text.
pub(crate) fn is_active(user: &Json) -> bool {
    user["active"] == json!(true) || user["active"] == json!("True")
}

pub(crate) fn codes(notices: &[Notice]) -> Vec<&str> {
    notices.iter().map(|notice| notice.code.as_str()).collect()
}

/// The id of whom an operation was about: of its outcome, or of its failure.
pub(crate) fn id_of(result: &Result<Outcome, Failure>) -> Option<String> {
    match result {
        Ok(outcome) => Some(outcome.account.id.clone()),
        Err(failure) => failure.account().map(str::to_owned),
    }
}
