//! Joiner, mover, leaver, and back.

use host_harness::contract::{AccountStatus, Deletion, Draft, Effect};

use super::{borrowed, person};
use crate::checks::Checks;
use crate::service::Service;
use crate::stage::{but, draft, held, set_status, stored};

pub(crate) async fn one_person(service: &Service, checks: &Checks) -> Option<()> {
    let report = checks.done("check", service.connection.check().await)?;
    checks.that("check has no complaint", report.notices.len() < 2, &report);
    let before = service.count().await;

    let ada = person("lifecycle");
    let ada = borrowed(&ada);
    let hired = checks.done("hire", service.provision(&ada).await)?;
    checks.same("hire makes an account", hired.effect, Effect::Created);
    let id = hired.account.id.clone();
    let wanted = ada
        .iter()
        .map(|(n, v)| ((*n).into(), (*v).into()))
        .collect();
    checks.same("the account is as wanted", held(&hired.account), wanted);
    checks.same(
        "it is stored",
        service.stored(&id).await,
        held(&hired.account),
    );
    checks.same("it is active", service.is_active(&id).await, Some(true));

    let moved = but(&ada, &[("title", "Countess"), ("department", "Court")]);
    let changed = checks.done("change", service.provision(&moved).await)?;
    checks.same("change updates", changed.effect, Effect::Updated);
    checks.same("the same account", &changed.account.id, &id);
    let wanted = but(&moved, &[]);
    let wanted = wanted
        .iter()
        .map(|(n, v)| ((*n).into(), (*v).into()))
        .collect();
    checks.same("it is stored", service.stored(&id).await, wanted);

    service.seen();
    let left = checks.done("leave", service.deprovision(&ada[..1]).await)?;
    checks.same("leaving updates", left, Some(Effect::Updated));
    checks.same("inactive", service.is_active(&id).await, Some(false));
    checks.same(
        "one write",
        service.writes(),
        vec![format!("PATCH /Users/{id}")],
    );
    let again = checks.done("leave again", service.deprovision(&ada[..1]).await)?;
    checks.same("nothing to do", again, Some(Effect::Unchanged));
    checks.same("no write", service.writes(), Vec::new());

    let back = checks.done("rehire", service.provision(&ada).await)?;
    checks.same("the same account comes back", &back.account.id, &id);
    checks.same("active", service.is_active(&id).await, Some(true));
    let user = service.user(&id).await.unwrap_or_default();
    checks.same("as hired", stored(&user), held(&hired.account));

    let deleted = checks.done("delete", service.connection.delete(&id).await)?;
    checks.same("really deleted", &deleted, &Deletion::Gone);
    checks.same("gone", service.user(&id).await, None);
    let again = checks.done("delete again", service.connection.delete(&id).await)?;
    checks.same("still gone", &again, &Deletion::Gone);
    let anew = checks.done("hire again", service.provision(&ada).await)?;
    checks.same("a new account", anew.effect, Effect::Created);
    checks.that("of another id", anew.account.id != id, &anew);
    checks.done("tidy up", service.connection.delete(&anew.account.id).await)?;
    checks.same("nobody else came or went", service.count().await, before);
    Some(())
}

pub(crate) async fn made_inactive(service: &Service, checks: &Checks) -> Option<()> {
    let ada = person("inactive");
    let inactive = Draft {
        status: AccountStatus::Inactive,
        ..draft(&borrowed(&ada))
    };
    let made = checks.done("create", service.connection.create(&inactive).await)?;
    let id = made.account.id;
    checks.same("said", made.account.status, AccountStatus::Inactive);
    checks.same("inactive", service.is_active(&id).await, Some(false));
    let active = set_status(AccountStatus::Active);
    let outcome = checks.done("activate", service.connection.update(&id, &active).await)?;
    checks.same("said", outcome.account.status, AccountStatus::Active);
    checks.same("active", service.is_active(&id).await, Some(true));
    let same = checks.done("again", service.connection.update(&id, &active).await)?;
    checks.same("nothing to do", same.effect, Effect::Unchanged);
    Some(())
}
