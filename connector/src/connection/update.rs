//! Changes to an account.
//!
//! Read, compare by meaning, send the least that is safe, compare again. PATCH changes
//! only what differs. PUT may clear what is left out (RFC 7644 §3.5.1), so the whole
//! resource as it was just read goes back, with what is not understood.

use super::apply::{Applied, Means};
use super::create::{attribute_ignored, stored_differently};
use super::{Connection, Result, found_by_reading, outcome, taken};
use crate::account::{Goal, State, User, is_id, notice};
use crate::attributes::{Attribute, DEFAULT_WORK_EMAIL};
use crate::contract::{Edits, Effect, Failure, FailureKind, Notice, Outcome, RetryAdvice};
use crate::failure::{self, Boxed, Operation, Refine};
use crate::prelude::*;
use crate::scim::ErrorBody;
use crate::settings::UpdateMethod;
use crate::transport::{Response, Transport};

/// How often a lost race (412) is run again.
const MAX_RACES: usize = 3;

impl<T: Transport> Connection<T> {
    /// # Errors
    ///
    /// `not-found`, `invalid-account`, `precondition-failed`, `already-exists`,
    /// `held-elsewhere`, `outcome-unknown`; `unsupported` where 8x8 ignores an attribute.
    pub fn update(&self, id: &str, edits: &Edits) -> Result<Outcome> {
        self.begin();
        if !is_id(id) {
            return Err(failure::invalid_id());
        }
        let goal = Goal::from_edits(edits).map_err(failure::invalid_account)?;
        let state = self.user(id)?;
        if let Some(expected) = &edits.expected_version
            && state.resource.version() != Some(expected)
        {
            return Err(moved_on());
        }
        let update = Update {
            connection: self,
            goal: &goal,
            before: state.owned(),
            any_version: edits.expected_version.is_none(),
            notices: Vec::new(),
            put_only: false,
            for_good: false,
            more: MAX_RACES,
        };
        update
            .run(state)
            .map_err(|failed| self.partly_done(failed, id))
    }

    /// A failure after a write that was taken is no "not done".
    fn partly_done(&self, failed: Boxed, id: &str) -> Boxed {
        let says_so = failed.kind == FailureKind::OutcomeUnknown
            || failed.code.as_deref() == Some("attribute-ignored");
        if !self.wrote.get() || says_so {
            return failed;
        }
        let message = text!(
            "A part of the change was made, and the rest failed: ",
            failed.message,
            " Read the user before you go on."
        );
        let mut partly = failure::failure(FailureKind::OutcomeUnknown, message)
            .code("partly-done")
            .account(id)
            .problems(failed.problems)
            .retry(failed.retry);
        partly.upstream = failed.upstream;
        partly
    }
}

/// A change under way.
struct Update<'a, T> {
    connection: &'a Connection<T>,
    goal: &'a Goal<'a>,
    /// As it was before the first write.
    before: User,
    /// Whether a lost race may be run again.
    any_version: bool,
    notices: Vec<Notice>,
    /// PATCH turned out not to do in this update.
    put_only: bool,
    /// The service said so in a way that will be as true in the next update.
    for_good: bool,
    /// How often what was not sent may be sent after all.
    more: usize,
}

enum Progress {
    Done(User),
    /// Go on from this state.
    Again(User),
    Raced(Boxed),
}

