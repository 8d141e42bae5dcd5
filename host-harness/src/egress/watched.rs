//! One attempt: held against the limits, whatever carried it, and seen by the observer.

use std::sync::Arc;

use super::attempt::Attempt;
use super::headers;
use super::outgoing::Outgoing;
use super::retry::retry_after_ms;
use super::wire::{Answer, Carrier};
use crate::clock::Clock;
use crate::contract::Response;
use crate::limits::{Limit, Limits};
use crate::safe_text::{SafeText, Unanswered};
use crate::trace::{Exchange, Observer, Place, ReceivedResponse, SentRequest};

/// What each attempt of a connection is held against, and who sees it.
#[derive(Clone, Copy)]
pub(super) struct Watching<'a> {
    pub(super) limits: &'a Limits,
    pub(super) clock: &'a dyn Clock,
    pub(super) observer: Option<&'a Arc<dyn Observer>>,
}

/// One attempt of one request.
pub(super) async fn exchange(
    watching: Watching<'_>,
    carrier: &dyn Carrier,
    outgoing: &Outgoing,
    attempt: &mut Attempt<'_>,
) -> Result<Response, Unanswered> {
    // Before anything is received, which leaves less room for the rest.
    let room = attempt.most_of_body();
    let watched = Watched {
        watching,
        outgoing,
        attempt,
        told: false,
    };
    let answer = carrier.exchange(outgoing, watched.attempt).await;
    if answer.is_ok() && watched.attempt.began().is_none() {
        // What has an answer was sent, whatever its carrier says.
        watched.attempt.begins();
    }
    let result = answer.and_then(|answer| watching.admitted(answer, room.0));
    watched.end(&result, room.1);
    result
}

impl Watching<'_> {
    /// An answer within the limits, and of it what the guest may see. What the network carried is
    /// like that already.
    fn admitted(&self, answer: Answer, most: usize) -> Result<Response, Unanswered> {
        if let Some(limit) = headers::request_over_limit(&answer.headers, self.limits) {
            return Err(Unanswered::HeadTooLarge(limit, self.limits.header_bytes));
        }
        if answer.body.len() > most {
            return Err(Unanswered::too_large(most));
        }
        let mut lines = answer.headers.iter();
        let retry_after = lines.find(|line| line.name == "retry-after");
        let stated = retry_after.and_then(|line| retry_after_ms(&line.value, self.clock.wall()));
        Ok(Response {
            status: answer.status,
            retry_after_ms: answer.retry_after_ms.or(stated),
            headers: headers::without_hidden(answer.headers),
            body: answer.body,
            earlier_attempt_lost: false,
        })
    }
}

/// An attempt under way. The observer hears of it also where the caller gives it up, since
/// what was sent was sent.
struct Watched<'a, 'b> {
    watching: Watching<'a>,
    outgoing: &'a Outgoing,
    attempt: &'a mut Attempt<'b>,
    told: bool,
}

impl Watched<'_, '_> {
    fn end(mut self, result: &Result<Response, Unanswered>, body: Limit) {
        let began = self.attempt.began().is_some();
        let operation = self.attempt.account();
        operation.turn_to(Place::Host);
        match result {
            Err(Unanswered::HeadTooLarge(limit, _)) => operation.reached = Some(*limit),
            Err(Unanswered::TooLarge(_)) => operation.reached = Some(body),
            Err(Unanswered::OutOfTime(_)) => operation.out_of_time = true,
            _ => {}
        }
        let unsent =
            !began || matches!(result, Err(Unanswered::Refused(_) | Unanswered::NotSent(_)));
        let sent = self.outgoing.body();
        if let (Some(meter), Some(sent), false) = (&mut operation.meter, sent, unsent) {
            meter.sent(sent.len());
        }
        self.tell(result.as_ref());
    }

    fn tell(&mut self, result: Result<&Response, &Unanswered>) {
        self.told = true;
        let (Some(observer), Some((started, duration))) =
            (self.watching.observer, self.attempt.began())
        else {
            return;
        };
        observer.exchange(&Exchange {
            operation: self.attempt.operation(),
            attempt: self.attempt.number(),
            started,
            duration,
            request: self.shown(),
            result: match result {
                Ok(response) => Ok(ReceivedResponse {
                    status: response.status,
                    headers: response.headers.clone(),
                    body: response.body.clone(),
                }),
                Err(failure) => Err(failure.clone().into_failure()),
            },
        });
    }

    /// The request as an observer sees it.
    fn shown(&self) -> SentRequest {
        self.outgoing.shown().clone()
    }
}

impl Drop for Watched<'_, '_> {
    fn drop(&mut self) {
        if !self.told {
            let given_up = SafeText::ours("The operation was cancelled before an answer came.");
            self.tell(Err(&Unanswered::NoAnswer(given_up)));
        }
    }
}
