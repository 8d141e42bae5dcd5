//! [`Wire`]: the seam between what decides about a request and what carries it.
//!
//! Above it a request passes the policy: grant, headers, method, budget, dry run. Below it the
//! network waits for its turn, adds the secrets, looks at the address and opens a socket; what it
//! hands back holds no secret. A recording wraps the network, a replay and [`InProcess`] stand in
//! its place: none of them is given a secret, and none can change what was decided.
//!
//! [`InProcess`]: super::InProcess

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::attempt::Attempt;
use super::network::Network;
use super::outgoing::Outgoing;
use crate::contract::{Draft, Edits, Header, Manifest, Value};
use crate::failure::Failure;
use crate::safe_text::Unanswered;

/// What carries the requests of a connection: around the network's own way, or in place of it
/// ([`ConnectionOptions::wire`](crate::ConnectionOptions::wire)).
pub trait Wire: fmt::Debug + Send + Sync {
    /// Whether it carries the requests of this connector. Asked before anything else is looked at.
    ///
    /// # Errors
    ///
    /// It does not; the connection is not made.
    fn fits(&self, _manifest: &Manifest) -> Result<(), Failure> {
        Ok(())
    }

    /// A connection is made; nothing has been sent yet.
    ///
    /// # Errors
    ///
    /// It cannot be carried; the connection is not made.
    fn connected(&self, _connected: &Connected<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Whether anything is handed to the network. Where not, credentials, proxy and `ca_file` are
    /// not looked at.
    fn uses_network(&self) -> bool {
        true
    }

    /// What carries the requests of one operation. `network` is how they would go without it.
    fn begin(&self, operation: &Begun<'_>, network: Arc<dyn Carrier>) -> Arc<dyn Carrier>;
}

/// A connection that was made.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Connected<'a> {
    /// The connector's own words.
    pub manifest: &'a Manifest,
    /// The component's digest, in lower-case hexadecimal.
    pub sha256: &'a str,
    /// The operator's settings, by name.
    pub settings: &'a BTreeMap<String, String>,
    /// How the network may be used.
    pub network: &'a Network,
    /// What an earlier connection had learned.
    pub learned: Option<&'a str>,
}

/// An operation that begins.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Begun<'a> {
    /// `check`, `list`, `get`, `find`, `create`, `update`, `delete`.
    pub operation: &'static str,
    /// What it was given to work with.
    pub given: Given<'a>,
    /// The connector's own words.
    pub manifest: &'a Manifest,
}

/// What an operation was given to work with.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Given<'a> {
    /// No values of attributes.
    Nothing,
    /// A lookup key and its value.
    Key(&'a str, &'a Value),
    /// An account to be made.
    Draft(&'a Draft),
    /// Changes of an account.
    Edits(&'a Edits),
}

/// Carries the requests of one operation, one after the other.
pub trait Carrier: fmt::Debug + Send + Sync {
    /// One attempt of one request. It tells `attempt` when the first byte may have been sent
    /// ([`Attempt::begins`]), and what was received. Dropped where the operation is given up.
    fn exchange<'a>(
        &'a self,
        request: &'a Outgoing,
        attempt: &'a mut Attempt<'_>,
    ) -> BoxFuture<'a, Result<Answer, Unanswered>>;

    /// The attempt was answered 401: whether a further one may be answered otherwise, since there
    /// is another secret now.
    fn renew<'a>(
        &'a self,
        request: &'a Outgoing,
        attempt: &'a mut Attempt<'_>,
    ) -> BoxFuture<'a, bool>;

    /// Waits before a further attempt. False where there is to be none.
    fn pause<'a>(&'a self, wait: Duration, attempt: &'a mut Attempt<'_>) -> BoxFuture<'a, bool>;

    /// What the operation ends in, whatever the connector made of the answers. Asked at its end.
    ///
    /// # Errors
    ///
    /// The requests were not what this carries.
    fn verdict(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// An answer, without secrets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<Header>,
    /// The whole body.
    pub body: Vec<u8>,
    /// How long to wait before a further attempt, where it is another time than `retry-after` says.
    pub retry_after_ms: Option<u32>,
}

impl Answer {
    /// An answer. What connectors do not see of its headers is taken out further up.
    #[must_use]
    pub fn new(status: u16, headers: Vec<Header>, body: Vec<u8>) -> Self {
        Self {
            status,
            headers,
            body,
            retry_after_ms: None,
        }
    }
}
