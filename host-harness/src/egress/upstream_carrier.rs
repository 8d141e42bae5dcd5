//! How the network carries one operation's requests: its turn, the secrets, the address, the
//! socket, and the answer without secrets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    TRANSFER_ENCODING,
};
use tokio::sync::Mutex;

use super::attempt::Attempt;
use super::outgoing::Outgoing;
use super::refused::out_of_time;
use super::retry::retry_after_ms;
use super::sealed::{self, Sealed};
use super::upstream::Upstream;
use super::wire::{Answer, Carrier};
use super::{broken, headers, secret_check};
use crate::contract::{Method, Refusal};
use crate::limits::Limit;
use crate::safe_text::{SafeText, Unanswered};

/// Bytes that are made room for at once, where an answer announces as many: a page of 100
/// accounts has some 90 KiB.
const USUAL_BODY: usize = 128 << 10;

/// Carries one operation's requests over the network.
pub(super) struct UpstreamCarrier {
    upstream: Arc<Upstream>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The request under way with its secrets in place, for its further attempts.
    sealed: Option<Sealed>,
    /// Whether the connection's secrets were all fetched since the operation began.
    knows_secrets: bool,
}

impl UpstreamCarrier {
    pub(super) fn new(upstream: Arc<Upstream>) -> Self {
        Self {
            upstream,
            state: Mutex::default(),
        }
    }

    async fn carry(
        &self,
        request: &Outgoing,
        attempt: &mut Attempt<'_>,
    ) -> Result<Answer, Unanswered> {
        let mut state = self.state.lock().await;
        if attempt.number() == 1 {
            state.sealed = None;
            let sealed = self
                .seal(&mut state.knows_secrets, request, attempt)
                .await?;
            state.sealed = Some(sealed);
        }
        let Some(sealed) = &state.sealed else {
            return Err(Unanswered::NotSent(SafeText::ours(
                "A further attempt came before the first one.",
            )));
        };
        let upstream = &*self.upstream;
        let clock = &*upstream.clock;
        attempt.waits(true);
        let turn = upstream.rate.turn(clock, attempt.deadline()).await;
        attempt.waits(false);
        let Ok(_turn) = turn else {
            return Err(Unanswered::OutOfTime(out_of_time()));
        };
        attempt.begins();
        let began = clock.now();
        let alarm = began
            .saturating_add(upstream.limits.request_time)
            .min(attempt.deadline());
        tokio::select! {
            biased;
            answer = self.sent(request, sealed, attempt) => answer,
            () = clock.alarm(alarm) => Err(Unanswered::NoAnswer(
                SafeText::ours("No whole answer came within ")
                    .and(alarm.saturating_sub(began))
                    .and(
                        " (`timeout` and `operation-timeout` under [network] decide how long the \
                         host waits).",
                    ),
            )),
        }
    }

    /// The request with its secrets, once its delay has passed.
    async fn seal(
        &self,
        knows_secrets: &mut bool,
        request: &Outgoing,
        attempt: &mut Attempt<'_>,
    ) -> Result<Sealed, Unanswered> {
        let upstream = &*self.upstream;
        let now = upstream.clock.now();
        if now >= attempt.deadline() {
            return Err(Unanswered::OutOfTime(out_of_time()));
        }
        if request.delay > Duration::ZERO {
            if now.saturating_add(request.delay) >= attempt.deadline() {
                return Err(Unanswered::Refused(out_of_time()));
            }
            attempt.waits(true);
            upstream.clock.sleep(request.delay).await;
            attempt.waits(false);
        }
        let sealed = sealed::seal(request, &*upstream.credentials).await;
        let sealed = sealed.map_err(Unanswered::Refused)?;
        if !*knows_secrets {
            let learned = self.learn_the_others(request).await;
            learned.map_err(Unanswered::Refused)?;
            *knows_secrets = true;
        }
        upstream
            .check_literal_address(&sealed.url)
            .map_err(Unanswered::Refused)?;
        Ok(sealed)
    }

    /// The secrets that the request does not name, before the operation's first answer: it may
    /// hold what another request, of this process or of another one, was sent with.
    async fn learn_the_others(&self, request: &Outgoing) -> Result<(), Refusal> {
        let upstream = &*self.upstream;
        for credential in &upstream.placements {
            let name = &credential.name;
            if request.credentials.iter().any(|named| named.name == *name) {
                continue;
            }
            let secret = match upstream.credentials.secret(name).await {
                Ok(secret) => secret,
                // What is not there cannot be shown by anybody.
                Err(error) if error.code == "missing" => continue,
                Err(error) => return Err(sealed::refused(error)),
            };
            secret_check::checked(name, &secret).map_err(sealed::refused)?;
            upstream.learn(name, &sealed::hidden_of(credential, &secret));
        }
        Ok(())
    }

