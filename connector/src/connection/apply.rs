//! One change of one user, sent by one means, and what it did: an update is made of these.

use super::{
    Connection, ReadUser, Result, SETTLING, Written, header, is_passing, outcome_unknown, unseen,
};
use crate::account::{Goal, State, User};
use crate::attributes::{Attribute, TABLE};
use crate::contract::{Failure, FailureKind, RetryAdvice};
use crate::failure::{self, Boxed, Operation, Refine};
use crate::json::Json;
use crate::prelude::*;
use crate::scim::{ErrorBody, Operation as PatchOperation, Reading, Resource, patch_body};
use crate::transport::{Method, Repeatability, Request, Response, Transport};

/// How a change is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// What differs (RFC 7644 §3.5.2).
    Patch,
    /// The whole user (RFC 7644 §3.5.1).
    Put,
}

/// What came of sending a change.
pub(super) enum Applied {
    /// The state after, and whether it was found by reading after a lost answer.
    After(User, bool),
    /// Someone else was faster (412, `noTarget`): read again and decide anew.
    Raced(Boxed),
    /// The service does not serve this means for this change; nothing was done.
    NotServed(Boxed),
    /// The service said no.
    Refused(Box<Response>),
}

impl<T: Transport> Connection<T> {
    /// Sends a change and looks at what it did.
    pub(super) fn apply(
        &self,
        change: &Goal<'_>,
        state: &State<'_>,
        means: Means,
    ) -> Result<Applied> {
        let request = match means {
            Means::Patch => self.patch(change, state)?,
            Means::Put => self.put(change, state)?,
        };
        let response = match self.write(Operation::Update, request)? {
            Written::Accepted(response) => {
                return match self.shown(Operation::Update, &response) {
                    Ok(shown) => self.accepted(change, state, &response, shown),
                    Err(lost) => self.recover_update(change, state, &lost),
                };
            }
            Written::Lost(lost) => return self.recover_update(change, state, &lost),
            Written::Refused(response) => response,
        };
        // What the change was made for is not there any more: someone else was faster, or the
        // network, and this is the answer to a second delivery.
        if response.status == 412 || ErrorBody::from_body(&response.body).is("noTarget") {
            let raced = failure::from_answer(Operation::Update, &self.tenant, &response);
            return Ok(Applied::Raced(raced));
        }
        if means == Means::Patch && is_not_served(&response) {
            let refused = failure::from_answer(Operation::Update, &self.tenant, &response);
            return Ok(Applied::NotServed(refused));
        }
        Ok(Applied::Refused(response))
    }