impl<T: Transport> Update<'_, T> {
    fn run(mut self, mut state: User) -> Result<Outcome> {
        let mut races = 0;
        loop {
            match self.advance(state)? {
                Progress::Done(state) => return self.finish(&state),
                Progress::Again(after) => state = after,
                Progress::Raced(failed) => {
                    races += 1;
                    state = self.read_after(&failed)?;
                    if self.goal.unmet(&state).is_empty() {
                        // Someone else's doing, or our own request delivered twice.
                        self.connection.wrote.set(true);
                        self.notices.push(found_by_reading());
                    } else if !self.any_version || races >= MAX_RACES {
                        return Err(failed);
                    }
                }
            }
        }
    }

    /// One step from `state` towards the goal.
    fn advance(&mut self, state: User) -> Result<Progress> {
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
                if by_reading {
                    self.notices.push(found_by_reading());
                }
                self.judge(&change, means, after)
            }
            Applied::Raced(failed) => Ok(Progress::Raced(failed)),
            Applied::NotServed(failed) if !self.may_put() => Err(failed),
            Applied::NotServed(_) => {
                self.use_put(true);
                self.read_anew()
            }
            Applied::Refused(response) => self.refused(&change, state, means, &response),
        }
    }

    /// What a success came to.
    fn judge(&mut self, change: &Goal<'_>, means: Means, after: User) -> Result<Progress> {
        let left = self.goal.unmet(&after);
        if self.for_good && left != *change {
            // Remembered only now: where PUT does no better, the next change, of the status
            // alone perhaps, has to begin with PATCH again.
            self.connection
                .learn(|learned| learned.no_patch = Some(learned.no_patch.is_some()));
        }
        let unsent = left.active.is_some() && change.active.is_none()
            || left.values.iter().any(|(name, _)| !change.touches(*name));
        if unsent && self.more > 0 {
            // It was as wanted when it was read: a stale read, or someone else since.
            self.more -= 1;
            return Ok(Progress::Again(after));
        }
        let ignored = self.not_stored(&left, &after);
        if ignored.is_empty() {
            // Of the status alone it is no sign: some services patch that and nothing else.
            if means == Means::Patch && !change.values.is_empty() {
                self.connection.learn(|learned| learned.no_patch = None);
            }
            return Ok(Progress::Done(after));
        }
        if means == Means::Patch && self.may_put() {
            // A success that changed nothing: this service wants the whole user.
            self.use_put(true);
            return Ok(Progress::Again(after));
        }
        Err(attribute_ignored("8x8 ignored the change of", &ignored).account(&after.id))
    }

    fn refused(
        &mut self,
        change: &Goal<'_>,
        state: User,
        means: Means,
        response: &Response,
    ) -> Result<Progress> {
        let connection = self.connection;
        if change.value(Attribute::UserName).is_some() && taken::is_taken(response) {
            return Err(connection.taken(change, Some(&state.id), response));
        }
        let failed = failure::from_answer(Operation::Update, &connection.tenant, response);
        if matches!(response.status, 404 | 410) {
            // The user was there a moment ago: gone since, or a gateway that does not know
            // the method.
            self.read_after(&failed)?;
            if means == Means::Patch && self.may_put() {
                self.use_put(false);
                return self.read_anew();
            }
            // The user is there, so this speaks of the method, not of the address.
            return Err(not_served(&failed));
        }
        if means == Means::Put && matches!(response.status, 405 | 501) {
            if self.may_put() && !self.put_only {
                // What was learned of PATCH holds no longer, or there is neither.
                connection.learn(|learned| learned.no_patch = None);
                return self.read_anew();
            }
            if connection.wrote.get() {
                // A PATCH was taken and changed nothing of this, and there is no PUT.
                let ignored = self.not_stored(change, &state);
                let what = "8x8 ignored the change of";
                return Err(attribute_ignored(what, &ignored).account(&state.id));
            }
        }
        let wakes = !state.active() && change.active == Some(true);
        if means == Means::Patch && self.may_put() && !wakes && is_untyped(response) {
            // It may be the path that was refused: a PUT of the same values is as safe, and
            // where it is they that are wrong, it is refused too.
            self.use_put(false);
            return Ok(Progress::Again(self.read_after(&failed)?));
        }
        let removes = change.values.iter().any(|(_, wanted)| wanted.is_none());
        if means == Means::Patch && removes && matches!(response.status, 400 | 409) {
            // Delivered twice by the network, the second removes what is no longer there.
            let now = self.read_after(&failed)?;
            if self.goal.unmet(&now).is_empty() {
                connection.wrote.set(true);
                self.notices.push(found_by_reading());
                return Ok(Progress::Done(now));
            }
        }
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
            Applied::After(after, _) if after.active() => Ok(Progress::Again(after)),
            Applied::After(..) | Applied::Refused(_) | Applied::NotServed(_) => Err(failed),
            Applied::Raced(raced) => Ok(Progress::Raced(raced)),
        }
    }

    /// A PUT is made from what was just read, or it would undo what others did meanwhile.
    fn read_anew(&self) -> Result<Progress> {
        Ok(Progress::Again(self.connection.user(&self.before.id)?))
    }

    /// The user after a refusal that may have answered the second delivery of a change whose
    /// first was taken: where nothing can be read, nobody knows.
    fn read_after(&self, refusal: &Failure) -> Result<User> {
        let id = &self.before.id;
        self.connection.user(id).map_err(|failed| {
            if failed.kind == FailureKind::NotFound {
                return failed;
            }
            failure::failure(
                FailureKind::OutcomeUnknown,
                text!(
                    "8x8 refused the change, as it also refuses one that the network delivered \
                     twice, and could not be read afterwards: ",
                    failed.message,
                    " Read the user before you go on."
                ),
            )
            .code("refused-unread")
            .account(id)
            .retry(failed.retry)
            .upstream(refusal.upstream.clone())
        })
    }

    fn means(&self) -> Means {
        match self.connection.tenant.update_method {
            UpdateMethod::Put => Means::Put,
            UpdateMethod::Patch => Means::Patch,
            UpdateMethod::Auto => match self.connection.learned.get().no_patch {
                Some(true) => Means::Put,
                _ if self.put_only => Means::Put,
                _ => Means::Patch,
            },
        }
    }

    fn may_put(&self) -> bool {
        self.connection.tenant.update_method == UpdateMethod::Auto
    }

    fn use_put(&mut self, for_good: bool) {
        self.connection
            .transport
            .tell("PATCH is refused or ignored; sending the whole user with PUT");
        self.put_only = true;
        self.for_good = for_good;
    }

    /// What is left of the goal after a success and is no mere spelling of it.
    fn not_stored(&self, left: &Goal<'_>, after: &State<'_>) -> Vec<&'static str> {
        let mut names = Vec::new();
        if left.active.is_some() {
            names.push("active");
        }
        for (attribute, wanted) in &left.values {
            let now = after.value(*attribute);
            let untouched = now == self.before.value(*attribute);
            if untouched || !is_spelling(*attribute, *wanted, now) {
                names.push(attribute.name());
            }
        }
        names
    }

    fn finish(mut self, state: &State<'_>) -> Result<Outcome> {
        let done = self.goal.unmet(&self.before);
        if done.is_empty() || !self.connection.wrote.get() {
            return Ok(outcome(state, Effect::Unchanged, Vec::new()));
        }
        for (attribute, wanted) in &done.values {
            if state.value(*attribute) != *wanted {
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

/// Whether the stored value is the wanted one in the service's own spelling. A cleared
/// locale may come back as the site's.
pub(super) fn is_spelling(
    attribute: Attribute,
    wanted: Option<&str>,
    stored: Option<&str>,
) -> bool {
    match (wanted, stored) {
        (Some(wanted), Some(stored)) => {
            stored != DEFAULT_WORK_EMAIL && attribute.respelled(wanted, stored)
        }
        (None, Some(_)) => attribute == Attribute::Locale,
        _ => false,
    }
}

/// 400 without a word about what was wrong.
fn is_untyped(response: &Response) -> bool {
    response.status == 400 && ErrorBody::from_body(&response.body).scim_type.is_none()
}

/// 404 to a change or a deletion of a user who is there.
pub(super) fn not_served(answered: &Failure) -> Boxed {
    failure::failure(
        FailureKind::Unsupported,
        "8x8 shows the user, and answers a change of them as if there were none: it, or a \
         gateway on the way, does not serve such a request.",
    )
    .code("not-served")
    .upstream(answered.upstream.clone())
}

fn moved_on() -> Boxed {
    failure::failure(
        FailureKind::PreconditionFailed,
        "The user is no longer in the version that was expected. Read it again and decide anew.",
    )
    .retry(RetryAdvice::AfterMs(0))
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
