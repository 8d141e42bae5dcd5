//! Whether the tenant can be reached, and what a wrong credential comes to.

use std::sync::Arc;

use super::expect::{done, refused};
use super::outcome::{Checked, Stop};
use super::trial::Trial;
use crate::contract::{CredentialPlacement, FailureKind};
use crate::egress::StaticCredentials;

/// Nobody's secret; one that fits into `user:password`, too.
const WRONG: &str = "conform:wrong-on-purpose";

pub(super) async fn check_succeeds(trial: &mut Trial) -> Checked {
    let report = trial.check().await;
    let report = done("`check`", report)?;
    trial.notices.extend(report.notices);
    Ok(())
}

pub(super) async fn refused_credential(trial: &mut Trial) -> Checked {
    let manifest = trial.manifest();
    if manifest.credentials.is_empty() {
        return Err(Stop::skip("the connector has no credential"));
    }
    let mut wrong = StaticCredentials::new();
    for credential in &manifest.credentials {
        if let CredentialPlacement::ClientCredentials(_) = credential.placement {
            return Err(Stop::skip(
                "the token endpoint would refuse it, not the service",
            ));
        }
        wrong = wrong.with(credential.name.clone(), WRONG);
    }
    let mut options = trial.options.clone();
    options.credentials = Arc::new(wrong);
    let connection = done(
        "connecting with a wrong credential",
        trial.component.connect(options).await,
    )?;
    let due = [(FailureKind::Unauthenticated, "unauthenticated")];
    let what = "`check` with a wrong credential";
    let failure = refused(what, connection.check().await, &due)?;
    trial.failures.push(failure);
    Ok(())
}
