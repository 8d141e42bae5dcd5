//! What the tenant answers: a status, a few headers, a body, and the SCIM error body of
//! RFC 7644 §3.12.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::switches::{Switch, Switches};

/// The schema of an error body (RFC 7644 §3.12).
const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// What a gateway in front of the service says about a path it does not know.
const GATEWAY_404: &str = "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n\
<center><h1>404 Not Found</h1></center>\r\n<hr><center>gateway</center>\r\n</body>\r\n</html>\r\n";

/// Marks a response to a request that was carried out on the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Committed;

/// A body before it is written out.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    Empty,
    Json(Value),
    Html(&'static str),
}

/// An answer before it meets the switches that change how answers look.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) payload: Payload,
    pub(super) committed: bool,
}

impl Answer {
    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            payload: Payload::Empty,
            committed: false,
        }
    }

    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self {
            payload: Payload::Json(body),
            ..Self::empty(status)
        }
    }

    /// A 404 as a gateway gives it: HTML, nothing of SCIM (docs/8x8.md §4.11).
    pub(super) fn gateway_404() -> Self {
        Self {
            payload: Payload::Html(GATEWAY_404),
            ..Self::empty(StatusCode::NOT_FOUND)
        }
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says that the request was carried out on the store.
    pub(super) fn committed(mut self) -> Self {
        self.committed = true;
        self
    }

    pub(super) fn into_response(self, switches: &Switches) -> Response<Body> {
        let (media_type, bytes) = match self.payload {
            Payload::Empty => (None, Vec::new()),
            Payload::Html(page) => (Some("text/html"), page.as_bytes().to_vec()),
            Payload::Json(body) => {
                let media_type = if switches.contains(Switch::AnswersPlainJson) {
                    "application/json"
                } else {
                    "application/scim+json"
                };
                (Some(media_type), body.to_string().into_bytes())
            }
        };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = self.status;
        if let Some(media_type) = media_type {
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(name, value);
            }
        }
        if self.committed {
            response.extensions_mut().insert(Committed);
        }
        response
    }
}

/// The `scimType` values of RFC 7644 §3.12 (and of RFC 9865 §2.1) that the tenant uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScimType {
    InvalidFilter,
    InvalidSyntax,
    InvalidPath,
    InvalidValue,
    InvalidCursor,
    NoTarget,
    Mutability,
    Uniqueness,
}

impl ScimType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::InvalidValue => "invalidValue",
            Self::InvalidCursor => "invalidCursor",
            Self::NoTarget => "noTarget",
            Self::Mutability => "mutability",
            Self::Uniqueness => "uniqueness",
        }
    }
}

/// Why a request is refused; becomes a SCIM error body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) scim_type: Option<ScimType>,
    pub(super) detail: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type: None,
            detail: detail.into(),
        }
    }

    /// A 400 of the given type.
    pub(super) fn bad(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            scim_type: Some(scim_type),
            detail: detail.into(),
        }
    }

    pub(super) fn value(detail: impl Into<String>) -> Self {
        Self::bad(ScimType::InvalidValue, detail)
    }

    pub(super) fn syntax(detail: impl Into<String>) -> Self {
        Self::bad(ScimType::InvalidSyntax, detail)
    }

    pub(super) fn path(detail: impl Into<String>) -> Self {
        Self::bad(ScimType::InvalidPath, detail)
    }

    pub(super) fn filter(detail: impl Into<String>) -> Self {
        Self::bad(ScimType::InvalidFilter, detail)
    }

    pub(super) fn mutability(detail: impl Into<String>) -> Self {
        Self::bad(ScimType::Mutability, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn into_answer(self, switches: &Switches) -> Answer {
        let status = if switches.contains(Switch::ErrorStatusAsNumber) {
            json!(self.status.as_u16())
        } else {
            json!(self.status.as_str())
        };
        let mut body = json!({
            "schemas": [ERROR_SCHEMA],
            "status": status,
            "detail": self.detail,
        });
        if let (Some(scim_type), false, Some(members)) = (
            self.scim_type,
            switches.contains(Switch::ScimTypeMissing),
            body.as_object_mut(),
        ) {
            members.insert("scimType".to_owned(), json!(scim_type.name()));
        }
        Answer::json(self.status, body)
    }
}
