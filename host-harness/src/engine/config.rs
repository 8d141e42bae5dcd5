//! How wasmtime is configured, in the one place that the host and the process that compiles for
//! it share: compiled code is of use only where both say the same.

use wasmparser::WasmFeatures;
use wasmtime::{Cache, Config, Inlining};

use crate::limits::MOST_MEMORY;

/// What a guest may be made of: what the compilers of Rust, C, JavaScript and Python put out.
/// Each further proposal is code of the compiler that a hostile component reaches and no
/// connector needs: tail calls, typed function references, 64-bit memories, relaxed SIMD,
/// threads, exceptions, garbage collection, more than one memory in a module.
pub(crate) const GUEST_FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::COMPONENT_MODEL)
    .difference(WasmFeatures::GC_TYPES);

/// What the compiler takes: the code that it makes itself between two components in one copies
/// from one memory to another.
const COMPILER_FEATURES: WasmFeatures = GUEST_FEATURES.union(WasmFeatures::MULTI_MEMORY);

/// Components with more bytes of code than this are compiled without inlining, for which the
/// compiler holds all functions in memory at once: 7.5 GB for an engine of JavaScript, instead
/// of 0.4. They are no slower for it: their own compilers inlined what is worth it.
pub(crate) const LARGE_CODE: u64 = 1 << 20;

/// How far apart the memories of guests lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// As far as any address of a guest reaches: one beyond its memory meets a page that is
    /// nobody's, and nothing needs to be compared before it is used.
    Addressable,
    /// As far as the largest memory allowed: addresses are compared in code. Slower, and
    /// for systems with little address space.
    LargestMemory,
}

/// What compiled code depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tuning {
    pub(crate) count_fuel: bool,
    pub(crate) spacing: Spacing,
    /// For components with much code; see [`LARGE_CODE`].
    pub(crate) large: bool,
}

/// Whether an engine can compile, or only load what another one compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compiles {
    Yes,
    /// Code that is not there is an error, and not a reason to compile.
    No,
}

impl Tuning {
    pub(crate) fn config(&self, cache: Option<Cache>, compiles: Compiles) -> Config {
        let mut config = Config::new();
        config.enable_compiler(compiles == Compiles::Yes);
        config.wasm_component_model(true);
        config.wasm_features(COMPILER_FEATURES.complement(), false);
        config.epoch_interruption(true);
        config.consume_fuel(self.count_fuel);
        let (reserved, guard) = match self.spacing {
            Spacing::Addressable => (4 << 30, 32 << 20),
            Spacing::LargestMemory => (u64::try_from(MOST_MEMORY).unwrap_or(u64::MAX), 64 << 10),
        };
        config.memory_reservation(reserved);
        config.memory_guard_size(guard);
        config.memory_reservation_for_growth(0);
        config.memory_may_move(false);
        // Nothing of a stack reaches the next guest.
        config.async_stack_zeroing(true);
        // No function of a connector or of the host runs beside another in one store.
        config.concurrency_support(false);
        // Connectors in Rust are built small, with a call for every few instructions; here
        // those calls go.
        config.compiler_inlining(match self.large {
            true => Inlining::No,
            false => Inlining::Yes,
        });
        config.cache(cache);
        config
    }
}
