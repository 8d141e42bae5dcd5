//! The exports of the component: the contract's functions, each handed to the operation of
//! the same name.

#![allow(unsafe_code, reason = "what wit-bindgen generates for the exports")]

use crate::connection::Connection;
use crate::contract::manifest::{self, Manifest};
use crate::contract::{
    Account, CheckReport, Deletion, Draft, Edits, Failure, Outcome, Page, PageQuery, SettingValue,
    Value, accounts, log,
};
use crate::exchange::Host;

struct Component;

crate::contract::export!(Component);

/// A panic ends the sandbox, and what it says would end with it: it goes to the host's log.
fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        log::emit(log::Level::Error, &panic.to_string(), &[]);
    }));
}

impl manifest::Guest for Component {
    fn describe() -> Manifest {
        tell_panics();
        crate::service::manifest()
    }
}

impl accounts::Guest for Component {
    type Connection = Connection<Host>;
}

impl accounts::GuestConnection for Connection<Host> {
    fn open(
        settings: Vec<SettingValue>,
        _learned: Option<String>,
    ) -> Result<accounts::Connection, Failure> {
        tell_panics();
        Self::open(&settings, Host)
            .map(accounts::Connection::new)
            .map_err(|failed| *failed)
    }

    fn learned(&self) -> Option<String> {
        None
    }

    fn reach(&self) -> Vec<String> {
        self.reach()
    }

    fn check(&self) -> Result<CheckReport, Failure> {
        self.check().map_err(|failed| *failed)
    }

    fn list(&self, query: PageQuery) -> Result<Page, Failure> {
        self.list(&query).map_err(|failed| *failed)
    }

    fn get(&self, id: String) -> Result<Account, Failure> {
        self.get(&id).map_err(|failed| *failed)
    }

    fn find(&self, name: String, value: Value) -> Result<Option<Account>, Failure> {
        self.find(&name, &value).map_err(|failed| *failed)
    }

    fn create(&self, draft: Draft) -> Result<Outcome, Failure> {
        self.create(&draft).map_err(|failed| *failed)
    }

    fn update(&self, id: String, edits: Edits) -> Result<Outcome, Failure> {
        self.update(&id, &edits).map_err(|failed| *failed)
    }

    fn delete(&self, id: String) -> Result<Deletion, Failure> {
        self.delete(&id).map_err(|failed| *failed)
    }
}
