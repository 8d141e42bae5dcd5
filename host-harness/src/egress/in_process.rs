//! Answers without a socket, so that what a benchmark times is the host: everything before the
//! socket and after it is as with a real one.

use std::fmt;
use std::sync::Arc;

use super::without_network::answer_without_network;
use crate::contract::Header;

/// Method, URL and body in; status and body out.
type Answer = dyn Fn(&str, &str, &[u8]) -> (u16, Vec<u8>) + Send + Sync;

/// Who answers in place of the network.
#[derive(Clone)]
pub struct InProcess(Arc<Answer>);

impl InProcess {
    /// Answers with what this gives for a request's method, URL and body: a status and a body
    /// of `application/scim+json`.
    pub fn new(
        answer: impl Fn(&str, &str, &[u8]) -> (u16, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(answer))
    }

    pub(super) fn answer(&self, request: &reqwest::Request) -> reqwest::Response {
        let body = request.body().and_then(reqwest::Body::as_bytes);
        let (status, body) = (self.0)(
            request.method().as_str(),
            request.url().as_str(),
            body.unwrap_or_default(),
        );
        let content_type = Header {
            name: "content-type".to_owned(),
            value: "application/scim+json".to_owned(),
        };
        answer_without_network(status, &[content_type], body)
    }
}

/// The same one, not one that answers alike.
impl PartialEq for InProcess {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for InProcess {}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}
