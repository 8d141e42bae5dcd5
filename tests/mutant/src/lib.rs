//! The 8x8 connector, and one fault in it: what `harness conform` has to find. The connection is
//! the real one; around it stands a wider manifest, so that every check has something to check,
//! and each fault changes what goes in or comes out.
//!
//! A fault is a name: the setting `fault`, or for what is called without settings, a marker in
//! the component's data that a test writes over. The marker also says which claims the manifest
//! makes (`claims`). Without either the mutant is a connector that keeps the contract.
//!
//! - `claims`: the manifest, and its faults;
//! - `wider`: the attributes that the manifest has beyond 8x8's;
//! - `reading`, `creating`, `updating`, `deleting`: the operations, and their faults;
//! - `memory`: what the component's memory holds;
//! - `component`: the exports, opening, and what was learned.

#![allow(
    clippy::result_large_err,
    reason = "the contract's failure as it is; speed is no aim here"
)]

mod claims;
mod component;
mod creating;
mod deleting;
mod memory;
mod reading;
mod updating;
mod wider;

use std::cell::RefCell;

use connector_8x8::connection::{Connection, Result};
use connector_8x8::contract::{FailureKind, http};
use connector_8x8::failure::{Boxed, failure};
use connector_8x8::scim::{Operation, patch_body};
use connector_8x8::transport::{API_TOKEN, Header, Host, Method, Repeatability, Request, Response};

/// A connection and its fault.
pub(crate) struct Mutant {
    inner: Connection<Host>,
    fault: String,
    /// Whether it was opened with a note of its own.
    has_note: bool,
    /// A value that does not belong into a note.
    seen: RefCell<Option<String>>,
}

impl Mutant {
    fn is(&self, fault: &str) -> bool {
        self.fault == fault
    }

    /// Sends a request of the mutant's own to an address below the tenant's.
    fn send(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Response> {
        let base = self.inner.reach().concat();
        let mut headers = Vec::new();
        if body.is_some() {
            headers.push(Header {
                name: "content-type".to_owned(),
                value: "application/scim+json".to_owned(),
            });
        }
        let request = Request {
            method,
            url: format!("{base}/Users{path}"),
            headers,
            body,
            credentials: vec![API_TOKEN.to_owned()],
            repeatability: Repeatability::Once,
            delay_ms: 0,
        };
        http::send(&request).map_err(|failed| match failed {
            http::TransportFailure::Refused(refusal) => {
                failure(FailureKind::RefusedByHost, refusal.message)
            }
            _ => failure(FailureKind::Unavailable, "It did not get through."),
        })
    }

    /// A write that changes nothing, of a user who is active or not.
    fn write(&self, id: &str, active: bool) -> Result<()> {
        let body = patch_body(vec![Operation::activate(active)]);
        self.send(Method::Patch, &format!("/{id}"), Some(body))?;
        Ok(())
    }
}

/// A failure of the mutant's own.
fn other(kind: FailureKind) -> Boxed {
    failure(kind, "The mutant says so.")
}
