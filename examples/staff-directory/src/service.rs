//! The staff directory: everything that is its own, and nothing else. `API.md` is what it says
//! of itself.
//!
//! The first part is what the connector says before it is connected (the manifest), the second
//! the requests, the third the answers, the last the errors.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::contract::manifest::{
    AttributeSpec, Credential, CredentialPlacement, DeletionEffect, Manifest, Mutability,
    NamedHeader, Operations, Setting, SettingKind, Uniqueness, ValueType,
};
use crate::contract::{
    Account, AccountStatus, Attribute, CheckReport, FailureKind, Page, Problem, Value,
};
use crate::exchange::{self, Method, Repeatability, Request, Response, header, with_json};
use crate::failure::{self, Asked, Failed, refusal};
use crate::settings::Settings;
use crate::wish::Wish;

/// The service's name in sentences.
pub const TITLE: &str = "The staff directory";

const API_URL: &str = "api-url";
const WELCOME_MAIL: &str = "welcome-mail";

/// One organisation's directory.
#[derive(Debug)]
pub struct Tenant {
    base: String,
    welcome_mail: bool,
}

// What the connector says of itself.

/// Everything that is known without a connection.
#[must_use]
pub fn manifest() -> Manifest {
    Manifest {
        id: "staff-directory".into(),
        title: "Staff directory".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        setup: "In the directory open Administration → API keys and make a key with the scope \
                read-write.\nCopy the key: it is shown once."
            .into(),
        settings: vec![
            Setting {
                name: API_URL.into(),
                title: "API URL".into(),
                help: "Administration → API keys → Address, such as \
                       https://acme.staff.example/api/v2"
                    .into(),
                kind: SettingKind::BaseUrl(vec!["people".into()]),
                required: true,
                default: None,
            },
            Setting {
                name: WELCOME_MAIL.into(),
                title: "Welcome mail".into(),
                help: "Whether the directory writes to a new person.".into(),
                kind: SettingKind::Boolean,
                required: false,
                default: Some("false".into()),
            },
        ],
        credentials: vec![Credential {
            name: "api-key".into(),
            title: "API key".into(),
            help: "Administration → API keys → New key.".into(),
            placement: CredentialPlacement::Header(NamedHeader {
                name: "x-api-key".into(),
                prefix: String::new(),
            }),
            base_url: API_URL.into(),
        }],
        headers: vec!["x-api-version".into()],
        attributes: attributes(),
        lookup_keys: vec!["login".into(), "staffNumber".into()],
        identity_key: Some("staffNumber".into()),
        operations: Operations::LIST
            | Operations::GET
            | Operations::FIND
            | Operations::CREATE
            | Operations::UPDATE
            | Operations::SET_STATUS
            | Operations::DELETE,
        deletion: DeletionEffect::Removes,
        max_page_size: 50,
        quirks: Vec::new(),
    }
}

fn attributes() -> Vec<AttributeSpec> {
    let plain = |name: &str, path: &str, title: &str| AttributeSpec {
        name: name.into(),
        title: title.into(),
        help: String::new(),
        path: path.into(),
        value_type: ValueType::Text,
        format: None,
        multi_valued: false,
        required: false,
        case_exact: true,
        sensitive: false,
        mutability: Mutability::ReadWrite,
        uniqueness: Uniqueness::None,
        choices: Vec::new(),
        max_length: None,
    };
    vec![
        AttributeSpec {
            help: "What the person signs in with.".into(),
            required: true,
            case_exact: false,
            uniqueness: Uniqueness::WithinTenant,
            max_length: Some(32),
            ..plain("login", "login", "Login")
        },
        AttributeSpec {
            required: true,
            ..plain("displayName", "name", "Name")
        },
        AttributeSpec {
            required: true,
            case_exact: false,
            format: Some("email".into()),
            ..plain("email", "mail", "Mail address")
        },
        AttributeSpec {
            help: "The number in the payroll. Never changes once it is set.".into(),
            value_type: ValueType::Integer,
            mutability: Mutability::SetOnce,
            uniqueness: Uniqueness::WithinTenant,
            ..plain("staffNumber", "staff_number", "Staff number")
        },
        AttributeSpec {
            choices: ["employee", "contractor", "intern"].map(Into::into).into(),
            ..plain("kind", "kind", "Kind of contract")
        },
        AttributeSpec {
            value_type: ValueType::Boolean,
            ..plain("remote", "remote", "Works remotely")
        },
        AttributeSpec {
            multi_valued: true,
            ..plain("teams", "teams", "Teams")
        },
        AttributeSpec {
            format: Some("date-time".into()),
            mutability: Mutability::ReadOnly,
            ..plain("joined", "joined", "Joined")
        },
    ]
}

