//! Secrets from the environment and from files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::credential::{CredentialError, Credentials, missing};
use super::{secret_check, secret_file};

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
        secret_check::checked(name, &secret)?;
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

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

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
