//! What the host keeps beside a guest, and what it decides while the guest runs.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::{CallHook, ResourceLimiter, UpdateDeadline};

use super::work;
use crate::bindings::types;
use crate::contract::{self, Refusal, RefusalReason, TransportFailure};
use crate::egress::{Carrier, Egress, Operation};
use crate::engine::TICK;
use crate::limits::{
    Limit, Limits, MOST_INSTANCES, MOST_MEMORIES, MOST_MEMORY, MOST_TABLE_ELEMENTS, MOST_TABLES,
};
use crate::trace::Place;

/// What the host keeps beside a guest.
pub(crate) struct StoreState {
    pub(super) limits: Limits,
    /// `None` outside the operations, where nothing is sent.
    pub(super) egress: Option<(Arc<Egress>, Arc<dyn Carrier>)>,
    pub(crate) operation: Operation,
    /// What the guest, and the host's work for it, may still take of a thread.
    pub(super) cpu_left: Duration,
    /// How much of what they took was counted so far.
    pub(super) counted: Duration,
    /// Whether the host was called since.
    pub(super) called: bool,
    pub(super) memory: usize,
    pub(super) table_elements: usize,
    /// The limit that the guest ran into by itself.
    pub(super) reached: Option<Limit>,
    pub(super) log_messages: u32,
    pub(super) log_bytes: usize,
    pub(super) log_dropped: bool,
    /// The last thing that the guest called an error: its panic, most often.
    pub(super) last_error: Option<String>,
}

impl StoreState {
    pub(super) fn new(mut limits: Limits) -> Self {
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
    pub(super) fn crossed(&mut self, crossing: CallHook, fuel_left: Option<u64>) {
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
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let so_far = work::so_far().unwrap_or(self.counted.saturating_add(TICK));
        let mut taken = so_far.saturating_sub(self.counted);
        self.counted = so_far;
        // Where the clock goes on while the system runs other threads, a guest that called nothing
        // has run for a tick and no longer.
        let may_be_long = std::mem::take(&mut self.called) || work::IS_EXACT;
        if !may_be_long {
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
    pub(super) fn wind_up(&mut self, cpu: Duration) {
        self.cpu_left = cpu;
        self.counted = Duration::ZERO;
    }
}

/// Lets others run, and the network be looked at: a guest that were back in the queue at once
/// would hold up every socket of its thread for many ticks.
fn give_way() -> UpdateDeadline {
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
        let Some((egress, carrier)) = self.egress.clone() else {
            return Err(TransportFailure::Refused(Refusal {
                reason: RefusalReason::Other,
                message: format!("Nothing may be sent while `{}` runs.", self.operation.name),
            }));
        };
        egress.send(&mut self.operation, &*carrier, request).await
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
