//! One tenant, connected: an operation a file, each driving requests through the
//! [`Transport`]. What they share stands here: building a request, reading an answer, and
//! telling a write that was refused from one whose answer was lost.

mod apply;
mod check;
mod create;
mod delete;
mod find;
mod get;
mod learned;
mod list;
mod prints;
mod taken;
mod update;

use core::cell::Cell;

use crate::account::{State, User};
use crate::contract::{
    Failure, FailureKind, Notice, Outcome, RetryAdvice, SettingValue, UpstreamAnswer,
};
use crate::failure::{self, Boxed, Operation, Refine};
use crate::planted::{self, Planted};
use crate::prelude::*;
use crate::scim::{ErrorBody, ListResponse, Malformed, Resource, after_success};
use crate::settings::Tenant;
use crate::transport::{
    API_TOKEN, Header, Method, Repeatability, Request, Response, Transport, TransportFailure,
};
use learned::Learned;

/// What every operation gives.
pub type Result<T> = core::result::Result<T, Boxed>;

const SCIM_JSON: &str = "application/scim+json";
const JSON: &str = "application/json";

/// Waits before each read that looks for the effect of a write whose answer was lost, in
/// milliseconds. A read straight after may be stale, so one miss proves nothing.
const SETTLING: [u32; 4] = [0, 500, 2_000, 5_000];

/// One upstream tenant.
#[derive(Debug)]
pub struct Connection<T> {
    tenant: Tenant,
    transport: T,
    learned: Cell<Learned>,
    /// Whether this address was seen, in this operation, to serve users of this customer to
    /// this token; only then does a 404 speak of a user and not of the address.
    serves: Cell<bool>,
    /// Whether, in this operation, a write was taken or may have been.
    wrote: Cell<bool>,
}

/// How a write ended.
enum Written {
    /// 2xx: taken, as far as the status tells; see [`Connection::shown`].
    Accepted(Box<Response>),
    /// The service said no, in this and every earlier attempt: nothing was done.
    Refused(Box<Response>),
    /// It may have been done: no answer, a broken one, a 5xx, or an attempt before the
    /// last that had no answer. What it would be for a read.
    Lost(Boxed),
}

impl<T: Transport> Connection<T> {
    /// Reads the settings; sends nothing.
    ///
    /// # Errors
    ///
    /// `invalid-settings`, with every problem at once.
    pub fn open(settings: &[SettingValue], learned: Option<&str>, transport: T) -> Result<Self> {
        let tenant = Tenant::from_settings(settings).map_err(failure::invalid_settings)?;
        Ok(Self {
            tenant,
            transport,
            learned: Cell::new(Learned::read(learned)),
            serves: Cell::new(false),
            wrote: Cell::new(false),
        })
    }

    /// What was seen in an operation before says nothing of this one.
    fn begin(&self) {
        self.serves.set(false);
        self.wrote.set(false);
    }

    /// What was found out about the service.
    #[must_use]
    pub fn learned(&self) -> Option<String> {
        self.learned.get().note()
    }

    fn learn(&self, what: impl FnOnce(&mut Learned)) {
        let mut learned = self.learned.get();
        what(&mut learned);
        self.learned.set(learned);
    }

    /// The one prefix that every request stays under.
    #[must_use]
    pub fn reach(&self) -> Vec<String> {
        vec![self.tenant.base().to_owned()]
    }

    fn request(&self, method: Method, url: String, repeatability: Repeatability) -> Request {
        Request {
            method,
            url,
            headers: vec![header("accept", "application/scim+json, application/json")],
            body: None,
            credentials: vec![API_TOKEN.to_owned()],
            repeatability,
            delay_ms: 0,
        }
    }

    /// Sends a read, after a wait.
    fn read(&self, operation: Operation, url: String, delay_ms: u32) -> Result<Box<Response>> {
        let mut request = self.request(Method::Get, url, Repeatability::Safe);
        request.delay_ms = delay_ms;
        self.transport
            .send(&request)
            .map(Box::new)
            .map_err(|failed| failure::from_transport(operation, &failed))
    }

