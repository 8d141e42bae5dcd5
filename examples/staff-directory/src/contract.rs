//! The contract's types and imports, generated from the WIT. The rest of this crate speaks
//! in them, so that nothing has to be converted at the edge of the sandbox.

#![allow(unsafe_code, reason = "what wit-bindgen generates")]
#![allow(missing_docs, unreachable_pub, clippy::all)]

wit_bindgen::generate!({
    world: "connector",
    path: "../../wit",
    additional_derives: [PartialEq],
    pub_export_macro: true,
    default_bindings_module: "crate::contract",
});

pub use exports::provisioning::connector::accounts::{CheckReport, Page, PageQuery, SettingValue};
pub use exports::provisioning::connector::{accounts, manifest};
pub use provisioning::connector::types::{
    Account, AccountStatus, Attribute, Change, Deletion, Draft, Edits, Effect, Failure,
    FailureKind, Notice, Outcome, Problem, RetryAdvice, UpstreamAnswer, Value,
};
pub use provisioning::connector::{http, log};
