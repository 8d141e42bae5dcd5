//! [`Host`]: wasmtime, configured once for a process. It compiles components, keeps their
//! compiled code between runs, and holds the pool that instances live in.

mod compiling;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::Config;

use self::compiling::Compiling;
use crate::clock::{Clock, SystemClock};
use crate::compiler::Compiler;
use crate::engine::{
    CodeStore, CompiledCode, Compiles, HostError, LARGE_CODE, Running, Spacing, Ticker, Tuning,
};
use crate::failure::Failure;
use crate::inspection::Inspection;
use crate::limits::{Limits, STACK_BYTES};
use crate::load_error::LoadError;
use crate::sandbox::{Exports, Runtime, pooled};
use crate::trace::Observer;

/// The fibre's stack beyond the guest's own part of it, for the host's calls.
const HOST_STACK_BYTES: usize = 1 << 20;
/// Instances at once of components with much code. Theirs come from no pool: each reserves its
/// address space when it starts.
const LARGE_AT_ONCE: u32 = 64;

/// What a [`Host`] is configured with.
#[derive(Clone)]
#[non_exhaustive]
pub struct HostOptions {
    /// Where compiled code is kept.
    pub compiled_code: CompiledCode,
    /// The program that compiles, in a process of its own with bounds in time and memory; see
    /// [`Compiler`]. Default: none. Components are then compiled in this process, one at a time,
    /// and only those that are small and plain, by an estimate.
    pub compiler: Option<Compiler>,
    /// Instances at once, in all connections; further operations wait for a place.
    /// Default 1,000. Each reserves 4 GiB of address space, or 256 MiB where the system has
    /// too little of it, and no memory.
    pub max_instances: u32,
    /// The guest's stack in bytes. Default 512 KiB.
    pub stack_bytes: usize,
    /// Whether instructions are counted, which makes [`Limits::fuel`](crate::Limits::fuel)
    /// work and guests a little slower. Default: no.
    pub count_fuel: bool,
    /// What `describe` may use up, which runs when a component is loaded, before there is
    /// a connection.
    pub limits: Limits,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
    /// Sees the operations that belong to no connection: `describe`, when a component is
    /// loaded. Those of a connection are seen by its own
    /// ([`ConnectionOptions::observer`](crate::ConnectionOptions::observer)).
    pub observer: Option<Arc<dyn Observer>>,
}

impl fmt::Debug for HostOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostOptions")
            .field("compiled_code", &self.compiled_code)
            .field("compiler", &self.compiler)
            .field("max_instances", &self.max_instances)
            .field("stack_bytes", &self.stack_bytes)
            .field("count_fuel", &self.count_fuel)
            .field("limits", &self.limits)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            compiled_code: CompiledCode::default(),
            compiler: None,
            max_instances: 1_000,
            stack_bytes: STACK_BYTES,
            count_fuel: false,
            limits: Limits::default(),
            clock: Arc::new(SystemClock::new()),
            observer: None,
        }
    }
}

/// Runs connectors. One is enough for a process; clones are the same host.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    pooled: Arc<Runtime>,
    /// For components with much code, once there is one.
    large: Mutex<Option<Arc<Runtime>>>,
    tuning: Tuning,
    stack_bytes: usize,
    compiling: Arc<Compiling>,
    ticker: Arc<Ticker>,
    clock: Arc<dyn Clock>,
    count_fuel: bool,
    limits: Limits,
    observer: Option<Arc<dyn Observer>>,
}

impl Host {
    /// A host with these options.
    ///
    /// # Errors
    ///
    /// The machine cannot run it: too little address space for the pool, or a cache
    /// directory that cannot be used.
    pub fn new(options: HostOptions) -> Result<Self, HostError> {
        let code = CodeStore::open(&options.compiled_code, options.compiler.is_some())?;
        let (pooled, spacing) = pool(&options, &code)?;
        let ticker = Arc::new(Ticker::default());
        ticker.drive(pooled.engine());
        ticker
            .start()
            .map_err(|error| HostError(format!("no thread for the epoch: {error}")))?;
        Ok(Self(Arc::new(Inner {
            pooled: Arc::new(pooled),
            large: Mutex::new(None),
            tuning: Tuning {
                count_fuel: options.count_fuel,
                spacing,
                large: false,
            },
            stack_bytes: options.stack_bytes,
            compiling: Arc::new(Compiling::new(code, options.compiler)),
            ticker,
            clock: options.clock,
            count_fuel: options.count_fuel,
            limits: options.limits,
            observer: options.observer,
        })))
    }

