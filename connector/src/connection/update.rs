//! Changes to an account.
//!
//! Read, compare by meaning, send the least that is safe, compare again. PATCH changes
//! only what differs. PUT may clear what is left out (RFC 7644 §3.5.1), so the whole
//! resource as it was read goes back, with what is not understood.

use super::create::{attribute_ignored, stored_differently};
use super::{
    Connection, Lost, ReadUser, Result, SETTLING, Written, found_by_reading, header, is_passing,
    outcome, outcome_unknown, taken,
};
use crate::account::{Goal, State, is_id, notice};
use crate::attributes::Attribute;
use crate::contract::{Edits, Effect, FailureKind, Notice, Outcome, RetryAdvice};
use crate::failure::{self, Boxed, Operation, Refine};
use crate::scim::{ErrorBody, Operation as PatchOperation, Resource, patch_body};
use crate::settings::UpdateMethod;
use crate::transport::{Method, Repeatability, Request, Response, Transport};

/// How often a lost race (412) is run again.
const MAX_RACES: usize = 3;

/// How a change is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Patch,
    Put,
}

/// What came of sending a change.
enum Applied {
    /// The state after, and whether it was found by reading after a lost answer.
    After(State, bool),
    /// Someone else was faster (412): read again and decide anew.
    Raced(Boxed),
    /// The service does not serve this means for this change; nothing was done.
    NotServed(Boxed),
    /// The service said no.
    Refused(Response),
}

impl<T: Transport> Connection<T> {
    /// # Errors
    ///
    /// `not-found`, `invalid-account`, `precondition-failed`, `already-exists`,
    /// `held-elsewhere`, `outcome-unknown`; `unsupported` where 8x8 ignores an attribute.
    pub fn update(&self, id: &str, edits: &Edits) -> Result<Outcome> {
        if !is_id(id) {
            return Err(failure::invalid_id());
        }
        let goal = Goal::from_edits(edits).map_err(failure::invalid_account)?;
        let mut state = self.user(id)?;
        let expected = edits.expected_version.as_deref();
        let mut update = Update {
            connection: self,
            goal: &goal,
            before: state.clone(),
            notices: Vec::new(),
            wrote: false,
            put_only: false,
            for_good: false,
        };
        let mut races = 0;
        loop {
            if let Some(expected) = expected
                && !update.wrote
                && state.resource.version().as_deref() != Some(expected)
            {
                return Err(moved_on());
            }
            match update.advance(state)? {
                Progress::Done(state) => return update.finish(&state),
                Progress::Again(after) => state = after,
                Progress::Raced(failed) if expected.is_some() => return Err(failed),
                Progress::Raced(failed) => {
                    races += 1;
                    if races >= MAX_RACES {
                        return Err(failed);
                    }
                    state = self.user(id)?;
                }
            }
        }
    }

    /// Sends a change and looks at what it did.
    fn apply(&self, change: &Goal, state: &State, means: Means) -> Result<Applied> {
        let request = match means {
            Means::Patch => self.patch(change, state)?,
            Means::Put => self.put(change, state),
        };
        let response = match self.write(Operation::Update, request)? {
            Written::Accepted(response) => {
                let shown = Resource::from_body(&response.body)
                    .and_then(|resource| State::read(resource, &self.tenant))
                    .filter(|after| after.id == state.id);
                // An answer that shows the goal is taken at its word. One that does not may
                // be partial or stale, so the user is read.
                let looks = if shown.is_some() { 1 } else { 2 };
                return match shown {
                    Some(after) if change.unmet(&after).is_empty() => {
                        Ok(Applied::After(after, false))
                    }
                    _ => {
                        let lost = Lost {
                            answer: Some(failure::upstream(&response)),
                            why: "8x8 accepted the change and could not be read afterwards".into(),
                        };
                        self.read_after(change, state, &lost, looks)
                    }
                };
            }
            Written::Lost(lost) => return self.recover_update(change, state, &lost),
            Written::Refused(response) => response,
        };
        if response.status == 412 {
            let raced = failure::from_answer(Operation::Update, &self.tenant, &response);
            return Ok(Applied::Raced(raced));
        }
        if means == Means::Patch && is_not_served(&response) {
            let refused = failure::from_answer(Operation::Update, &self.tenant, &response);
            return Ok(Applied::NotServed(refused));
        }
        Ok(Applied::Refused(response))
    }

