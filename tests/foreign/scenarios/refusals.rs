//! A refusal is told for what it is.

use host_harness::contract::Deletion;

use crate::checks::Checks;
use crate::service::Service;
use crate::stage::{ADA, draft, edits, text};

pub(crate) async fn told(service: &Service, checks: &Checks) -> Option<()> {
    let before = service.count().await;
    let stranger = service.stranger().await;
    let kinds = [
        stranger.check().await.err(),
        stranger.create(&draft(&ADA)).await.err(),
        stranger
            .find("userName", &text("a@example.com"))
            .await
            .err(),
        stranger.get("42").await.err(),
        stranger.update("42", &edits(&[("title", "x")])).await.err(),
        stranger.delete("42").await.err(),
    ];
    for (number, failure) in kinds.iter().enumerate() {
        let kind = failure.as_ref().map(|failure| failure.kind());
        checks.same(
            format!("a wrong token, {number}"),
            kind,
            Some("unauthenticated"),
        );
    }
    checks.same("nobody was made", service.count().await, before);

    let nobody = "5f2d9f0e-0000-4000-8000-000000000000";
    let kind = |failure: Option<host_harness::Failure>| failure.map(|f| f.kind().to_owned());
    let unknown = Some("not-found".to_owned());
    let connection = &service.connection;
    checks.same(
        "get",
        kind(connection.get(nobody).await.err()),
        unknown.clone(),
    );
    let update = connection.update(nobody, &edits(&[("title", "x")])).await;
    checks.same("update", kind(update.err()), unknown);
    let deleted = checks.done("delete", connection.delete(nobody).await)?;
    checks.same("is as good as gone", deleted, Deletion::Gone);
    Some(())
}
