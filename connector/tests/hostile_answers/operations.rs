//! The operations, each on a service of some manners, and whether what they report is true.

use connector_8x8::connection::Connection;
use connector_8x8::contract::{
    Account, AccountStatus, AttributeValues, Change, Deletion, Draft, Edits, Effect, Failure,
    PageQuery, SettingValue, Value,
};
use serde_json::{Value as Json, json};

use crate::attack::Attack;
use crate::service::{BASE, Manners, Service};

const ADA: &str = "17";
const NAME: &str = "ada@example.com";

/// An operation of the contract, on a service of some manners.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) operation: &'static str,
    pub(crate) label: &'static str,
    what: What,
    manners: Manners,
    method: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Check,
    List,
    SecondPage,
    Get,
    Find(&'static str, &'static str),
    FindNobody,
    Create,
    CreateTaken,
    Update,
    SetStatus(bool),
    Delete,
    DeleteNobody,
}

const PLAIN: Manners = Manners {
    bodiless: false,
    no_location: false,
    no_filter: false,
    no_patch: false,
    plain_json: false,
    versions: false,
};
const BODILESS: Manners = Manners {
    bodiless: true,
    ..PLAIN
};

const fn on(
    operation: &'static str,
    label: &'static str,
    what: What,
    manners: Manners,
) -> Scenario {
    Scenario {
        operation,
        label,
        what,
        manners,
        method: "auto",
    }
}

const fn by(method: &'static str, scenario: Scenario) -> Scenario {
    Scenario { method, ..scenario }
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    on("check", "check", What::Check, PLAIN),
    on("list", "list", What::List, PLAIN),
    on("list", "list, second page", What::SecondPage, PLAIN),
    on("get", "get", What::Get, PLAIN),
    on(
        "find",
        "find by userName",
        What::Find("userName", "ADA@example.com"),
        PLAIN,
    ),
    on(
        "find",
        "find by externalId",
        What::Find("externalId", "E-17"),
        PLAIN,
    ),
    on(
        "find",
        "find where there are no filters",
        What::Find("userName", NAME),
        Manners {
            no_filter: true,
            ..PLAIN
        },
    ),
    on("find", "find nobody", What::FindNobody, PLAIN),
    on("create", "create", What::Create, PLAIN),
    on(
        "create",
        "create, answered without a body",
        What::Create,
        BODILESS,
    ),
    on(
        "create",
        "create, answered without body and Location",
        What::Create,
        Manners {
            no_location: true,
            ..BODILESS
        },
    ),
    on(
        "create",
        "create as plain JSON",
        What::Create,
        Manners {
            plain_json: true,
            ..PLAIN
        },
    ),
    on("create", "create of a taken name", What::CreateTaken, PLAIN),
    by(
        "patch",
        on("update", "update by PATCH", What::Update, PLAIN),
    ),
    by(
        "patch",
        on(
            "update",
            "update by PATCH, answered without a body",
            What::Update,
            BODILESS,
        ),
    ),
    by(
        "patch",
        on(
            "update",
            "update by PATCH with versions",
            What::Update,
            Manners {
                versions: true,
                ..PLAIN
            },
        ),
    ),
    by("put", on("update", "update by PUT", What::Update, PLAIN)),
    by(
        "put",
        on(
            "update",
            "update by PUT, answered without a body",
            What::Update,
            BODILESS,
        ),
    ),
    on(
        "update",
        "update by PATCH, then PUT",
        What::Update,
        Manners {
            no_patch: true,
            ..PLAIN
        },
    ),
    on("update", "update by what works", What::Update, PLAIN),
    by(
        "patch",
        on("update", "activate by PATCH", What::SetStatus(true), PLAIN),
    ),
    by(
        "put",
        on("update", "activate by PUT", What::SetStatus(true), PLAIN),
    ),
    by(
        "patch",
        on(
            "update",
            "deactivate by PATCH",
            What::SetStatus(false),
            PLAIN,
        ),
    ),
    by(
        "patch",
        on(
            "update",
            "deactivate by PATCH, answered without a body",
            What::SetStatus(false),
            BODILESS,
        ),
    ),
    by(
        "put",
        on("update", "deactivate by PUT", What::SetStatus(false), PLAIN),
    ),
    on(
        "update",
        "deactivate by what works",
        What::SetStatus(false),
        PLAIN,
    ),
    on("delete", "delete", What::Delete, PLAIN),
    on("delete", "delete of nobody", What::DeleteNobody, PLAIN),
];

