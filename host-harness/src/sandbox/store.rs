//! One instance of a connector in a store of its own, with every limit on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower, ResourceAny,
};
use wasmtime::{CallHook, ResourceLimiter, Store, UpdateDeadline};

use super::fault::{fault, says_nothing_more};
use super::limits::{LEARNED_TIME, MOST_INSTANCES, MOST_MEMORIES, MOST_REACH, MOST_TABLES};
use super::{Exports, Limit, Limits, MOST_MEMORY, MOST_TABLE_ELEMENTS, text, work};
use crate::bindings::{Connector, types};
use crate::component::LoadError;
use crate::contract::{self, Manifest, Refusal, RefusalReason, SettingValue, TransportFailure};
use crate::egress::{Egress, Operation};
use crate::engine::{Host, Runtime, Share, TICK, Taken};
use crate::failure::Failure;
use crate::mitigation::Mitigation;
use crate::trace::{Meter, Place};

/// What the host keeps beside a guest.
pub(crate) struct StoreState {
    pub(super) limits: Limits,
    /// `None` outside the operations, where nothing is sent.
    egress: Option<Arc<Egress>>,
    pub(crate) operation: Operation,
    /// What the guest, and the host's work for it, may still take of a thread.
    cpu_left: Duration,
    /// How much of what they took was counted so far.
    counted: Duration,
    /// Whether the host was called since.
    called: bool,
    memory: usize,
    table_elements: usize,
    /// The limit that the guest ran into by itself.
    pub(super) reached: Option<Limit>,
    log_messages: u32,
    log_bytes: usize,
    log_dropped: bool,
    /// The last thing that the guest called an error: its panic, most often.
    pub(super) last_error: Option<String>,
}

impl StoreState {
    fn new(mut limits: Limits) -> Self {
        // What the pool cannot give is refused here, where it can be named.
        limits.memory = limits.memory.min(MOST_MEMORY);
        limits.table_elements = limits.table_elements.min(MOST_TABLE_ELEMENTS);
        Self {
            cpu_left: limits.cpu,
            counted: Duration::ZERO,
            called: false,
            limits,
            egress: None,
            operation: Operation::new("open", true, Duration::ZERO),
            memory: 0,
            table_elements: 0,
            reached: None,
            log_messages: 0,
            log_bytes: 0,
            log_dropped: false,
            last_error: None,
        }
    }

    /// A call went from the host into the guest or back, or the other way round.
    fn crossed(&mut self, crossing: CallHook, fuel_left: Option<u64>) {
        let Some(meter) = &mut self.operation.meter else {
            return;
        };
        if crossing.exiting_host() {
            meter.turn_to(Place::Guest);
        } else {
            meter.turn_to(Place::Host);
            if let Some(fuel) = fuel_left {
                meter.fuel_left(fuel);
            }
        }
    }

    /// The epoch moved on while the guest ran, or while the host worked for it.
    fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let so_far = work::so_far().unwrap_or(self.counted.saturating_add(TICK));
        let mut taken = so_far.saturating_sub(self.counted);
        self.counted = so_far;
        // Where the clock goes on while the system runs other threads, a guest that called nothing
        // has run for a tick and no longer.
        let may_be_long = std::mem::take(&mut self.called) || work::IS_EXACT;
        if !may_be_long || !Mitigation::HostWork.is_on() {
            taken = taken.min(TICK);
        }
        self.cpu_left = self.cpu_left.saturating_sub(taken);
        if self.cpu_left.is_zero() {
            self.reached = Some(Limit::Cpu);
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(give_way())
    }

    /// From now on it may take so much of a thread.
    fn wind_up(&mut self, cpu: Duration) {
        self.cpu_left = cpu;
        self.counted = Duration::ZERO;
    }
}

/// Lets others run, and the network be looked at: a guest that were back in the queue at once
/// would hold up every socket of its thread for many ticks.
fn give_way() -> UpdateDeadline {
    if !Mitigation::Fairness.is_on() {
        return UpdateDeadline::Continue(1);
    }
    UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
}

impl ResourceLimiter for StoreState {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory {
            self.reached = Some(Limit::Memory);
            return Ok(false);
        }
        self.memory = total;
        if let Some(meter) = &mut self.operation.meter {
            meter.memory(total);
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .table_elements
            .saturating_add(desired.saturating_sub(current));
        if total > self.limits.table_elements {
            self.reached = Some(Limit::TableElements);
            return Ok(false);
        }
        self.table_elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        MOST_INSTANCES
    }

    fn memories(&self) -> usize {
        MOST_MEMORIES
    }

    fn tables(&self) -> usize {
        MOST_TABLES
    }
}

impl types::Host for StoreState {}

impl StoreState {
    /// The guest calls its host.
    pub(super) fn note_call(&mut self) {
        self.called = true;
    }

    /// `http.send`
    pub(super) async fn send(
        &mut self,
        request: contract::Request,
    ) -> Result<contract::Response, TransportFailure> {
        let Some(egress) = self.egress.clone() else {
            return Err(TransportFailure::Refused(Refusal {
                reason: RefusalReason::Other,
                message: format!("Nothing may be sent while `{}` runs.", self.operation.name),
            }));
        };
        egress.send(&mut self.operation, request).await
    }