/// The settings, which are good by themselves, made into a tenant; what is wrong with them
/// together would be said here.
///
/// # Errors
///
/// None, for this service.
pub fn tenant(settings: &Settings) -> Result<Tenant, Vec<Problem>> {
    Ok(Tenant {
        base: settings.get(API_URL).unwrap_or_default().to_owned(),
        welcome_mail: settings.get(WELCOME_MAIL) == Some("true"),
    })
}

// Requests.

/// Asks whether settings and credential are good; reads something small.
#[must_use]
pub fn check_request(tenant: &Tenant) -> Request {
    read(tenant, &["me"], &[])
}

/// Asks for a page of all accounts.
#[must_use]
pub fn list_request(tenant: &Tenant, cursor: Option<&str>, size: u32) -> Request {
    let size = size.to_string();
    let page = cursor.map(|cursor| ("page", cursor));
    let query: Vec<_> = [("size", size.as_str())].into_iter().chain(page).collect();
    read(tenant, &["people"], &query)
}

/// Asks for the accounts that have a value of a lookup key.
#[must_use]
pub fn search_request(tenant: &Tenant, key: &str, value: &Value, cursor: Option<&str>) -> Request {
    let value = match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
    };
    let page = cursor.map(|cursor| ("page", cursor));
    let query: Vec<_> = [(path_of(key), value.as_str())]
        .into_iter()
        .chain(page)
        .collect();
    read(tenant, &["people"], &query)
}

/// Asks for one account.
#[must_use]
pub fn get_request(tenant: &Tenant, id: &str) -> Request {
    read(tenant, &["people", id], &[])
}

/// Asks for a new account. `Once`: delivered twice it could make two.
#[must_use]
pub fn create_request(tenant: &Tenant, wish: &Wish) -> Request {
    let mut body = members(wish);
    if tenant.welcome_mail {
        body.insert("welcome".into(), true.into());
    }
    let request = request(tenant, Method::Post, &["people"], Repeatability::Once);
    with_json(request, &body.into())
}

/// Asks for a change of what was just read. It names the revision, so that nobody else's
/// change is undone, and a second delivery does nothing.
#[must_use]
pub fn update_request(tenant: &Tenant, now: &Account, change: &Wish) -> Request {
    let mut body = members(change);
    let revision = now
        .version
        .as_deref()
        .and_then(|text| text.parse::<u64>().ok());
    body.insert("revision".into(), revision.into());
    let path = ["people", now.id.as_str()];
    let request = request(tenant, Method::Patch, &path, Repeatability::Idempotent);
    with_json(request, &body.into())
}

/// Asks for an account's end.
#[must_use]
pub fn delete_request(tenant: &Tenant, id: &str) -> Request {
    request(
        tenant,
        Method::Delete,
        &["people", id],
        Repeatability::Idempotent,
    )
}

fn read(tenant: &Tenant, path: &[&str], query: &[(&str, &str)]) -> Request {
    versioned(exchange::get(exchange::url(&tenant.base, path, query)))
}

fn request(tenant: &Tenant, method: Method, path: &[&str], twice: Repeatability) -> Request {
    let url = exchange::url(&tenant.base, path, &[]);
    versioned(exchange::request(method, url, twice))
}

fn versioned(mut request: Request) -> Request {
    request.headers.push(header("x-api-version", "2"));
    request
}

/// The name that an attribute has in the API, which is its path.
fn path_of(name: &str) -> &'static str {
    match name {
        "login" => "login",
        "displayName" => "name",
        "email" => "mail",
        "staffNumber" => "staff_number",
        "kind" => "kind",
        "remote" => "remote",
        "teams" => "teams",
        _ => "joined",
    }
}

/// The members of a person that a wish is about; `null` for what is to be cleared.
fn members(wish: &Wish) -> Map<String, Json> {
    let mut members = Map::new();
    if let Some(status) = wish.status {
        let state = match status {
            AccountStatus::Active => "enabled",
            AccountStatus::Inactive => "disabled",
        };
        members.insert("state".into(), state.into());
    }
    for (name, values) in &wish.values {
        let mut values: Vec<Json> = values.iter().map(to_json).collect();
        let value = match name.as_str() {
            "teams" => Json::Array(values),
            _ => values.pop().unwrap_or(Json::Null),
        };
        members.insert(path_of(name).into(), value);
    }
    members
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Boolean(flag) => json!(flag),
        Value::Integer(number) => json!(number),
    }
}

// Answers. `None` says that it is not what was asked for.

