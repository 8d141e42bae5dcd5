//! What the connections to a tenant and its handle share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::log::Log;
use super::users::Tenant;
use super::waiting_faults::Faults;

/// What the connections and the handle share. Has no `Debug`: it holds the token.
pub(super) struct Shared {
    pub(super) customer_id: String,
    /// Nothing once it was cleared.
    pub(super) token: Mutex<Option<String>>,
    pub(super) tenant: Mutex<Tenant>,
    pub(super) log: Mutex<Log>,
    pub(super) faults: Mutex<Faults>,
}

/// Nothing is left half done under these locks, so a poisoned one is as good as any.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks a request to be answered with the state before the latest change.
#[derive(Clone, Copy, Debug)]
pub(super) struct StaleAnswer;
