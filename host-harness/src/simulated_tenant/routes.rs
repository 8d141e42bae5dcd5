//! Paths and methods of the tenant (RFC 7644 §3.2), the customer's own gate, and bodies read
//! as JSON. What an operation does is in [`super::users`] and [`super::discovery`].

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use axum::routing::{any, get};
use serde_json::Value;

use super::answer::{Answer, Refusal};
use super::server::{Shared, StaleAnswer, lock};
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

impl Shared {
    /// Runs one operation under the lock, if the path names this customer.
    fn run(
        &self,
        customer: &str,
        head: &Parts,
        operation: impl FnOnce(&mut Tenant, Head<'_>) -> Outcome,
    ) -> Response<Body> {
        let mut tenant = lock(&self.tenant);
        let outcome = if customer == self.customer_id {
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

async fn list(State(shared): Tenancy, Path(customer): Path<String>, head: Parts) -> Response<Body> {
    shared.run(&customer, &head, |tenant, head| tenant.list(head))
}

async fn create(
    State(shared): Tenancy,
    Path(customer): Path<String>,
    head: Parts,
    body: Bytes,
) -> Response<Body> {
    shared.run(&customer, &head, |tenant, asked| {
        let body = json(&head, &body, &tenant.switches)?;
        tenant.create(&body, asked)
    })
}

async fn read(
    State(shared): Tenancy,
    Path((customer, id)): Path<(String, String)>,
    head: Parts,
) -> Response<Body> {
    shared.run(&customer, &head, |tenant, head| tenant.read(&id, head))
}

async fn replace(
    State(shared): Tenancy,
    Path((customer, id)): Path<(String, String)>,
    head: Parts,
    body: Bytes,
) -> Response<Body> {
    shared.run(&customer, &head, |tenant, asked| {
        let body = json(&head, &body, &tenant.switches)?;
        tenant.replace(&id, &body, asked)
    })
}

async fn patch(
    State(shared): Tenancy,
    Path((customer, id)): Path<(String, String)>,
    head: Parts,
    body: Bytes,
) -> Response<Body> {
    shared.run(&customer, &head, |tenant, asked| {
        let body = json(&head, &body, &tenant.switches)?;
        tenant.patch(&id, &body, asked)
    })
}

async fn delete(
    State(shared): Tenancy,
    Path((customer, id)): Path<(String, String)>,
    head: Parts,
) -> Response<Body> {
    shared.run(&customer, &head, |tenant, head| tenant.delete(&id, head))
}

async fn service_provider_config(
    State(shared): Tenancy,
    Path(customer): Path<String>,
    head: Parts,
) -> Response<Body> {
    shared.run(&customer, &head, |tenant, _| {
        tenant.service_provider_config()
    })
}

async fn resource_types(
    State(shared): Tenancy,
    Path(customer): Path<String>,
    head: Parts,
) -> Response<Body> {
    shared.run(&customer, &head, |tenant, _| tenant.resource_types())
}

async fn resource_type(
    State(shared): Tenancy,
    Path((customer, name)): Path<(String, String)>,
    head: Parts,
) -> Response<Body> {
    shared.run(&customer, &head, |tenant, _| tenant.resource_type(&name))
}

async fn schemas(
    State(shared): Tenancy,
    Path(customer): Path<String>,
    head: Parts,
) -> Response<Body> {
    shared.run(&customer, &head, |tenant, _| tenant.schemas())
}

async fn schema(
    State(shared): Tenancy,
    Path((customer, urn)): Path<(String, String)>,
    head: Parts,
) -> Response<Body> {
    shared.run(&customer, &head, |tenant, _| tenant.schema(&urn))
}

async fn not_implemented(
    State(shared): Tenancy,
    Path(customer): Path<String>,
    head: Parts,
) -> Response<Body> {
    let refusal = Refusal::new(StatusCode::NOT_IMPLEMENTED, "This is not implemented.");
    shared.run(&customer, &head, |_, _| Err(refusal))
}

async fn no_such_endpoint(
    State(shared): Tenancy,
    Path(customer): Path<Vec<String>>,
    head: Parts,
) -> Response<Body> {
    let customer = customer.into_iter().next().unwrap_or_default();
    let refusal = Refusal::not_found("There is no such endpoint.");
    shared.run(&customer, &head, |_, _| Err(refusal))
}

async fn method_not_allowed(State(shared): Tenancy) -> Response<Body> {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    shared.refuse(status, "The method is not supported here.", |answer| answer)
}