    /// An answer that shows the goal and all that was there before is taken at its word. One
    /// that does not may be partial or stale, so the user is read until the change shows; what no read showed was ignored.
    fn accepted<'a>(
        &self,
        change: &Goal<'_>,
        state: &State<'_>,
        response: &'a Response,
        shown: Option<Resource<'a>>,
    ) -> Result<Applied> {
        let shown = shown
            .and_then(|resource| State::read(resource, &self.tenant))
            .filter(|after| after.id == state.id && change.unmet(after).is_empty())
            .filter(|after| is_whole(change, state, after));
        if let Some(after) = shown {
            return Ok(Applied::After(after.owned(), false));
        }
        let mut best: Option<(usize, User)> = None;
        let mut reads = 0;
        for delay in SETTLING {
            match self.read_user(&state.id, delay) {
                Ok(ReadUser::Found(after)) if has_moved(change, state, &after) => {
                    return Ok(Applied::After(after, false));
                }
                Ok(ReadUser::Found(after)) => {
                    reads += 1;
                    // The read that shows the most counts: a later one may be a stale one.
                    let left = change.unmet(&after).len();
                    if best.as_ref().is_none_or(|(least, _)| left <= *least) {
                        best = Some((left, after));
                    }
                }
                Ok(ReadUser::Missing(_)) => {}
                Err(failed) if is_passing(&failed) => {}
                Err(_) => break,
            }
        }
        match best {
            // One read alone may be stale. 202 only promises to look at it (RFC 9110 §15.3.3).
            Some((_, after)) if reads > 1 && response.status != 202 => {
                Ok(Applied::After(after, false))
            }
            _ => {
                let why = "8x8 accepted the change, and reading does not show it";
                let lost = unseen(response, why);
                Err(change_unknown(&lost, &state.id))
            }
        }
    }

    /// After a lost answer: reads until the goal shows, or for as long as makes sense.
    fn recover_update(
        &self,
        change: &Goal<'_>,
        state: &State<'_>,
        lost: &Failure,
    ) -> Result<Applied> {
        self.transport
            .tell("the answer to a change was lost; reading whether it was made");
        for delay in SETTLING {
            match self.read_user(&state.id, delay) {
                Ok(ReadUser::Found(after)) if change.unmet(&after).is_empty() => {
                    return Ok(Applied::After(after, true));
                }
                Ok(_) => {}
                Err(failed) if is_passing(&failed) => {}
                Err(_) => break,
            }
        }
        Err(change_unknown(lost, &state.id))
    }

    fn patch(&self, change: &Goal<'_>, state: &State<'_>) -> Result<Request> {
        let mut operations = Vec::new();
        for (attribute, path, value) in change.paths(&self.tenant) {
            let operation = PatchOperation::set(&state.resource, path, value)
                .ok_or_else(|| several_values(attribute, &state.id))?;
            operations.push(operation);
        }
        if let Some(active) = change.active {
            operations.push(PatchOperation::activate(active));
        }
        let repeatable = operations.iter().all(|operation| operation.repeatable);
        let body = patch_body(operations);
        Ok(self.change(Method::Patch, state, repeatable, body))
    }

    /// Repeatable only with a version: a second delivery of the whole user would undo what
    /// others changed in between.
    fn put(&self, change: &Goal<'_>, state: &State<'_>) -> Result<Request> {
        for (attribute, path, _) in change.paths(&self.tenant) {
            if matches!(state.resource.read(path), Reading::Several(_)) {
                return Err(several_values(attribute, &state.id));
            }
        }
        let mut resource = state.resource.owned();
        resource.drop_read_only();
        resource.mend_active();
        change.write(&mut resource, &self.tenant);
        Ok(self.change(Method::Put, state, false, resource.into_body()))
    }

    fn change(
        &self,
        method: Method,
        state: &State<'_>,
        repeatable: bool,
        body: Vec<u8>,
    ) -> Request {
        let url = self.tenant.url(&["Users", &state.id], &[]);
        let version = self.version(state);
        let repeatability = if repeatable || version.is_some() {
            Repeatability::Idempotent
        } else {
            Repeatability::Once
        };
        let mut request = self.request(method, url, repeatability);
        request.body = Some(body);
        if let Some(version) = version {
            request.headers.push(header("if-match", version));
        }
        request
    }

    /// The version to send as `If-Match`: only where the resource has one and the service
    /// says that it looks at it (RFC 7643 §5, RFC 7644 §3.14). Asked once, and remembered
    /// where there was an answer. A version that no header can carry (RFC 9110 §5.5) is none.
    fn version<'s>(&self, state: &'s State<'_>) -> Option<&'s str> {
        let version = state.resource.version()?;
        if !version.bytes().all(|byte| matches!(byte, b'!'..=b'~')) {
            return None;
        }
        let known = self.learned.get().etag;
        let supported = known.or_else(|| {
            let url = self.tenant.url(&["ServiceProviderConfig"], &[]);
            let response = self.read(Operation::ReadUsers, url, 0).ok()?;
            let supported = match response.status {
                200 => supports_etag(&response.body)?,
                404 | 501 => false,
                _ => return None,
            };
            self.learn(|learned| learned.etag = Some(supported));
            Some(supported)
        });
        supported.unwrap_or(false).then_some(version)
    }
}

/// Whether the change shows: nothing of it is as it was before.
fn has_moved(change: &Goal<'_>, before: &State<'_>, after: &State<'_>) -> bool {
    let left = change.unmet(after);
    let untouched = |attribute: &Attribute| after.value(*attribute) == before.value(*attribute);
    left.active.is_none()
        && !left
            .values
            .iter()
            .any(|(attribute, _)| untouched(attribute))
}

/// Whether an answer shows the user as a whole, and not only what changed. In one that does
/// not, an absent value proves nothing, and a PUT made from it would clear what it left out.
fn is_whole(change: &Goal<'_>, before: &State<'_>, after: &State<'_>) -> bool {
    let attributes = TABLE.iter().map(|spec| spec.attribute);
    let mut kept = attributes.filter(|attribute| !change.touches(*attribute));
    kept.all(|attribute| before.value(attribute).is_none() || after.value(attribute).is_some())
        && after.resource.holds_members_of(&before.resource)
}

/// PATCH is not served, at all or for this path (docs/8x8.md §2).
fn is_not_served(response: &Response) -> bool {
    match response.status {
        405 | 501 => true,
        400 => ErrorBody::from_body(&response.body).is("invalidPath"),
        _ => false,
    }
}

/// RFC 7643 §5; `None` where the body is no configuration.
fn supports_etag(body: &[u8]) -> Option<bool> {
    let config = Json::parse(body)?;
    let etag = config.as_object()?.get("etag");
    let supported = etag.and_then(|etag| etag.as_object()?.get("supported"));
    Some(matches!(supported, Some(Json::Bool(true))))
}

fn change_unknown(lost: &Failure, id: &str) -> Boxed {
    outcome_unknown(lost, "Whether 8x8 changed the user is not known.", Some(id))
}

fn several_values(attribute: Attribute, id: &str) -> Boxed {
    failure::failure(
        FailureKind::Ambiguous,
        text!(
            "The user has several values where ",
            attribute.name(),
            " has one; which of them is meant cannot be told. Remove all but one \
                in the Admin Console."
        ),
    )
    .code("several-values")
    .retry(RetryAdvice::AfterRepair)
    .account(id)
}
