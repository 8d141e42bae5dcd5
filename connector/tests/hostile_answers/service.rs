//! A SCIM service in memory that answers rightly, but for the exchanges under attack.

use std::cell::{Cell, RefCell};

use connector_8x8::transport::{Header, Method, Request, Response, Transport, TransportFailure};
use serde_json::{Value as Json, json};

use crate::attack::{Attack, Due, Right};

pub(crate) const BASE: &str = "https://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// No operation has a reason to ask more often than this.
const MOST_REQUESTS: usize = 200;

/// How this service does what RFC 7644 leaves open.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manners {
    pub(crate) bodiless: bool,
    pub(crate) no_location: bool,
    pub(crate) no_filter: bool,
    pub(crate) no_patch: bool,
    pub(crate) plain_json: bool,
    pub(crate) versions: bool,
}

/// What an exchange is for, as the table names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Users,
    Search,
    User,
    Configuration,
    Creation,
    Change,
    Deletion,
    ProofOfCreation,
    ProofOfChange,
    ProofOfDeletion,
    Holder,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Search => "search",
            Self::User => "user",
            Self::Configuration => "configuration",
            Self::Creation => "creation",
            Self::Change => "change",
            Self::Deletion => "deletion",
            Self::ProofOfCreation => "proof of creation",
            Self::ProofOfChange => "proof of change",
            Self::ProofOfDeletion => "proof of deletion",
            Self::Holder => "holder",
        }
    }

    pub(crate) fn is_write(self) -> bool {
        matches!(self, Self::Creation | Self::Change | Self::Deletion)
    }
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) users: RefCell<Vec<Json>>,
    pub(crate) target: &'static str,
    manners: Manners,
    finds: bool,
    attack: Option<Attack>,
    /// The role and the status of each exchange so far.
    pub(crate) roles: RefCell<Vec<(Role, u16)>>,
    /// Writes that took effect.
    pub(crate) applied: Cell<usize>,
    /// POSTs beyond the one that is allowed, a refused media type (415) aside.
    pub(crate) creations: Cell<usize>,
}

impl Service {
    pub(crate) fn new(
        users: Vec<Json>,
        target: &'static str,
        finds: bool,
        manners: Manners,
        attack: Option<Attack>,
    ) -> Self {
        Self {
            users: RefCell::new(users),
            target,
            manners,
            finds,
            attack,
            roles: RefCell::default(),
            applied: Cell::new(0),
            creations: Cell::new(0),
        }
    }

    fn role(&self, request: &Request) -> Role {
        let path = request.url.strip_prefix(BASE).expect("within reach");
        match request.method {
            Method::Post => return Role::Creation,
            Method::Patch | Method::Put => return Role::Change,
            Method::Delete => return Role::Deletion,
            Method::Get | Method::Head => {}
        }
        if path.starts_with("/ServiceProviderConfig") {
            return Role::Configuration;
        }
        let roles = self.roles.borrow();
        let last_write = roles.iter().rev().find(|(role, _)| role.is_write());
        let of_one = path.starts_with("/Users/");
        match last_write {
            Some((Role::Creation, 400 | 409)) => Role::Holder,
            Some((Role::Creation, _)) => Role::ProofOfCreation,
            // A change that was refused is followed by a reading anew.
            Some((Role::Change, 400 | 404..=407 | 410 | 412 | 501)) if of_one => Role::User,
            Some((Role::Change, 409)) => Role::Holder,
            Some((Role::Change, _)) => Role::ProofOfChange,
            Some((Role::Deletion, _)) => Role::ProofOfDeletion,
            _ if of_one => Role::User,
            _ if self.finds => Role::Search,
            _ => Role::Users,
        }
    }

    /// The right answer, and what it does to the users.
    fn right(&self, users: &mut Vec<Json>, request: &Request, role: Role) -> Right {
        let path = request.url.strip_prefix(BASE).expect("within reach");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let id = path.strip_prefix("/Users/");
        let at = users
            .iter()
            .position(|user| Some(user["id"].as_str().unwrap()) == id);
        let media = request
            .headers
            .iter()
            .find(|header| header.name == "content-type");
        if self.manners.plain_json && media.is_some_and(|header| header.value.contains("scim")) {
            return error(415, None, "plain JSON only");
        }
        match (request.method, at) {
            (Method::Get, _) if role == Role::Configuration => Right::new(
                200,
                Due::Configuration,
                json!({ "etag": { "supported": self.manners.versions } }),
            ),
            (Method::Get, None) if id.is_none() => self.list(users, query),
            (Method::Get, Some(at)) => Right::new(200, Due::User, users[at].clone()),
            (Method::Post, _) => self.create(users, request),
            (Method::Patch, Some(_)) if self.manners.no_patch => error(405, None, "no PATCH"),
            (Method::Patch, Some(at)) => {
                patch(&mut users[at], request);
                self.written(&mut users[at])
            }
            (Method::Put, Some(at)) => {
                let mut user = body(request);
                for own in ["id", "meta"] {
                    user[own] = users[at][own].clone();
                }
                users[at] = user;
                self.written(&mut users[at])
            }
            (Method::Delete, Some(at)) => {
                users[at]["active"] = json!(false);
                let mut right = self.written(&mut users[at]);
                (right.status, right.bodiless) = (204, true);
                right
            }
            _ => error(404, None, "no such user"),
        }
    }

    fn written(&self, user: &mut Json) -> Right {
        if self.manners.versions {
            user["meta"]["version"] = json!("W/\"2\"");
        }
        let mut right = Right::new(200, Due::Write, user.clone());
        if self.manners.bodiless {
            (right.status, right.bodiless) = (204, true);
        }
        right
    }

