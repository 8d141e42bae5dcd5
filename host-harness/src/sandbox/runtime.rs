//! [`Runtime`]: one configuration of wasmtime, and how many instances it runs at once.

use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::imports::add_to_linker;
use super::state::StoreState;
use crate::engine::Places;
use crate::limits::{MOST_MEMORY, MOST_TABLE_ELEMENTS};

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

/// What instances need that is the same for all of them.
pub(crate) struct Runtime {
    engine: Engine,
    linker: Linker<StoreState>,
    places: Places,
    counts_fuel: bool,
}

impl Runtime {
    /// A configuration, how many instances at once, and whether it counts instructions.
    pub(crate) fn new(config: &Config, count: u32, counts_fuel: bool) -> wasmtime::Result<Self> {
        let engine = Engine::new(config)?;
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker)?;
        Ok(Self {
            engine,
            linker,
            places: Places::new(count),
            counts_fuel,
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn linker(&self) -> &Linker<StoreState> {
        &self.linker
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    pub(crate) fn counts_fuel(&self) -> bool {
        self.counts_fuel
    }
}

/// Instances come out of a pool whose address space is reserved beforehand.
pub(crate) fn pooled(max_instances: u32) -> InstanceAllocationStrategy {
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