    /// Reads `/Users`.
    fn read_users(&self, query: &[(&str, &str)], delay_ms: u32) -> Result<Box<Response>> {
        let operation = Operation::ReadUsers;
        let url = self.tenant.url(&["Users"], query);
        let response = self.read(operation, url, delay_ms)?;
        if !is_success(&response) {
            return Err(failure::from_answer(operation, &self.tenant, &response));
        }
        Ok(response)
    }

    /// What an answer to [`Self::read_users`] holds.
    fn page<'a>(&self, answer: &'a Response) -> Result<ListResponse<'a>> {
        let operation = Operation::ReadUsers;
        let page = ListResponse::from_body(&answer.body).map_err(|malformed| match malformed {
            Malformed::NotScim => failure::not_scim(operation, answer),
            Malformed::NotAList => failure::malformed(operation, answer, "no list of users"),
        })?;
        self.serves.set(true);
        Ok(page)
    }

    /// Asks `/Users` for one user, whoever it is.
    fn read_one(&self) -> Result<Box<Response>> {
        self.read_users(&[("startIndex", "1"), ("count", "1")], 0)
    }

    /// Reads one user, whose id must be valid. `None` where there is none, which is only
    /// said where the address was seen to serve this tenant: a gateway's 404 is no answer
    /// about a user.
    fn read_user(&self, id: &str, delay_ms: u32) -> Result<ReadUser> {
        Ok(match self.ask_for_user(id, delay_ms)? {
            Asked::Shown(answer) => ReadUser::Found(self.user_in(&answer, id)?.owned()),
            Asked::Missing(answer) => ReadUser::Missing(answer),
        })
    }

    fn ask_for_user(&self, id: &str, delay_ms: u32) -> Result<Asked> {
        let operation = Operation::ReadUser;
        let url = self.tenant.url(&["Users", id], &[]);
        let mut response = self.read(operation, url.clone(), delay_ms)?;
        if is_missing(&response) {
            self.confirm_missing(&response)?;
            if !ErrorBody::from_body(&response.body).is_scim {
                // No word of the service's, so it may have been a gateway's passing trouble:
                // whoever takes it for the user's end leaves an account open.
                response = self.read(operation, url, 0)?;
            }
        }
        if is_missing(&response) {
            return Ok(Asked::Missing(failure::upstream(&response)));
        }
        if !is_success(&response) {
            return Err(failure::from_answer(operation, &self.tenant, &response));
        }
        Ok(Asked::Shown(response))
    }

    /// The user of this id, whom the answer has to show.
    fn user_in<'a>(&self, answer: &'a Response, id: &str) -> Result<State<'a>> {
        let operation = Operation::ReadUser;
        let Some(resource) = Resource::from_body(&answer.body) else {
            return Err(failure::not_scim(operation, answer));
        };
        match State::read(resource, &self.tenant) {
            Some(state) if state.id == id => {
                self.serves.set(true);
                Ok(state)
            }
            Some(_) => {
                Err(failure::malformed(operation, answer, "another user").code("other-account"))
            }
            None => Err(failure::malformed(operation, answer, "no user")),
        }
    }

    /// As [`Self::read_user`], where the user has to be there.
    fn user(&self, id: &str) -> Result<User> {
        match self.read_user(id, 0)? {
            ReadUser::Found(state) => Ok(state),
            ReadUser::Missing(answer) => Err(failure::not_found(Some(answer))),
        }
    }

    /// Makes sure that a 404 speaks of the user: this address serves users of this customer
    /// to this token. Where a gateway may have answered, whatever was seen before may have
    /// ended since.
    fn confirm_missing(&self, response: &Response) -> Result<()> {
        if !self.serves.get() || !ErrorBody::from_body(&response.body).is_scim {
            let answer = self.read_one()?;
            self.page(&answer)?;
        }
        Ok(())
    }

    /// Sends a write. A refused media type (415) is not a refusal of the write: it is sent
    /// once more in the other one, as plain JSON as a rule, and that is remembered.
    fn write(&self, operation: Operation, mut request: Request) -> Result<Written> {
        if request.body.is_none() {
            return self.send_write(operation, &request);
        }
        let mut types = [SCIM_JSON, JSON];
        let plain_json = self.learned.get().plain_json;
        if plain_json {
            types.reverse();
        }
        request.headers.push(header("content-type", types[0]));
        let written = self.send_write(operation, &request)?;
        if !matches!(&written, Written::Refused(response) if response.status == 415) {
            return Ok(written);
        }
        self.transport
            .tell("the media type is refused; sending the other one");
        request.headers.pop();
        request.headers.push(header("content-type", types[1]));
        let again = self.send_write(operation, &request)?;
        if matches!(&again, Written::Accepted(taken) if after_success(&taken.body).is_ok()) {
            self.learn(|learned| learned.plain_json = !plain_json);
        }
        Ok(again)
    }

    /// What the answer to a write that was taken shows. Who answers with a page or with an
    /// error has not said that it is done.
    fn shown<'a>(
        &self,
        operation: Operation,
        response: &'a Response,
    ) -> Result<Option<Resource<'a>>> {
        after_success(&response.body).map_err(|_| failure::not_scim(operation, response))
    }

    fn send_write(&self, operation: Operation, request: &Request) -> Result<Written> {
        match self.transport.send(request).map(Box::new) {
            Ok(response) if is_success(&response) => {
                self.wrote.set(true);
                Ok(Written::Accepted(response))
            }
            Ok(response)
                if response.status >= 500 && planted::is(Planted::ServerErrorAsNotDone) =>
            {
                Err(failure::failure(FailureKind::Unavailable, "Not done."))
            }
            Ok(response) if response.earlier_attempt_lost || is_unsettled(operation, &response) => {
                self.wrote.set(true);
                let answered = failure::from_answer(operation, &self.tenant, &response);
                Ok(Written::Lost(answered))
            }
            Ok(response) => Ok(Written::Refused(response)),
            Err(failed @ (TransportFailure::Refused(_) | TransportFailure::NotSent(_))) => {
                Err(failure::from_transport(operation, &failed))
            }
            Err(failed) => {
                self.wrote.set(true);
                Ok(Written::Lost(failure::from_transport(operation, &failed)))
            }
        }
    }
}

