//! Who gets in: the one browser that opened the printed address, and no page of another site.
//!
//! Other programs and other users of this machine can reach a port on 127.0.0.1, and any web
//! page can have a browser send requests there. Against the former stands a secret that works
//! once; against the latter, that `Host` has to be this address (a name that was rebound to
//! 127.0.0.1 is another), and that what changes something has to come from a page of this
//! origin.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::header::{COOKIE, HOST, HeaderName, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

/// A day: whoever closes the browser and comes back goes on, as long as the program runs.
const COOKIE_SECONDS: u32 = 24 * 60 * 60;

/// What lets the first browser in.
pub(super) struct Token(pub(super) String);

/// The door.
pub(super) struct Door {
    authority: String,
    origin: String,
    /// The pages' folder. Cookies make no difference between ports: by a path that nobody else
    /// knows, other servers on 127.0.0.1 are not sent this one's.
    folder: String,
    /// Nothing once it was used.
    token: Mutex<Option<String>>,
    session: String,
}

/// What becomes of a request at the door.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It is from the browser that was let in.
    Known,
    /// It brings the token: it is let in, with this cookie.
    New {
        /// The value of `Set-Cookie`.
        cookie: String,
    },
    Refused(Refusal),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It was meant for another server.
    Host,
    /// It is from another site's page.
    Origin,
    /// The token was used, or never was one.
    Token,
    /// Neither session nor token.
    Session,
}

impl Door {
    pub(super) fn new(address: SocketAddr) -> Result<(Self, Token), io::Error> {
        let token = secret()?;
        let door = Self {
            authority: address.to_string(),
            origin: format!("http://{address}"),
            folder: secret()?,
            token: Mutex::new(Some(token.clone())),
            session: secret()?,
        };
        Ok((door, Token(token)))
    }

    /// Where the token lets somebody in.
    pub(super) fn address(&self, token: &Token) -> String {
        format!("{}{}?token={}", self.origin, self.folder(), token.0)
    }

    /// The path of the pages.
    pub(super) fn folder(&self) -> String {
        format!("/{}/", self.folder)
    }

    pub(super) fn look_at(&self, head: &Parts) -> Entry {
        if !self.is_host(head) {
            return Entry::Refused(Refusal::Host);
        }
        if !self.is_origin(&head.method, &head.headers) {
            return Entry::Refused(Refusal::Origin);
        }
        if self.has_session(&head.headers) {
            return Entry::Known;
        }
        let query = head.uri.query().unwrap_or_default();
        let brought = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
        match brought {
            Some((_, token)) if head.method == Method::GET && self.take_token(&token) => {
                Entry::New {
                    // Not `Secure`: not every browser takes that on http, even from loopback.
                    cookie: format!(
                        "review={}; Path={}; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Strict",
                        self.session,
                        self.folder()
                    ),
                }
            }
            Some(_) => Entry::Refused(Refusal::Token),
            None => Entry::Refused(Refusal::Session),
        }
    }

    /// HTTP/2 and proxies' requests name the host in the address itself.
    fn is_host(&self, head: &Parts) -> bool {
        let named = head
            .uri
            .authority()
            .map(|authority| authority.as_str().as_bytes());
        let hosts = head
            .headers
            .get_all(HOST)
            .iter()
            .map(|host| host.as_bytes());
        let mut all = named.into_iter().chain(hosts).peekable();
        all.peek().is_some() && all.all(|host| host == self.authority.as_bytes())
    }

    fn is_origin(&self, method: &Method, headers: &HeaderMap) -> bool {
        let reads = method == Method::GET || method == Method::HEAD;
        let origins = headers.get_all(ORIGIN);
        let own = origins
            .iter()
            .all(|origin| origin.as_bytes() == self.origin.as_bytes());
        let said = origins.iter().next().is_some();
        let site = headers.get(HeaderName::from_static("sec-fetch-site"));
        own && (reads || said && site.is_none_or(|site| site == "same-origin"))
    }

    fn has_session(&self, headers: &HeaderMap) -> bool {
        let cookies = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
        pairs.any(|pair| match pair.trim().split_once('=') {
            Some(("review", value)) => same(value, &self.session),
            _ => false,
        })
    }

    fn take_token(&self, brought: &str) -> bool {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = token.as_deref().is_some_and(|token| same(brought, token));
        if fits {
            *token = None;
        }
        fits
    }
}

/// By their digests: how long it takes says nothing about how much of a guess is right.
fn same(one: &str, other: &str) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

/// 256 bits that nobody can guess.
fn secret() -> Result<String, io::Error> {
    let mut bytes = [0; 32];
    let provider = rustls::crypto::ring::default_provider();
    let filled = provider.secure_random.fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
