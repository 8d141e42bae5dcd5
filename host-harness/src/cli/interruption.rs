//! Ctrl-C: that it was pressed, and what was and was not done.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use url::Url;

use super::output::printable;
use crate::contract::TransportFailure;
use crate::failure::Failure;
use crate::trace::{Exchange, Observer};

/// Writes that are named; of more, their number says enough.
const MOST_NAMED: usize = 5;

/// That Ctrl-C was pressed. All who wait wait for one and the same future: of two that are polled one
/// after the other the first hears of it first, and can end in good order.
#[derive(Debug)]
pub(super) struct Interruption(Shared<BoxFuture<'static, ()>>);

impl Default for Interruption {
    fn default() -> Self {
        let pressed = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending().await
            }
        };
        Self(pressed.boxed().shared())
    }
}

impl Interruption {
    /// Ends once it was pressed; from the first poll on, Ctrl-C no longer ends the program by itself.
    pub(super) fn pressed(&self) -> impl Future<Output = ()> + use<> {
        self.0.clone()
    }
}

/// The writes that this run of the program sent.
#[derive(Debug, Default)]
pub(super) struct Writes(Mutex<Sent>);

#[derive(Debug, Default)]
struct Sent {
    answered: Vec<String>,
    unanswered: Vec<String>,
}

impl Observer for Writes {
    fn exchange(&self, exchange: &Exchange) {
        let request = &exchange.request;
        if matches!(request.method.as_str(), "GET" | "HEAD") {
            return;
        }
        let path = Url::parse(&request.url)
            .map_or_else(|_| request.url.clone(), |url| url.path().to_owned());
        let what = printable(&format!("{} {path}", request.method));
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &exchange.result {
            Ok(response) => sent.answered.push(format!("{what} ({})", response.status)),
            Err(TransportFailure::Refused(_) | TransportFailure::NotSent(_)) => {}
            Err(_) => sent.unanswered.push(what),
        }
    }
}

impl Writes {
    /// What a person has to know who pressed Ctrl-C.
    pub(super) fn interrupted(&self) -> Failure {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut message = "Interrupted.".to_owned();
        if sent.answered.is_empty() && sent.unanswered.is_empty() {
            message.push_str(" Nothing had been written.");
        }
        // Nothing can fail in writing to a text.
        if !sent.answered.is_empty() {
            let _ = write!(message, " Answered before: {}.", listed(&sent.answered));
        }
        if !sent.unanswered.is_empty() {
            let _ = write!(
                message,
                " Sent and not answered: {}. Whether it was done is not known: look at the \
                 account before you repeat it.",
                listed(&sent.unanswered)
            );
        }
        Failure::Cancelled {
            message,
            unsettled: !sent.unanswered.is_empty(),
        }
    }
}

fn listed(writes: &[String]) -> String {
    let named = writes.iter().take(MOST_NAMED).cloned();
    let mut listed = named.collect::<Vec<_>>().join(", ");
    if let more @ 1.. = writes.len().saturating_sub(MOST_NAMED) {
        let _ = write!(listed, " and {more} more");
    }
    listed
}
