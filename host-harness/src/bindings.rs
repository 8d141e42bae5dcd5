//! The contract in Rust, generated from `wit/`.

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated; its documentation is that of wit/"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "connector",
        imports: { "provisioning:connector/http.send": async },
        exports: { default: async },
        additional_derives: [PartialEq],
    });
}

/// The contract that this host offers: major and minor.
pub(crate) const CONTRACT_VERSION: &str = "0.1";

pub(crate) use generated::Connector;
pub(crate) use generated::provisioning::connector::types;

/// The types that host and connector exchange, as `wit/` documents them.
pub mod contract {
    pub use super::generated::exports::provisioning::connector::accounts::{
        CheckReport, Page, PageQuery, SettingValue,
    };
    pub use super::generated::exports::provisioning::connector::manifest::{
        AttributeSpec, ClientCredentials, Credential, CredentialPlacement, DeletionEffect,
        Manifest, Mutability, NamedHeader, Operations, Parameter, Setting, SettingKind, Uniqueness,
        ValueType,
    };
    pub use super::generated::provisioning::connector::http::{
        Header, Method, Refusal, RefusalReason, Repeatability, Request, Response, TransportFailure,
    };
    pub use super::generated::provisioning::connector::log::Level;
    pub use super::generated::provisioning::connector::types::{
        Account, AccountId, AccountStatus, Attribute, AttributeName, Change, Deletion, Draft,
        Edits, Effect, Failure, FailureKind, Notice, Outcome, Problem, RetryAdvice, UpstreamAnswer,
        Value,
    };
}

use contract::Method;

impl Method {
    /// As it stands in a request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}
