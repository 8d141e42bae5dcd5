//! A plain HTTP client: for the proxy, and for looking at what a service holds without the
//! connector's help.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// More than any answer that is expected here.
pub(crate) const MAX_BODY: usize = 16 << 20;

const PATIENCE: Duration = Duration::from_secs(30);

/// One request on a connection of its own, to `authority` (`127.0.0.1:8080`).
pub(crate) async fn send(
    authority: &str,
    request: Request<Body>,
) -> Result<Response<Bytes>, String> {
    let exchange = async {
        let stream = TcpStream::connect(authority)
            .await
            .map_err(|error| format!("{authority} cannot be reached: {error}."))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| format!("{authority} does not speak HTTP: {error}."))?;
        let connection = tokio::spawn(connection);
        let broken = |error: &dyn std::error::Error| format!("{authority} broke off: {error}.");
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| broken(&error))?;
        let (head, body) = response.into_parts();
        let body = to_bytes(Body::new(body), MAX_BODY)
            .await
            .map_err(|error| broken(&error))?;
        connection.abort();
        Ok(Response::from_parts(head, body))
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .map_err(|_| format!("{authority} did not answer in time."))?
}
