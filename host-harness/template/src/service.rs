//! The address book: everything that is its own, and nothing else.
//!
//! | Request | Answer |
//! |---|---|
//! | `GET /contacts?limit=&from=` | `{"contacts": [contact…], "next": "FROM" or null}` |
//! | `GET /contacts?email=` | the same, of those who have this address |
//! | `GET /contacts/{id}` | the contact |
//! | `POST /contacts` | 201 and the contact |
//! | `PATCH /contacts/{id}` | the contact; sets what is sent, `null` removes |
//! | `DELETE /contacts/{id}` | 204 |
//!
//! A contact: `{"id": "7", "active": true, "email": "…", "name": "…", "phone": "…"}`. An error:
//! `{"error": "email-taken"}`; the others are `no-such-contact` and `bad-from`.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::contract::manifest::{
    AttributeSpec, Credential, CredentialPlacement, DeletionEffect, Manifest, Mutability,
    Operations, Setting, SettingKind, Uniqueness, ValueType,
};
use crate::contract::{
    Account, AccountStatus, Attribute, CheckReport, FailureKind, Page, Problem, Value,
};
use crate::exchange::{
    Method, Repeatability, Request, Response, get, is_id, request, url, with_json,
};
use crate::failure::{Asked, Failed, refusal};
use crate::settings::Settings;
use crate::wish::Wish;

/// The service's name in sentences.
pub const TITLE: &str = "The address book";

/// One address book, as the settings name it.
#[derive(Debug)]
pub struct Tenant {
    base: String,
}

// What the connector says of itself.

/// Everything that is known without a connection.
#[must_use]
pub fn manifest() -> Manifest {
    Manifest {
        id: "sample-connector".into(),
        title: "Address book".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        setup: "Run `cargo run --example sample-service`: it writes sample.toml.".into(),
        settings: vec![Setting {
            name: "api-url".into(),
            title: "API URL".into(),
            help: "Where the address book is, such as https://contacts.example/api".into(),
            // What the operator types here is also all that the connector may reach. The list
            // holds endings that people paste too many.
            kind: SettingKind::BaseUrl(vec!["contacts".into()]),
            required: true,
            default: None,
        }],
        credentials: vec![Credential {
            name: "token".into(),
            title: "Token".into(),
            help: "The address book's token.".into(),
            // The host adds it to each request; this crate never sees it.
            placement: CredentialPlacement::Bearer,
            base_url: "api-url".into(),
        }],
        // Request headers beyond the usual ones, such as `x-api-version`.
        headers: Vec::new(),
        attributes: vec![
            AttributeSpec {
                required: true,
                case_exact: false,
                format: Some("email".into()),
                uniqueness: Uniqueness::WithinTenant,
                ..text("email", "Mail address")
            },
            AttributeSpec {
                required: true,
                ..text("name", "Name")
            },
            AttributeSpec {
                format: Some("phone".into()),
                ..text("phone", "Phone")
            },
        ],
        lookup_keys: vec!["email".into()],
        identity_key: None,
        operations: Operations::LIST
            | Operations::GET
            | Operations::FIND
            | Operations::CREATE
            | Operations::UPDATE
            | Operations::SET_STATUS
            | Operations::DELETE,
        deletion: DeletionEffect::Removes,
        max_page_size: 100,
        quirks: Vec::new(),
    }
}

/// An attribute that is a text, may be missing, and is called in the API as it is here.
fn text(name: &str, title: &str) -> AttributeSpec {
    AttributeSpec {
        name: name.into(),
        title: title.into(),
        help: String::new(),
        path: name.into(),
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
    }
}

/// The settings, each of them good, made into a tenant.
///
/// # Errors
///
/// What is wrong with them together; nothing can be, here.
pub fn tenant(settings: &Settings) -> Result<Tenant, Vec<Problem>> {
    Ok(Tenant {
        base: settings.get("api-url").unwrap_or_default().to_owned(),
    })
}

// Requests.

/// Asks whether settings and credential are good; reads something small.
#[must_use]
pub fn check_request(tenant: &Tenant) -> Request {
    list_request(tenant, None, 1)
}

/// Asks for a page of all accounts.
#[must_use]
pub fn list_request(tenant: &Tenant, cursor: Option<&str>, size: u32) -> Request {
    let limit = size.to_string();
    let mut query = vec![("limit", limit.as_str())];
    query.extend(cursor.map(|cursor| ("from", cursor)));
    get(url(&tenant.base, &["contacts"], &query))
}

