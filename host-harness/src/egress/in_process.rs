//! Answers without a socket, so that what a benchmark times is the host: everything above the
//! network.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::attempt::Attempt;
use super::outgoing::Outgoing;
use super::wire::{Answer, Begun, Carrier, Wire};
use crate::contract::Header;
use crate::safe_text::Unanswered;

/// Method, URL and body in; status and body out.
type Answers = dyn Fn(&str, &str, &[u8]) -> (u16, Vec<u8>) + Send + Sync;

/// Who answers in place of the network, in this process: for tests and benchmarks. It is given no
/// secret.
#[derive(Clone)]
pub struct InProcess(Arc<Answers>);

impl InProcess {
    /// Answers with what this gives for a request's method, URL and body: a status and a body
    /// of `application/scim+json`.
    pub fn new(
        answer: impl Fn(&str, &str, &[u8]) -> (u16, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(answer))
    }
}

impl Wire for InProcess {
    fn uses_network(&self) -> bool {
        false
    }

    fn begin(&self, _: &Begun<'_>, _: Arc<dyn Carrier>) -> Arc<dyn Carrier> {
        Arc::new(self.clone())
    }
}

impl Carrier for InProcess {
    fn exchange<'a>(
        &'a self,
        request: &'a Outgoing,
        attempt: &'a mut Attempt<'_>,
    ) -> BoxFuture<'a, Result<Answer, Unanswered>> {
        Box::pin(async move {
            attempt.begins();
            let method = request.method().as_str();
            let body = request.body().unwrap_or_default();
            let (status, body) = (self.0)(method, request.url().as_str(), body);
            attempt.received(body.len());
            let content_type = Header {
                name: "content-type".to_owned(),
                value: "application/scim+json".to_owned(),
            };
            Ok(Answer::new(status, vec![content_type], body))
        })
    }

    fn renew<'a>(&'a self, _: &'a Outgoing, _: &'a mut Attempt<'_>) -> BoxFuture<'a, bool> {
        Box::pin(async { false })
    }

    fn pause<'a>(&'a self, _: Duration, attempt: &'a mut Attempt<'_>) -> BoxFuture<'a, bool> {
        let goes_on = attempt.may_go_on();
        Box::pin(async move { goes_on })
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}