/// Reads the answer to [`check_request`].
#[must_use]
pub fn read_check(response: &Response) -> Option<CheckReport> {
    #[derive(Deserialize)]
    struct Me {
        organisation: String,
        scope: String,
    }

    let me: Me = serde_json::from_slice(&response.body).ok()?;
    Some(CheckReport {
        upstream: Some(me.organisation),
        writable: Some(me.scope == "read-write"),
        notices: Vec::new(),
    })
}

/// Reads a page, of all accounts or of a search.
#[must_use]
pub fn read_page(response: &Response) -> Option<Page> {
    #[derive(Deserialize)]
    struct People {
        people: Vec<Person>,
        next_page: Option<String>,
        count: Option<u32>,
    }

    let page: People = serde_json::from_slice(&response.body).ok()?;
    let accounts: Option<Vec<_>> = page.people.into_iter().map(Person::into_account).collect();
    Some(Page {
        accounts: accounts?,
        next: page.next_page,
        total: page.count,
    })
}

/// Reads one account: what is asked for by id, and what creation and change answer with.
#[must_use]
pub fn read_account(response: &Response) -> Option<Account> {
    let person: Person = serde_json::from_slice(&response.body).ok()?;
    person.into_account()
}

#[derive(Deserialize)]
struct Person {
    id: String,
    revision: u64,
    state: String,
    login: Option<String>,
    name: Option<String>,
    mail: Option<String>,
    staff_number: Option<i64>,
    kind: Option<String>,
    remote: Option<bool>,
    #[serde(default)]
    teams: Vec<String>,
    joined: Option<String>,
}

impl Person {
    fn into_account(self) -> Option<Account> {
        if !exchange::is_id(&self.id) {
            return None;
        }
        let status = match self.state.as_str() {
            "enabled" => AccountStatus::Active,
            "disabled" => AccountStatus::Inactive,
            _ => return None,
        };
        let some = |text: &String| !text.trim().is_empty();
        let text = |text: Option<String>| -> Vec<_> {
            text.filter(some).map(Value::Text).into_iter().collect()
        };
        let mut teams = self.teams;
        teams.retain(some);
        teams.sort();
        teams.dedup();
        let all = [
            ("login", text(self.login)),
            ("displayName", text(self.name)),
            ("email", text(self.mail)),
            (
                "staffNumber",
                self.staff_number.map(Value::Integer).into_iter().collect(),
            ),
            ("kind", text(self.kind)),
            (
                "remote",
                self.remote.map(Value::Boolean).into_iter().collect(),
            ),
            ("teams", teams.into_iter().map(Value::Text).collect()),
            ("joined", text(self.joined)),
        ];
        let held = all.into_iter().filter(|(_, values)| !values.is_empty());
        Some(Account {
            id: self.id,
            status,
            attributes: held
                .map(|(name, values)| Attribute {
                    name: name.into(),
                    values,
                })
                .collect(),
            version: Some(self.revision.to_string()),
        })
    }
}

// Errors.

/// What an answer without success means: by the service's own code, else by its status.
#[must_use]
pub fn failure(asked: Asked, response: &Response) -> Failed {
    #[derive(Deserialize, Default)]
    struct Body {
        error: Error,
    }

    #[derive(Deserialize, Default)]
    struct Error {
        code: Option<String>,
        message: Option<String>,
        field: Option<String>,
    }

    let body: Body = serde_json::from_slice(&response.body).unwrap_or_default();
    let Error {
        code,
        message,
        field,
    } = body.error;
    let own = match (response.status, code.as_deref()) {
        (400, Some("bad_page")) => Some(FailureKind::InvalidCursor),
        (404, Some("no_such_person")) => Some(FailureKind::NotFound),
        (409, Some("taken")) => Some(FailureKind::AlreadyExists),
        (409, Some("stale_revision")) => Some(FailureKind::PreconditionFailed),
        _ => None,
    };
    let mut failed = refusal(asked, response, own, code.as_deref(), message.as_deref());
    if let Some(attribute) = field.and_then(|field| attribute_at(&field)) {
        let message = message.as_deref().unwrap_or("It was not accepted.");
        let message = failure::cleaned(message, 160);
        failed.problems = vec![failure::problem(attribute, "not-accepted", message)];
    }
    failed
}

/// The attribute with this path.
fn attribute_at(path: &str) -> Option<&'static str> {
    let names = [
        "login",
        "displayName",
        "email",
        "staffNumber",
        "kind",
        "remote",
        "teams",
        "joined",
    ];
    names.into_iter().find(|name| path_of(name) == path)
}
