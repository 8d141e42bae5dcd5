//! Accounts by their lookup keys.

use host_harness::contract::Effect;

use super::{borrowed, person, without};
use crate::checks::Checks;
use crate::service::Service;
use crate::stage::{but, draft, text};

pub(crate) async fn keys(service: &Service, checks: &Checks) -> Option<()> {
    let ada = person("lookup");
    let made = service.connection.create(&draft(&borrowed(&ada))).await;
    let ada = checks.done("create", made)?.account;
    for (key, value, wanted) in [
        ("userName", "lookup@Example.com", Some(&ada)),
        ("externalId", "E-lookup", Some(&ada)),
        ("externalId", "e-lookup", None),
        ("externalId", "E-looku", None),
        ("userName", "nobody@example.com", None),
        ("externalId", "E-nobody", None),
    ] {
        let found = service.connection.find(key, &text(value)).await;
        let found = checks.done(format!("find {key}={value}"), found)?;
        checks.same(format!("find {key}={value}"), found.as_ref(), wanted);
    }
    let got = checks.done("get", service.connection.get(&ada.id).await)?;
    checks.same("get", &got, &ada);
    Some(())
}

/// Values that a filter, a query string or JSON could take for something of their own.
pub(crate) async fn odd_values(service: &Service, checks: &Checks) -> Option<()> {
    for (number, value) in [
        r#"quo"te"#,
        r"back\slash",
        r"back\\slashes\",
        "plus+sign",
        "per%20cent",
        "am&per=sand",
        "two words",
        "accent é ü 名 🦀",
        r#"" or userName pr or userName eq ""#,
        "semi;colon#hash?",
        "(round) [square] {curly}",
        "true",
        "4711",
        "null",
        "'single'",
        "eq",
    ]
    .into_iter()
    .enumerate()
    {
        let odd = person(&format!("odd-{number}"));
        let odd = but(&borrowed(&odd), &[("externalId", value)]);
        let made = service.connection.create(&draft(&odd)).await;
        let made = checks.done(format!("create {value}"), made)?;
        let found = service.connection.find("externalId", &text(value)).await;
        let code = found.as_ref().err().and_then(|failure| failure.code());
        if !service.paging && code == Some("paging-repeats") {
            // A filter that is refused, and no way to look at everybody: said, not guessed.
            checks.that(format!("{value} cannot be told"), true, &());
            continue;
        }
        if let Some(found) = checks.done(format!("find {value}"), found) {
            let id = found.map(|account| account.id);
            checks.same(format!("found {value}"), id, Some(made.account.id));
        }
    }
    Some(())
}

pub(crate) async fn unchanged(service: &Service, checks: &Checks) -> Option<()> {
    let ada = person("unchanged");
    let ada = borrowed(&ada);
    let made = checks.done("hire", service.provision(&ada).await)?.account;
    for wanted in [
        ada.clone(),
        but(&ada, &[("title", " Analyst "), ("locale", "EN-gb")]),
        but(&ada, &[("workEmail", "UNCHANGED@example.com")]),
        without(&ada, &["title", "mobilePhone", "site", "externalId"]),
    ] {
        service.seen();
        let same = checks.done("provision", service.provision(&wanted).await)?;
        checks.same("nothing to change", same.effect, Effect::Unchanged);
        checks.same("the same account", &same.account, &made);
        checks.same("one read", service.seen(), vec!["GET /Users".to_owned()]);
    }
    // A number is compared by what is dialled, and that only the connector knows.
    let dialled = but(&ada, &[("workPhone", "tel:+44-20-7946-0018")]);
    let same = checks.done("provision", service.provision(&dialled).await)?;
    checks.same("the same number", same.effect, Effect::Unchanged);
    checks.same("no write", service.writes(), Vec::new());
    Some(())
}
