//! The socket's side: connections accepted, one exchange after the other, the token, the log,
//! and the faults that strike an exchange.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use futures_util::stream;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::answer::Committed;
use super::faults::{Delivery, FaultEffect};
use super::log::{Entry, Received};
use super::routes;
use super::shared::{Shared, StaleAnswer, lock};

/// The largest request body, in bytes. A user is well below 10 KB.
const MAX_BODY: usize = 1024 * 1024;

/// Ends the connection: hyper closes it (or resets the stream) without another byte.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut on purpose")]
struct Cut;

/// Accepts connections until it is dropped, which ends them too.
pub(super) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let router = routes::router(Arc::clone(&shared));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let connection =
                        connect(stream, tls.clone(), Arc::clone(&shared), router.clone());
                    connections.spawn(connection);
                }
                // Out of file descriptors, most likely: wait for some to be closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>, router: Router) {
    // Small answers must not wait for more; if it cannot be set they do.
    let _ = stream.set_nodelay(true);
    match tls {
        None => converse(stream, shared, router).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                converse(stream, shared, router).await;
            }
        }
    }
}

async fn converse<S>(stream: S, shared: Arc<Shared>, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let cut = Arc::new(Notify::new());
    let end = Arc::clone(&cut);
    let service = service_fn(move |request| {
        exchange(
            Arc::clone(&shared),
            router.clone(),
            request,
            Arc::clone(&cut),
        )
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        // It ends in an error where a fault or the client cut it, which is nothing to report.
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = async {
            end.notified().await;
            // The answer is to be written out first.
            tokio::time::sleep(Duration::from_millis(1)).await;
        } => {}
    }
}

/// One request and its answer.
async fn exchange(
    shared: Arc<Shared>,
    router: Router,
    request: Request<Incoming>,
    cut: Arc<Notify>,
) -> Result<Response<Body>, Cut> {
    let (mut head, body) = request.into_parts();
    // An error is a body that is too long, or a sender that went away and will not hear of it.
    let body = to_bytes(Body::new(body), MAX_BODY).await;
    let fault = lock(&shared.faults).take(&head.method);
    if fault == Some(FaultEffect::TokenCleared) {
        *lock(&shared.token) = None;
    }
    let authorised = shared.authorised(&head.headers);
    let kept = body.as_deref().unwrap_or_default();
    let entry = lock(&shared.log).add(Received {
        fault: fault.clone(),
        ..Received::new(&head, kept, authorised)
    });

    match &fault {
        Some(FaultEffect::Delay(duration)) => tokio::time::sleep(*duration).await,
        Some(FaultEffect::StaleRead) => {
            head.extensions.insert(StaleAnswer);
        }
        Some(FaultEffect::OtherWriter) => lock(&shared.tenant).write_of_another(head.uri.path()),
        Some(FaultEffect::CutBeforeCommit) => return Err(Cut),
        Some(FaultEffect::Status {
            committed: false, ..
        }) => {
            let response = shared.fault_answer(fault);
            return Ok(shared.answered(entry, response));
        }
        _ => {}
    }
    let response = match body {
        Ok(body) if authorised => match fault {
            Some(FaultEffect::Twice(answer)) => {
                let first = carry_out(router.clone(), head.clone(), body.clone()).await;
                if first.extensions().get::<Committed>().is_some() {
                    lock(&shared.log).amend(entry, |received| received.committed = true);
                }
                let again = shared.deliver_again(router, head, body).await;
                match answer {
                    Delivery::First => first,
                    Delivery::Last => again,
                }
            }
            _ => carry_out(router, head, body).await,
        },
        Ok(_) => shared.unauthorised(head.headers.contains_key(AUTHORIZATION)),
        Err(_) => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            shared.refuse(status, "The body is larger than 1 MiB.", |answer| answer)
        }
    };
    if response.extensions().get::<Committed>().is_some() {
        lock(&shared.log).amend(entry, |received| received.committed = true);
    }
    match fault {
        Some(FaultEffect::CutAfterCommit) => Err(Cut),
        Some(FaultEffect::CutMidAnswer) => Ok(shared.answered(entry, halved(response).await?)),
        Some(FaultEffect::Status { .. }) => {
            let response = shared.fault_answer(fault);
            Ok(shared.answered(entry, response))
        }
        Some(FaultEffect::LateAnswer(duration)) => {
            tokio::time::sleep(duration).await;
            Ok(shared.answered(entry, response))
        }
        Some(FaultEffect::CutBeforeNext) => {
            cut.notify_one();
            Ok(shared.answered(entry, response))
        }
        _ => Ok(shared.answered(entry, response)),
    }
}

async fn carry_out(router: Router, head: Parts, body: Bytes) -> Response<Body> {
    let request = Request::from_parts(head, Body::from(body));
    let answered: Result<_, Infallible> = TowerToHyperService::new(router).call(request).await;
    match answered {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

impl Shared {
    /// Whether the request carries the token, `Authorization: Bearer …` (docs/8x8.md §1).
    fn authorised(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return false;
        };
        let Some((scheme, given)) = value.to_str().ok().and_then(|value| value.split_once(' '))
        else {
            return false;
        };
        let token = lock(&self.token);
        scheme.eq_ignore_ascii_case("bearer")
            && token.as_deref().is_some_and(|token| token == given.trim())
    }

    /// The second delivery of a request, with an entry of its own in the log.
    async fn deliver_again(&self, router: Router, head: Parts, body: Bytes) -> Response<Body> {
        let entry = lock(&self.log).add(Received {
            redelivered: true,
            ..Received::new(&head, &body, true)
        });
        let response = carry_out(router, head, body).await;
        let committed = response.extensions().get::<Committed>().is_some();
        lock(&self.log).amend(entry, |received| received.committed = committed);
        self.answered(entry, response)
    }

    fn answered(&self, entry: Entry, response: Response<Body>) -> Response<Body> {
        let status = response.status().as_u16();
        lock(&self.log).amend(entry, |received| received.status = Some(status));
        response
    }

    /// The answer that a fault gives in place of the true one.
    fn fault_answer(&self, fault: Option<FaultEffect>) -> Response<Body> {
        let Some(FaultEffect::Status {
            status,
            headers,
            body,
            ..
        }) = fault
        else {
            return Response::new(Body::empty());
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = if !body.is_empty() {
            Response::new(Body::from(body))
        } else if status.as_u16() >= 400 {
            self.refuse(status, "A fault that was asked for.", |answer| answer)
        } else {
            Response::new(Body::empty())
        };
        *response.status_mut() = status;
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) =
                (name.parse::<HeaderName>(), HeaderValue::from_str(&value))
            {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A response that ends half way. One without a body cannot, so it does not begin.
async fn halved(response: Response<Body>) -> Result<Response<Body>, Cut> {
    let (mut head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| Cut)?;
    if body.is_empty() {
        return Err(Cut);
    }
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    let parts = stream::unfold(Some(half), async |half| match half {
        Some(half) => Some((Ok(half), None)),
        None => {
            // Lets hyper write the first half out before the connection ends.
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((Err(Cut), None))
        }
    });
    Ok(Response::from_parts(head, Body::from_stream(parts)))
}
