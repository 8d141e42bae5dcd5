//! The contract's types and imports, generated from `wit/`.

#![allow(unsafe_code, reason = "what wit-bindgen generates")]
#![allow(unreachable_pub, clippy::all)]

wit_bindgen::generate!({
    world: "connector",
    path: "../../wit",
    pub_export_macro: true,
    default_bindings_module: "crate::contract",
});

pub(crate) use exports::provisioning::connector::accounts::{
    self, CheckReport, Page, PageQuery, SettingValue,
};
pub(crate) use exports::provisioning::connector::manifest;
pub(crate) use provisioning::connector::types::{
    Account, AccountStatus, Attribute, Deletion, Draft, Edits, Effect, Failure, FailureKind,
    Outcome, Problem, RetryAdvice, Value,
};
pub(crate) use provisioning::connector::{http, log};