/// Asks for the accounts that have a value of a lookup key.
#[must_use]
pub fn search_request(tenant: &Tenant, key: &str, value: &Value, cursor: Option<&str>) -> Request {
    let Value::Text(value) = value else {
        return list_request(tenant, cursor, 100);
    };
    let mut query = vec![(key, value.as_str())];
    query.extend(cursor.map(|cursor| ("from", cursor)));
    get(url(&tenant.base, &["contacts"], &query))
}

/// Asks for one account.
#[must_use]
pub fn get_request(tenant: &Tenant, id: &str) -> Request {
    get(url(&tenant.base, &["contacts", id], &[]))
}

/// Asks for a new account. `Once`: delivered twice it could make two.
#[must_use]
pub fn create_request(tenant: &Tenant, wish: &Wish) -> Request {
    let url = url(&tenant.base, &["contacts"], &[]);
    with_json(request(Method::Post, url, Repeatability::Once), &body(wish))
}

/// Asks for a change of what was just read. Where a service has versions, `now.version` is sent
/// along, so that nobody else's change is undone.
#[must_use]
pub fn update_request(tenant: &Tenant, now: &Account, change: &Wish) -> Request {
    let url = url(&tenant.base, &["contacts", &now.id], &[]);
    with_json(
        request(Method::Patch, url, Repeatability::Idempotent),
        &body(change),
    )
}

/// Asks for an account's end.
#[must_use]
pub fn delete_request(tenant: &Tenant, id: &str) -> Request {
    let url = url(&tenant.base, &["contacts", id], &[]);
    request(Method::Delete, url, Repeatability::Idempotent)
}

/// The members that a wish is about; `null` for what is to be cleared.
fn body(wish: &Wish) -> Json {
    let mut members = Map::new();
    if let Some(status) = wish.status {
        let active = status == AccountStatus::Active;
        members.insert("active".into(), active.into());
    }
    for (name, values) in &wish.values {
        let value = match values.first() {
            Some(Value::Text(text)) => Json::from(text.as_str()),
            Some(Value::Boolean(flag)) => Json::from(*flag),
            Some(Value::Integer(number)) => Json::from(*number),
            None => Json::Null,
        };
        members.insert(name.clone(), value);
    }
    members.into()
}

// Answers. `None` says that it is not what was asked for.

/// Reads the answer to [`check_request`].
#[must_use]
pub fn read_check(response: &Response) -> Option<CheckReport> {
    read_page(response)?;
    Some(CheckReport {
        upstream: None,
        writable: None,
        notices: Vec::new(),
    })
}

/// Reads a page, of all accounts or of a search.
#[must_use]
pub fn read_page(response: &Response) -> Option<Page> {
    #[derive(Deserialize)]
    struct Contacts {
        contacts: Vec<Contact>,
        next: Option<String>,
    }

    let page: Contacts = serde_json::from_slice(&response.body).ok()?;
    let accounts: Option<Vec<_>> = page.contacts.into_iter().map(account).collect();
    Some(Page {
        accounts: accounts?,
        next: page.next,
        total: None,
    })
}

/// Reads one account: what is asked for by id, and what creation and change answer with.
#[must_use]
pub fn read_account(response: &Response) -> Option<Account> {
    account(serde_json::from_slice(&response.body).ok()?)
}

#[derive(Deserialize)]
struct Contact {
    id: String,
    active: bool,
    email: Option<String>,
    name: Option<String>,
    phone: Option<String>,
}

fn account(contact: Contact) -> Option<Account> {
    let held = [
        ("email", contact.email),
        ("name", contact.name),
        ("phone", contact.phone),
    ];
    let attributes = held.into_iter().filter_map(|(name, value)| {
        let value = value.filter(|value| !value.trim().is_empty())?;
        Some(Attribute {
            name: name.into(),
            values: vec![Value::Text(value)],
        })
    });
    let status = if contact.active {
        AccountStatus::Active
    } else {
        AccountStatus::Inactive
    };
    // An id becomes a part of a URL.
    is_id(&contact.id).then(|| Account {
        attributes: attributes.collect(),
        id: contact.id,
        status,
        version: None,
    })
}

// Errors.

/// What an answer without success means: by the service's own word, else by its status. Only
/// the service's own word may say that there is no such account: a gateway says 404 too.
#[must_use]
pub fn failure(asked: Asked, response: &Response) -> Failed {
    #[derive(Deserialize, Default)]
    struct Body {
        error: Option<String>,
    }

    let body: Body = serde_json::from_slice(&response.body).unwrap_or_default();
    let code = body.error.as_deref();
    let own = match (response.status, code) {
        (400, Some("bad-from")) => Some(FailureKind::InvalidCursor),
        (404, Some("no-such-contact")) => Some(FailureKind::NotFound),
        (409, Some("email-taken")) => Some(FailureKind::AlreadyExists),
        _ => None,
    };
    refusal(asked, response, own, code, None)
}