    /// Whether what is logged is dropped from here on.
    pub(super) fn drops_logs(&self) -> bool {
        self.log_dropped
    }

    /// `log.emit`, of one line.
    pub(super) fn log(&mut self, level: contract::Level, text: String) {
        self.log_messages = self.log_messages.saturating_add(1);
        self.log_bytes = self.log_bytes.saturating_add(text.len());
        let limit = if self.log_messages > self.limits.log_messages {
            Some("log-messages")
        } else if self.log_bytes > self.limits.log_bytes {
            Some("log-bytes")
        } else {
            None
        };
        if let Some(limit) = limit {
            self.log_dropped = true;
            tracing::warn!(
                target: "connector",
                operation = self.operation.name,
                "The connector logs too much; the rest of this operation's messages is dropped. \
                 `{limit}` under [limits] in the connection file decides."
            );
            return;
        }
        if level == contract::Level::Error {
            self.last_error = Some(text.clone());
        }
        let operation = self.operation.name;
        match level {
            contract::Level::Debug => {
                tracing::debug!(target: "connector", operation, "{text}");
            }
            contract::Level::Info => tracing::info!(target: "connector", operation, "{text}"),
            contract::Level::Warn => tracing::warn!(target: "connector", operation, "{text}"),
            contract::Level::Error => tracing::error!(target: "connector", operation, "{text}"),
        }
    }
}

/// An instance, and its connection once it is open.
pub(crate) struct Sandbox {
    store: Store<StoreState>,
    instance: Instance,
    pub(super) exports: Arc<Exports>,
    connection: Option<ResourceAny>,
    /// What was taken of a thread since the last [`Self::begin`].
    worked: Duration,
    _place: Taken,
}

/// What a call into the guest came to, before the contract's failure is told apart from
/// the host's.
pub(crate) type GuestCall<T> = wasmtime::Result<Result<T, contract::Failure>>;

impl Sandbox {
    /// A fresh store and instance. The meter measures what happens until [`Self::begin`].
    pub(crate) async fn start(
        host: &Host,
        exports: &Arc<Exports>,
        limits: &Limits,
        share: Option<&Share>,
        mut meter: Option<Meter>,
    ) -> Result<Self, Failure> {
        if let Some(meter) = &mut meter {
            meter.turn_to(Place::Waiting);
        }
        let place = exports.runtime.place(share).await?;
        if let Some(meter) = &mut meter {
            meter.turn_to(Place::Host);
        }
        let mut store = Self::store(host, &exports.runtime, limits, meter)?;
        let mut worked = Duration::ZERO;
        let instance = exports.instance.instantiate_async(&mut store);
        match work::counted(&mut worked, instance).await {
            Ok(instance) => Ok(Self {
                store,
                instance,
                exports: Arc::clone(exports),
                connection: None,
                worked,
                _place: place,
            }),
            Err(error) => Err(fault(&store, &error)),
        }
    }

