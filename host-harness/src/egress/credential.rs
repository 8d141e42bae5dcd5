//! Secrets: where they come from, and where they are put. A connector names a credential;
//! the host fetches the value for each request, after every other check has passed.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;
use zeroize::Zeroizing;

use crate::contract::CredentialPlacement;

/// A source of secrets: a vault of the embedding platform, say.
pub trait Credentials: Send + Sync {
    /// The secret of this name. Asked at each request, so that a rotated secret is used
    /// from then on.
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<SecretString, CredentialError>>;

    /// The upstream has just refused this secret (401). What this gives, if it is another
    /// one, is tried once. A source that keeps what it fetched should fetch it again here;
    /// others need not care.
    fn rejected<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<SecretString, CredentialError>> {
        self.secret(name)
    }

    /// The names it has, where it can tell without fetching; they are compared with the
    /// manifest when a connection is made.
    fn names(&self) -> Option<Vec<String>> {
        None
    }
}

/// Why there is no secret. The message names the credential and holds none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CredentialError {
    /// Stable: `missing`, `unreadable`, `exposed`, `empty`, `invalid`.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Secrets that the program already holds.
#[derive(Default)]
pub struct StaticCredentials(BTreeMap<String, SecretString>);

impl StaticCredentials {
    /// No secrets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// And this one.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        self.0.insert(name.into(), secret.into());
        self
    }
}

impl fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Credentials for StaticCredentials {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<SecretString, CredentialError>> {
        let secret = self.0.get(name).cloned().ok_or_else(|| missing(name));
        Box::pin(async move { secret })
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(self.0.keys().cloned().collect())
    }
}

pub(super) fn missing(name: &str) -> CredentialError {
    CredentialError {
        code: "missing",
        message: format!(
            "The credential `{name}` is missing. Write `{name} = {{ env = \"…\" }}` or \
             `{name} = {{ file = \"…\" }}` under [credentials] in the connection file."
        ),
    }
}

/// Puts the secret where the manifest says.
pub(crate) fn place(
    name: &str,
    placement: &CredentialPlacement,
    secret: &SecretString,
    headers: &mut HeaderMap,
    url: &mut Url,
) -> Result<(), CredentialError> {
    if let CredentialPlacement::Query(parameter) = placement {
        let secret = secret.expose_secret();
        url.query_pairs_mut().append_pair(parameter, secret);
        return Ok(());
    }
    let header = match placement {
        CredentialPlacement::Header(header) => {
            HeaderName::try_from(header.name.as_str()).map_err(|_| invalid(name))?
        }
        _ => AUTHORIZATION,
    };
    let Some(text) = header_value(placement, secret) else {
        return Err(CredentialError {
            code: "unsupported",
            message: format!(
                "The credential `{name}` wants OAuth client credentials, which this host does \
                 not support yet."
            ),
        });
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| invalid(name))?;
    value.set_sensitive(true);
    headers.insert(header, value);
    Ok(())
}

/// What the placement makes of a secret, where it makes a header's value of it.
pub(super) fn header_value(
    placement: &CredentialPlacement,
    secret: &SecretString,
) -> Option<Zeroizing<String>> {
    let secret = secret.expose_secret();
    Some(Zeroizing::new(match placement {
        CredentialPlacement::Bearer => format!("Bearer {secret}"),
        CredentialPlacement::Basic => {
            let encoded = Zeroizing::new(BASE64.encode(secret));
            format!("Basic {}", *encoded)
        }
        CredentialPlacement::Header(header) => format!("{}{secret}", header.prefix),
        CredentialPlacement::Query(_) | CredentialPlacement::ClientCredentials(_) => return None,
    }))
}

fn invalid(name: &str) -> CredentialError {
    CredentialError {
        code: "invalid",
        message: format!(
            "The credential `{name}` holds characters that a header cannot hold, such as a line \
             end. Copy it once more."
        ),
    }
}

/// The request header that a placement fills, in lower case.
pub(crate) fn header_name(placement: &CredentialPlacement) -> Option<String> {
    match placement {
        CredentialPlacement::Header(header) => Some(header.name.to_ascii_lowercase()),
        CredentialPlacement::Query(_) => None,
        _ => Some("authorization".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::NamedHeader;

    fn placed(placement: CredentialPlacement, secret: &str) -> (HeaderMap, Url) {
        let mut headers = HeaderMap::new();
        let mut url = Url::parse("https://h.example/a?b=c").unwrap();
        place("token", &placement, &secret.into(), &mut headers, &mut url).unwrap();
        (headers, url)
    }

    #[test]
    fn a_secret_is_put_where_the_manifest_says() {
        let (headers, _) = placed(CredentialPlacement::Bearer, "s3");
        assert_eq!(headers["authorization"], "Bearer s3");
        let (headers, _) = placed(CredentialPlacement::Basic, "user:pass");
        assert_eq!(headers["authorization"], "Basic dXNlcjpwYXNz");
        let named = NamedHeader {
            name: "X-Key".into(),
            prefix: "Token ".into(),
        };
        let (headers, _) = placed(CredentialPlacement::Header(named), "s3");
        assert_eq!(headers["x-key"], "Token s3");
        let (_, url) = placed(CredentialPlacement::Query("key".into()), "s&3");
        assert_eq!(url.as_str(), "https://h.example/a?b=c&key=s%263");
    }

    #[test]
    fn debug_shows_names_and_no_secret() {
        let credentials = StaticCredentials::new().with("token", "canary");
        assert_eq!(format!("{credentials:?}"), r#"{"token"}"#);
        let (headers, _) = placed(CredentialPlacement::Bearer, "canary");
        assert!(!format!("{headers:?}").contains("canary"));
    }
}
