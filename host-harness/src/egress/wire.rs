//! One attempt of one request on the wire: from a [`Prepared`] request to an answer that a
//! guest may see, or to what is known to have happened instead.

use std::error::Error as _;
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::time::{Duration, SystemTime};

use reqwest::header::{
    CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING,
};

use super::address::AddressRefused;
use super::http::{Egress, Prepared, out_of_time, refusal};
use super::retry::retry_after_ms;
use super::scrub::Scrubber;
use super::sealed::Sealed;
use super::{Operation, headers, tls};
use crate::contract::{Header, RefusalReason, Response, TransportFailure};
use crate::mitigation::Mitigation;
use crate::recording::{End, RecordedOperation, ReplayedOperation};
use crate::sandbox::Limit;
use crate::trace::{Exchange, Place, ReceivedResponse, SentRequest};

/// Bytes that are made room for at once, where an answer announces as many: a page of 100
/// accounts has some 90 KiB.
const USUAL_BODY: usize = 128 << 10;

impl Egress {
    /// One request on the wire, or answered from a recording; seen by the observer.
    pub(super) async fn attempt(
        &self,
        operation: &mut Operation,
        prepared: &Prepared,
        attempt: u32,
    ) -> Result<Response, TransportFailure> {
        if let Some(replayed) = operation.replayed().cloned() {
            return self.replayed(operation, prepared, attempt, &replayed).await;
        }
        let deadline = operation.deadline;
        operation.turn_to(Place::Waiting);
        let turn = self.rate.turn(&*self.clock, deadline).await;
        operation.turn_to(Place::Host);
        let Ok(_turn) = turn else {
            operation.out_of_time = true;
            let refused = out_of_time();
            self.note_refused(operation, prepared.shown.as_ref(), attempt, &refused);
            return Err(TransportFailure::Refused(refused));
        };
        let watched = self.begin(operation, prepared, attempt);
        let began = watched.began;
        let alarm = began.saturating_add(self.limits.request_time).min(deadline);
        let result = tokio::select! {
            biased;
            result = self.exchange(operation, prepared) => result,
            () = self.clock.alarm(alarm) => Err(TransportFailure::NoAnswer(format!(
                "No whole answer came within {:?} (`timeout` and `operation-timeout` under \
                 [network] decide how long the host waits).",
                alarm.saturating_sub(began)
            ))),
        };
        watched.end(operation, &result);
        result
    }

