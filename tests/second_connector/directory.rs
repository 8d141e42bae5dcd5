//! The staff directory, as `examples/staff-directory/API.md` has it: a server over a real
//! socket, with faults for the next write.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value as Json, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const KEY: &str = "k3y-of-the-directory";

/// What becomes of the next write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Carried out or not, and no whole answer comes.
    Cut { after: bool },
    /// Carried out or not, and answered with this status, from a gateway that knows no JSON.
    Status { after: bool, status: u16 },
    /// Carried out, and answered with a success that shows nothing.
    Mute,
    /// Carried out without the person's kind.
    Ignored,
    /// Somebody else gives the person another team first.
    Overtaken,
}

#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) people: BTreeMap<u64, Map<String, Json>>,
    /// Whom this key may not see.
    pub(crate) hidden: Vec<u64>,
    pub(crate) fault: Option<Fault>,
    pub(crate) read_only: bool,
    pub(crate) seats: Option<usize>,
    /// Whether a search shows everybody.
    pub(crate) ignores_search: bool,
    log: Vec<String>,
    headers: Vec<HeaderMap>,
    made: u64,
    deleted: u64,
}

/// Stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    directory: Arc<Mutex<Directory>>,
    server: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(people: u64) -> Self {
        let directory = Arc::new(Mutex::new(Directory::default()));
        for number in 1..=people {
            let person = json!({"login": format!("person-{number}"), "name": format!("Person {number}"),
                "mail": format!("person-{number}@example.com"), "staff_number": number});
            let Json::Object(person) = person else {
                unreachable!();
            };
            directory.lock().unwrap().add(person);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&directory));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            directory,
            server,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/v2", self.address)
    }

    pub(crate) fn directory(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap()
    }

    /// The requests since the last call, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.directory().log)
    }

    /// Those that are no GET.
    pub(crate) fn writes(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.retain(|line| !line.starts_with("GET "));
        lines
    }

    pub(crate) fn headers(&self) -> Vec<HeaderMap> {
        self.directory().headers.clone()
    }

    pub(crate) fn with_login(&self, login: &str) -> Vec<Json> {
        let people = &self.directory().people;
        let has = |person: &&Map<String, Json>| {
            person["login"]
                .as_str()
                .unwrap()
                .eq_ignore_ascii_case(login)
        };
        people
            .values()
            .filter(has)
            .map(|p| p.clone().into())
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Answer =
    Result<(StatusCode, Json), (StatusCode, &'static str, &'static str, Option<&'static str>)>;

async fn serve(State(directory): State<Arc<Mutex<Directory>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut directory = directory.lock().unwrap();
    let path = head
        .uri
        .path()
        .strip_prefix("/api/v2")
        .unwrap_or("?")
        .to_owned();
    directory.log.push(format!("{} {path}", head.method));
    directory.headers.push(head.headers.clone());
    let query: Vec<(String, String)> = head
        .uri
        .query()
        .map(|query| {
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect()
        })
        .unwrap_or_default();
    let fault = match head.method {
        Method::GET => None,
        _ => directory.fault.take(),
    };
    if matches!(fault, Some(Fault::Cut { after: false })) {
        return cut();
    }
    if let Some(Fault::Status {
        after: false,
        status,
    }) = fault
    {
        return gateway(status);
    }
    if fault == Some(Fault::Overtaken) {
        for person in directory.people.values_mut() {
            let revision = person["revision"].as_u64().unwrap();
            person.insert("revision".to_owned(), (revision + 1).into());
            person.insert("teams".to_owned(), json!(["somebody else's"]));
        }
    }
    let answer = if head.headers.get("x-api-key").is_none_or(|key| key != KEY) {
        Err((
            StatusCode::UNAUTHORIZED,
            "bad_key",
            "This key is not known.",
            None,
        ))
    } else if head
        .headers
        .get("x-api-version")
        .is_none_or(|version| version != "2")
    {
        Err((
            StatusCode::BAD_REQUEST,
            "bad_request",
            "Version 2 is served.",
            None,
        ))
    } else {
        directory.answer(&head.method, &path, &query, &body, fault)
    };
    match fault {
        Some(Fault::Cut { .. }) => return cut(),
        Some(Fault::Status { status, .. }) => return gateway(status),
        Some(Fault::Mute) => return StatusCode::OK.into_response(),
        _ => {}
    }
    match answer {
        Ok((StatusCode::NO_CONTENT, _)) => StatusCode::NO_CONTENT.into_response(),
        Ok((status, body)) => (status, axum::Json(body)).into_response(),
        Err((status, code, message, field)) => {
            let mut error = json!({"code": code, "message": message});
            if let Some(field) = field {
                error["field"] = field.into();
            }
            (status, axum::Json(json!({ "error": error }))).into_response()
        }
    }
}

/// The connection ends in the middle of the answer.
fn cut() -> Response {
    let broken = async { Err::<Bytes, _>(std::io::Error::other("cut")) };
    Response::new(Body::from_stream(futures_util::stream::once(broken)))
}

fn gateway(status: u16) -> Response {
    (
        StatusCode::from_u16(status).unwrap(),
        "<html>gateway</html>",
    )
        .into_response()
}

const MISSING: Answer = Err((
    StatusCode::NOT_FOUND,
    "no_such_person",
    "There is nobody of this id.",
    None,
));

impl Directory {
    pub(crate) fn add(&mut self, mut person: Map<String, Json>) -> u64 {
        self.made += 1;
        let id = 1_000 + self.made;
        person.insert("id".to_owned(), format!("p-{id}").into());
        person.insert("revision".to_owned(), 1.into());
        person.insert("joined".to_owned(), "2026-01-05T09:00:00Z".into());
        person.entry("state").or_insert_with(|| "enabled".into());
        person.entry("teams").or_insert_with(|| json!([]));
        self.people.insert(id, person);
        id
    }

    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        query: &[(String, String)],
        body: &[u8],
        fault: Option<Fault>,
    ) -> Answer {
        if self.read_only && method != Method::GET {
            let message = "This key may read.";
            return Err((StatusCode::FORBIDDEN, "read_only_key", message, None));
        }
        let scope = if self.read_only {
            "read-only"
        } else {
            "read-write"
        };
        let id = path
            .strip_prefix("/people/p-")
            .and_then(|id| id.parse().ok());
        let id = id.filter(|id| !self.hidden.contains(id));
        match (method.as_str(), path) {
            ("GET", "/me") => Ok((
                StatusCode::OK,
                json!({"organisation": "Acme", "scope": scope}),
            )),
            ("GET", "/people") => self.page(query),
            ("POST", "/people") => self.create(body, fault),
            ("GET", _) => match id.and_then(|id: u64| self.people.get(&id)) {
                Some(person) => Ok((StatusCode::OK, person.clone().into())),
                None => MISSING,
            },
            ("PATCH", _) => match id.filter(|id| self.people.contains_key(id)) {
                Some(id) => self.change(id, body, fault),
                None => MISSING,
            },
            ("DELETE", _) => match id.and_then(|id| self.people.remove(&id)) {
                Some(_) => {
                    self.deleted += 1;
                    Ok((StatusCode::NO_CONTENT, Json::Null))
                }
                None => MISSING,
            },
            _ => Err((
                StatusCode::BAD_REQUEST,
                "bad_request",
                "There is no such path.",
                None,
            )),
        }
    }

    fn page(&self, query: &[(String, String)]) -> Answer {
        let given = |name: &str| {
            let mut pairs = query.iter();
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let size = given("size").map_or(Some(20), |size| size.parse().ok());
        let Some(size) = size.filter(|size| (1..=50).contains(size)) else {
            return Err((
                StatusCode::BAD_REQUEST,
                "bad_request",
                "size is 1 to 50.",
                None,
            ));
        };
        // A token names the last person of the page before, and how many were deleted by then.
        let after = match given("page") {
            None => 0,
            Some(token) => {
                let parts = token
                    .strip_prefix("after-")
                    .and_then(|rest| rest.split_once('-'));
                let parts = parts.and_then(|(id, deleted)| {
                    Some((id.parse().ok()?, deleted.parse::<u64>().ok()?))
                });
                match parts {
                    Some((id, deleted)) if self.deleted == deleted => id,
                    _ => {
                        return Err((
                            StatusCode::BAD_REQUEST,
                            "bad_page",
                            "This page is gone.",
                            None,
                        ));
                    }
                }
            }
        };
        let fits = |person: &Map<String, Json>| {
            let login = given("login").is_none_or(|login| {
                person["login"]
                    .as_str()
                    .unwrap()
                    .eq_ignore_ascii_case(login)
            });
            let number = given("staff_number").is_none_or(|number| {
                person
                    .get("staff_number")
                    .is_some_and(|held| held.as_i64() == number.parse().ok())
            });
            login && number || self.ignores_search
        };
        let seen = self
            .people
            .iter()
            .filter(|(id, person)| !self.hidden.contains(id) && fits(person));
        let count = seen.clone().count();
        let rest: Vec<_> = seen.filter(|(id, _)| **id > after).collect();
        let shown: Vec<_> = rest.iter().take(size).collect();
        let next =
            (rest.len() > size).then(|| format!("after-{}-{}", shown[size - 1].0, self.deleted));
        let people: Vec<_> = shown.iter().map(|(_, person)| person).collect();
        let page = json!({"people": people, "next_page": next, "count": count});
        Ok((StatusCode::OK, page))
    }

    fn create(&mut self, body: &[u8], fault: Option<Fault>) -> Answer {
        let Ok(mut person) = serde_json::from_slice::<Map<String, Json>>(body) else {
            return Err((
                StatusCode::BAD_REQUEST,
                "bad_request",
                "This is no person.",
                None,
            ));
        };
        self.good(&person, None)?;
        if self.seats.is_some_and(|seats| self.people.len() >= seats) {
            let message = "Every seat is taken.";
            return Err((StatusCode::PAYMENT_REQUIRED, "no_seats", message, None));
        }
        for required in ["login", "name", "mail"] {
            if !person.contains_key(required) {
                let message = "A person has login, name and mail.";
                return Err((
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "bad_value",
                    message,
                    Some(required),
                ));
            }
        }
        person.remove("welcome");
        if fault == Some(Fault::Ignored) {
            person.remove("kind");
        }
        let id = self.add(person);
        Ok((StatusCode::CREATED, self.people[&id].clone().into()))
    }

    fn change(&mut self, id: u64, body: &[u8], fault: Option<Fault>) -> Answer {
        let Ok(mut change) = serde_json::from_slice::<Map<String, Json>>(body) else {
            return Err((
                StatusCode::BAD_REQUEST,
                "bad_request",
                "This is no change.",
                None,
            ));
        };
        let now = self.people[&id].clone();
        let expected = change.remove("revision").unwrap_or(Json::Null);
        if !expected.is_null() && expected != now["revision"] {
            let message = "The person was changed since.";
            return Err((StatusCode::CONFLICT, "stale_revision", message, None));
        }
        self.good(&change, Some(id))?;
        let renumbered = change
            .get("staff_number")
            .is_some_and(|number| now.get("staff_number").is_some_and(|held| held != number));
        if renumbered {
            let message = "It never changes.";
            return Err((
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad_value",
                message,
                Some("staff_number"),
            ));
        }
        if fault == Some(Fault::Ignored) {
            change.remove("kind");
        }
        let person = self.people.get_mut(&id).unwrap();
        for (name, value) in change {
            if value.is_null() {
                person.remove(&name);
            } else {
                person.insert(name, value);
            }
        }
        person.insert(
            "revision".to_owned(),
            (now["revision"].as_u64().unwrap() + 1).into(),
        );
        Ok((StatusCode::OK, person.clone().into()))
    }

    /// The service's own rules.
    fn good(
        &self,
        person: &Map<String, Json>,
        own: Option<u64>,
    ) -> Result<(), (StatusCode, &'static str, &'static str, Option<&'static str>)> {
        const UNREADABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

        for (name, value) in person {
            let good = match name.as_str() {
                "login" => value
                    .as_str()
                    .is_some_and(|login| (1..=32).contains(&login.chars().count())),
                "name" | "mail" => value.as_str().is_some_and(|text| !text.is_empty()),
                "kind" => {
                    value.is_null()
                        || ["employee", "contractor", "intern"]
                            .iter()
                            .any(|kind| value == kind)
                }
                "state" => ["enabled", "disabled"].iter().any(|state| value == state),
                "staff_number" => value.is_null() || value.is_i64(),
                "remote" => value.is_null() || value.is_boolean(),
                "teams" => value
                    .as_array()
                    .is_some_and(|teams| teams.iter().all(Json::is_string)),
                "welcome" => value.is_boolean(),
                _ => false,
            };
            if !good {
                return Err((UNREADABLE, "bad_value", "This is no good value.", None));
            }
        }
        for field in ["login", "staff_number"] {
            let Some(value) = person.get(field).filter(|value| !value.is_null()) else {
                continue;
            };
            let same =
                |held: &Json| held.to_string().to_lowercase() == value.to_string().to_lowercase();
            let taken = self
                .people
                .iter()
                .any(|(id, other)| Some(*id) != own && other.get(field).is_some_and(same));
            if taken {
                return Err((
                    StatusCode::CONFLICT,
                    "taken",
                    "Somebody has this already.",
                    Some(field),
                ));
            }
        }
        Ok(())
    }
}