    async fn sent(
        &self,
        request: &Outgoing,
        sealed: &Sealed,
        attempt: &mut Attempt<'_>,
    ) -> Result<Answer, Unanswered> {
        let upstream = &*self.upstream;
        for (name, texts) in &sealed.hidden {
            upstream.learn(name, texts);
        }
        let mut sent = reqwest::Request::new(method(request.method), sealed.url.clone());
        *sent.headers_mut() = sealed.headers.clone();
        sent.headers_mut()
            .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(body) = &request.body {
            *sent.body_mut() = Some(body.clone().into());
        }
        let mut answer = upstream.client.execute(sent).await.map_err(|error| {
            let error = error.without_url();
            if broken::is_head_too_large(&error) {
                let most = upstream.limits.header_bytes;
                return Unanswered::HeadTooLarge(Limit::HeaderBytes, most);
            }
            broken::unanswered(&error, upstream.secrets().scrubber())
        })?;
        if let Some(limit) = headers::answer_over_limit(answer.headers(), &upstream.limits) {
            return Err(Unanswered::HeadTooLarge(
                limit,
                upstream.limits.header_bytes,
            ));
        }
        if !upstream.secrets().scrubber().is_empty() && is_encoded(answer.headers()) {
            return Err(compressed());
        }
        let body = self.body(&mut answer, attempt).await?;
        if !upstream.secrets().scrubber().is_empty() && is_packed(&body) {
            return Err(compressed());
        }
        let retry_after_ms = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after_ms(value, upstream.clock.wall()));
        let headers = headers::visible(answer.headers());
        let (headers, body) = upstream.secrets().scrubber().scrub_answer(headers, body);
        Ok(Answer {
            retry_after_ms,
            ..Answer::new(answer.status().as_u16(), headers, body)
        })
    }

    /// The whole body, or a failure as soon as it is known to be too large.
    async fn body(
        &self,
        answer: &mut reqwest::Response,
        attempt: &mut Attempt<'_>,
    ) -> Result<Vec<u8>, Unanswered> {
        let most = attempt.most_body();
        let announced = answer.content_length().unwrap_or(0);
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        if announced > most {
            return Err(Unanswered::too_large(most));
        }
        // An announcement alone gets no more than a usual page does.
        let mut body = Vec::with_capacity(announced.min(USUAL_BODY));
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.cut_off(error))? {
            attempt.received(chunk.len());
            if body.len().saturating_add(chunk.len()) > most {
                return Err(Unanswered::too_large(most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// A body that ended before it was whole.
    fn cut_off(&self, error: reqwest::Error) -> Unanswered {
        let secrets = self.upstream.secrets();
        let reason = broken::reason(&error.without_url(), secrets.scrubber());
        Unanswered::NoAnswer(
            SafeText::ours("The answer broke off: ")
                .and(reason)
                .and("."),
        )
    }
}

impl Carrier for UpstreamCarrier {
    fn exchange<'a>(
        &'a self,
        request: &'a Outgoing,
        attempt: &'a mut Attempt<'_>,
    ) -> BoxFuture<'a, Result<Answer, Unanswered>> {
        Box::pin(async move {
            let answer = self.carry(request, attempt).await;
            // A refusal's message may hold an embedder's word on a credential.
            answer.map_err(|failure| failure.scrubbed(self.upstream.secrets().scrubber()))
        })
    }

    fn renew<'a>(
        &'a self,
        request: &'a Outgoing,
        attempt: &'a mut Attempt<'_>,
    ) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            if !attempt.may_go_on() {
                return false;
            }
            let mut state = self.state.lock().await;
            let Some(old) = &state.sealed else {
                return false;
            };
            match sealed::renewed(request, &*self.upstream.credentials, old).await {
                Some(sealed) => {
                    state.sealed = Some(sealed);
                    true
                }
                None => false,
            }
        })
    }

    fn pause<'a>(&'a self, wait: Duration, attempt: &'a mut Attempt<'_>) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let clock = &*self.upstream.clock;
            // An answer in time is worth more than a better one too late.
            let too_late = clock.now().saturating_add(wait) >= attempt.deadline();
            if too_late || !attempt.may_go_on() {
                return false;
            }
            attempt.waits(true);
            clock.sleep(wait).await;
            attempt.waits(false);
            true
        })
    }
}

/// Never written out, since it holds secrets.
impl fmt::Debug for UpstreamCarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamCarrier").finish_non_exhaustive()
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn compressed() -> Unanswered {
    Unanswered::Withheld(SafeText::ours(
        "The answer is compressed though the host asked for none, so that an echo of the \
         credential could not be found in it.",
    ))
}

/// Whether a body begins as gzip, zstd, bzip2, xz or zip do, whatever its header says.
fn is_packed(body: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 5] = [
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"\xfd7zXZ\0",
        b"PK\x03\x04",
    ];
    BEGINNINGS.iter().any(|begins| body.starts_with(begins))
}

/// In either of the two places where an encoding can stand: `chunked` is taken off on the
/// way, anything else is not.
fn is_encoded(headers: &HeaderMap) -> bool {
    let other_than = |name: HeaderName, plain: &str| {
        headers.get_all(name).iter().any(|value| {
            let codings = String::from_utf8_lossy(value.as_bytes()).into_owned();
            codings
                .split(',')
                .any(|coding| !coding.trim().eq_ignore_ascii_case(plain))
        })
    };
    other_than(CONTENT_ENCODING, "identity") || other_than(TRANSFER_ENCODING, "chunked")
}
