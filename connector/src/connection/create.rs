//! A new account.
//!
//! POST is never sent twice: where its answer is lost, the account is looked for, and only
//! what is found counts (docs/8x8.md §4.17).

use alloc::borrow::Cow;

use super::update::is_spelling;
use super::{
    Connection, ReadUser, Result, SETTLING, Written, found_by_reading, is_passing, outcome,
    outcome_unknown, taken, unseen,
};
use crate::account::{Goal, State, User, is_id, notice};
use crate::attributes::{Attribute, DEFAULT_WORK_EMAIL, TABLE};
use crate::contract::{Draft, Effect, Failure, FailureKind, Notice, Outcome, RetryAdvice};
use crate::failure::{self, Operation, Refine};
use crate::planted::{self, Planted};
use crate::prelude::*;
use crate::scim::Resource;
use crate::transport::{Method, Repeatability, Response, Transport};

impl<T: Transport> Connection<T> {
    /// # Errors
    ///
    /// `invalid-account` before anything is sent; `already-exists`, `held-elsewhere`;
    /// `outcome-unknown`; `unsupported` where 8x8 made the account and dropped a part.
    pub fn create(&self, draft: &Draft) -> Result<Outcome> {
        self.begin();
        let goal = Goal::from_draft(draft).map_err(failure::invalid_account)?;
        let mut resource = Resource::new();
        goal.write(&mut resource, &self.tenant);
        let url = self.tenant.url(&["Users"], &[]);
        let mut request = self.request(Method::Post, url, Repeatability::Once);
        request.body = Some(resource.into_body());

        let mut notices = goal.unlikely();
        let lost = match self.write(Operation::Create, request)? {
            Written::Accepted(response) => match self.shown(Operation::Create, &response) {
                Ok(shown) => return self.created(&goal, &response, shown, notices),
                Err(lost) => lost,
            },
            Written::Refused(response) if taken::is_taken(&response) => {
                return Err(self.taken(&goal, None, &response));
            }
            Written::Refused(response) => {
                return Err(failure::from_answer(
                    Operation::Create,
                    &self.tenant,
                    &response,
                ));
            }
            Written::Lost(lost) => lost,
        };
        let state = self.recover(&goal, &lost)?;
        notices.push(found_by_reading());
        done(&goal, &state, notices)
    }

    /// The user that a success made: from the body where it shows everything, else read,
    /// by the id that the answer names (RFC 7644 §3.3), else by name. An answer that names
    /// two ids, or the id of somebody with another name, has named none.
    fn created<'a>(
        &self,
        goal: &Goal<'_>,
        response: &'a Response,
        shown: Option<Resource<'a>>,
        notices: Vec<Notice>,
    ) -> Result<Outcome> {
        let shown = shown
            .and_then(|resource| State::read(resource, &self.tenant))
            .filter(|state| is_named(state, goal));
        let (id, seen) = match (shown, self.id_from_location(response)) {
            (Some(state), Some(located)) if state.id != located => (None, None),
            (Some(state), _) if goal.unmet(&state).is_empty() => {
                return done(goal, &state, notices);
            }
            (Some(state), _) => (Some(state.id.clone()), Some(state.id)),
            (None, located) => (located.map(Cow::Owned), None),
        };
        let state = match id {
            Some(id) => self.created_as(&id, goal, response, seen.as_deref())?,
            None => self.recover(goal, &unread(response))?,
        };
        done(goal, &state, notices)
    }

    /// Reads the user of this id, until it shows.
    fn created_as(
        &self,
        id: &str,
        goal: &Goal<'_>,
        response: &Response,
        seen: Option<&str>,
    ) -> Result<User> {
        for delay in SETTLING {
            match self.read_user(id, delay) {
                Ok(ReadUser::Found(state)) if is_named(&state, goal) => return Ok(state),
                Ok(ReadUser::Found(_)) => return self.recover(goal, &unread(response)),
                Ok(ReadUser::Missing(_)) => {}
                Err(failed) if is_passing(&failed) => {}
                Err(_) => break,
            }
        }
        Err(outcome_unknown(&unread(response), UNKNOWN, seen))
    }

    /// The id in `Location`, where it points to a user of this tenant.
    fn id_from_location(&self, response: &Response) -> Option<String> {
        let location = failure::header(response, "location")?;
        match self.tenant.path_below(location)?.as_slice() {
            [users, id] if users == "Users" && is_id(id) => Some(id.clone()),
            _ => None,
        }
    }

    /// Looks for the account until it shows, or for as long as makes sense. Somebody else
    /// who has the name proves nothing: names may turn out not to be unique.
    fn recover(&self, goal: &Goal<'_>, lost: &Failure) -> Result<User> {
        self.transport
            .tell("the answer to a create was lost; looking for the user");
        let mut other = None;
        if let Some(name) = goal.value(Attribute::UserName) {
            for delay in SETTLING {
                match self.search(Attribute::UserName, name, delay) {
                    Ok(Some(state)) if is_ours(&state, goal) => return Ok(state),
                    Ok(Some(state)) if planted::is(Planted::UnprovenRead) => return Ok(state),
                    Ok(Some(state)) => other = Some(state.id),
                    Ok(None) if planted::is(Planted::UnprovenRead) => {
                        return Err(failure::failure(FailureKind::Unavailable, "Not created."));
                    }
                    Ok(None) => {}
                    Err(failed) if is_passing(&failed) => {}
                    Err(_) => break,
                }
            }
        }
        Err(outcome_unknown(lost, UNKNOWN, other.as_deref()))
    }
}

