//! Credentials of a connection that sends nothing.

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use crate::egress::{CredentialError, Credentials};

/// Stands in for credentials, which nothing needs that is not sent.
pub(super) struct NotNeeded;

impl Credentials for NotNeeded {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<SecretString, CredentialError>> {
        let error = CredentialError {
            code: "missing",
            message: format!("The credential `{name}` is not read in a replay."),
        };
        Box::pin(async move { Err(error) })
    }
}
