//! Answers that come from somewhere else than the network.

use reqwest::header::{HeaderName, HeaderValue};

use crate::contract::Header;

/// An answer that comes from somewhere else.
pub(super) fn answer_without_network(
    status: u16,
    headers: &[Header],
    body: Vec<u8>,
) -> reqwest::Response {
    let mut response = hyper::Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let value = HeaderValue::from_bytes(header.value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    response.into()
}