/// Compares what is there with what was asked for: a success is no proof (docs/8x8.md §4.18).
fn done(goal: &Goal<'_>, state: &State<'_>, mut notices: Vec<Notice>) -> Result<Outcome> {
    let unmet = goal.unmet(state);
    let mut ignored = Vec::new();
    if unmet.active.is_some() {
        ignored.push("active");
    }
    for (attribute, wanted) in &goal.values {
        let stored = state.value(*attribute);
        if stored == *wanted {
            continue;
        }
        let same = !unmet.touches(*attribute);
        if same || is_spelling(*attribute, *wanted, stored) {
            notices.push(stored_differently(*attribute));
        } else {
            ignored.push(attribute.name());
        }
    }
    if ignored.is_empty() {
        notices.extend(limits_of_scim(goal));
        return Ok(outcome(state, Effect::Created, notices));
    }
    Err(attribute_ignored(
        &text!("8x8 created the user (id ", state.id, ") and ignored"),
        &ignored,
    )
    .account(&state.id))
}

fn unread(response: &Response) -> failure::Boxed {
    let why = "8x8 answered with success, and the user cannot be read";
    unseen(response, why)
}

/// Whether this is the user with the name that was asked for.
fn is_named(state: &State<'_>, goal: &Goal<'_>) -> bool {
    goal.value(Attribute::UserName)
        .is_some_and(|name| state.has(Attribute::UserName, name))
}

/// Whether a user found by name is the one that was asked for, and not a
/// namesake or somebody from before: who they are has to agree, and their status; the rest
/// may have been dropped, but not be another, nor more than was asked for.
fn is_ours(state: &State<'_>, goal: &Goal<'_>) -> bool {
    use Attribute::{
        ExternalId, FamilyName, GivenName, Locale, Site, Timezone, UserName, WorkEmail,
    };

    goal.active == Some(state.active())
        && TABLE.iter().all(|spec| {
            let attribute = spec.attribute;
            let names = matches!(
                attribute,
                UserName | GivenName | FamilyName | WorkEmail | ExternalId
            );
            // The service's to fill in, in its own words.
            let supplied = matches!(attribute, Locale | Timezone | Site);
            match (goal.value(attribute), state.value(attribute)) {
                (Some(wanted), Some(stored)) => attribute.same(wanted, stored),
                (Some(_), None) => !names,
                (None, Some(stored)) => supplied || stored == DEFAULT_WORK_EMAIL,
                (None, None) => true,
            }
        })
}

const UNKNOWN: &str = "Whether 8x8 created the user is not known.";

/// What SCIM cannot do for a new user.
fn limits_of_scim(goal: &Goal<'_>) -> Vec<Notice> {
    let mut notices = vec![
        notice(
            "licence-by-hand",
            None,
            "SCIM cannot give licences: assign one in the Admin Console before the person can call.",
        ),
        notice(
            "hidden-from-directory",
            None,
            "The user is hidden from the Company Directory until an administrator shows them.",
        ),
    ];
    if goal.value(Attribute::Site).is_none() {
        notices.push(notice(
            "site-missing",
            Some(Attribute::Site),
            "The user has no site, and needs one before a licence can be given.",
        ));
    }
    notices
}

pub(super) fn stored_differently(attribute: Attribute) -> Notice {
    notice(
        "stored-differently",
        Some(attribute),
        text!(
            "8x8 stores ",
            attribute.name(),
            " in a spelling of its own."
        ),
    )
}

/// The service took the request and left a part of it out.
pub(super) fn attribute_ignored(what: &str, names: &[&str]) -> failure::Boxed {
    let problems = names
        .iter()
        .map(|name| {
            crate::account::problem(
                name,
                "attribute-ignored",
                text!("8x8 answered with success and did not store ", name, "."),
            )
        })
        .collect();
    failure::failure(
        FailureKind::Unsupported,
        text!(
            what,
            " ",
            names.join(", "),
            ", though it answered with success. Set it in the Admin Console, or \
                leave it out."
        ),
    )
    .code("attribute-ignored")
    .problems(problems)
    .retry(RetryAdvice::AfterRepair)
}