    /// After an accepted change: the answer and the reads together look twice, since one
    /// that does not show the change may be stale, and proves nothing.
    fn read_after(
        &self,
        change: &Goal,
        state: &State,
        lost: &Lost,
        looks: usize,
    ) -> Result<Applied> {
        let mut last = None;
        for delay in SETTLING.into_iter().take(looks) {
            match self.read_user(&state.id, delay) {
                Ok(ReadUser::Found(after)) if change.unmet(&after).is_empty() => {
                    return Ok(Applied::After(*after, false));
                }
                Ok(ReadUser::Found(after)) => last = Some(*after),
                Ok(ReadUser::Missing(answer)) => return Err(failure::not_found(Some(answer))),
                Err(_) => return self.recover_update(change, state, lost),
            }
        }
        match last {
            Some(after) => Ok(Applied::After(after, false)),
            None => self.recover_update(change, state, lost),
        }
    }

    /// After a lost answer: reads until the goal shows, or for as long as makes sense.
    fn recover_update(&self, change: &Goal, state: &State, lost: &Lost) -> Result<Applied> {
        for delay in SETTLING {
            match self.read_user(&state.id, delay) {
                Ok(ReadUser::Found(after)) if change.unmet(&after).is_empty() => {
                    return Ok(Applied::After(*after, true));
                }
                Ok(ReadUser::Found(_)) => {}
                Ok(ReadUser::Missing(_)) => break,
                Err(failed) if is_passing(&failed) => {}
                Err(_) => break,
            }
        }
        let what = "Whether 8x8 changed the user is not known.";
        Err(outcome_unknown(lost, what, Some(&state.id)))
    }

    fn patch(&self, change: &Goal, state: &State) -> Result<Request> {
        let mut operations = Vec::new();
        for (attribute, path, value) in change.paths(&self.tenant) {
            let operation = PatchOperation::set(&state.resource, &path, value)
                .ok_or_else(|| several_values(attribute, &state.id))?;
            operations.push(operation);
        }
        if let Some(active) = change.active {
            operations.push(PatchOperation::activate(active));
        }
        let repeatable = operations.iter().all(|operation| operation.repeatable);
        let body = patch_body(&operations);
        Ok(self.change(Method::Patch, state, repeatable, body))
    }

    fn put(&self, change: &Goal, state: &State) -> Request {
        let mut resource = state.resource.clone();
        resource.drop_read_only();
        resource.mend_active();
        change.write(&mut resource, &self.tenant);
        self.change(Method::Put, state, true, resource.to_body())
    }

    fn change(&self, method: Method, state: &State, repeatable: bool, body: Vec<u8>) -> Request {
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
            request.headers.push(header("if-match", &version));
        }
        request
    }

    /// The version to send as `If-Match`: only where the resource has one and the service
    /// says that it looks at it (RFC 7643 §5, RFC 7644 §3.14). Asked once, and remembered.
    fn version(&self, state: &State) -> Option<String> {
        let version = state.resource.version()?;
        let known = self.learned.borrow().etag;
        let supported = known.unwrap_or_else(|| {
            let url = self.tenant.url(&["ServiceProviderConfig"], &[]);
            let answer = self.read(Operation::ReadUsers, url, 0);
            let supported = answer
                .is_ok_and(|response| response.status == 200 && supports_etag(&response.body));
            self.learned.borrow_mut().etag = Some(supported);
            supported
        });
        supported.then_some(version)
    }
}

/// A change under way.
struct Update<'a, T> {
    connection: &'a Connection<T>,
    goal: &'a Goal,
    /// As it was before the first write.
    before: State,
    notices: Vec<Notice>,
    /// A write was accepted.
    wrote: bool,
    /// PATCH turned out not to do in this update.
    put_only: bool,
    /// The service said so in a way that will be as true in the next update.
    for_good: bool,
}

