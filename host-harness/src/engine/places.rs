//! Places for instances: how many run at once, and how many of those one connection takes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::Failure;

/// The places of one runtime.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    /// Of all places.
    count: usize,
}

impl Places {
    pub(crate) fn new(count: u32) -> Self {
        let count = usize::try_from(count.max(1)).unwrap_or(usize::MAX);
        Self {
            free: Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))),
            count,
        }
    }

    /// A place for an instance, once the share has one left.
    pub(crate) async fn take(&self, share: Option<&Share>) -> Result<Taken, Failure> {
        let within_share = match share {
            Some(Share(share)) => Some(permit(share).await?),
            None => None,
        };
        Ok(Taken {
            _place: permit(&self.free).await?,
            _within_share: within_share,
        })
    }

    /// Whether a place may be kept by a sandbox that waits for its next operation: as long as
    /// half of them are free, so that those who wait never wait for whoever does nothing.
    pub(crate) fn may_be_kept(&self) -> bool {
        self.free.available_permits() >= self.count / 2
    }
}

/// How many places one connection may take at once, so that none takes them all, however many
/// operations it is given and however long its upstream keeps each of them.
pub(crate) struct Share(Arc<Semaphore>);

impl Share {
    /// Twice as many as may be on the wire: while those wait for answers, as many others
    /// compute or settle.
    pub(crate) fn of(max_concurrency: usize) -> Self {
        let places = max_concurrency.max(1).saturating_mul(2);
        Self(Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))))
    }
}

/// A place in the pool, and in its connection's share.
pub(crate) struct Taken {
    _place: OwnedSemaphorePermit,
    _within_share: Option<OwnedSemaphorePermit>,
}

async fn permit(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Failure> {
    let places = Arc::clone(places);
    places
        .acquire_owned()
        .await
        .map_err(|_| Failure::Cancelled {
            message: "The host is going down.".to_owned(),
            unsettled: false,
        })
}