    /// What the recording has for this attempt.
    async fn replayed(
        &self,
        operation: &mut Operation,
        prepared: &Prepared,
        attempt: u32,
        replayed: &ReplayedOperation,
    ) -> Result<Response, TransportFailure> {
        let refused = |reason, message| Err(TransportFailure::Refused(refusal(reason, message)));
        let answer = prepared
            .shown
            .as_ref()
            .map(|shown| replayed.answer(shown, attempt));
        let recorded = match answer {
            Some(Ok(recorded)) => recorded,
            None => {
                return refused(
                    RefusalReason::Other,
                    "There is nothing to compare.".to_owned(),
                );
            }
            Some(Err(difference)) => return refused(RefusalReason::Other, difference),
        };
        let answer = match recorded.end {
            End::OutOfTime(message) => {
                operation.out_of_time = true;
                return refused(RefusalReason::Budget, message);
            }
            // Refused before its turn on the wire.
            End::Failed(TransportFailure::Refused(refusal))
                if refusal.reason != RefusalReason::Address =>
            {
                return Err(TransportFailure::Refused(refusal));
            }
            End::Failed(failure) => Err(failure),
            End::Answered { response, retry_in } => Ok((response, retry_in)),
        };
        let watched = self.begin(operation, prepared, attempt);
        let result = match answer {
            Ok((response, retry_in)) => {
                let ReceivedResponse {
                    status,
                    headers,
                    body,
                } = response;
                let answer = answer_without_network(status, &headers, body);
                let received = self.received(operation, prepared, answer).await;
                received.map(|received| Response {
                    retry_after_ms: retry_in
                        .map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX))
                        .or(received.retry_after_ms),
                    ..received
                })
            }
            Err(TransportFailure::TooLarge(most)) => {
                operation.reached = Some(self.limit_of(operation, most));
                Err(TransportFailure::TooLarge(most))
            }
            Err(failure) => Err(failure),
        };
        watched.end(operation, &result);
        result
    }

    /// Which limit an answer went beyond that may have no more than so many bytes.
    fn limit_of(&self, operation: &Operation, most: u32) -> Limit {
        if usize::try_from(most).is_ok_and(|most| most == self.limits.header_bytes) {
            return Limit::HeaderBytes;
        }
        self.most_of_body(operation).1
    }

    /// An attempt begins, and is watched until it ends.
    fn begin<'a>(
        &'a self,
        operation: &mut Operation,
        prepared: &'a Prepared,
        attempt: u32,
    ) -> Watched<'a> {
        operation.note_request();
        if !matches!(
            prepared.method,
            reqwest::Method::GET | reqwest::Method::HEAD
        ) {
            operation.note_write();
        }
        Watched {
            egress: self,
            prepared,
            operation: operation.name,
            attempt,
            started: self.clock.wall(),
            began: self.clock.now(),
            recorded: operation.recorded().cloned(),
            told: false,
        }
    }

    /// The request as an observer sees it.
    fn traced(prepared: &Prepared) -> Option<SentRequest> {
        #[cfg(feature = "testing")]
        if !Mitigation::SecretNotInTrace.is_on() {
            return prepared.shown.clone().map(|shown| SentRequest {
                headers: headers::visible(&prepared.sealed.headers)
                    .into_iter()
                    .chain(prepared.sealed.leaked())
                    .collect(),
                ..shown
            });
        }
        prepared.shown.clone()
    }

    async fn exchange(
        &self,
        operation: &mut Operation,
        prepared: &Prepared,
    ) -> Result<Response, TransportFailure> {
        self.remember(&prepared.sealed);
        let mut request =
            reqwest::Request::new(prepared.method.clone(), prepared.sealed.url.clone());
        *request.headers_mut() = prepared.sealed.headers.clone();
        if let Some(body) = &prepared.body {
            *request.body_mut() = Some(body.clone().into());
        }
        let answer = self.answered(request).await.map_err(|error| {
            let error = error.without_url();
            if is_head_too_large(&error) {
                operation.reached = Some(Limit::HeaderBytes);
                return too_large(self.limits.header_bytes);
            }
            transport_failure(error)
        })?;
        self.received(operation, prepared, answer).await
    }

    /// An answer, within the limits and as the guest may see it.
    #[cfg_attr(
        not(feature = "testing"),
        expect(unused_variables, reason = "leaks are planted in test builds")
    )]
    async fn received(
        &self,
        operation: &mut Operation,
        prepared: &Prepared,
        mut answer: reqwest::Response,
    ) -> Result<Response, TransportFailure> {
        if let Some(limit) = headers::answer_over_limit(answer.headers(), &self.limits) {
            operation.reached = Some(limit);
            return Err(too_large(self.limits.header_bytes));
        }
        if !self.sent_secrets().is_empty()
            && is_encoded(answer.headers())
            && Mitigation::EncodedAnswers.is_on()
        {
            return Err(TransportFailure::Withheld(
                "The answer is compressed though the host asked for none, so that an echo of \
                 the credential could not be found in it."
                    .to_owned(),
            ));
        }
        let body = self.body(operation, &mut answer).await?;
        let retry_after_ms = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after_ms(value, self.clock.wall()));
        let scrubber = self.sent_secrets();
        #[cfg_attr(
            not(feature = "testing"),
            expect(unused_mut, reason = "leaks are planted in test builds")
        )]
        let mut headers = scrubber.scrub_lines(headers::visible(answer.headers()));
        #[cfg(feature = "testing")]
        prepared.sealed.leak(&mut headers);
        Ok(Response {
            status: answer.status().as_u16(),
            headers,
            body: scrubber.scrub(body),
            retry_after_ms,
            earlier_attempt_lost: false,
        })
    }

    /// Before it is sent: from now on its secrets are looked for in every answer.
    fn remember(&self, sealed: &Sealed) {
        if !self.sent_secrets().knows(&sealed.hidden) {
            let sent = self.sent_secrets.write();
            let mut sent = sent.unwrap_or_else(PoisonError::into_inner);
            sent.learn(&sealed.hidden);
        }
    }

    fn sent_secrets(&self) -> RwLockReadGuard<'_, Scrubber> {
        self.sent_secrets
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn answered(&self, request: reqwest::Request) -> reqwest::Result<reqwest::Response> {
        #[cfg(feature = "testing")]
        if let Some(in_process) = &self.in_process {
            return Ok(in_process.answer(&request));
        }
        self.client.execute(request).await
    }

    /// The whole body, or a failure as soon as it is known to be too large.
    async fn body(
        &self,
        operation: &mut Operation,
        answer: &mut reqwest::Response,
    ) -> Result<Vec<u8>, TransportFailure> {
        let (most, limit) = self.most_of_body(operation);
        let announced = answer.content_length().unwrap_or(0);
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        if announced <= most {
            // An announcement alone gets no more than a usual page does.
            let mut body = Vec::with_capacity(announced.min(USUAL_BODY));
            while let Some(chunk) = answer
                .chunk()
                .await
                .map_err(|error| TransportFailure::NoAnswer(chain(&error.without_url())))?
            {
                if let Some(meter) = &mut operation.meter {
                    meter.received(chunk.len());
                }
                // Counted as it comes: what breaks off was received, too.
                operation.received = operation.received.saturating_add(chunk.len());
                if body.len().saturating_add(chunk.len()) > most {
                    operation.reached = Some(limit);
                    return Err(too_large(most));
                }
                body.extend_from_slice(&chunk);
            }
            return Ok(body);
        }
        operation.reached = Some(limit);
        Err(too_large(most))
    }

    /// How many bytes the next body may have, and which limit says so.
    fn most_of_body(&self, operation: &Operation) -> (usize, Limit) {
        let limits = &self.limits;
        let left = limits.received_bytes.saturating_sub(operation.received);
        if left < limits.response_bytes {
            (left, Limit::ReceivedBytes)
        } else {
            (limits.response_bytes, Limit::ResponseBytes)
        }
    }
}

