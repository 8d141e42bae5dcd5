//! Why a guest stopped: one of its limits, or a fault of its own.

use wasmtime::{Store, Trap};

use super::state::StoreState;
use crate::contract;
use crate::failure::Failure;
use crate::limits::{Limit, MESSAGE_BYTES};
use crate::text::clean;

/// Whether the limit that the host enforced says more than the connector's failure. One
/// that speaks of a write always says more.
pub(super) fn says_nothing_more(failure: &contract::Failure) -> bool {
    use contract::FailureKind as Kind;
    matches!(
        failure.kind,
        Kind::RefusedByHost | Kind::MalformedAnswer | Kind::Unavailable | Kind::Other
    )
}

/// What stopped the guest: one of its limits, or itself.
pub(crate) fn fault(store: &Store<StoreState>, error: &wasmtime::Error) -> Failure {
    let state = store.data();
    let trap = error.downcast_ref::<Trap>();
    let limit = match trap {
        Some(Trap::OutOfFuel) => Some(Limit::Fuel),
        Some(Trap::StackOverflow) => Some(Limit::Stack),
        Some(Trap::Interrupt) => Some(Limit::Cpu),
        _ => state.reached.or_else(|| limit_by_message(error)),
    };
    if let Some(limit) = limit {
        return Failure::LimitReached {
            limit,
            message: limit.message(&state.limits),
        };
    }
    let what = match trap {
        Some(Trap::UnreachableCodeReached) => "it panicked or gave up".to_owned(),
        // Compilers put the stack below everything else in the memory, so that its end
        // looks like any other wrong address. How large it is, the connector's build says,
        // and no limit of the host.
        Some(Trap::MemoryOutOfBounds) => "out of bounds memory access: it used a wrong address, \
                                          or its calls were nested too deep for the stack in \
                                          its memory"
            .to_owned(),
        Some(trap) => trap.to_string(),
        None => clean(&error.root_cause().to_string(), MESSAGE_BYTES),
    };
    let said = match &state.last_error {
        Some(said) => format!(" Its last message: {said}"),
        None => String::new(),
    };
    tracing::error!(target: "connector", operation = state.operation.name, "fault: {what}.{said}");
    Failure::ConnectorFault {
        message: format!(
            "The connector failed in `{}`: {what}. This is a fault of the connector; its instance \
             was thrown away.{said}",
            state.operation.name
        ),
    }
}

/// wasmtime keeps the types of these errors to itself.
fn limit_by_message(error: &wasmtime::Error) -> Option<Limit> {
    let text = error.root_cause().to_string();
    if text.contains("fuel allocated for hostcalls") {
        Some(Limit::ResultBytes)
    } else if text.contains("memory minimum size") || text.contains("memory limits") {
        Some(Limit::Memory)
    } else if text.contains("table minimum size") || text.contains("table limits") {
        Some(Limit::TableElements)
    } else if text.contains("handle") && text.contains("limit") {
        Some(Limit::Handles)
    } else {
        None
    }
}
