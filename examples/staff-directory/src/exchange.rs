//! One request and its answer: the way out, how a URL is put together, and which answers to a
//! write leave open whether it was done.

use fluent_uri::pct_enc::{EString, encoder};

use crate::contract::http;
use crate::contract::manifest::Manifest;
use crate::failure::{self, Asked, Failed};
use crate::service;

pub use crate::contract::http::{
    Header, Method, Repeatability, Request, Response, TransportFailure,
};

/// The one way out. In the sandbox it is the contract's `http`; in tests a script.
pub trait Transport {
    /// Sends one request and waits for its answer; retries are the other side's.
    ///
    /// # Errors
    ///
    /// Sorted by what is known to have happened; see the contract's `http`.
    fn send(&self, request: &Request) -> Result<Response, TransportFailure>;
}

/// The host's `http` capability.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Transport for Host {
    fn send(&self, request: &Request) -> Result<Response, TransportFailure> {
        http::send(request)
    }
}

/// A request for JSON. Each credential of the manifest is added when it is sent.
#[must_use]
pub fn request(method: Method, url: String, repeatability: Repeatability) -> Request {
    Request {
        method,
        url,
        headers: vec![header("accept", "application/json")],
        body: None,
        credentials: Vec::new(),
        repeatability,
        delay_ms: 0,
    }
}

/// A request that reads.
#[must_use]
pub fn get(url: String) -> Request {
    request(Method::Get, url, Repeatability::Safe)
}

/// The request with a JSON body.
#[must_use]
pub fn with_json(mut request: Request, body: &serde_json::Value) -> Request {
    request
        .headers
        .push(header("content-type", "application/json"));
    request.body = Some(body.to_string().into_bytes());
    request
}

/// A line of a header.
#[must_use]
pub fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// `{base}/{segments}?{query}`. Each segment and value is encoded whole, so that none can
/// become two.
#[must_use]
pub fn url(base: &str, segments: &[&str], query: &[(&str, &str)]) -> String {
    let mut path = EString::<encoder::Path>::new();
    for segment in segments {
        path.push('/');
        path.encode_str::<encoder::Data>(segment);
    }
    let mut pairs = EString::<encoder::Query>::new();
    for (name, value) in query {
        pairs.push(if pairs.is_empty() { '?' } else { '&' });
        pairs.encode_str::<encoder::Data>(name);
        pairs.push('=');
        pairs.encode_str::<encoder::Data>(value);
    }
    format!("{base}{path}{pairs}")
}

/// Whether a text can name an account: one path segment, and nothing that a server on the
/// way could take for a path.
#[must_use]
pub fn is_id(id: &str) -> bool {
    let wild = |character: char| character.is_control() || "/\\%?#".contains(character);
    !id.trim().is_empty() && id.len() <= 512 && !matches!(id, "." | "..") && !id.contains(wild)
}

/// How a write ended.
pub(crate) enum Written {
    /// 2xx: taken, which is no proof yet.
    Accepted(Box<Response>),
    /// The service said no, in this and every earlier attempt: nothing was done.
    Refused(Box<Response>),
    /// It may have been done. What it would be for a read.
    Lost(Failed),
}

/// Sends a read, after a wait; its success.
pub(crate) fn read(
    transport: &impl Transport,
    manifest: &Manifest,
    asked: Asked,
    mut request: Request,
    delay_ms: u32,
) -> Result<Box<Response>, Failed> {
    request.delay_ms = delay_ms;
    let response =
        send(transport, manifest, request).map_err(|failed| failure::unanswered(asked, &failed))?;
    if is_success(&response) {
        Ok(response)
    } else {
        Err(service::failure(asked, &response))
    }
}

/// Sends a write.
pub(crate) fn write(
    transport: &impl Transport,
    manifest: &Manifest,
    asked: Asked,
    request: Request,
) -> Result<Written, Failed> {
    match send(transport, manifest, request) {
        Ok(response) if is_success(&response) => Ok(Written::Accepted(response)),
        Ok(response) if response.earlier_attempt_lost || settles_nothing(&response) => {
            Ok(Written::Lost(service::failure(asked, &response)))
        }
        Ok(response) => Ok(Written::Refused(response)),
        Err(failed @ (TransportFailure::Refused(_) | TransportFailure::NotSent(_))) => {
            Err(failure::unanswered(asked, &failed))
        }
        Err(failed) => Ok(Written::Lost(failure::unanswered(asked, &failed))),
    }
}

fn send(
    transport: &impl Transport,
    manifest: &Manifest,
    mut request: Request,
) -> Result<Box<Response>, TransportFailure> {
    let names = manifest.credentials.iter();
    request.credentials = names.map(|credential| credential.name.clone()).collect();
    transport.send(&request).map(Box::new)
}

fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

/// Whether the answer leaves open what became of a write: a server's own failure may come
/// after the deed, 303 is what follows a form that was taken, and below 200 nothing is said.
fn settles_nothing(response: &Response) -> bool {
    matches!(response.status, 303 | 304 | 408 | 425) || !(200..500).contains(&response.status)
}
