//! Every attribute, with each method of updating.

use std::collections::BTreeMap;

use host_harness::contract::Effect;

use super::{borrowed, person, without};
use crate::checks::Checks;
use crate::service::Service;
use crate::stage::{ADA, but, draft, edits, held};

/// Another value for each that may change; the first four are required.
const OTHERS: [(&str, &str); 11] = [
    ("userName", "countess"),
    ("givenName", "Augusta Ada"),
    ("familyName", "King-Noël"),
    ("workEmail", "countess@example.com"),
    ("externalId", "E-1835"),
    ("mobilePhone", "+44 7700 900999"),
    ("workPhone", "+44 20 7946 0999"),
    ("title", "Countess “of” \\Lovelace"),
    ("locale", "fr-FR"),
    ("timezone", "Europe/Paris"),
    ("department", "Sales & \"more\""),
];

fn map(person: &[(&str, &str)]) -> BTreeMap<String, String> {
    person
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

pub(crate) async fn all(service: &Service, checks: &Checks) -> Option<()> {
    for method in ["auto", "patch", "put"] {
        let connection = service.connect(&[("update-method", method)]).await;
        let ada = person(&format!("attributes-{method}"));
        let ada = borrowed(&ada);
        let made = checks.done("create", connection.create(&draft(&ada)).await)?;
        let id = made.account.id;
        checks.same(
            format!("{method}: made"),
            service.stored(&id).await,
            map(&ada),
        );

        let renamed = format!("countess-{method}@example.com");
        let mut now = ada;
        for (name, value) in OTHERS {
            let value = if name == "userName" { &renamed } else { value };
            let other = (name, value);
            now = but(&now, &[other]);
            let done = connection.update(&id, &edits(&[other])).await;
            let outcome = checks.done(format!("{method}: {name} is changed"), done)?;
            let what = format!("{method}: {name}");
            checks.same(&what, outcome.effect, Effect::Updated);
            checks.same(&what, held(&outcome.account), map(&now));
            checks.same(&what, service.stored(&id).await, map(&now));
        }
        for (name, _) in OTHERS.iter().skip(4) {
            now = without(&now, &[name]);
            let done = connection.update(&id, &edits(&[(name, "")])).await;
            let outcome = checks.done(format!("{method}: {name} is cleared"), done)?;
            let what = format!("{method}: {name} cleared");
            checks.same(&what, held(&outcome.account), map(&now));
            checks.same(&what, service.stored(&id).await, map(&now));
            let done = connection.update(&id, &edits(&[(name, "")])).await;
            let outcome = checks.done(format!("{method}: {name} is cleared again"), done)?;
            checks.same(&what, outcome.effect, Effect::Unchanged);
        }
        // All at once: on somebody who has none of it, then other values, then none again.
        let all: Vec<_> = OTHERS.into_iter().skip(1).collect();
        let first: Vec<_> = ADA
            .into_iter()
            .skip(1)
            .filter(|(n, _)| *n != "site")
            .collect();
        let none: Vec<_> = OTHERS.iter().skip(4).map(|(name, _)| (*name, "")).collect();
        for (step, change) in [all, first, none].iter().enumerate() {
            now = but(&now, change);
            let done = connection.update(&id, &edits(change)).await;
            let outcome = checks.done(format!("{method}: all at once, {step}"), done)?;
            let what = format!("{method}: all at once, {step}");
            checks.same(&what, held(&outcome.account), map(&now));
            checks.same(&what, service.stored(&id).await, map(&now));
        }
        checks.same("still active", service.is_active(&id).await, Some(true));
    }
    Some(())
}

pub(crate) async fn site(service: &Service, checks: &Checks) -> Option<()> {
    for method in ["patch", "put"] {
        let connection = service.connect(&[("update-method", method)]).await;
        let ada = person(&format!("site-{method}"));
        let bare = without(&borrowed(&ada), &["site", "department"]);
        let made = checks.done("create", connection.create(&draft(&bare)).await)?;
        let id = made.account.id;
        let given = connection.update(&id, &edits(&[("site", "Madrid")])).await;
        let given = checks.done(format!("{method}: a site is given"), given)?;
        checks.same("said", held(&given.account)["site"].as_str(), "Madrid");
        let wanted = but(&bare, &[("site", "Madrid")]);
        checks.same("stored", service.stored(&id).await, map(&wanted));
        service.seen();
        let other = connection.update(&id, &edits(&[("site", "London")])).await;
        let failure = other.err()?;
        checks.same("refused", failure.kind(), "invalid-account");
        checks.same("nothing was written", service.writes(), Vec::new());
    }
    Some(())
}