fn person(id: &str, name: &str, given: &str, family: &str) -> Json {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": id,
        "externalId": format!("E-{id}"),
        "userName": name,
        "name": { "givenName": given, "familyName": family },
        "emails": [{ "type": "work", "value": name }],
        "active": true,
        "meta": { "resourceType": "User", "version": "W/\"1\"" },
    })
}

pub(crate) fn people() -> Vec<Json> {
    vec![
        person(ADA, NAME, "Ada", "Lovelace"),
        person("23", "bob@example.com", "Bob", "Burns"),
        person("31", "cleo@example.com", "Cleo", "Clarke"),
    ]
}

fn text(name: &str, value: &str) -> AttributeValues {
    AttributeValues {
        name: name.into(),
        values: vec![Value::Text(value.into())],
    }
}

fn draft() -> Draft {
    Draft {
        status: AccountStatus::Active,
        attributes: vec![
            text("userName", NAME),
            text("givenName", "Ada"),
            text("familyName", "Lovelace"),
            text("workEmail", NAME),
            text("externalId", "E-17"),
        ],
    }
}

fn status_edits(active: bool) -> Edits {
    Edits {
        status: Some(if active {
            AccountStatus::Active
        } else {
            AccountStatus::Inactive
        }),
        changes: Vec::new(),
        expected_version: None,
    }
}

fn edits() -> Edits {
    Edits {
        status: None,
        changes: vec![
            Change::Set(text("title", "Countess")),
            Change::Set(text("workEmail", "countess@example.com")),
        ],
        expected_version: None,
    }
}

fn user_name(account: &Account) -> Option<&Value> {
    let mut attributes = account.attributes.iter();
    attributes
        .find(|one| one.name == "userName")?
        .values
        .first()
}

fn is_ada(account: &Account) -> bool {
    account.id == ADA && user_name(account) == Some(&Value::Text(NAME.into()))
}

impl Scenario {
    pub(crate) fn service(&self, attack: Option<Attack>) -> Service {
        let mut users = people();
        match self.what {
            What::Create | What::FindNobody | What::DeleteNobody => {
                users.remove(0);
            }
            What::CreateTaken => {
                users[0] = person("44", NAME, "Ada", "Lovelace");
                users[0].as_object_mut().unwrap().remove("externalId");
            }
            What::SetStatus(true) => users[0]["active"] = json!(false),
            _ => {}
        }
        let finds = matches!(self.what, What::Find(..) | What::FindNobody);
        Service::new(users, ADA, finds, self.manners, attack)
    }

    /// Runs the operation. Gives how it ended, as the table names it, and what is wrong with
    /// that whatever the table says.
    pub(crate) fn run(&self, service: &Service) -> (String, Option<String>) {
        let cursor = (self.what == What::SecondPage).then(|| {
            let first = self.service(None);
            let page = self.connect(&first).list(&page(None)).unwrap();
            page.next.unwrap()
        });
        let before = service.users.borrow()[..].to_vec();
        let connection = self.connect(service);
        let ended = self.drive(&connection, service, cursor);
        let learned = connection.learned();
        assert!(
            learned.is_none_or(|note| note.len() <= 1024),
            "learned too much"
        );
        let (outcome, wrong) = match ended {
            Ok(true) => ("done".to_owned(), None),
            Ok(false) => ("done".to_owned(), Some("a wrong success".to_owned())),
            Err(failed) => (kind(&failed), failed_wrongly(&failed, service)),
        };
        (outcome, wrong.or_else(|| harm(&before, service)))
    }