/// The answer to a read of one user.
enum Asked {
    Shown(Box<Response>),
    Missing(UpstreamAnswer),
}

/// A read of one user.
enum ReadUser {
    Found(User),
    Missing(UpstreamAnswer),
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

fn is_missing(response: &Response) -> bool {
    matches!(response.status, 404 | 410)
}

/// An answer that leaves open whether the write was done: 303 is what follows a form that
/// was taken, and an informational status is no answer. 501 to a PATCH or a PUT says that
/// the method is not known at all (RFC 9110 §15.6.2), which the other of the two may be.
fn is_unsettled(operation: Operation, response: &Response) -> bool {
    match response.status {
        501 => operation != Operation::Update,
        303 | 304 | 408 | 425 => true,
        status => !(200..500).contains(&status),
    }
}

/// A write that was taken, as far as its answer tells, and does not show.
fn unseen(response: &Response, why: &str) -> Boxed {
    failure::failure(FailureKind::OutcomeUnknown, why).upstream(Some(failure::upstream(response)))
}

/// Said where reading after a lost answer did not show what was wanted.
fn outcome_unknown(lost: &Failure, what: &str, id: Option<&str>) -> Boxed {
    let mut failed = failure::failure(
        FailureKind::OutcomeUnknown,
        text!(
            what,
            " It was sent, the answer was lost, and reading did not show the \
                effect, which may still come. Look again before sending it again. (",
            lost.message.trim_end_matches('.'),
            ")"
        ),
    )
    .code("answer-lost")
    .retry(RetryAdvice::AfterMs(60_000))
    .upstream(lost.upstream.clone());
    failed.account = id.map(str::to_owned);
    failed
}

/// Said where reading after a lost answer showed what was wanted.
fn found_by_reading() -> Notice {
    crate::account::notice(
        "answer-lost",
        None,
        "The answer was lost; reading showed that the change was made.",
    )
}

/// Reads after a lost write: passing failures are worth another look, all others are not.
fn is_passing(failed: &Failure) -> bool {
    matches!(
        failed.kind,
        FailureKind::Unavailable | FailureKind::MalformedAnswer | FailureKind::RateLimited
    )
}

fn outcome(state: &State<'_>, effect: crate::contract::Effect, notices: Vec<Notice>) -> Outcome {
    Outcome {
        account: state.account(),
        effect,
        notices,
    }
}
