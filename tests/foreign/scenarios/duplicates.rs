//! Nobody is made twice, and nobody gets another's name.

use super::{borrowed, person};
use crate::checks::Checks;
use crate::service::Service;
use crate::stage::{but, draft, edits};
use host_harness::contract::Effect;

pub(crate) async fn created_twice(service: &Service, checks: &Checks) -> Option<()> {
    let ada = person("twice");
    let ada = borrowed(&ada);
    let made = checks.done("create", service.connection.create(&draft(&ada)).await)?;
    let id = made.account.id;
    let before = service.count().await;
    for name in ["twice@Example.com", "TWICE@example.COM"] {
        // With and without what tells who it is.
        for external in ["E-twice", "E-other", ""] {
            let again = but(&ada, &[("userName", name), ("externalId", external)]);
            let what = format!("{name} {external:?}");
            let refused = service.connection.create(&draft(&again)).await;
            let failure = refused.as_ref().err();
            let kind = failure.map(|failure| failure.kind());
            checks.same(&what, kind, Some("already-exists"));
            let account = failure.and_then(|failure| failure.account());
            let told = account == Some(id.as_str()) || cannot_tell(service, account);
            checks.that(&what, told, &account);
        }
    }
    checks.same("nobody was made", service.count().await, before);
    let case = but(&ada, &[("userName", "TWICE@example.COM")]);
    let same = checks.done("provision, other case", service.provision(&case).await)?;
    checks.same(
        "it is the same person",
        (&same.account.id, same.effect),
        (&id, Effect::Unchanged),
    );
    let namesake = but(&ada, &[("externalId", "E-namesake")]);
    let kind = service.provision(&namesake).await.err();
    checks.same(
        "a namesake is not the person",
        kind.as_ref().map(|f| f.kind()),
        Some("ambiguous"),
    );
    checks.same("nobody was made", service.count().await, before);
    Some(())
}

pub(crate) async fn renamed(service: &Service, checks: &Checks) -> Option<()> {
    for method in ["patch", "put"] {
        let connection = service.connect(&[("update-method", method)]).await;
        let mut ids = Vec::new();
        for name in [format!("holder-{method}"), format!("taker-{method}")] {
            let made = connection.create(&draft(&borrowed(&person(&name)))).await;
            ids.push(checks.done("create", made)?.account.id);
        }
        let before = (service.user(&ids[0]).await, service.user(&ids[1]).await);
        for name in [
            format!("holder-{method}@Example.com"),
            format!("HOLDER-{method}@example.com"),
        ] {
            let change = edits(&[("userName", &name), ("title", "Taker")]);
            let failure = connection.update(&ids[1], &change).await.err();
            let what = format!("{method}: {name} is taken");
            let kind = failure.as_ref().map(|failure| failure.kind());
            checks.same(&what, kind, Some("already-exists"));
            let account = failure.as_ref().and_then(|failure| failure.account());
            let told = account == Some(ids[0].as_str()) || cannot_tell(service, account);
            checks.that(&what, told, &account);
        }
        let after = (service.user(&ids[0]).await, service.user(&ids[1]).await);
        checks.same("neither was touched", after, before);
        // One's own name in another case is no clash.
        let own = format!("TAKER-{method}@example.com");
        let outcome = connection
            .update(&ids[1], &edits(&[("userName", &own)]))
            .await;
        let outcome = checks.done("one's own name", outcome)?;
        checks.same("is the same", outcome.effect, Effect::Unchanged);
    }
    Some(())
}

pub(crate) async fn at_once(service: &Service, checks: &Checks) -> Option<()> {
    let before = service.count().await?;
    let people: Vec<_> = (0..20)
        .map(|number| person(&format!("many-{number}")))
        .collect();
    // Each twice, and at the same time: one of the two makes the account, and neither fails.
    let twice = people.iter().chain(&people);
    let work = twice.map(|one| async move { service.provision(&borrowed(one)).await });
    let results = futures_util::future::join_all(work).await;
    for (number, pair) in (0..people.len()).map(|n| (n, (&results[n], &results[n + people.len()])))
    {
        let ids = (
            pair.0.as_ref().ok().map(|outcome| &outcome.account.id),
            pair.1.as_ref().ok().map(|outcome| &outcome.account.id),
        );
        let agree = ids.0.is_some() && ids.0 == ids.1;
        checks.that(
            format!("both runs have the same account, {number}"),
            agree,
            &pair,
        );
    }
    checks.same("twenty more", service.count().await?, before + 20);
    Some(())
}

/// Who holds a name cannot be told where neither a search nor a listing shows everybody; it may
/// then only be left open, never be somebody else.
fn cannot_tell(service: &Service, account: Option<&str>) -> bool {
    !service.paging && account.is_none()
}
