//! What has to hold, one promise a module.

mod attributes;
mod duplicates;
mod lifecycle;
mod lookup;
mod neighbours;
mod paging;
mod refusals;
mod versions;

use crate::checks::Checks;
use crate::service::Service;
use crate::stage::{ADA, but};

/// All of them, one after the other; each with people of its own.
pub(crate) async fn all(service: &Service, checks: &Checks) {
    macro_rules! play {
        ($($scenario:path, $title:literal;)*) => {$(
            checks.begin($title);
            let before = checks.count();
            // A scenario ends early where a check failed, which is counted.
            let _ = $scenario(service, checks).await;
            checks.end(before);
        )*};
    }
    play! {
        lifecycle::one_person, "hire, change, leave, rehire, delete";
        lifecycle::made_inactive, "made inactive, then activated";
        attributes::all, "every attribute set, changed, cleared, with each method";
        attributes::site, "a site is given later and never changed";
        neighbours::kept, "what others wrote is kept";
        neighbours::shapes, "users of other shapes";
        duplicates::created_twice, "nobody is made twice";
        duplicates::renamed, "nobody is given another's name";
        duplicates::at_once, "many at once";
        lookup::keys, "found by each lookup key";
        lookup::odd_values, "found whatever the value is made of";
        lookup::unchanged, "nothing to change costs one read";
        refusals::told, "a wrong token and an unknown user";
        versions::clash, "somebody else's change in between";
        // Last, since everything takes longer among many.
        paging::everybody, "everybody is listed once";
    }
}

/// Ada under another name, for a scenario to have a person of its own.
fn person(name: &str) -> Vec<(&'static str, String)> {
    ADA.iter()
        .map(|(attribute, value)| {
            let own = match *attribute {
                "userName" | "workEmail" => format!("{name}@Example.com"),
                "externalId" => format!("E-{name}"),
                _ => (*value).to_owned(),
            };
            (*attribute, own)
        })
        .collect()
}

/// As the stage takes it.
fn borrowed<'a>(person: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    person
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

/// A person less some attributes.
fn without<'a>(person: &[(&'a str, &'a str)], names: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let none: Vec<_> = names.iter().map(|name| (*name, "")).collect();
    but(person, &none)
}
