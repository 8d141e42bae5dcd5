//! Paths and methods of the tenant (RFC 7644 §3.2), the customer's own gate, and bodies read
//! as JSON. What an operation does is in [`super::users`] and [`super::discovery`].

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use axum::routing::{any, get};
use serde_json::Value;

use super::answer::{Answer, Refusal};
use super::shared::{Shared, StaleAnswer, lock};
use super::switches::{Switch, Switches};
use super::users::{Head, Outcome, Tenant};

type Tenancy = State<Arc<Shared>>;

/// Every path there is.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let service = Router::new()
        .route("/Users", get(list).post(create))
        .route(
            "/Users/{id}",
            get(read).put(replace).patch(patch).delete(delete),
        )
        .route("/ServiceProviderConfig", get(service_provider_config))
        .route("/ResourceTypes", get(resource_types))
        .route("/ResourceTypes/{name}", get(resource_type))
        .route("/Schemas", get(schemas))
        .route("/Schemas/{urn}", get(schema))
        .route("/Users/.search", any(not_implemented))
        .route("/.search", any(not_implemented))
        .route("/Bulk", any(not_implemented))
        .route("/Me", any(not_implemented))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(no_such_endpoint);
    Router::new()
        .nest("/udi/customers/{customer}/scim/v2", service)
        .fallback(async || Answer::gateway_404().into_response(&Switches::none()))
        .with_state(shared)
}

/// What a path names: the customer first, then an id or another name.
struct Segments(Vec<String>);

impl Segments {
    fn customer(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }
}

impl FromRequestParts<Arc<Shared>> for Segments {
    type Rejection = Response<Body>;

    async fn from_request_parts(
        head: &mut Parts,
        shared: &Arc<Shared>,
    ) -> Result<Self, Self::Rejection> {
        match Path::<Vec<String>>::from_request_parts(head, shared).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(_) => {
                let status = StatusCode::BAD_REQUEST;
                Err(shared.refuse(status, "The path is not UTF-8.", |answer| answer))
            }
        }
    }
}

impl Shared {
    /// Runs one operation under the lock, if the path names this customer.
    fn run(
        &self,
        segments: &Segments,
        head: &Parts,
        operation: impl FnOnce(&mut Tenant, Head<'_>) -> Outcome,
    ) -> Response<Body> {
        let mut tenant = lock(&self.tenant);
        let outcome = if segments.customer() == self.customer_id {
            let head = Head {
                query: head.uri.query().unwrap_or_default(),
                headers: &head.headers,
                stale: head.extensions.get::<StaleAnswer>().is_some(),
            };
            operation(&mut tenant, head)
        } else if tenant.switches.contains(Switch::OtherCustomer404) {
            Err(Refusal::not_found("There is no such customer."))
        } else {
            let detail = "The token does not belong to this customer.";
            Err(Refusal::new(StatusCode::FORBIDDEN, detail))
        };
        let switches = &tenant.switches;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(refusal)
                if refusal.status == StatusCode::NOT_FOUND
                    && switches.contains(Switch::NotFoundHtml) =>
            {
                Answer::gateway_404()
            }
            Err(refusal) => refusal.into_answer(switches),
        };
        answer.into_response(switches)
    }

    /// The answer to a wrong, missing or cleared token (RFC 7644 §3.12, RFC 6750 §3).
    pub(super) fn unauthorised(&self, token_given: bool) -> Response<Body> {
        let challenge = if token_given {
            "Bearer realm=\"8x8\", error=\"invalid_token\""
        } else {
            "Bearer realm=\"8x8\""
        };
        self.refuse(
            StatusCode::UNAUTHORIZED,
            "The API token is missing or wrong.",
            |answer| answer.with_header(WWW_AUTHENTICATE, challenge),
        )
    }

    /// An answer from outside any operation.
    pub(super) fn refuse(
        &self,
        status: StatusCode,
        detail: &str,
        adorn: impl FnOnce(Answer) -> Answer,
    ) -> Response<Body> {
        let tenant = lock(&self.tenant);
        let answer = Refusal::new(status, detail).into_answer(&tenant.switches);
        adorn(answer).into_response(&tenant.switches)
    }
}

