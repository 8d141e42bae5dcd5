//! One user's way through, as docs/8x8.md has it.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_create_answers_201_with_location_id_and_meta() {
    let rig = Rig::with(&[]).await;
    let seen = rig.create(&ada()).await;
    assert_eq!(seen.status, 201, "{seen:?}");
    let user = seen.json();
    assert_eq!(seen.header("location"), user["meta"]["location"].as_str());
    assert_eq!(seen.header("content-type"), Some("application/scim+json"));
    assert_eq!(user["schemas"], json!([USER, SITE]));
    assert_eq!(user["meta"]["resourceType"], "User");
    assert_eq!(user["meta"]["created"], user["meta"]["lastModified"]);
    assert_eq!(user["active"], true);
    assert_eq!(user["locale"], "en-US");
    assert_eq!(user["emails"][0]["primary"], true);
    let read = rig
        .client
        .get(seen.header("location").unwrap())
        .bearer_auth(rig.tenant.token());
    assert_eq!(read.send().await.unwrap().text().await.unwrap(), seen.text);
    assert_eq!(rig.tenant.user(&seen.id()), Some(user));
}

#[tokio::test]
async fn a_name_is_unique_beyond_the_tenant_whatever_its_case() {
    let rig = Rig::with(&[]).await;
    rig.tenant.reserve_elsewhere("Taken@example.com");
    assert_eq!(rig.create(&ada()).await.status, 201);
    for name in ["ADA@example.com", "taken@EXAMPLE.com"] {
        let seen = rig.create(&ada_with(json!({"userName": name}))).await;
        assert_eq!(
            (seen.status, seen.scim_type().as_str()),
            (409, "uniqueness")
        );
    }
    let id = rig.create(&ada_with(json!({"userName": "bob"}))).await.id();
    let seen = rig
        .patch(
            &id,
            json!([{"op": "replace", "path": "userName", "value": "ada@example.com"}]),
        )
        .await;
    assert_eq!(seen.status, 409);
    let seen = rig
        .patch(
            &id,
            json!([{"op": "replace", "path": "userName", "value": "BOB"}]),
        )
        .await;
    assert_eq!(seen.status, 200);
}

#[tokio::test]
async fn delete_on_8x8_only_deactivates() {
    let rig = Rig::with(&[]).await;
    let id = rig.create(&ada()).await.id();
    let path = format!("/Users/{id}");
    for _ in 0..2 {
        let seen = rig.send("DELETE", &path, None).await;
        assert_eq!((seen.status, seen.text.as_str()), (204, ""));
        assert_eq!(rig.get(&path).await.json()["active"], false);
    }
    assert_eq!(rig.create(&ada()).await.status, 409);
    assert!(rig.tenant.delete_in_console(&id));
    assert_eq!(rig.get(&path).await.status, 404);
    assert_eq!(rig.create(&ada()).await.status, 201);
}

#[tokio::test]
async fn a_put_clears_what_it_leaves_out_but_the_site() {
    let rig = Rig::with(&[]).await;
    let id = rig.create(&ada()).await.id();
    let path = format!("/Users/{id}");
    let put = json!({
        "schemas": [USER],
        "id": "ignored",
        "userName": "ada@example.com",
        "name": {"givenName": "Ada", "familyName": "King"},
        "emails": null,
        "phoneNumbers": [],
    });
    let seen = rig.send("PUT", &path, Some(&put)).await;
    assert_eq!(seen.status, 200, "{seen:?}");
    let user = seen.json();
    assert_eq!(user["id"], id.as_str());
    assert_eq!(user["emails"][0]["value"], "noreply@8x8.com");
    assert_eq!(user[SITE]["site"], "London");
    for cleared in ["title", "externalId", "phoneNumbers"] {
        assert!(user.get(cleared).is_none(), "{cleared}");
    }
}

#[tokio::test]
async fn a_site_is_set_once() {
    let rig = Rig::with(&[]).await;
    let mut without = ada();
    without.as_object_mut().unwrap().remove(SITE);
    let id = rig.create(&without).await.id();
    let set = |site: &str| json!([{"op": "add", "path": format!("{SITE}:site"), "value": site}]);
    assert_eq!(
        rig.patch(&id, set("Atlantis")).await.scim_type(),
        "invalidValue"
    );
    assert_eq!(rig.patch(&id, set("Madrid")).await.status, 200);
    assert_eq!(rig.patch(&id, set("Madrid")).await.status, 200);
    assert_eq!(
        rig.patch(&id, set("London")).await.scim_type(),
        "mutability"
    );
    let remove = json!([{"op": "remove", "path": SITE}]);
    assert_eq!(rig.patch(&id, remove).await.scim_type(), "mutability");
    let put = rig.send("PUT", &format!("/Users/{id}"), Some(&ada())).await;
    assert_eq!(put.scim_type(), "mutability");
}

#[tokio::test]
async fn a_patch_applies_as_a_whole_or_not_at_all() {
    let rig = Rig::with(&[]).await;
    let before = rig.create(&ada()).await;
    let seen = rig
        .patch(
            &before.id(),
            json!([
                {"op": "replace", "path": "title", "value": "Countess"},
                {"op": "replace", "path": "nonsense", "value": 1},
            ]),
        )
        .await;
    assert_eq!(
        (seen.status, seen.scim_type().as_str()),
        (400, "invalidPath")
    );
    assert_eq!(rig.tenant.user(&before.id()), Some(before.json()));
}

#[tokio::test]
async fn what_is_missing_or_of_the_wrong_type_is_an_invalid_value() {
    let rig = Rig::with(&[]).await;
    for wrong in [
        json!({"userName": null}),
        json!({"userName": "  "}),
        json!({"userName": 5}),
        json!({"name": {"givenName": "Ada"}}),
        json!({"emails": {"value": "a@x.com"}}),
        json!({"emails": ["a@x.com"]}),
        json!({"active": "True"}),
    ] {
        let seen = rig.create(&ada_with(wrong.clone())).await;
        assert_eq!(
            (seen.status, seen.scim_type().as_str()),
            (400, "invalidValue"),
            "{wrong}"
        );
    }
    for schemas in [
        json!([SITE]),
        json!([USER, USER]),
        json!([USER]),
        json!("x"),
        json!([1]),
    ] {
        let seen = rig.create(&ada_with(json!({"schemas": schemas}))).await;
        assert_eq!(
            (seen.status, seen.scim_type().as_str()),
            (400, "invalidSyntax")
        );
    }
}

#[tokio::test]
async fn discovery_describes_what_the_tenant_does() {
    let rig = Rig::with(&[]).await;
    let config = rig.get("/ServiceProviderConfig").await.json();
    assert_eq!(config["patch"]["supported"], true);
    assert_eq!(config["etag"]["supported"], false);
    let types = rig.get("/ResourceTypes").await.json();
    assert_eq!(types["Resources"][0]["schema"], USER);
    assert_eq!(
        rig.get(&format!("/Schemas/{SITE}")).await.json()["id"],
        SITE
    );
    assert_eq!(rig.get("/Schemas").await.json()["totalResults"], 6);
    assert_eq!(rig.get("/Schemas/x").await.status, 404);
}