    fn connect<'a>(&self, service: &'a Service) -> Connection<&'a Service> {
        let setting = |name: &str, value: &str| SettingValue {
            name: name.into(),
            value: value.into(),
        };
        let settings = [
            setting("instance-url", BASE),
            setting("update-method", self.method),
        ];
        Connection::open(&settings, None, service).unwrap()
    }

    /// Whether what was reported as done is so.
    fn drive(
        &self,
        connection: &Connection<&Service>,
        service: &Service,
        cursor: Option<String>,
    ) -> Result<bool, Box<Failure>> {
        let ada = || {
            let users = service.users.borrow();
            users.iter().find(|user| user["id"] == ADA).cloned()
        };
        Ok(match self.what {
            What::Check => connection.check().map(|_| true)?,
            What::List | What::SecondPage => {
                let page = connection.list(&page(cursor))?;
                let known = |account: &Account| {
                    service.users.borrow().iter().any(|user| {
                        user["id"] == account.id.as_str()
                            && Some(&Value::Text(user["userName"].as_str().unwrap().into()))
                                == user_name(account)
                    })
                };
                let more = page.next.is_some() || self.what == What::SecondPage;
                page.accounts.iter().all(known) && (more || page.accounts.len() == 3)
            }
            What::Get => is_ada(&connection.get(ADA)?),
            What::Find(name, value) => {
                let found = connection.find(name, &Value::Text(value.into()))?;
                found.is_some_and(|account| is_ada(&account))
            }
            What::FindNobody => {
                let found = connection.find("userName", &Value::Text(NAME.into()))?;
                found.is_none()
            }
            What::Create | What::CreateTaken => {
                let outcome = connection.create(&draft())?;
                let stored = ada().is_some_and(|ada| {
                    ada["userName"] == NAME
                        && ada["name"]["givenName"] == "Ada"
                        && ada["active"] == true
                        && ada["externalId"] == "E-17"
                });
                stored && is_ada(&outcome.account) && outcome.effect == Effect::Created
            }
            What::Update => {
                let outcome = connection.update(ADA, &edits())?;
                let stored = ada().is_some_and(|ada| {
                    let emails = &ada["emails"];
                    let email = emails.get(0).unwrap_or(emails);
                    ada["title"] == "Countess" && email["value"] == "countess@example.com"
                });
                stored && is_ada(&outcome.account)
            }
            What::SetStatus(active) => {
                let outcome = connection.update(ADA, &status_edits(active))?;
                ada().is_some_and(|ada| ada["active"] == active) && is_ada(&outcome.account)
            }
            What::Delete | What::DeleteNobody => match connection.delete(ADA)? {
                Deletion::Gone => ada().is_none(),
                Deletion::Kept(outcome) => {
                    ada().is_some_and(|ada| ada["active"] == false)
                        && is_ada(&outcome.account)
                        && outcome.account.status == AccountStatus::Inactive
                }
            },
        })
    }
}

fn page(cursor: Option<String>) -> PageQuery {
    PageQuery { cursor, limit: 2 }
}

/// The contract's name of the kind.
fn kind(failed: &Failure) -> String {
    let name = format!("{:?}", failed.kind);
    let name = name.rsplit("::").next().unwrap();
    let mut kebab = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}

/// A failure has to be fit to be shown, speak of nobody else, and hide no change.
fn failed_wrongly(failed: &Failure, service: &Service) -> Option<String> {
    let message = &failed.message;
    if message.chars().count() > 1_200 || message.chars().any(char::is_control) {
        return Some("a message that is too long or unclean".into());
    }
    let says_so = failed.kind == connector_8x8::contract::FailureKind::OutcomeUnknown
        || failed.code.as_deref() == Some("attribute-ignored");
    if service.applied.get() > 0 && !says_so {
        return Some(format!("{} hides a change that was made", kind(failed)));
    }
    let account = failed.account.as_deref()?;
    // Somebody who has the name may be named as being in the way, never as made by us.
    let holder = account == "44" && failed.code.as_deref() != Some("attribute-ignored");
    (account != service.target && !holder).then(|| "an account of another person".to_owned())
}

/// What must never happen, however an operation ends.
fn harm(before: &[Json], service: &Service) -> Option<String> {
    let users = service.users.borrow();
    for other in before.iter().filter(|user| user["id"] != service.target) {
        if !users.contains(other) {
            return Some(format!("{} was touched", other["id"]));
        }
    }
    let named = users.iter().filter(|user| user["userName"] == NAME);
    if named.count() > 1 {
        return Some("doubled".into());
    }
    (service.creations.get() > 1).then(|| "created twice".to_owned())
}