    /// A store with every limit on.
    pub(super) fn store(
        host: &Host,
        runtime: &Runtime,
        limits: &Limits,
        meter: Option<Meter>,
    ) -> Result<Store<StoreState>, Failure> {
        let mut store = Store::new(runtime.engine(), StoreState::new(limits.clone()));
        if meter.is_some() {
            store.call_hook(|mut context, crossing| {
                let fuel = context.get_fuel().ok();
                context.data_mut().crossed(crossing, fuel);
                Ok(())
            });
        }
        store.data_mut().operation.meter = meter;
        store.limiter(|state| state);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| context.data_mut().tick());
        store.set_hostcall_fuel(limits.result_bytes);
        store.set_max_component_handles(limits.handles);
        if host.counts_fuel() {
            let fuel = limits.fuel.unwrap_or(u64::MAX);
            store
                .set_fuel(fuel)
                .map_err(|error| Failure::ConnectorFault {
                    message: format!("The host cannot count instructions: {error}."),
                })?;
            if let Some(meter) = &mut store.data_mut().operation.meter {
                meter.fuel_given(fuel);
            }
        }
        Ok(store)
    }

    /// Calls one function, if its type is the contract's.
    pub(super) async fn call<P, R>(
        &mut self,
        function: &ComponentExportIndex,
        given: P,
    ) -> wasmtime::Result<R>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: Lift + Send + Sync + 'static,
    {
        let function = self
            .instance
            .get_typed_func::<P, (R,)>(&mut self.store, function)?;
        let answer = function.call_async(&mut self.store, given);
        let (answer,) = work::counted(&mut self.worked, answer).await?;
        Ok(answer)
    }

    /// Looks at the types of all functions, and calls `describe`.
    pub(crate) async fn describe(&mut self) -> Result<Manifest, Failure> {
        self.store.data_mut().operation.name = "describe";
        let connector =
            Connector::new(&mut self.store, &self.instance).map_err(LoadError::mismatch)?;
        let manifest = connector.provisioning_connector_manifest();
        let described = manifest.call_describe(&mut self.store);
        work::counted(&mut self.worked, described)
            .await
            .map_err(|error| fault(&self.store, &error))
    }

    /// Calls `connection.open`.
    pub(crate) async fn open(
        &mut self,
        settings: &[SettingValue],
        learned: Option<&str>,
    ) -> Result<(), Failure> {
        let function = self.exports.open;
        let opened = self.call(&function, (settings, learned)).await;
        self.connection = Some(self.settle(opened)?);
        Ok(())
    }

    /// Calls `connection.reach`.
    pub(crate) async fn reach(&mut self) -> Result<Vec<String>, Failure> {
        let connection = self.connection()?;
        self.store.data_mut().operation.name = "reach";
        let function = self.exports.reach;
        let reach = self.call::<_, Vec<String>>(&function, (connection,)).await;
        let reach = reach.map_err(|error| fault(&self.store, &error))?;
        if reach.len() > MOST_REACH {
            return Err(Failure::ConnectorFault {
                message: format!(
                    "The connector asks for {} addresses to reach; {MOST_REACH} are the most.",
                    reach.len()
                ),
            });
        }
        Ok(reach)
    }

    /// What the connection learned, however long, if the guest still answers. The
    /// operation is over, so nothing is sent any more.
    pub(crate) async fn learned(&mut self) -> Result<Option<String>, Failure> {
        let connection = self.connection()?;
        let state = self.store.data_mut();
        if Mitigation::OutsideOperations.is_on() {
            state.egress = None;
        }
        state.operation.name = "learned";
        state.wind_up(LEARNED_TIME.min(state.limits.cpu));
        self.worked = Duration::ZERO;
        let function = self.exports.learned;
        let learned = self.call(&function, (connection,)).await;
        learned.map_err(|error| fault(&self.store, &error))
    }

    /// Starts the account of an operation afresh.
    pub(crate) fn begin(&mut self, mut operation: Operation, egress: Arc<Egress>) {
        let fuel = self.store.data().limits.fuel.unwrap_or(u64::MAX);
        // Fails only where the host does not count, and then there is nothing to set.
        let counted = self.store.set_fuel(fuel).is_ok();
        let state = self.store.data_mut();
        if let Some(meter) = &mut operation.meter {
            meter.memory(state.memory);
            if counted {
                meter.fuel_given(fuel);
            }
        }
        state.wind_up(state.limits.cpu);
        self.worked = Duration::ZERO;
        state.reached = None;
        state.log_messages = 0;
        state.log_bytes = 0;
        state.log_dropped = false;
        state.last_error = None;
        state.operation = operation;
        state.egress = Some(egress);
        self.store.set_epoch_deadline(1);
    }

    /// Whether it may wait for its connection's next operation, and keep its place.
    pub(crate) fn may_stay(&self) -> bool {
        self.exports.runtime.may_keep_a_place()
    }

    /// The operation is over; the sandbox may be kept for the next.
    pub(crate) fn end(&mut self) {
        self.store.data_mut().operation.meter = None;
    }

    /// Everything that the guest's memory holds. A component shows its memory to nobody, but
    /// a trap does, so the guest is made to trap at once.
    #[cfg(feature = "testing")]
    pub(crate) async fn into_memory(mut self) -> Option<Vec<u8>> {
        let state = self.store.data_mut();
        state.wind_up(Duration::ZERO);
        self.store.set_epoch_deadline(0);
        let connection = self.connection?;
        let function = self.exports.learned;
        let called = self.call::<_, Option<String>>(&function, (connection,));
        let trap = called.await.err()?;
        let dump = trap.downcast_ref::<wasmtime::WasmCoreDump>()?;
        let memories = dump.memories().iter();
        Some(
            memories
                .flat_map(|memory| memory.data(&self.store))
                .copied()
                .collect(),
        )
    }

    pub(super) fn connection(&self) -> Result<ResourceAny, Failure> {
        self.connection.ok_or_else(|| Failure::ConnectorFault {
            message: "The connector has no open connection.".to_owned(),
        })
    }

    /// Tells a result, a failure of the contract, a limit and a fault apart.
    pub(crate) fn settle<T>(&mut self, call: GuestCall<T>) -> Result<T, Failure> {
        let state = self.store.data_mut();
        if let Some(planned) = state.operation.planned.take() {
            return Err(Failure::DryRun(Box::new(planned)));
        }
        match call {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(failure)) => Err(match state.operation.reached {
                Some(limit) if says_nothing_more(&failure) => Failure::LimitReached {
                    limit,
                    message: limit.message(&state.limits),
                },
                None if state.operation.out_of_time
                    && failure.kind == contract::FailureKind::RefusedByHost =>
                {
                    Failure::out_of_time(
                        state.operation.name,
                        state.limits.operation_time,
                        state.operation.wrote().load(Ordering::Relaxed),
                    )
                }
                _ => Failure::Connector(Box::new(text::failure(failure))),
            }),
            Err(error) => Err(fault(&self.store, &error)),
        }
    }
}
