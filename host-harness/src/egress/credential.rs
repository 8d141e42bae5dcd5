//! Secrets: where they come from, and where they are put. A connector names a credential;
//! the host fetches the value for each request, after every other check has passed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;
use zeroize::Zeroizing;

use super::{secret_file, secrets};
use crate::contract::CredentialPlacement;
use crate::mitigation::Mitigation;

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
        if !Mitigation::SecretNotInDebug.is_on() {
            let leaked = self
                .0
                .iter()
                .map(|(name, secret)| (name, secret.expose_secret()));
            return f.debug_map().entries(leaked).finish();
        }
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

/// Where a connection file says that a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable of the environment.
    Environment(String),
    /// A file; one line end at its end does not count.
    File {
        /// Where it is.
        path: PathBuf,
        /// Whether others than its owner may read it. Where not, one that they can read is
        /// refused (Unix).
        shared: bool,
    },
}

impl SecretSource {
    /// Reads the secret of the credential `name`.
    ///
    /// # Errors
    ///
    /// The variable is unset or empty; the file is missing, unreadable, readable for others, or
    /// empty; the secret holds what the wire would change.
    pub fn read(&self, name: &str) -> Result<SecretString, CredentialError> {
        let fail = |code, message: String| CredentialError {
            code,
            message: format!("The credential `{name}`: {message}"),
        };
        let text = match self {
            Self::Environment(variable) => match std::env::var(variable) {
                Ok(value) => Zeroizing::new(value),
                Err(std::env::VarError::NotPresent) => {
                    return Err(fail("missing", format!("{} is not set.", named(variable))));
                }
                Err(std::env::VarError::NotUnicode(_)) => {
                    let message = format!("{} is not valid UTF-8.", named(variable));
                    return Err(fail("invalid", message));
                }
            },
            Self::File { path, shared } => {
                secret_file::read(path, *shared).map_err(|(code, message)| fail(code, message))?
            }
        };
        let value = text.strip_suffix('\n').unwrap_or(&text);
        let value = value.strip_suffix('\r').unwrap_or(value);
        if value.is_empty() {
            let what = match self {
                Self::Environment(variable) => named(variable),
                Self::File { path, .. } => path.display().to_string(),
            };
            return Err(fail("empty", format!("{what} is empty.")));
        }
        let secret = SecretString::from(value.to_owned());
        secrets::checked(name, &secret)?;
        Ok(secret)
    }
}

/// A variable in a message. What does not look like the name of one is not repeated: it may be the
/// secret, written where its variable should be named.
fn named(variable: &str) -> String {
    let usual = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_name = variable.chars().all(usual) && (variable.contains('_') || variable.len() <= 16);
    if is_name {
        return format!("the environment variable {variable}");
    }
    "the environment variable that `env` names (which is not shown, since it does not look like \
     a name; the secret itself does not belong there)"
        .to_owned()
}

/// Secrets from the environment and from files, read again at each request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialSources(pub BTreeMap<String, SecretSource>);

impl Credentials for CredentialSources {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<SecretString, CredentialError>> {
        let secret = match self.0.get(name) {
            Some(source) => source.read(name),
            None => Err(missing(name)),
        };
        Box::pin(async move { secret })
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(self.0.keys().cloned().collect())
    }
}

fn missing(name: &str) -> CredentialError {
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

    #[test]
    fn a_secret_in_the_place_of_a_variables_name_is_not_shown() {
        for secret in ["c4nary-t0ken", "eyJhbGciOi.x.y", "JBSWY3DPEHPK3PXPJBSWY3DP"] {
            let error = SecretSource::Environment(secret.to_owned())
                .read("token")
                .unwrap_err();
            assert_eq!(error.code, "missing");
            assert!(!error.message.contains(secret), "{error}");
        }
        let source = SecretSource::Environment("HARNESS_TEST_UNSET".to_owned());
        let error = source.read("token").unwrap_err();
        assert!(error.message.contains("HARNESS_TEST_UNSET"), "{error}");
    }

    #[test]
    fn a_secret_file_loses_the_line_end_and_must_not_be_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "s3\r\n").unwrap();
        let source = SecretSource::File {
            path: path.clone(),
            shared: true,
        };
        assert_eq!(source.read("token").unwrap().expose_secret(), "s3");
        for changed in ["s3 \n", " s3", "s3\n\n", "s3\t", "s\u{e9}3", "\u{feff}s3"] {
            std::fs::write(&path, changed).unwrap();
            let error = source.read("token").unwrap_err();
            assert_eq!(error.code, "invalid", "{changed:?}");
            assert!(error.message.contains("`token`"), "{error}");
        }
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(source.read("token").unwrap_err().code, "empty");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(source.read("token").unwrap_err().code, "missing");
    }
}