    /// That of a component with so many bytes of code.
    fn runtime(&self, code_bytes: u64) -> Result<(Arc<Runtime>, Tuning), HostError> {
        let mut tuning = self.0.tuning;
        if code_bytes <= LARGE_CODE {
            return Ok((Arc::clone(&self.0.pooled), tuning));
        }
        tuning.large = true;
        let mut large = self.0.large.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*large {
            return Ok((Arc::clone(runtime), tuning));
        }
        let compiles = compiles(self.0.compiling.compiler());
        let mut config = tuning.config(self.code().cache().cloned(), compiles);
        with_stack(&mut config, self.0.stack_bytes);
        let runtime =
            Runtime::new(&config, LARGE_AT_ONCE, tuning.count_fuel).map_err(HostError::of)?;
        self.0.ticker.drive(runtime.engine());
        Ok((Arc::clone(large.insert(Arc::new(runtime))), tuning))
    }

    pub(crate) fn code(&self) -> &CodeStore {
        self.0.compiling.code()
    }

    /// A component's code, compiled where it is not there yet. The verdict was good.
    pub(crate) async fn compiled(
        &self,
        bytes: Arc<[u8]>,
        inspection: &Inspection,
    ) -> Result<Arc<Exports>, LoadError> {
        let runtime = self.runtime(inspection.inside.code_bytes);
        let (runtime, tuning) = runtime.map_err(|error| LoadError::NotCompiled {
            reason: error.to_string(),
        })?;
        let compiling = Arc::clone(&self.0.compiling);
        compiling.compiled(bytes, inspection, runtime, tuning).await
    }

    /// What is being compiled.
    pub(crate) fn compiling(&self) -> &Compiling {
        &self.0.compiling
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(crate) fn counts_fuel(&self) -> bool {
        self.0.count_fuel
    }

    /// What `describe` may use up.
    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Who wants to know of `describe`.
    pub(crate) fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.0.observer.as_ref()
    }

    /// Something that a guest does and that sends nothing, against its deadline and with the
    /// epoch moving.
    pub(crate) async fn within<T>(
        &self,
        name: &str,
        time: Duration,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let _running = self.run_clockwork();
        let end = self.clock().now().saturating_add(time);
        tokio::select! {
            biased;
            result = work => result,
            () = self.clock().alarm(end) => Err(Failure::out_of_time(name, time, false)),
        }
    }

    /// Keeps the epoch moving, for as long as the returned value lives.
    pub(crate) fn run_clockwork(&self) -> Running {
        self.0.ticker.hold()
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

fn pool(options: &HostOptions, code: &CodeStore) -> Result<(Runtime, Spacing), HostError> {
    let spaced = |spacing| -> wasmtime::Result<_> {
        let tuning = Tuning {
            count_fuel: options.count_fuel,
            spacing,
            large: false,
        };
        let mut config = tuning.config(code.cache().cloned(), compiles(options.compiler.as_ref()));
        with_stack(&mut config, options.stack_bytes);
        config.allocation_strategy(pooled(options.max_instances));
        Ok((
            Runtime::new(&config, options.max_instances, options.count_fuel)?,
            spacing,
        ))
    };
    spaced(Spacing::Addressable)
        .or_else(|_| spaced(Spacing::LargestMemory))
        .map_err(|error| {
            HostError(format!(
                "{error:#} (fewer `max_instances` need less address space)"
            ))
        })
}

/// Where a program compiles, nothing in this process does, whatever has become of the code.
fn compiles(compiler: Option<&Compiler>) -> Compiles {
    match compiler {
        Some(_) => Compiles::No,
        None => Compiles::Yes,
    }
}

fn with_stack(config: &mut Config, bytes: usize) {
    config.max_wasm_stack(bytes);
    config.async_stack_size(bytes.saturating_add(HOST_STACK_BYTES));
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.ticker.end();
    }
}
