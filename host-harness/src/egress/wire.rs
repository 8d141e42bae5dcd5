//! One attempt of one request on the wire: from a [`Prepared`] request to an answer that a
//! guest may see, or to what is known to have happened instead.

use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::time::{Duration, SystemTime};

use reqwest::header::{
    CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING,
};

use super::http::{Egress, Prepared, out_of_time, refusal};
use super::retry::retry_after_ms;
use super::safe_text::{SafeText, Unanswered};
use super::scrub::Spelling;
use super::secrets::Secrets;
use super::{Operation, broken, headers};
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
    ) -> Result<Response, Unanswered> {
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
            return Err(Unanswered::Refused(refused));
        };
        let watched = self.begin(operation, prepared, attempt);
        let began = watched.began;
        let alarm = began.saturating_add(self.limits.request_time).min(deadline);
        let result = tokio::select! {
            biased;
            result = self.exchange(operation, prepared) => result,
            () = self.clock.alarm(alarm) => Err(Unanswered::NoAnswer(
                SafeText::ours("No whole answer came within ")
                    .and(alarm.saturating_sub(began))
                    .and(
                        " (`timeout` and `operation-timeout` under [network] decide how long the \
                         host waits).",
                    ),
            )),
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
    ) -> Result<Response, Unanswered> {
        let refused = |reason, message| Err(Unanswered::Refused(refusal(reason, message)));
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
                return Err(Unanswered::Refused(refusal));
            }
            End::Failed(failure) => Err(Unanswered::recorded(failure, self.secrets().scrubber())),
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
            Err(Unanswered::TooLarge(most)) => {
                operation.reached = Some(self.limit_of(operation, most));
                Err(Unanswered::TooLarge(most))
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
    ) -> Result<Response, Unanswered> {
        for (name, texts) in &prepared.sealed.hidden {
            self.learn(name, texts);
        }
        let mut request =
            reqwest::Request::new(prepared.method.clone(), prepared.sealed.url.clone());
        *request.headers_mut() = prepared.sealed.headers.clone();
        if let Some(body) = &prepared.body {
            *request.body_mut() = Some(body.clone().into());
        }
        let answer = self.answered(request).await.map_err(|error| {
            let error = error.without_url();
            if broken::is_head_too_large(&error) {
                operation.reached = Some(Limit::HeaderBytes);
                return too_large(self.limits.header_bytes);
            }
            broken::unanswered(&error, self.secrets().scrubber())
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
    ) -> Result<Response, Unanswered> {
        if let Some(limit) = headers::answer_over_limit(answer.headers(), &self.limits) {
            operation.reached = Some(limit);
            return Err(too_large(self.limits.header_bytes));
        }
        if !self.secrets().scrubber().is_empty()
            && is_encoded(answer.headers())
            && Mitigation::EncodedAnswers.is_on()
        {
            return Err(compressed());
        }
        let body = self.body(operation, &mut answer).await?;
        if !self.secrets().scrubber().is_empty()
            && is_packed(&body)
            && Mitigation::EncodedAnswers.is_on()
        {
            return Err(compressed());
        }
        let retry_after_ms = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after_ms(value, self.clock.wall()));
        let headers = headers::visible(answer.headers());
        #[cfg_attr(
            not(feature = "testing"),
            expect(unused_mut, reason = "leaks are planted in test builds")
        )]
        let (mut headers, body) = self.secrets().scrubber().scrub_answer(headers, body);
        #[cfg(feature = "testing")]
        prepared.sealed.leak(&mut headers);
        Ok(Response {
            status: answer.status().as_u16(),
            headers,
            body,
            retry_after_ms,
            earlier_attempt_lost: false,
        })
    }

    /// From now on looked for in every answer.
    pub(super) fn learn(&self, name: &str, texts: &[Spelling]) {
        if !self.secrets().knows(name, texts) {
            let secrets = self.secrets.write();
            let mut secrets = secrets.unwrap_or_else(PoisonError::into_inner);
            secrets.learn(name, texts);
        }
    }

    pub(super) fn secrets(&self) -> RwLockReadGuard<'_, Secrets> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner)
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
    ) -> Result<Vec<u8>, Unanswered> {
        let (most, limit) = self.most_of_body(operation);
        let announced = answer.content_length().unwrap_or(0);
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        if announced <= most {
            // An announcement alone gets no more than a usual page does.
            let mut body = Vec::with_capacity(announced.min(USUAL_BODY));
            while let Some(chunk) = answer.chunk().await.map_err(|error| self.cut_off(error))? {
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

    /// A body that ended before it was whole.
    fn cut_off(&self, error: reqwest::Error) -> Unanswered {
        let reason = broken::reason(&error.without_url(), self.secrets().scrubber());
        Unanswered::NoAnswer(
            SafeText::ours("The answer broke off: ")
                .and(reason)
                .and("."),
        )
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
    fn end(mut self, operation: &mut Operation, result: &Result<Response, Unanswered>) {
        operation.turn_to(Place::Host);
        let unsent = matches!(result, Err(Unanswered::Refused(_) | Unanswered::NotSent(_)));
        let body = self.prepared.body.as_ref();
        if let (Some(meter), Some(body), false) = (&mut operation.meter, body, unsent) {
            meter.sent(body.len());
        }
        self.tell(result.as_ref());
    }

    fn tell(&mut self, result: Result<&Response, &Unanswered>) {
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
                Err(failure) => Err(failure.clone().told(self.egress.secrets().scrubber())),
            },
        };
        if let Some(observer) = observer {
            observer.exchange(&exchange);
        }
        if let Some(recorded) = &self.recorded {
            recorded.exchange(&exchange, result.ok());
        }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if !self.told {
            let given_up = SafeText::ours("The operation was cancelled before an answer came.");
            self.tell(Err(&Unanswered::NoAnswer(given_up)));
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

fn too_large(most: usize) -> Unanswered {
    Unanswered::TooLarge(u32::try_from(most).unwrap_or(u32::MAX))
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