    fn create(&self, users: &mut Vec<Json>, request: &Request) -> Right {
        let mut user = body(request);
        let name = user["userName"].as_str().unwrap().to_lowercase();
        if users
            .iter()
            .any(|known| known["userName"].as_str().unwrap() == name)
        {
            return error(409, Some("uniqueness"), "userName already in use");
        }
        user["id"] = json!(self.target);
        users.push(user.clone());
        let mut right = Right::new(201, Due::Creation, user);
        right.bodiless = self.manners.bodiless;
        if !self.manners.no_location {
            right.location = Some(format!("{BASE}/Users/{}", self.target));
        }
        right
    }

    fn list(&self, users: &[Json], query: &str) -> Right {
        let parameters: Vec<_> = query
            .split('&')
            .filter_map(|one| one.split_once('='))
            .collect();
        let given = |name: &str| {
            let found = parameters.iter().find(|(found, _)| *found == name);
            found.map(|(_, value)| decoded(value))
        };
        let number = |name: &str, or: usize| given(name).map_or(or, |text| text.parse().unwrap());
        let mut found = users.to_vec();
        if let Some(filter) = given("filter") {
            if self.manners.no_filter {
                return error(400, Some("invalidFilter"), "no filters");
            }
            let (name, value) = filter.split_once(" eq ").unwrap();
            let value: String = serde_json::from_str(value).unwrap();
            let same = |found: &str| match name {
                "userName" => found.eq_ignore_ascii_case(&value),
                _ => found == value,
            };
            found.retain(|user| user[name].as_str().is_some_and(same));
        }
        let total = found.len();
        let (start, count) = (number("startIndex", 1), number("count", 100));
        let page: Vec<_> = found.into_iter().skip(start - 1).take(count).collect();
        Right::new(
            200,
            Due::Users,
            json!({ "schemas": [LIST], "totalResults": total, "Resources": page }),
        )
    }

    /// What an answer says of the target is made true, where nobody could see that it is not:
    /// another writer may have done it.
    fn make_true(&self, class: &str, status: u16, role: Role) {
        let mut users = self.users.borrow_mut();
        let Some(at) = users.iter().position(|user| user["id"] == self.target) else {
            return;
        };
        let of_one = matches!(
            role,
            Role::User | Role::ProofOfChange | Role::ProofOfDeletion | Role::ProofOfCreation
        );
        match class {
            "error" if of_one && matches!(status, 404 | 410) => {
                users.remove(at);
            }
            "inactive" if (200..300).contains(&status) => users[at]["active"] = json!(false),
            "two values" if (200..300).contains(&status) => {
                let emails = users[at]["emails"].as_array_mut().unwrap();
                if emails.len() == 1 {
                    emails.push(json!({ "type": "work", "value": "second@example.com" }));
                }
            }
            _ => {}
        }
    }
}

impl Transport for &Service {
    fn send(&self, request: &Request) -> Result<Response, TransportFailure> {
        let at = self.roles.borrow().len();
        assert!(at < MOST_REQUESTS, "it asks for ever");
        let role = self.role(request);
        let refused_media = self.roles.borrow().last() == Some(&(Role::Creation, 415));
        if role == Role::Creation && !refused_media {
            self.creations.set(self.creations.get() + 1);
        }
        let attack = self.attack.as_ref().filter(|attack| attack.strikes(at));
        let works = attack.is_none_or(|attack| attack.does(at));
        let mut users = self.users.borrow().clone();
        let right = self.right(&mut users, request, role);
        if role.is_write() && works && right.status < 300 {
            *self.users.borrow_mut() = users;
            self.applied.set(self.applied.get() + 1);
        }
        let response = match attack {
            None => right.response(),
            Some(attack) => {
                let due = match role {
                    Role::Creation => Due::Creation,
                    _ if role.is_write() => Due::Write,
                    _ => right.due,
                };
                self.make_true(attack.body.class(due), attack.status, role);
                attack.answer(&right)
            }
        };
        self.roles.borrow_mut().push((role, response.status));
        Ok(response)
    }
}

fn error(status: u16, scim_type: Option<&str>, detail: &str) -> Right {
    let body = json!({
        "schemas": [ERROR], "status": status.to_string(), "scimType": scim_type, "detail": detail,
    });
    Right::new(status, Due::User, body)
}

fn body(request: &Request) -> Json {
    serde_json::from_slice(request.body.as_ref().unwrap()).unwrap()
}

/// As far as the operations here send paths.
fn patch(user: &mut Json, request: &Request) {
    for operation in body(request)["Operations"].as_array().unwrap() {
        let value = operation["value"].clone();
        match operation["path"].as_str().unwrap() {
            "emails[type eq \"work\"].value" => user["emails"][0]["value"] = value,
            path @ ("active" | "title" | "emails") => user[path] = value,
            other => panic!("no path for {other}"),
        }
    }
}

fn decoded(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

impl Right {
    pub(crate) fn response(&self) -> Response {
        let body = if self.bodiless {
            Vec::new()
        } else {
            self.json.to_string().into_bytes()
        };
        respond(self.status, self.location.as_deref(), body)
    }
}

pub(crate) fn respond(status: u16, location: Option<&str>, body: Vec<u8>) -> Response {
    let header = |value: &str| Header {
        name: "location".into(),
        value: value.into(),
    };
    Response {
        status,
        headers: location.map(header).into_iter().collect(),
        body,
        retry_after_ms: None,
        earlier_attempt_lost: false,
    }
}