enum Progress {
    Done(State),
    /// Something was done, and more is to do.
    Again(State),
    Raced(Boxed),
}

impl<T: Transport> Update<'_, T> {
    /// One step from `state` towards the goal.
    fn advance(&mut self, state: State) -> Result<Progress> {
        let change = self.goal.unmet(&state);
        if change.is_empty() {
            return Ok(Progress::Done(state));
        }
        let frozen = self.goal.frozen(&state);
        if !frozen.is_empty() {
            return Err(failure::invalid_account(frozen)
                .code("site-set-once")
                .retry(RetryAdvice::Never)
                .account(&state.id));
        }
        let means = self.means();
        match self.connection.apply(&change, &state, means)? {
            Applied::After(after, by_reading) => {
                self.wrote = true;
                if by_reading {
                    self.notices.push(found_by_reading());
                }
                let left = self.goal.unmet(&after);
                if self.for_good && left != change {
                    // Remembered only now: where PUT does no better, the next change, of the
                    // status alone perhaps, has to begin with PATCH again.
                    self.connection.learned.borrow_mut().no_patch = true;
                }
                if left.is_empty() {
                    return Ok(Progress::Done(after));
                }
                if means == Means::Patch && self.may_put() && self.was_ignored(&left, &after) {
                    // A success that changed nothing: this service wants the whole user.
                    self.use_put(true);
                    return Ok(Progress::Again(after));
                }
                self.judge(&left, &after)?;
                Ok(Progress::Done(after))
            }
            Applied::Raced(failed) => Ok(Progress::Raced(failed)),
            Applied::NotServed(failed) => {
                if !self.may_put() {
                    return Err(failed);
                }
                self.use_put(true);
                Ok(Progress::Again(state))
            }
            Applied::Refused(response) => self.refused(&change, state, means, &response),
        }
    }

    fn refused(
        &mut self,
        change: &Goal,
        state: State,
        means: Means,
        response: &Response,
    ) -> Result<Progress> {
        let connection = self.connection;
        if change.value(Attribute::UserName).is_some() && taken::is_taken(response) {
            return Err(connection.taken(change, Some(&state.id), response));
        }
        if matches!(response.status, 404 | 410) {
            connection.confirm_serves()?;
            return Err(failure::not_found(Some(failure::upstream(response))));
        }
        if means == Means::Put && self.wrote && matches!(response.status, 405 | 501) {
            // A PATCH was taken and changed nothing of this, and there is no PUT.
            self.judge(change, &state)?;
        }
        let wakes = !state.active() && change.active == Some(true);
        if means == Means::Patch && self.may_put() && !wakes && is_untyped(response) {
            // It may be the path that was refused: a PUT of the same values is as safe, and
            // where it is they that are wrong, it is refused too.
            self.use_put(false);
            return Ok(Progress::Again(state));
        }
        let failed = failure::from_answer(Operation::Update, &connection.tenant, response);
        let may_be_status = matches!(response.status, 400 | 403 | 409 | 422);
        if state.active() || !may_be_status || change.values.is_empty() {
            return Err(failed);
        }
        // 8x8's console does not edit deactivated users, so SCIM may not either.
        if change.active != Some(true) {
            return Err(hint_inactive(failed));
        }
        let activation = Goal {
            active: Some(true),
            ..Goal::default()
        };
        match connection.apply(&activation, &state, means)? {
            Applied::After(after, _) if after.active() => {
                self.wrote = true;
                Ok(Progress::Again(after))
            }
            Applied::After(..) | Applied::Refused(_) | Applied::NotServed(_) => Err(failed),
            Applied::Raced(raced) => Ok(Progress::Raced(raced)),
        }
    }

    fn means(&self) -> Means {
        match self.connection.tenant.update_method {
            UpdateMethod::Put => Means::Put,
            UpdateMethod::Patch => Means::Patch,
            UpdateMethod::Auto if self.put_only || self.connection.learned.borrow().no_patch => {
                Means::Put
            }
            UpdateMethod::Auto => Means::Patch,
        }
    }

    fn may_put(&self) -> bool {
        self.connection.tenant.update_method == UpdateMethod::Auto
    }

    fn use_put(&mut self, for_good: bool) {
        self.put_only = true;
        self.for_good = for_good;
    }

    /// Whether something that is left has the value that it had before.
    fn was_ignored(&self, left: &Goal, after: &State) -> bool {
        !self.ignored(left, after).is_empty()
    }

    fn ignored(&self, left: &Goal, after: &State) -> Vec<&'static str> {
        let status = left.active.map(|_| "active");
        let values = left.values.iter().filter(|(attribute, _)| {
            let now = after.value(*attribute);
            now.is_none() || now == self.before.value(*attribute)
        });
        status
            .into_iter()
            .chain(values.map(|(attribute, _)| attribute.name()))
            .collect()
    }

    /// What is left after a success: ignored is a failure, spelled otherwise is told in
    /// [`Self::finish`].
    fn judge(&self, left: &Goal, after: &State) -> Result<()> {
        let ignored = self.ignored(left, after);
        if ignored.is_empty() {
            return Ok(());
        }
        Err(attribute_ignored("8x8 ignored the change of", &ignored).account(&after.id))
    }

    fn finish(mut self, state: &State) -> Result<Outcome> {
        let done = self.goal.unmet(&self.before);
        if done.is_empty() || !self.wrote {
            return Ok(outcome(state, Effect::Unchanged, Vec::new()));
        }
        for (attribute, wanted) in &done.values {
            if state.value(*attribute) != wanted.as_deref() {
                self.notices.push(stored_differently(*attribute));
            }
        }
        if done.value(Attribute::UserName).is_some() {
            self.notices.push(notice(
                "sign-in-changed",
                Some(Attribute::UserName),
                "The userName is also the Federation ID: the person signs in with the new one from \
                 now on.",
            ));
        }
        match done.active {
            Some(false) => self.notices.push(licence_suspended()),
            Some(true) => self.notices.push(notice(
                "licence-check",
                None,
                "The user is active again. Look in the Admin Console whether the licence is, too.",
            )),
            None => {}
        }
        self.notices.extend(done.unlikely());
        Ok(outcome(state, Effect::Updated, self.notices))
    }
}

