//! What the policy says where it refuses a request.

use crate::contract::{Refusal, RefusalReason};

pub(super) fn refusal(reason: RefusalReason, message: String) -> Refusal {
    Refusal { reason, message }
}

pub(super) fn out_of_time() -> Refusal {
    refusal(
        RefusalReason::Budget,
        "The operation's time is up, or too short for this request; `operation-timeout` under \
         [network] in the connection file decides."
            .to_owned(),
    )
}
