//! What the page's links and forms do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, Request, State as Shared};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use url::form_urlencoded;

use super::connections::{Bounds, Caller, serve};
use super::door::{Door, Entry, Refusal};
use super::sitting::{Sitting, Tally, Unsaved};
use crate::clock::Clock;
use crate::sync::page::{self, State, View};

/// How long answers may take that are under way when the review ends.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// The server, until it is stopped.
pub(super) struct Server {
    room: Arc<Room>,
    serving: JoinHandle<()>,
}

/// What requests share.
struct Room {
    door: Door,
    sitting: Mutex<Sitting>,
    command: String,
    clock: Arc<dyn Clock>,
    /// When somebody who was let in asked for something.
    seen: Mutex<Duration>,
    saved: Notify,
    stop: Notify,
}

/// Nothing is left half done under these locks, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    pub(super) fn start(
        listener: TcpListener,
        door: Door,
        sitting: Sitting,
        command: String,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let room = Arc::new(Room {
            door,
            sitting: Mutex::new(sitting),
            command,
            seen: Mutex::new(clock.now()),
            clock,
            saved: Notify::new(),
            stop: Notify::new(),
        });
        let (router, stopping) = (router(&room), Arc::clone(&room));
        let stop = async move { stopping.stop.notified().await };
        let serving = tokio::spawn(serve(listener, router, Bounds::default(), stop));
        Self { room, serving }
    }

    /// Until it is saved.
    pub(super) async fn saved(&self) {
        self.room.saved.notified().await;
    }

    /// Until nobody has looked for so long.
    pub(super) async fn idle(&self, most: Duration) {
        loop {
            let until = *lock(&self.room.seen) + most;
            if self.room.clock.now() >= until {
                return;
            }
            self.room.clock.alarm(until).await;
        }
    }

    /// Lets what is under way end; what was saved.
    pub(super) async fn stop(self) -> Option<Tally> {
        self.room.stop.notify_one();
        let _ = tokio::time::timeout(LAST_ANSWERS, self.serving).await;
        lock(&self.room.sitting).saved()
    }
}

fn router(room: &Arc<Room>) -> Router {
    let folder = room.door.folder();
    Router::new()
        .route(&folder, get(show))
        .route(&format!("{folder}decide"), post(decide))
        .route(&format!("{folder}save"), post(save))
        .fallback(async || told(StatusCode::NOT_FOUND, "There is no such page", "", None))
        .layer(from_fn_with_state(Arc::clone(room), at_the_door))
        .with_state(Arc::clone(room))
}

async fn at_the_door(Shared(room): Shared<Arc<Room>>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let entry = room.door.look_at(&head);
    if let (Entry::Known | Entry::New { .. }, Some(caller)) =
        (&entry, head.extensions.get::<Caller>())
    {
        caller.is_let_in();
    }
    let mut answer = match entry {
        Entry::Known => {
            *lock(&room.seen) = room.clock.now();
            next.run(Request::from_parts(head, body)).await
        }
        Entry::New { cookie } => let_in(&room.door.folder(), &cookie),
        Entry::Refused(refusal) => {
            let mut answer = refused(&refusal);
            // A stranger's connection is not kept.
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(CONNECTION, close);
            answer
        }
    };
    guard(answer.headers_mut());
    answer
}

/// Leads on by a page of its own and not by a redirection: a browser that was sent here by
/// another site would not send a strict cookie after one.
fn let_in(folder: &str, cookie: &str) -> Response {
    let mut answer = told(
        StatusCode::OK,
        "Review",
        "The plan is being opened.",
        Some(folder),
    );
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    answer
}

fn refused(refusal: &Refusal) -> Response {
    let again = "Run `harness review` again for another one.";
    let (status, title, text) = match refusal {
        Refusal::Host => (StatusCode::MISDIRECTED_REQUEST, "Wrong host", String::new()),
        Refusal::Origin => (StatusCode::FORBIDDEN, "From another site", String::new()),
        Refusal::Token => (
            StatusCode::FORBIDDEN,
            "This address was used before",
            format!("It works in the first browser that opens it. {again}"),
        ),
        Refusal::Session => (
            StatusCode::UNAUTHORIZED,
            "Not without the address",
            format!("`harness review` printed an address that lets one browser in. {again}"),
        ),
    };
    told(status, title, &text, None)
}

/// No answer is kept, framed, or read as something else.
fn guard(headers: &mut HeaderMap) {
    let fixed = [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // With `no-referrer` a browser would send `Origin: null` along with a form.
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&page::policy()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}

fn told(status: StatusCode, title: &str, text: &str, onward: Option<&str>) -> Response {
    (status, Html(page::message(title, text, onward))).into_response()
}

async fn show(Shared(room): Shared<Arc<Room>>, RawQuery(query): RawQuery) -> Response {
    let view = View::read(query.unwrap_or_default().as_bytes());
    Html(page::review(&lock(&room.sitting).plan, &view)).into_response()
}

/// One entry, by its position, or all that the view shows.
async fn decide(Shared(room): Shared<Arc<Room>>, form: Bytes) -> Response {
    let view = View::read(&form);
    let mut sitting = lock(&room.sitting);
    let mut to = view.address();
    for (name, value) in form_urlencoded::parse(&form) {
        let decided = match (&*name, state(&name), state(&value)) {
            (_, Some(state), _) => value.parse().is_ok_and(|position| {
                to = format!("{}#e{position}", view.address());
                sitting.decide(position, state)
            }),
            ("all", _, Some(state)) => {
                let mut positions = view.positions(&sitting.plan).into_iter();
                positions.all(|position| sitting.decide(position, state))
            }
            ("all", _, None) => false,
            _ => continue,
        };
        if !decided {
            let text = "Nothing can be decided about this.";
            return told(StatusCode::BAD_REQUEST, "Not decided", text, None);
        }
    }
    match HeaderValue::from_str(&to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn state(button: &str) -> Option<State> {
    match button {
        "approve" => Some(State::Approved),
        "reject" => Some(State::Rejected),
        "open" => Some(State::Open),
        _ => None,
    }
}

async fn save(Shared(room): Shared<Arc<Room>>) -> Response {
    let mut sitting = lock(&room.sitting);
    let (status, text) = match sitting.save() {
        Ok(()) => {
            room.saved.notify_one();
            return Html(page::saved(&sitting.plan, &room.command)).into_response();
        }
        Err(Unsaved::Undecided) => (
            StatusCode::CONFLICT,
            "Nothing is decided yet. A plan that nobody reviewed is carried out as a whole."
                .to_owned(),
        ),
        Err(Unsaved::Changed) => (
            StatusCode::CONFLICT,
            "The plan's file has changed since this review began, and was left as it is. Run \
             `harness review` again."
                .to_owned(),
        ),
        Err(Unsaved::Failed(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    told(status, "Not saved", &text, None)
}
