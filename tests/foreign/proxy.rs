//! 8x8's path in front of a service that lives under another one.
//!
//! It rewrites where things are (the path of a request, `Location`, `meta.location`) and nothing
//! of what is said: every status and every body passes as it came, but for `meta.location`. It
//! keeps a list of the requests it saw.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, HOST, LOCATION, TRANSFER_ENCODING};
use axum::http::{HeaderValue, Response, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use crate::plain_client::{MAX_BODY, send};

/// The company whose path it is.
pub(crate) const CUSTOMER: &str = "0012J00042NkZQIQA3";

/// Stops when dropped.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    /// `http://127.0.0.1:PORT/udi/customers/…/scim/v2`
    here: Url,
    there: Url,
    seen: Mutex<Vec<String>>,
}

impl Proxy {
    pub(crate) async fn start(there: Url) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|error| format!("The proxy cannot listen: {error}."))?;
        let address = listener
            .local_addr()
            .map_err(|error| format!("The proxy has no address: {error}."))?;
        let here = format!("http://{address}/udi/customers/{CUSTOMER}/scim/v2");
        let shared = Arc::new(Shared {
            here: Url::parse(&here).map_err(|error| format!("{here}: {error}."))?,
            there,
            seen: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { shared, server })
    }

    /// What an administrator would paste as Instance URL.
    pub(crate) fn url(&self) -> &Url {
        &self.shared.here
    }

    /// The requests since the last call, a line each: `GET /Users/42`.
    pub(crate) fn take_seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    match shared.pass(request).await {
        Ok(response) => response,
        Err(problem) => {
            let mut response = Response::new(Body::from(problem));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

impl Shared {
    async fn pass(&self, request: Request) -> Result<Response<Body>, String> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("", |path| path.as_str());
        let below = path
            .strip_prefix(self.here.path())
            .ok_or_else(|| format!("{path} is not below 8x8's path."))?;
        let line = below.split('?').next().unwrap_or(below);
        self.seen
            .lock()
            .map_err(|_| "a request before this one panicked".to_owned())?
            .push(format!("{} {line}", head.method));
        let base = self.there.path().trim_end_matches('/');
        head.uri = format!("{base}{below}")
            .parse::<Uri>()
            .map_err(|error| format!("{base}{below}: {error}."))?;
        let host = HeaderValue::from_str(self.there.authority()).map_err(|e| e.to_string())?;
        head.headers.insert(HOST, host);
        head.headers.remove(TRANSFER_ENCODING);
        head.version = axum::http::Version::HTTP_11;
        let body = to_bytes(body, MAX_BODY).await.map_err(|e| e.to_string())?;
        if head.headers.contains_key(CONTENT_LENGTH) || !body.is_empty() {
            head.headers.insert(CONTENT_LENGTH, body.len().into());
        }
        let request = Request::from_parts(head, Body::from(body));
        let answer = send(self.there.authority(), request).await?;
        let (mut head, body) = answer.into_parts();
        head.headers.remove(TRANSFER_ENCODING);
        let location = head.headers.get(LOCATION).and_then(|at| at.to_str().ok());
        if let Some(moved) = location.and_then(|at| self.moved(at)) {
            let moved = HeaderValue::from_str(&moved).map_err(|e| e.to_string())?;
            head.headers.insert(LOCATION, moved);
        }
        let body = self.relocated(body);
        if head.headers.contains_key(CONTENT_LENGTH) {
            head.headers.insert(CONTENT_LENGTH, body.len().into());
        }
        Ok(Response::from_parts(head, Body::from(body)))
    }

    /// A location there, as it is called here.
    fn moved(&self, location: &str) -> Option<String> {
        let below = location
            .strip_prefix(self.there.as_str().trim_end_matches('/'))
            .or_else(|| location.strip_prefix(self.there.path().trim_end_matches('/')))?;
        Some(format!("{}{below}", self.here))
    }

    fn relocated(&self, body: Bytes) -> Bytes {
        let Ok(mut json) = serde_json::from_slice::<Value>(&body) else {
            return body;
        };
        let mut changed = self.relocate(&mut json);
        if let Some(resources) = json.get_mut("Resources").and_then(Value::as_array_mut) {
            for resource in resources {
                changed |= self.relocate(resource);
            }
        }
        if changed {
            Bytes::from(json.to_string())
        } else {
            body
        }
    }

    fn relocate(&self, resource: &mut Value) -> bool {
        let Some(location) = resource.pointer_mut("/meta/location") else {
            return false;
        };
        let Some(moved) = location.as_str().and_then(|at| self.moved(at)) else {
            return false;
        };
        *location = Value::String(moved);
        true
    }
}
