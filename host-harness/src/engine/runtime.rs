//! [`Runtime`]: one configuration of wasmtime, and how many instances it runs at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::{Share, Taken};
use crate::failure::Failure;
use crate::mitigation::Mitigation;
use crate::sandbox::{MOST_MEMORY, MOST_TABLE_ELEMENTS, StoreState, add_to_linker};

/// Core instances in one component of the pool: the guest, and the shims that `wit-component`
/// adds.
const CORE_INSTANCES: u32 = 8;
/// What the pool has beyond the places: what a thread is about to give back is not there yet for
/// the next one.
const SPARE: u32 = 16;
/// How much of a guest's memory, tables and stack stays with the process for the next guest,
/// emptied, at most.
const KEPT_MEMORY: usize = 384 << 10;
const KEPT_TABLE: usize = 64 << 10;
const KEPT_STACK: usize = 32 << 10;

pub(crate) struct Runtime {
    engine: Engine,
    linker: Linker<StoreState>,
    places: Arc<Semaphore>,
    /// Of all places.
    count: usize,
}

impl Runtime {
    pub(super) fn new(config: &Config, count: u32) -> wasmtime::Result<Self> {
        let count = usize::try_from(count.max(1)).unwrap_or(usize::MAX);
        let engine = Engine::new(config)?;
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker)?;
        Ok(Self {
            engine,
            linker,
            places: Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))),
            count,
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn linker(&self) -> &Linker<StoreState> {
        &self.linker
    }

    /// A place for an instance, once the share has one left.
    pub(crate) async fn place(&self, share: Option<&Share>) -> Result<Taken, Failure> {
        let within_share = match share {
            Some(Share(share)) => Some(permit(share).await?),
            None => None,
        };
        Ok(Taken {
            _place: permit(&self.places).await?,
            _within_share: within_share,
        })
    }

    /// Whether a place may be kept by a sandbox that waits for its next operation: as long as
    /// half of them are free, so that those who wait never wait for one that does nothing.
    pub(crate) fn may_keep_a_place(&self) -> bool {
        self.places.available_permits() >= self.count / 2 || !Mitigation::Share.is_on()
    }
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

/// Instances come out of a pool whose address space is reserved beforehand.
pub(super) fn pooled(max_instances: u32) -> InstanceAllocationStrategy {
    let count = max_instances.max(1).saturating_add(SPARE);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(count)
        .total_core_instances(count.saturating_mul(CORE_INSTANCES))
        .total_memories(count)
        .total_tables(count.saturating_mul(2))
        .total_stacks(count)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(1)
        .max_tables_per_component(2)
        .max_memory_size(MOST_MEMORY)
        .table_elements(MOST_TABLE_ELEMENTS);
    // What a guest has touched is written over instead of being given back to the system and
    // faulted in again, which is twice as dear: an operation touches some 40 KiB of memory, a
    // page of 100 accounts 350. Where the system can say which pages were touched, only these
    // are written.
    pool.linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(KEPT_TABLE)
        .async_stack_keep_resident(KEPT_STACK)
        .pagemap_scan(Enabled::Auto);
    InstanceAllocationStrategy::Pooling(pool)
}
