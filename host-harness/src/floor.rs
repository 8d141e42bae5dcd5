//! The least that a sandbox takes: for benchmarks, which show it beside a connector's.

use wasmtime::component::{Component, InstancePre};

use crate::failure::Failure;
use crate::host::Host;
use crate::limits::Limits;
use crate::sandbox::{Sandbox, StoreState, fault};

/// A component that is started as a connector is, in the same pool and with every limit on, and
/// has nothing to offer.
pub struct Floor {
    host: Host,
    instance: InstancePre<StoreState>,
}

impl Floor {
    /// # Errors
    ///
    /// It is no component, or imports what the contract does not have.
    pub fn new(host: &Host, component: &[u8]) -> wasmtime::Result<Self> {
        let component = Component::from_binary(host.pooled().engine(), component)?;
        Ok(Self {
            instance: host.pooled().linker().instantiate_pre(&component)?,
            host: host.clone(),
        })
    }

    /// Starts it and throws it away.
    ///
    /// # Errors
    ///
    /// Those of instantiating it.
    pub async fn start(&self) -> Result<(), Failure> {
        let _place = self.host.pooled().places().take(None).await?;
        let mut store = Sandbox::store(self.host.pooled(), &Limits::default(), None)?;
        let instance = self.instance.instantiate_async(&mut store).await;
        instance.map(drop).map_err(|error| fault(&store, &error))
    }
}
