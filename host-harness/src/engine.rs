//! [`Host`]: wasmtime, configured once for a process. It compiles components, keeps their
//! compiled code between runs, and holds the pool that instances live in.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Linker;
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, Engine, EngineWeak, Inlining, InstanceAllocationStrategy,
    PoolingAllocationConfig,
};

use crate::clock::{Clock, SystemClock};
use crate::failure::Failure;
use crate::mitigation::{Mitigation, in_force, stack_in_force};
use crate::sandbox::{
    Limits, MOST_MEMORY, MOST_TABLE_ELEMENTS, STACK_BYTES, StoreState, add_to_linker,
};
use crate::trace::Observer;

/// How finely the time that guests compute is measured.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Core instances in one component: the guest, and the shims that `wit-component` adds.
const CORE_INSTANCES: u32 = 8;
/// The fibre's stack beyond the guest's own part of it, for the host's calls.
const HOST_STACK_BYTES: usize = 1 << 20;
/// What the pool has beyond the places: what a thread is about to give back is not there yet for
/// whoever takes the place.
const SPARE: u32 = 16;
/// How much of a guest's memory, tables and stack stays with the process for the next guest,
/// emptied, at most.
const KEPT_MEMORY: usize = 384 << 10;
const KEPT_TABLE: usize = 64 << 10;
const KEPT_STACK: usize = 32 << 10;

/// Where compiled code is kept between runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CompiledCode {
    /// In the user's cache directory: `$XDG_CACHE_HOME` or `~/.cache`, `host-harness`
    /// below it. Not kept where there is none, or where others can write to it.
    #[default]
    InUserCache,
    /// In this directory, which is made private to the user. Whoever can write to it can
    /// make the host run code of theirs.
    In(PathBuf),
    /// Not kept.
    NotKept,
}

/// What a [`Host`] is configured with.
#[derive(Clone)]
#[non_exhaustive]
pub struct HostOptions {
    /// Where compiled code is kept.
    pub compiled_code: CompiledCode,
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
    engine: Engine,
    linker: Linker<StoreState>,
    places: Arc<Semaphore>,
    /// Of all places.
    count: usize,
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
        let engine = engine(&options)?;
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker).map_err(|error| HostError(format!("{error:#}")))?;
        let ticker = Arc::new(Ticker::default());
        ticker.start(engine.weak())?;
        let count = usize::try_from(options.max_instances.max(1)).unwrap_or(usize::MAX);
        Ok(Self(Arc::new(Inner {
            engine,
            linker,
            places: Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))),
            count,
            ticker,
            clock: options.clock,
            count_fuel: options.count_fuel,
            limits: in_force(options.limits),
            observer: options.observer,
        })))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn linker(&self) -> &Linker<StoreState> {
        &self.0.linker
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

    /// A place in the pool, once the share has one left.
    pub(crate) async fn place(&self, share: Option<&Share>) -> Result<Taken, Failure> {
        let within_share = match share {
            Some(Share(share)) => Some(permit(share).await?),
            None => None,
        };
        Ok(Taken {
            _place: permit(&self.0.places).await?,
            _within_share: within_share,
        })
    }

    /// Whether a place may be kept by a sandbox that waits for its next operation: as long as
    /// half of them are free, so that those who wait never wait for whoever does nothing.
    pub(crate) fn may_keep_a_place(&self) -> bool {
        self.0.places.available_permits() >= self.0.count / 2 || !Mitigation::Share.is_on()
    }

    /// Keeps the epoch moving, for as long as the returned value lives.
    pub(crate) fn run_clockwork(&self) -> Running {
        self.0.ticker.hold()
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

/// How many places one connection may take at once, so that none takes them all, however many
/// operations it is given and however long its upstream keeps each of them.
pub(crate) struct Share(Arc<Semaphore>);

impl Share {
    /// Twice as many as may be on the wire: while those wait for answers, as many others
    /// compute or settle.
    pub(crate) fn of(max_concurrency: usize) -> Self {
        let places = match Mitigation::Share.is_on() {
            true => max_concurrency.max(1).saturating_mul(2),
            false => Semaphore::MAX_PERMITS,
        };
        Self(Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))))
    }
}

