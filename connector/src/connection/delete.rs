//! DELETE, which on 8x8 only deactivates.

use super::update::{licence_suspended, not_served};
use super::{
    Connection, ReadUser, Result, SETTLING, Written, found_by_reading, is_passing, outcome,
    outcome_unknown, unseen,
};
use crate::account::{is_id, notice};
use crate::attributes::Attribute;
use crate::contract::{Deletion, Effect, FailureKind, Notice, RetryAdvice};
use crate::failure::{self, Operation, Refine};
use crate::transport::{Method, Repeatability, Transport};

impl<T: Transport> Connection<T> {
    /// Deletes, and looks what came of it: a 204 does not say.
    ///
    /// # Errors
    ///
    /// `invalid-account` where the id can name no account; `unsupported`;
    /// `outcome-unknown`.
    pub fn delete(&self, id: &str) -> Result<Deletion> {
        self.begin();
        if !is_id(id) {
            return Err(failure::invalid_id());
        }
        let before = match self.read_user(id, 0)? {
            ReadUser::Found(state) => state,
            ReadUser::Missing(_) => return Ok(Deletion::Gone),
        };
        let url = self.tenant.url(&["Users", id], &[]);
        let request = self.request(Method::Delete, url, Repeatability::Idempotent);
        let mut denied = false;
        let (lost, by_reading) = match self.write(Operation::Delete, request)? {
            Written::Accepted(response) => match self.shown(Operation::Delete, &response) {
                Ok(_) => {
                    let why = "8x8 accepted the deletion and could not be read afterwards";
                    (unseen(&response, why), false)
                }
                Err(lost) => (lost, true),
            },
            Written::Refused(response) if matches!(response.status, 404 | 410) => {
                // Gone in the meantime, or a gateway's word: the read below tells.
                let answered = failure::from_answer(Operation::Delete, &self.tenant, &response);
                denied = true;
                (answered, false)
            }
            Written::Refused(response) => {
                return Err(failure::from_answer(
                    Operation::Delete,
                    &self.tenant,
                    &response,
                ));
            }
            Written::Lost(lost) => (lost, true),
        };
        let mut shown = 0;
        for delay in SETTLING {
            match self.read_user(id, delay) {
                Ok(ReadUser::Missing(_)) => return Ok(Deletion::Gone),
                Ok(ReadUser::Found(after)) if !after.active() && before.active() => {
                    let mut notices = vec![kept()];
                    if by_reading {
                        notices.push(found_by_reading());
                    }
                    notices.push(licence_suspended());
                    return Ok(Deletion::Kept(outcome(&after, Effect::Updated, notices)));
                }
                // It was deactivated before, so its state shows only that it is kept, and
                // after a lost answer not even for how long.
                Ok(ReadUser::Found(after)) if !after.active() && !by_reading => {
                    return Ok(Deletion::Kept(outcome(
                        &after,
                        Effect::Unchanged,
                        vec![kept()],
                    )));
                }
                Ok(ReadUser::Found(_)) => {
                    // Gone by a first delivery of this, and a stale read, look the same once.
                    shown += 1;
                    if denied && shown > 1 {
                        return Err(not_served(&lost));
                    }
                }
                Err(failed) if is_passing(&failed) => {}
                Err(_) => break,
            }
        }
        if by_reading {
            let what = "Whether 8x8 deactivated the user is not known.";
            return Err(outcome_unknown(&lost, what, Some(id)));
        }
        Err(failure::failure(
            FailureKind::OutcomeUnknown,
            "8x8 still shows the user as active after the deletion, or cannot be read. Look again \
             before deleting again.",
        )
        .code("not-deactivated")
        .retry(RetryAdvice::AfterMs(60_000))
        .account(id)
        .upstream(lost.upstream))
    }
}

fn kept() -> Notice {
    notice(
        "deletion-deactivates",
        Some(Attribute::UserName),
        "8x8 keeps the user, deactivated, and its userName stays taken. An administrator deletes it \
         for good in the Admin Console, which frees the name.",
    )
}
