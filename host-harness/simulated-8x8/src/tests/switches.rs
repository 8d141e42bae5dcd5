//! What each switch changes.

use super::*;

const TITLE: &str = r#"[{"op": "replace", "path": "title", "value": "Countess"}]"#;
const MIXED: &str = r#"[{"op": "replace", "value": {"active": false, "title": "Countess"}}]"#;
const ACTIVE: &str = r#"[{"op": "replace", "path": "active", "value": false}]"#;

fn operations(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn patch_may_serve_active_only_ignore_the_rest_or_not_be_there() {
    for (switches, title, mixed, active) in [
        (vec![], 200, 200, 200),
        (vec![Switch::PatchActiveOnly], 400, 400, 200),
        (vec![Switch::PatchIgnoresOthers], 200, 200, 200),
        (
            vec![Switch::PatchActiveOnly, Switch::PatchIgnoresOthers],
            400,
            400,
            200,
        ),
        (
            vec![Switch::Patch405, Switch::PatchActiveOnly],
            405,
            405,
            405,
        ),
        (vec![Switch::PatchRefused, Switch::Patch405], 501, 501, 501),
        (vec![Switch::PatchNoContent], 204, 204, 204),
    ] {
        let rig = Rig::with(&switches).await;
        let id = rig.create(&ada()).await.id();
        for (text, status) in [(TITLE, title), (MIXED, mixed), (ACTIVE, active)] {
            let seen = rig.patch(&id, operations(text)).await;
            assert_eq!(seen.status, status, "{switches:?} {text}");
            if status == 400 {
                assert_eq!(seen.scim_type(), "invalidPath");
            }
        }
        let user = rig.tenant.user(&id).unwrap();
        let changed = switches.is_empty() || switches.contains(&Switch::PatchNoContent);
        assert_eq!(user["title"] == "Countess", changed, "{switches:?}");
        assert_eq!(user["active"], title >= 405);
    }
}

#[tokio::test]
async fn put_may_be_refused() {
    let rig = Rig::with(&[Switch::PutRefused]).await;
    let id = rig.create(&ada()).await.id();
    let seen = rig.send("PUT", &format!("/Users/{id}"), Some(&ada())).await;
    assert_eq!(
        (seen.status, seen.header("allow")),
        (405, Some("GET, PATCH, DELETE"))
    );
}

#[tokio::test]
async fn edits_of_an_inactive_user_are_refused_but_for_reactivating() {
    let rig = Rig::with(&[Switch::InactiveEditsRefused]).await;
    let id = rig.create(&ada()).await.id();
    rig.patch(&id, operations(ACTIVE)).await;
    assert_eq!(
        rig.patch(&id, operations(TITLE)).await.scim_type(),
        "mutability"
    );
    let both = json!([{"op": "replace", "value": {"active": true, "title": "Countess"}}]);
    assert_eq!(rig.patch(&id, both).await.status, 400);
    let reactivate = json!([{"op": "replace", "path": "active", "value": true}]);
    assert_eq!(rig.patch(&id, reactivate).await.status, 200);
    assert_eq!(rig.patch(&id, operations(TITLE)).await.status, 200);
}

#[tokio::test]
async fn a_create_may_answer_without_body_or_location() {
    let rig = Rig::with(&[Switch::CreateWithoutBody]).await;
    let seen = rig.create(&ada()).await;
    assert_eq!((seen.status, seen.text.as_str()), (201, ""));
    assert!(seen.header("location").is_some());
    rig.tenant.set_switches(Switch::LocationMissing.into());
    let seen = rig.create(&ada_with(json!({"userName": "b"}))).await;
    assert!(seen.header("location").is_none());
    assert!(seen.json()["meta"].get("location").is_none());
}

#[tokio::test]
async fn a_console_user_may_be_hidden_and_still_collides() {
    let rig = Rig::with(&[]).await;
    let id = rig.tenant.add_console_user(json!({
        "userName": "ada@example.com",
        "nickName": "kept as it is",
    }));
    let path = format!("/Users/{id}");
    assert_eq!(rig.get(&path).await.json()["nickName"], "kept as it is");
    rig.tenant.set_switches(Switch::ConsoleUsersHidden.into());
    assert_eq!(rig.get(&path).await.status, 404);
    assert_eq!(rig.send("DELETE", &path, None).await.status, 404);
    assert_eq!(rig.get("/Users").await.json()["totalResults"], 0);
    assert_eq!(
        rig.find("userName eq \"ada@example.com\"").await.json()["totalResults"],
        0
    );
    assert_eq!(rig.create(&ada()).await.status, 409);
    assert_eq!(rig.tenant.users().len(), 1);
}

#[tokio::test]
async fn a_duplicate_may_be_400_or_nothing_at_all() {
    let rig = Rig::with(&[Switch::DuplicateIs400]).await;
    rig.create(&ada()).await;
    let seen = rig.create(&ada()).await;
    assert_eq!((seen.status, seen.scim_type().as_str()), (400, ""));
    assert_eq!(seen.json()["detail"], "userName already in use");
    rig.tenant
        .set_switches([Switch::DuplicateIs400, Switch::NamesNotUnique].into());
    assert_eq!(rig.create(&ada()).await.status, 201);
    assert_eq!(
        rig.find("userName eq \"ada@example.com\"").await.json()["totalResults"],
        2
    );
}

#[tokio::test]
async fn bodies_may_be_demanded_otherwise() {
    let rig = Rig::with(&[Switch::ExternalIdRequired]).await;
    assert_eq!(
        rig.create(&ada_with(json!({"externalId": null})))
            .await
            .scim_type(),
        "invalidValue"
    );
    rig.tenant.set_switches(Switch::ScimJsonRefused.into());
    assert_eq!(rig.create(&ada()).await.status, 415);
    let request = rig.request("POST", "/Users", None);
    let request = request.header("content-type", "application/json; charset=utf-8");
    let response = request.body(ada().to_string()).send().await.unwrap();
    assert_eq!(response.status(), 201);
    rig.tenant.set_switches(Switch::SchemasRequired.into());
    let bare = json!({"userName": "b", "name": {"givenName": "B", "familyName": "C"}});
    assert_eq!(rig.create(&bare).await.scim_type(), "invalidSyntax");
    rig.tenant.set_switches(super::super::Switches::none());
    assert_eq!(rig.create(&bare).await.status, 201);
}

#[tokio::test]
async fn values_may_be_stored_in_a_spelling_of_the_tenants_own() {
    let rig = Rig::with(&[
        Switch::PhonesNormalised,
        Switch::BlanksTrimmed,
        Switch::UserNameLowercased,
        Switch::DepartmentIgnored,
    ])
    .await;
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let given = ada_with(json!({
        "schemas": [USER, SITE, enterprise],
        "userName": "ADA@example.com",
        "title": " Analyst ",
        (enterprise): {"department": "R&D"},
    }));
    let user = rig.create(&given).await.json();
    assert_eq!(user["userName"], "ada@example.com");
    assert_eq!(user["title"], "Analyst");
    assert_eq!(user["phoneNumbers"][0]["value"], "tel:+442079460018");
    assert!(user.get(enterprise).is_none());
}

#[tokio::test]
async fn unknown_attributes_may_be_kept_until_a_put_leaves_them_out() {
    let rig = Rig::with(&[]).await;
    let more = json!({"nickName": "Countess", "urn:x:User": {"badge": 7}});
    let user = rig.create(&ada_with(more.clone())).await;
    assert!(user.json().get("nickName").is_none());
    rig.tenant.set_switches(Switch::UnknownKept.into());
    let path = format!("/Users/{}", user.id());
    let seen = rig.send("PUT", &path, Some(&ada_with(more))).await.json();
    assert_eq!(seen["nickName"], "Countess");
    assert_eq!(seen["urn:x:User"]["badge"], 7);
    let seen = rig.send("PUT", &path, Some(&ada())).await.json();
    assert!(seen.get("nickName").is_none() && seen.get("urn:x:User").is_none());
}

#[tokio::test]
async fn versions_are_honoured_where_there_are_any() {
    let rig = Rig::with(&[Switch::Versions]).await;
    let created = rig.create(&ada()).await;
    let old = created.header("etag").unwrap().to_owned();
    assert_eq!(created.json()["meta"]["version"], old.as_str());
    rig.patch(&created.id(), operations(TITLE)).await;
    let path = format!("/Users/{}", created.id());
    let put = async |version: &str| {
        let request = rig
            .request("PUT", &path, Some(&ada()))
            .header("if-match", version);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(put(&old).await, 412);
    let current = rig.get(&path).await.header("etag").unwrap().to_owned();
    let again = rig
        .request("GET", &path, None)
        .header("if-none-match", &current);
    assert_eq!(again.send().await.unwrap().status(), 304);
    assert_eq!(put(&current).await, 200);
    assert_eq!(put("*").await, 200);
}

#[tokio::test]
async fn answers_may_look_otherwise() {
    let rig = Rig::with(&[Switch::ActiveAsString, Switch::AnswersPlainJson]).await;
    let seen = rig.create(&ada()).await;
    assert_eq!(seen.json()["active"], "True");
    assert_eq!(seen.header("content-type"), Some("application/json"));
    rig.tenant
        .set_switches([Switch::ErrorStatusAsNumber, Switch::ScimTypeMissing].into());
    let error = rig.create(&ada()).await.json();
    assert_eq!(error["status"], 409);
    assert!(error.get("scimType").is_none());
    rig.tenant.set_switches(Switch::NotFoundHtml.into());
    let seen = rig.get("/Users/nobody").await;
    assert_eq!(
        (seen.status, seen.header("content-type")),
        (404, Some("text/html"))
    );
    rig.tenant.set_switches(Switch::DiscoveryMissing.into());
    for path in [
        "/ServiceProviderConfig",
        "/Schemas",
        "/ResourceTypes",
        "/ResourceTypes/User",
    ] {
        assert_eq!(rig.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn site_may_live_under_8x8s_other_urn() {
    let other = "urn:8x8:scim:schemas:extension:8x8user:2.0:User";
    let rig = Rig::with(&[Switch::SiteUrn8x8User]).await;
    let user = rig.create(&ada()).await.json();
    assert!(
        user.get(SITE).is_none(),
        "the URN that nobody knows is ignored"
    );
    let id = user["id"].as_str().unwrap();
    let set = json!([{"op": "add", "path": format!("{other}:site"), "value": "Madrid"}]);
    let user = rig.patch(id, set).await.json();
    assert_eq!(user["schemas"], json!([USER, other]));
    assert_eq!(user[other]["site"], "Madrid");
    assert_eq!(
        rig.find(&format!("{other}:site eq \"Madrid\""))
            .await
            .json()["totalResults"],
        1
    );
}

#[tokio::test]
async fn delete_may_really_delete() {
    let rig = Rig::with(&[Switch::DeleteReallyDeletes]).await;
    let id = rig.create(&ada()).await.id();
    let path = format!("/Users/{id}");
    assert_eq!(rig.send("DELETE", &path, None).await.status, 204);
    assert_eq!(rig.send("DELETE", &path, None).await.status, 404);
    assert_eq!(rig.create(&ada()).await.status, 201);
}

/// All pairs are meaningful: nothing breaks, and every answer is one that SCIM knows.
#[tokio::test]
async fn every_pair_of_switches_serves_a_lifecycle_without_a_5xx_but_501() {
    let rig = Rig::with(&[]).await;
    let mut number = 0;
    for first in Switch::ALL {
        for second in Switch::ALL.iter().filter(|second| first <= second) {
            rig.tenant.set_switches([*first, *second].into());
            number += 1;
            let name = format!("person-{number}@example.com");
            let mut body = ada_with(json!({"userName": name}));
            if [first, second].contains(&&Switch::SiteUrn8x8User) {
                body.as_object_mut().unwrap().remove(SITE);
            }
            let request = rig.request("POST", "/Users", None);
            let request = request.header("content-type", "application/json");
            let created = seen(request.body(body.to_string()).send().await.unwrap())
                .await
                .unwrap();
            assert_eq!(created.status, 201, "{first} {second}: {created:?}");
            let id = rig.tenant.users().last().unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned();
            let statuses = [
                rig.get(&format!("/Users/{id}")).await.status,
                rig.get("/Users").await.status,
                rig.patch(&id, operations(MIXED)).await.status,
                rig.send("DELETE", &format!("/Users/{id}"), None)
                    .await
                    .status,
            ];
            assert!(
                statuses
                    .iter()
                    .all(|status| *status < 500 || *status == 501)
            );
            assert_eq!((statuses[0], statuses[1], statuses[3]), (200, 200, 204));
            rig.tenant.delete_in_console(&id);
        }
    }
}