/// A body as JSON: `application/json` and `application/scim+json` are taken (RFC 7644 §3.1).
/// serde_json refuses what nests more than 128 deep.
fn json(head: &Parts, body: &[u8], switches: &Switches) -> Result<Value, Refusal> {
    let media_type = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let accepted = match media_type.as_str() {
        "application/json" => true,
        "application/scim+json" => !switches.contains(Switch::ScimJsonRefused),
        _ => false,
    };
    if !accepted {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal::new(status, "Send application/json."));
    }
    serde_json::from_slice(body).map_err(|_| Refusal::syntax("The body is no JSON."))
}

async fn list(State(shared): Tenancy, segments: Segments, head: Parts) -> Response<Body> {
    shared.run(&segments, &head, |tenant, head| tenant.list(head))
}

async fn create(
    State(shared): Tenancy,
    segments: Segments,
    head: Parts,
    body: Bytes,
) -> Response<Body> {
    shared.run(&segments, &head, |tenant, asked| {
        let body = json(&head, &body, &tenant.switches)?;
        tenant.create(&body, asked)
    })
}

async fn read(State(shared): Tenancy, segments: Segments, head: Parts) -> Response<Body> {
    shared.run(&segments, &head, |tenant, head| {
        tenant.read(segments.last(), head)
    })
}

async fn replace(
    State(shared): Tenancy,
    segments: Segments,
    head: Parts,
    body: Bytes,
) -> Response<Body> {
    shared.run(&segments, &head, |tenant, asked| {
        let body = json(&head, &body, &tenant.switches)?;
        tenant.replace(segments.last(), &body, asked)
    })
}

async fn patch(
    State(shared): Tenancy,
    segments: Segments,
    head: Parts,
    body: Bytes,
) -> Response<Body> {
    shared.run(&segments, &head, |tenant, asked| {
        let body = json(&head, &body, &tenant.switches)?;
        tenant.patch(segments.last(), &body, asked)
    })
}

async fn delete(State(shared): Tenancy, segments: Segments, head: Parts) -> Response<Body> {
    shared.run(&segments, &head, |tenant, head| {
        tenant.delete(segments.last(), head)
    })
}

async fn service_provider_config(
    State(shared): Tenancy,
    segments: Segments,
    head: Parts,
) -> Response<Body> {
    shared.run(&segments, &head, |tenant, _| {
        tenant.service_provider_config()
    })
}

async fn resource_types(State(shared): Tenancy, segments: Segments, head: Parts) -> Response<Body> {
    shared.run(&segments, &head, |tenant, _| tenant.resource_types())
}

async fn resource_type(State(shared): Tenancy, segments: Segments, head: Parts) -> Response<Body> {
    shared.run(&segments, &head, |tenant, _| {
        tenant.resource_type(segments.last())
    })
}

async fn schemas(State(shared): Tenancy, segments: Segments, head: Parts) -> Response<Body> {
    shared.run(&segments, &head, |tenant, _| tenant.schemas())
}

async fn schema(State(shared): Tenancy, segments: Segments, head: Parts) -> Response<Body> {
    shared.run(&segments, &head, |tenant, _| tenant.schema(segments.last()))
}

async fn not_implemented(
    State(shared): Tenancy,
    segments: Segments,
    head: Parts,
) -> Response<Body> {
    let refusal = Refusal::new(StatusCode::NOT_IMPLEMENTED, "This is not implemented.");
    shared.run(&segments, &head, |_, _| Err(refusal))
}

async fn no_such_endpoint(
    State(shared): Tenancy,
    segments: Segments,
    head: Parts,
) -> Response<Body> {
    let refusal = Refusal::not_found("There is no such endpoint.");
    shared.run(&segments, &head, |_, _| Err(refusal))
}

async fn method_not_allowed(State(shared): Tenancy) -> Response<Body> {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    shared.refuse(status, "The method is not supported here.", |answer| answer)
}
