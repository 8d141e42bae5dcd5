//! Two writers at once, where a service has versions.

use serde_json::json;

use super::{borrowed, person};
use crate::checks::Checks;
use crate::service::Service;
use crate::stage::{draft, edits};

pub(crate) async fn clash(service: &Service, checks: &Checks) -> Option<()> {
    let (_, config) = service.ask("GET", "/ServiceProviderConfig", None).await;
    let announced = config["etag"]["supported"] == json!(true);
    checks.same(
        "versions are announced as expected",
        announced,
        service.etags,
    );
    for method in ["patch", "put"] {
        let connection = service.connect(&[("update-method", method)]).await;
        let ada = person(&format!("versions-{method}"));
        let made = checks.done("create", connection.create(&draft(&borrowed(&ada))).await)?;
        let first = made.account;
        checks.same("a version is shown", first.version.is_some(), service.etags);
        let id = &first.id;
        let other = connection
            .update(id, &edits(&[("title", "Countess")]))
            .await;
        let other = checks.done("somebody else's change", other)?.account;
        let mut late = edits(&[("department", "Court")]);
        if !service.etags {
            // Without versions the later one wins, and only in what it names.
            checks.done("a change after it", connection.update(id, &late).await)?;
        } else {
            checks.that("another version", other.version != first.version, &other);
            late.expected_version = first.version;
            let kind = connection.update(id, &late).await.err();
            let kind = kind.as_ref().map(|failure| failure.kind());
            checks.same(
                "an old version is refused",
                kind,
                Some("precondition-failed"),
            );
            let stored = service.stored(id).await;
            checks.same("nothing was written", stored["department"].as_str(), "R&D");
            late.expected_version = other.version;
            checks.done(
                "the version of now is taken",
                connection.update(id, &late).await,
            )?;
        }
        let stored = service.stored(id).await;
        let both = (stored["title"].as_str(), stored["department"].as_str());
        checks.same("both changes are there", both, ("Countess", "Court"));
    }
    Some(())
}