/// An attempt under way. The observer hears of it also where the caller gives it up, since
/// what was sent was sent.
struct Watched<'a> {
    egress: &'a Egress,
    prepared: &'a Prepared,
    operation: &'static str,
    attempt: u32,
    started: SystemTime,
    began: Duration,
    recorded: Option<Arc<RecordedOperation>>,
    told: bool,
}

impl Watched<'_> {
    fn end(mut self, operation: &mut Operation, result: &Result<Response, TransportFailure>) {
        operation.turn_to(Place::Host);
        let unsent = matches!(
            result,
            Err(TransportFailure::Refused(_) | TransportFailure::NotSent(_))
        );
        let body = self.prepared.body.as_ref();
        if let (Some(meter), Some(body), false) = (&mut operation.meter, body, unsent) {
            meter.sent(body.len());
        }
        self.tell(result.as_ref());
    }

    fn tell(&mut self, result: Result<&Response, &TransportFailure>) {
        self.told = true;
        let observer = self.egress.observer.as_ref();
        if observer.is_none() && self.recorded.is_none() {
            return;
        }
        let Some(request) = Egress::traced(self.prepared) else {
            return;
        };
        let exchange = Exchange {
            operation: self.operation,
            attempt: self.attempt,
            started: self.started,
            duration: self.egress.clock.now().saturating_sub(self.began),
            request,
            result: match result {
                Ok(response) => Ok(ReceivedResponse {
                    status: response.status,
                    headers: response.headers.clone(),
                    body: response.body.clone(),
                }),
                Err(failure) => Err(failure.clone()),
            },
        };
        if let Some(observer) = observer {
            observer.exchange(&exchange);
        }
        if let Some(recorded) = &self.recorded {
            recorded.exchange(&exchange, result);
        }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if !self.told {
            let given_up = "The operation was cancelled before an answer came.".to_owned();
            self.tell(Err(&TransportFailure::NoAnswer(given_up)));
        }
    }
}

/// An answer that comes from somewhere else.
pub(super) fn answer_without_network(
    status: u16,
    headers: &[Header],
    body: Vec<u8>,
) -> reqwest::Response {
    let mut response = hyper::Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let value = HeaderValue::from_bytes(header.value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    response.into()
}

fn too_large(most: usize) -> TransportFailure {
    TransportFailure::TooLarge(u32::try_from(most).unwrap_or(u32::MAX))
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

/// More header lines, or longer ones, than the parser takes. hyper's own question for it
/// comes with its server alone.
fn is_head_too_large(error: &reqwest::Error) -> bool {
    let in_http_1 = tls::cause::<hyper::Error>(error)
        .is_some_and(|error| error.is_parse() && error.to_string().contains("too large"));
    // A head of so many frames that the library hung up.
    let in_http_2 = tls::cause::<h2::Error>(error).is_some_and(|error| {
        error.is_library() && error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM)
    });
    in_http_1 || in_http_2
}

/// An answer that the library of HTTP/2 gave up; it says so alike of one that breaks the
/// protocol, and of one whose header is a little too large.
fn is_given_up(error: &reqwest::Error) -> bool {
    tls::cause::<h2::Error>(error).is_some_and(|error| error.is_library() && error.is_reset())
}

/// What happened to a request that got no answer: not sent only where no connection, name
/// or TLS session came about.
fn transport_failure(error: reqwest::Error) -> TransportFailure {
    if let Some(refused) = tls::cause::<AddressRefused>(&error) {
        return TransportFailure::Refused(refusal(RefusalReason::Address, refused.to_string()));
    }
    if let Some(certificate) = tls::certificate_error(&error) {
        return TransportFailure::NotSent(format!(
            "The upstream's TLS certificate is not trusted: {certificate}. If it comes from an \
             authority of your own, name its file as `ca-file` under [network] in the \
             connection file."
        ));
    }
    if error.is_connect() || error.is_builder() {
        return TransportFailure::NotSent(format!("No connection: {}.", chain(&error)));
    }
    let hint = if is_given_up(&error) {
        " The answer breaks HTTP/2, or its header is larger than `header-bytes` under [limits] \
         allows."
    } else {
        ""
    };
    TransportFailure::NoAnswer(format!("The connection broke: {}.{hint}", chain(&error)))
}

/// An error and its causes in one line.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}
