//! The exports, opening, and what was learned.

#![allow(unsafe_code, reason = "what wit-bindgen generates for the exports")]

use std::cell::RefCell;

use connector_8x8::connection::Connection;
use connector_8x8::contract::manifest::{self, Manifest, Operations};
use connector_8x8::contract::{
    Account, CheckReport, Deletion, Draft, Edits, Failure, FailureKind, Outcome, Page, PageQuery,
    SettingValue, Value, accounts,
};
use connector_8x8::transport::Host;

use crate::{Mutant, claims, other};

/// What the mutant's own notes begin with.
const NOTE: &str = "mutant:";

struct Component;

connector_8x8::contract::export!(Component with_types_in connector_8x8::contract);

impl manifest::Guest for Component {
    fn describe() -> Manifest {
        claims::describe()
    }
}

impl accounts::Guest for Component {
    type Connection = Mutant;
}

impl accounts::GuestConnection for Mutant {
    fn open(
        mut settings: Vec<SettingValue>,
        learned: Option<String>,
    ) -> Result<accounts::Connection, Failure> {
        let fault = settings.iter().find(|setting| setting.name == "fault");
        let fault = fault.map_or_else(claims::marker, |setting| setting.value.clone());
        settings.retain(|setting| setting.name != "fault");
        let note = learned.as_deref();
        let own = note.and_then(|note| note.strip_prefix(NOTE));
        if fault == "foreign-note-refused" && note.is_some() && own.is_none() {
            return Err(*other(FailureKind::InvalidSettings));
        }
        match Connection::open(&settings, own, Host) {
            Ok(inner) => Ok(accounts::Connection::new(Self {
                inner,
                has_note: note.is_some() && own.is_none() == (fault == "foreign-note-believed"),
                fault,
                seen: RefCell::default(),
            })),
            Err(mut failed) => {
                if matches!(
                    fault.as_str(),
                    "first-wrong-setting-only" | "first-missing-setting-unnamed"
                ) {
                    failed
                        .problems
                        .truncate(usize::from(fault == "first-wrong-setting-only"));
                }
                Err(*failed)
            }
        }
    }

    fn learned(&self) -> Option<String> {
        let note = self.inner.learned().unwrap_or_default();
        let more = match self.fault.as_str() {
            "note-too-long" => "x".repeat(2 << 10),
            "note-holds-a-value" => self.seen.take()?,
            _ => String::new(),
        };
        Some(format!("{NOTE}{note}{more}"))
    }

    fn reach(&self) -> Vec<String> {
        let reach = self.inner.reach();
        match self.fault.as_str() {
            "reach-wider" => reach
                .iter()
                .map(|reach| reach.split('/').take(3).collect::<Vec<_>>().join("/"))
                .collect(),
            "reach-traps" => std::process::abort(),
            _ => reach,
        }
    }

    fn check(&self) -> Result<CheckReport, Failure> {
        self.checked().map_err(|failed| *failed)
    }

    fn list(&self, query: PageQuery) -> Result<Page, Failure> {
        let may = self.may(Operations::LIST, "list");
        may.and_then(|()| self.listed(&query))
            .map_err(|failed| *failed)
    }

    fn get(&self, id: String) -> Result<Account, Failure> {
        let may = self.may(Operations::GET, "get");
        may.and_then(|()| self.got(&id)).map_err(|failed| *failed)
    }

    fn find(&self, name: String, value: Value) -> Result<Option<Account>, Failure> {
        let may = self.may(Operations::FIND, "find");
        may.and_then(|()| self.found(&name, &value))
            .map_err(|failed| *failed)
    }

    fn create(&self, draft: Draft) -> Result<Outcome, Failure> {
        let may = self.may(Operations::CREATE, "create");
        may.and_then(|()| self.created(&draft))
            .map_err(|failed| *failed)
    }

    fn update(&self, id: String, edits: Edits) -> Result<Outcome, Failure> {
        let may = self.may(Operations::UPDATE, "update");
        may.and_then(|()| self.updated(&id, &edits))
            .map_err(|failed| *failed)
    }

    fn delete(&self, id: String) -> Result<Deletion, Failure> {
        let may = self.may(Operations::DELETE, "delete");
        may.and_then(|()| self.deleted(&id))
            .map_err(|failed| *failed)
    }
}
