//! A unique value that is taken already: by whom?
//!
//! RFC 7644 §3.3 has 409 `uniqueness`; 8x8's other API says 400 "userName already in use".
//! Both are read as taken. Then the name is looked up: an account that this connection can
//! see is there to be linked; one that it cannot see (made in the Admin Console, or of
//! another company) will stay in the way however often one tries.

use super::Connection;
use crate::account::{Goal, State};
use crate::attributes::Attribute;
use crate::contract::{FailureKind, RetryAdvice, UpstreamAnswer};
use crate::failure::{self, Boxed, Refine};
use crate::prelude::*;
use crate::scim::ErrorBody;
use crate::transport::{Response, Transport};

/// Whether an answer says that a unique value is taken.
pub(super) fn is_taken(response: &Response) -> bool {
    let body = ErrorBody::from_body(&response.body);
    match response.status {
        400 | 409 if body.is("uniqueness") => true,
        // A conflict without a type, or with one of the service's own.
        409 => !is_of_another_kind(&body) || body.mentions(&WORDS),
        400 => !is_of_another_kind(&body) && body.mentions(&WORDS),
        _ => false,
    }
}

/// Whether the type is one of SCIM's (RFC 7644 §3.12) that says nothing of taken values.
fn is_of_another_kind(body: &ErrorBody<'_>) -> bool {
    const KINDS: [&str; 5] = [
        "mutability",
        "invalidPath",
        "noTarget",
        "invalidFilter",
        "invalidVers",
    ];
    KINDS.iter().any(|kind| body.is(kind))
}

const WORDS: [&str; 5] = [
    "already in use",
    "already exist",
    "already taken",
    "not unique",
    "duplicate",
];

impl<T: Transport> Connection<T> {
    /// Looks for the account that holds the goal's unique values, other than `own`.
    pub(super) fn taken(&self, goal: &Goal<'_>, own: Option<&str>, response: &Response) -> Boxed {
        let answer = Some(failure::upstream(response));
        let mut sure = true;
        for attribute in [Attribute::UserName, Attribute::ExternalId] {
            let Some(value) = goal.value(attribute) else {
                continue;
            };
            // Looked at twice, since the holder may be so new that the first look is stale.
            for delay in [0, 1_000] {
                match self.search(attribute, value, delay) {
                    Ok(Some(holder)) if own != Some(&*holder.id) => {
                        return already_exists(&holder, attribute, answer);
                    }
                    Ok(_) => {}
                    // That externalId cannot be searched says nothing of the userName.
                    Err(_) if attribute == Attribute::ExternalId => break,
                    Err(_) => sure = false,
                }
            }
        }
        if let Some(name) = goal.value(Attribute::UserName).filter(|_| sure) {
            match self.overlooked(name) {
                Ok(Some(holder)) if own != Some(&*holder.id) => {
                    return already_exists(&holder, Attribute::UserName, answer);
                }
                Ok(_) => {}
                Err(_) => sure = false,
            }
        }
        if sure {
            held_elsewhere(answer)
        } else {
            failure::failure(
                FailureKind::AlreadyExists,
                "8x8 says that this userName is taken, and could not be asked by whom.",
            )
            .code("holder-unknown")
            .retry(RetryAdvice::AfterMs(5_000))
            .upstream(answer)
        }
    }
}

fn already_exists(
    holder: &State<'_>,
    attribute: Attribute,
    answer: Option<UpstreamAnswer>,
) -> Boxed {
    failure::failure(
        FailureKind::AlreadyExists,
        text!(
            "8x8 already has ",
            if holder.active() {
                "an active"
            } else {
                "a deactivated"
            },
            " user with this ",
            attribute.name(),
            "."
        ),
    )
    .account(&holder.id)
    .upstream(answer)
}

fn held_elsewhere(answer: Option<UpstreamAnswer>) -> Boxed {
    failure::failure(
        FailureKind::HeldElsewhere,
        "8x8 says that this userName is taken, and shows no user of this tenant who has it. It is \
         held by a user that this connection may not see, such as one made in the Admin Console, \
         or by another company: user names are unique across all of 8x8. No retry will help. \
         Delete that user in the Admin Console, let SCIM see all users there, or take another \
         userName.",
    )
    .retry(RetryAdvice::AfterRepair)
    .upstream(answer)
}
