//! Whatever else a user has, and whoever wrote it, it stays as it is.

use serde_json::{Value as Json, json};

use crate::checks::Checks;
use crate::service::Service;
use crate::stage::{ENTERPRISE, SITE, edits, held};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn rich(name: &str) -> Json {
    json!({
        "schemas": [USER, ENTERPRISE, SITE],
        "userName": format!("{name}@example.com"),
        "name": {"givenName": "Ada", "familyName": "Lovelace", "middleName": "Augusta"},
        "nickName": "Countess",
        "displayName": "Ada, Countess of Lovelace",
        "active": true,
        "emails": [
            {"type": "work", "value": format!("{name}@example.com"), "primary": true},
            {"type": "home", "value": "ada@home.example"},
        ],
        "phoneNumbers": [
            {"type": "home", "value": "+44 1865 000001"},
            {"type": "work", "value": "+44 20 7946 0018", "primary": true},
        ],
        "addresses": [{"type": "work", "locality": "London", "country": "GB"}],
        ENTERPRISE: {"department": "R&D", "costCenter": "4711", "organization": "Engines"},
        SITE: {"site": "London"},
    })
}

/// The parts of a rich user that 8x8's attributes do not reach.
fn others(user: &Json) -> Json {
    let of_type = |list: &str, kind: &str| {
        let elements = user[list].as_array().cloned().unwrap_or_default();
        let found = elements.into_iter().find(|element| element["type"] == kind);
        found.map_or(Json::Null, |element| element["value"].clone())
    };
    json!({
        "middleName": user["name"]["middleName"],
        "nickName": user["nickName"],
        "displayName": user["displayName"],
        "home email": of_type("emails", "home"),
        "home phone": of_type("phoneNumbers", "home"),
        "locality": user["addresses"][0]["locality"],
        "costCenter": user[ENTERPRISE]["costCenter"],
        "organization": user[ENTERPRISE]["organization"],
    })
}

pub(crate) async fn kept(service: &Service, checks: &Checks) -> Option<()> {
    let changes: [&[(&str, &str)]; 6] = [
        &[("workEmail", "countess@example.com")],
        &[
            ("workPhone", "+44 20 7946 0999"),
            ("mobilePhone", "+44 7700 900123"),
        ],
        &[("department", "Court"), ("title", "Countess")],
        &[("workPhone", ""), ("mobilePhone", "")],
        &[("department", ""), ("title", "")],
        &[("givenName", "Augusta"), ("familyName", "King")],
    ];
    for method in ["patch", "put"] {
        let connection = service.connect(&[("update-method", method)]).await;
        let planted = service.plant(&rich(&format!("kept-{method}"))).await;
        let id = checks.done("a user that another client made", planted)?;
        let before = others(&service.user(&id).await?);
        for change in changes {
            let what = format!("{method}: {change:?}");
            let done = connection.update(&id, &edits(change)).await;
            let outcome = checks.done(&what, done)?;
            let after = service.user(&id).await?;
            checks.same(&what, others(&after), before.clone());
            let stored = service.stored(&id).await;
            checks.same(&what, &held(&outcome.account), &stored);
            for (name, value) in change {
                let wanted = Some(*value).filter(|value| !value.is_empty());
                checks.same(&what, stored.get(*name).map(String::as_str), wanted);
            }
        }
    }
    Some(())
}

pub(crate) async fn shapes(service: &Service, checks: &Checks) -> Option<()> {
    let minimal = |name: &str, more: Json| {
        let mut user = json!({"schemas": [USER], "userName": format!("{name}@example.com")});
        if let (Some(user), Json::Object(more)) = (user.as_object_mut(), more) {
            user.extend(more);
        }
        user
    };
    for method in ["patch", "put"] {
        let connection = service.connect(&[("update-method", method)]).await;
        // Hardly anything: no name, no address, no status.
        let planted = service
            .plant(&minimal(&format!("bare-{method}"), json!({})))
            .await;
        let id = checks.done("a user of a name alone", planted)?;
        let change = [
            ("givenName", "Ada"),
            ("familyName", "Lovelace"),
            ("workEmail", "ada@example.com"),
            ("department", "R&D"),
            ("site", "London"),
            ("workPhone", "+44 20 7946 0018"),
        ];
        let done = connection.update(&id, &edits(&change)).await;
        checks.done(format!("{method}: a bare user is filled"), done)?;
        let stored = service.stored(&id).await;
        for (name, value) in change {
            checks.same(name, stored.get(name).map(String::as_str), Some(value));
        }
        // One address without a type: it is the work address.
        let lone = json!({"emails": [{"value": "lone@example.com", "display": "Lone"}]});
        let planted = service
            .plant(&minimal(&format!("lone-{method}"), lone))
            .await;
        let id = checks.done("a user with an address of no type", planted)?;
        let change = [("workEmail", "other@example.com")];
        let done = connection.update(&id, &edits(&change)).await;
        let outcome = checks.done(format!("{method}: the lone address is changed"), done)?;
        checks.same(
            "said",
            held(&outcome.account)["workEmail"].as_str(),
            "other@example.com",
        );
        let emails = service.user(&id).await?["emails"].clone();
        checks.same("still one", emails.as_array().map(Vec::len), Some(1));
        checks.same(
            "changed",
            emails[0]["value"].as_str(),
            Some("other@example.com"),
        );
        // Two work addresses: which one is meant cannot be told, so neither is touched.
        let two = json!({"emails": [
            {"type": "work", "value": "one@example.com"},
            {"type": "work", "value": "two@example.com"},
        ]});
        let planted = service.plant(&minimal(&format!("two-{method}"), two)).await;
        if let Ok(id) = planted {
            let before = service.user(&id).await?;
            let done = connection.update(&id, &edits(&change)).await;
            let kind = done.as_ref().err().map(|failure| failure.kind());
            checks.same("two work addresses are ambiguous", kind, Some("ambiguous"));
            checks.same("untouched", service.user(&id).await?, before);
        } else {
            checks.that("or are not taken", planted.is_err(), &planted);
        }
    }
    Some(())
}
