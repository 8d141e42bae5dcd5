//! The one way out, as the operations see it: a request goes in, an answer or the reason
//! for none comes out. In the sandbox it is the contract's `http`; in the tests a script.

use crate::contract::{http, log};

pub use crate::contract::http::{
    Header, Method, Refusal, RefusalReason, Repeatability, Request, Response, TransportFailure,
};

/// The credential that every request asks the host to add.
pub const API_TOKEN: &str = "api-token";

/// Sends one request and waits for its answer; retries are the other side's.
pub trait Transport {
    /// # Errors
    ///
    /// Sorted by what is known to have happened; see the contract's `http`.
    fn send(&self, request: &Request) -> Result<Response, TransportFailure>;

    /// Tells whoever operates the host why an operation takes another way than usual.
    fn tell(&self, _what: &str) {}
}

/// The host's `http` capability.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Transport for Host {
    fn send(&self, request: &Request) -> Result<Response, TransportFailure> {
        http::send(request)
    }

    fn tell(&self, what: &str) {
        log::emit(log::Level::Info, what, &[]);
    }
}
