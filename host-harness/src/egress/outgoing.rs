//! A request that has passed the policy, without its secrets.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use hyper::body::Bytes;
use reqwest::header::HeaderMap;
use url::Url;

use super::headers;
use crate::contract::{Credential, CredentialPlacement, Header, Method};
use crate::trace::{REDACTED, SentRequest};

/// A request that has passed the policy, without its secrets.
pub struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    /// Those whose secrets it is to carry.
    pub(super) credentials: Vec<Credential>,
    /// What the connector asked to wait before.
    pub(super) delay: Duration,
    shown: OnceLock<SentRequest>,
}

impl Outgoing {
    pub(super) fn new(
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
        credentials: Vec<Credential>,
        delay: Duration,
    ) -> Self {
        Self {
            method,
            url,
            headers,
            body: body.map(Bytes::from),
            credentials,
            delay,
            shown: OnceLock::new(),
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The body, where there is one.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// As people see it: each credential's place filled with [`REDACTED`].
    #[must_use]
    pub fn shown(&self) -> &SentRequest {
        self.shown.get_or_init(|| {
            let mut url = self.url.as_str().to_owned();
            let mut headers = headers::visible(&self.headers);
            for credential in &self.credentials {
                show_place(&credential.placement, &mut url, &mut headers);
            }
            SentRequest {
                method: self.method.as_str().to_owned(),
                url,
                headers,
                body: self.body.as_ref().map(|body| body.to_vec()),
            }
        })
    }

    pub(super) fn writes(&self) -> bool {
        !matches!(self.method, Method::Get | Method::Head)
    }
}

/// Without what people's data may be in.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

fn show_place(placement: &CredentialPlacement, url: &mut String, headers: &mut Vec<Header>) {
    let (name, prefix) = match placement {
        CredentialPlacement::Bearer | CredentialPlacement::ClientCredentials(_) => {
            ("authorization".to_owned(), "Bearer ")
        }
        CredentialPlacement::Basic => ("authorization".to_owned(), "Basic "),
        CredentialPlacement::Header(header) => {
            (header.name.to_ascii_lowercase(), header.prefix.as_str())
        }
        CredentialPlacement::Query(parameter) => {
            let separator = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{separator}{parameter}={REDACTED}"));
            return;
        }
    };
    headers.push(Header {
        name,
        value: format!("{prefix}{REDACTED}"),
    });
}