/// A place in the pool, and in its connection's share.
pub(crate) struct Taken {
    _place: OwnedSemaphorePermit,
    _within_share: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

/// The host cannot be set up.
#[derive(Debug, Clone, thiserror::Error)]
#[error("The host cannot be set up: {0}")]
pub struct HostError(String);

/// How far apart the memories of guests lie.
#[derive(Clone, Copy)]
enum Spacing {
    /// As far as any address of a guest reaches: one beyond its memory meets a page that is
    /// nobody's, and nothing needs to be compared before it is used.
    Addressable,
    /// As far as the largest memory allowed: addresses are compared in code. Slower, and
    /// for systems with little address space.
    LargestMemory,
}

fn engine(options: &HostOptions) -> Result<Engine, HostError> {
    let cache = cache(&options.compiled_code)?;
    spaced(options, cache.clone(), Spacing::Addressable)
        .or_else(|_| spaced(options, cache, Spacing::LargestMemory))
        .map_err(|error| {
            HostError(format!(
                "{error:#} (fewer `max_instances` need less address space)"
            ))
        })
}

fn spaced(
    options: &HostOptions,
    cache: Option<Cache>,
    spacing: Spacing,
) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    config.consume_fuel(options.count_fuel);
    let stack = stack_in_force(options.stack_bytes);
    config.max_wasm_stack(stack);
    config.async_stack_size(stack.saturating_add(HOST_STACK_BYTES));
    let (reserved, guard) = match spacing {
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
    // Connectors are built small, with a call for every few instructions; here those calls go.
    config.compiler_inlining(Inlining::Yes);
    config.cache(cache);
    #[cfg(feature = "testing")]
    config.coredump_on_trap(true);

    let count = options.max_instances.max(1).saturating_add(SPARE);
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
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

fn cache(choice: &CompiledCode) -> Result<Option<Cache>, HostError> {
    let directory = match choice {
        CompiledCode::NotKept => return Ok(None),
        CompiledCode::In(directory) => {
            make_private(directory).map_err(|error| {
                HostError(format!("cache directory {}: {error}", directory.display()))
            })?;
            directory.clone()
        }
        CompiledCode::InUserCache => {
            let Some(directory) = user_cache() else {
                return Ok(None);
            };
            if let Err(error) = make_private(&directory) {
                tracing::debug!(
                    "compiled code is not kept: {}: {error}",
                    directory.display()
                );
                return Ok(None);
            }
            directory
        }
    };
    // wasmtime takes canonical paths alone.
    let directory = directory
        .canonicalize()
        .map_err(|error| HostError(format!("{}: {error}", directory.display())))?;
    let mut config = CacheConfig::new();
    config.with_directory(directory);
    Cache::new(config)
        .map(Some)
        .map_err(|error| HostError(format!("{error:#}")))
}

fn user_cache() -> Option<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from) {
        Some(path) if path.is_absolute() => path,
        _ => std::env::home_dir()
            .filter(|home| home.is_absolute())?
            .join(".cache"),
    };
    Some(base.join("host-harness"))
}

/// Makes a directory that only its owner can use. Compiled code is trusted when it is
/// loaded, so one that others can write to is refused.
fn make_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

        let mode = if Mitigation::PrivateCache.is_on() {
            0o700
        } else {
            0o777
        };
        builder.mode(mode).create(directory)?;
        let mode = std::fs::metadata(directory)?.permissions().mode();
        if mode & 0o022 != 0 && Mitigation::PrivateCache.is_on() {
            // What is in it may be theirs, and would be run.
            return Err(std::io::Error::new(
                std::io::ErrorKind::PermissionDenied,
                "others can write to it; name a directory of your own",
            ));
        }
        if mode & 0o077 != 0 && Mitigation::PrivateCache.is_on() {
            // Fails where the directory is somebody else's.
            std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    builder.create(directory)
}

/// Moves the epoch on while guests run, from a thread that sleeps while none does and ends
/// with the host.
#[derive(Default)]
struct Ticker {
    running: AtomicUsize,
    /// Whether the thread waits to be woken: guests come and go a hundred thousand times a
    /// second, and the system is only called where it does.
    asleep: AtomicBool,
    ended: Mutex<bool>,
    changed: Condvar,
}

/// Keeps the ticker going.
pub(crate) struct Running(Arc<Ticker>);

impl Ticker {
    fn start(self: &Arc<Self>, engine: EngineWeak) -> Result<(), HostError> {
        let ticker = Arc::clone(self);
        std::thread::Builder::new()
            .name("host-harness-epoch".to_owned())
            .spawn(move || {
                while ticker.wait_for_work() {
                    std::thread::sleep(TICK);
                    let Some(engine) = engine.upgrade() else {
                        return;
                    };
                    engine.increment_epoch();
                }
            })
            .map_err(|error| HostError(format!("no thread for the epoch: {error}")))?;
        Ok(())
    }

    /// Whether there is work, once there is or the host has ended.
    fn wait_for_work(&self) -> bool {
        let mut ended = self.ended();
        // Told before it is looked whether anybody runs, as whoever begins to run does so
        // before it looks whether this is told: one of the two sees the other.
        self.asleep.store(true, Ordering::SeqCst);
        while !*ended && self.running.load(Ordering::SeqCst) == 0 {
            ended = self
                .changed
                .wait(ended)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.store(false, Ordering::SeqCst);
        !*ended
    }

    fn hold(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) {
            // With the lock, since the thread may have looked and not wait yet.
            let _ended = self.ended();
            self.changed.notify_all();
        }
        Running(Arc::clone(self))
    }

    fn ended(&self) -> MutexGuard<'_, bool> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        *self.ticker.ended() = true;
        self.ticker.changed.notify_all();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_cache_directory_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        for mode in [0o777, 0o770, 0o702] {
            std::fs::create_dir_all(&cache).unwrap();
            std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(mode)).unwrap();
            let options = HostOptions {
                compiled_code: CompiledCode::In(cache.clone()),
                max_instances: 2,
                ..HostOptions::default()
            };
            let error = Host::new(options).unwrap_err().to_string();
            assert!(error.contains("others can write to it"), "{error}");
        }
    }

    #[test]
    fn the_cache_directory_is_private_to_the_user() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("a/b");
        let options = HostOptions {
            compiled_code: CompiledCode::In(cache.clone()),
            max_instances: 2,
            ..HostOptions::default()
        };
        Host::new(options).unwrap();
        assert_eq!(
            std::fs::metadata(&cache).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
}