/// PATCH is not served, at all or for this path (facts §2).
fn is_not_served(response: &Response) -> bool {
    match response.status {
        405 | 501 => true,
        400 => ErrorBody::from_body(&response.body).is("invalidPath"),
        _ => false,
    }
}

/// 400 without a word about what was wrong.
fn is_untyped(response: &Response) -> bool {
    response.status == 400 && ErrorBody::from_body(&response.body).scim_type.is_none()
}

fn supports_etag(body: &[u8]) -> bool {
    let config: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    config.is_some_and(|config| config["etag"]["supported"] == serde_json::Value::Bool(true))
}

fn moved_on() -> Boxed {
    failure::failure(
        FailureKind::PreconditionFailed,
        "The user is no longer in the version that was expected. Read it again and decide anew.",
    )
    .retry(RetryAdvice::AfterMs(0))
}

fn several_values(attribute: Attribute, id: &str) -> Boxed {
    failure::failure(
        FailureKind::Ambiguous,
        format!(
            "The user has several values where {} has one; which of them is meant cannot be told. \
             Remove all but one in the Admin Console.",
            attribute.name()
        ),
    )
    .code("several-values")
    .retry(RetryAdvice::AfterRepair)
    .account(id)
}

fn hint_inactive(mut failed: Boxed) -> Boxed {
    failed.code = Some("inactive-account".to_owned());
    failed
        .message
        .push_str(" The user is deactivated, which may be why: reactivate in the same update.");
    failed
}

pub(super) fn licence_suspended() -> Notice {
    notice(
        "licence-suspended",
        None,
        "The licence stays with the user, suspended. To reclaim it: reactivate, remove the licence \
         in the Admin Console, deactivate again.",
    )
}
