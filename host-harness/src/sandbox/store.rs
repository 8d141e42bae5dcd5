//! One instance of a connector in a store of its own, with every limit on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower, ResourceAny,
};

use super::exports::Exports;
use super::fault::{fault, says_nothing_more};
use super::runtime::Runtime;
use super::state::StoreState;
use super::{text, work};
use crate::bindings::Connector;
use crate::contract::{self, Manifest, SettingValue};
use crate::egress::{Carrier, Egress, Operation};
use crate::engine::{Share, Taken};
use crate::failure::Failure;
use crate::limits::{LEARNED_TIME, Limits, MOST_REACH};
use crate::load_error::LoadError;
use crate::trace::{Meter, Place};

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
        exports: &Arc<Exports>,
        limits: &Limits,
        share: Option<&Share>,
        mut meter: Option<Meter>,
    ) -> Result<Self, Failure> {
        if let Some(meter) = &mut meter {
            meter.turn_to(Place::Waiting);
        }
        let place = exports.runtime.places().take(share).await?;
        if let Some(meter) = &mut meter {
            meter.turn_to(Place::Host);
        }
        let mut store = Self::store(&exports.runtime, limits, meter)?;
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
    pub(crate) fn store(
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
        if runtime.counts_fuel() {
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
        state.egress = None;
        state.operation.name = "learned";
        state.wind_up(LEARNED_TIME.min(state.limits.cpu));
        self.worked = Duration::ZERO;
        let function = self.exports.learned;
        let learned = self.call(&function, (connection,)).await;
        learned.map_err(|error| fault(&self.store, &error))
    }

    /// Starts the account of an operation afresh.
    pub(crate) fn begin(
        &mut self,
        mut operation: Operation,
        egress: Arc<Egress>,
        carrier: Arc<dyn Carrier>,
    ) {
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
        state.egress = Some((egress, carrier));
        self.store.set_epoch_deadline(1);
    }

    /// Whether it may wait for its connection's next operation, and keep its place.
    pub(crate) fn may_stay(&self) -> bool {
        self.exports.runtime.places().may_be_kept()
    }

    /// The operation is over; the sandbox may be kept for the next.
    pub(crate) fn end(&mut self) {
        self.store.data_mut().operation.meter = None;
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
