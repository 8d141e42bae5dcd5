//! A request with its secrets in place, and how it is sealed again where the upstream no
//! longer takes them: a rotated secret is used without a restart, also for a request that
//! was under way.

use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::credential::{self, CredentialError, Credentials};
use super::outgoing::Outgoing;
use super::refused::refusal;
use super::secret_check;
use crate::contract::{Credential, Refusal, RefusalReason};
use crate::scrub::{Spelling, texts_of};

/// What goes over the wire beside method and body.
pub(super) struct Sealed {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// What must not be seen of its secrets, by the credential's name.
    pub(super) hidden: Vec<(String, Vec<Spelling>)>,
    secrets: Vec<SecretString>,
}

/// Fetches the secrets and puts them in place.
pub(super) async fn seal(request: &Outgoing, source: &dyn Credentials) -> Result<Sealed, Refusal> {
    let mut secrets = Vec::new();
    for credential in &request.credentials {
        secrets.push(source.secret(&credential.name).await.map_err(refused)?);
    }
    sealed_with(request, secrets)
}

/// After a 401: sealed with the secrets as they are now; `None` where none has changed,
/// or there are none, and asking again would get the same answer.
pub(super) async fn renewed(
    request: &Outgoing,
    source: &dyn Credentials,
    old: &Sealed,
) -> Option<Sealed> {
    let mut secrets = Vec::new();
    for credential in &request.credentials {
        secrets.push(source.rejected(&credential.name).await.ok()?);
    }
    let changed = secrets
        .iter()
        .zip(&old.secrets)
        .any(|(new, old)| new.expose_secret() != old.expose_secret());
    if !changed {
        return None;
    }
    sealed_with(request, secrets).ok()
}

fn sealed_with(request: &Outgoing, secrets: Vec<SecretString>) -> Result<Sealed, Refusal> {
    let (mut url, mut headers) = (request.url.clone(), request.headers.clone());
    let mut hidden = Vec::new();
    for (credential, secret) in request.credentials.iter().zip(&secrets) {
        let Credential {
            name, placement, ..
        } = credential;
        secret_check::checked(name, secret).map_err(refused)?;
        credential::place(name, placement, secret, &mut headers, &mut url).map_err(refused)?;
        hidden.push((name.clone(), hidden_of(credential, secret)));
    }
    Ok(Sealed {
        url,
        headers,
        hidden,
        secrets,
    })
}

/// What must not be seen of a secret that is put where this credential goes.
pub(super) fn hidden_of(credential: &Credential, secret: &SecretString) -> Vec<Spelling> {
    let placed = credential::header_value(&credential.placement, secret);
    texts_of(secret, placed.as_ref().map(|text| text.as_bytes()))
}

pub(super) fn refused(error: CredentialError) -> Refusal {
    refusal(RefusalReason::Credential, error.message)
}
