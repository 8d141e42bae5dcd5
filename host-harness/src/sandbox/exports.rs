//! What a component exports, found once, when it is loaded. An operation calls three of eleven
//! functions: the types of those are looked at when they are called, instead of those of all
//! whenever a sandbox starts.

use std::sync::Arc;

use wasmtime::component::{ComponentExportIndex, InstancePre};

use super::runtime::Runtime;
use super::state::StoreState;

/// Finds any 0.1.x.
const ACCOUNTS: &str = "provisioning:connector/accounts@0.1.0";

/// A component that is ready to be instantiated, and where its functions are.
#[derive(Clone)]
pub(crate) struct Exports {
    pub(super) instance: InstancePre<StoreState>,
    /// Where its instances live.
    pub(super) runtime: Arc<Runtime>,
    pub(super) open: ComponentExportIndex,
    pub(super) reach: ComponentExportIndex,
    pub(super) learned: ComponentExportIndex,
    pub(super) check: ComponentExportIndex,
    pub(super) list: ComponentExportIndex,
    pub(super) get: ComponentExportIndex,
    pub(super) find: ComponentExportIndex,
    pub(super) create: ComponentExportIndex,
    pub(super) update: ComponentExportIndex,
    pub(super) delete: ComponentExportIndex,
}

impl Exports {
    /// # Errors
    ///
    /// It lacks one.
    pub(crate) fn of(
        instance: InstancePre<StoreState>,
        runtime: Arc<Runtime>,
    ) -> wasmtime::Result<Self> {
        let component = instance.component();
        let export = |within: Option<&ComponentExportIndex>, name: &str| {
            component
                .get_export_index(within, name)
                .ok_or_else(|| wasmtime::format_err!("it does not export `{name}`"))
        };
        let accounts = export(None, ACCOUNTS)?;
        let function = |name: &str| export(Some(&accounts), name);
        Ok(Self {
            open: function("[static]connection.open")?,
            reach: function("[method]connection.reach")?,
            learned: function("[method]connection.learned")?,
            check: function("[method]connection.check")?,
            list: function("[method]connection.list")?,
            get: function("[method]connection.get")?,
            find: function("[method]connection.find")?,
            create: function("[method]connection.create")?,
            update: function("[method]connection.update")?,
            delete: function("[method]connection.delete")?,
            instance,
            runtime,
        })
    }
}
