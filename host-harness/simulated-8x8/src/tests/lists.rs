//! Lists, filters and pages.

use std::collections::BTreeSet;

use super::*;

async fn of(people: usize, switches: &[Switch]) -> Rig {
    Rig::start(TenantOptions {
        people,
        switches: switches.to_vec().into(),
        ..TenantOptions::default()
    })
    .await
}

fn ids(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().cloned().unwrap_or_default();
    let ids = resources.iter().filter_map(|user| user["id"].as_str());
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn pages_hold_everybody_once() {
    let rig = of(250, &[]).await;
    let mut seen = BTreeSet::new();
    for (start, expected) in [(1, 100), (101, 100), (201, 50), (251, 0)] {
        let list = rig
            .get(&format!("/Users?startIndex={start}&count=500"))
            .await
            .json();
        assert_eq!(list["totalResults"], 250);
        assert_eq!(list["startIndex"], start);
        assert_eq!(list["itemsPerPage"], expected);
        seen.extend(ids(&list));
    }
    assert_eq!(seen.len(), 250);
}

#[tokio::test]
async fn odd_page_parameters_do_as_rfc_7644_says() {
    let rig = of(3, &[]).await;
    for (query, length) in [
        ("startIndex=0", 3),
        ("startIndex=-7", 3),
        ("count=0", 0),
        ("count=-1", 0),
        ("startIndex=99999999999999999999999999", 0),
        ("count=2&startIndex=3", 1),
    ] {
        let list = rig.get(&format!("/Users?{query}")).await.json();
        assert_eq!(
            (list["totalResults"].as_u64(), ids(&list).len()),
            (Some(3), length),
            "{query}"
        );
    }
    assert_eq!(rig.get("/Users?count=many").await.status, 400);
}

#[tokio::test]
async fn somebody_is_found_by_name_and_by_external_id_among_thousands() {
    let rig = of(20_000, &[]).await;
    let all = rig.tenant.users();
    let one = &all[12_345];
    for attribute in ["userName", "externalId", "id"] {
        let list = rig
            .find(&format!("{attribute} eq {}", one[attribute]))
            .await
            .json();
        assert_eq!(list["totalResults"], 1);
        assert_eq!(&list["Resources"][0], one);
    }
    let list = rig.find("active eq false").await.json();
    let inactive = all.iter().filter(|user| user["active"] == false).count();
    assert_eq!(list["totalResults"], inactive);
}

#[tokio::test]
async fn attributes_and_excluded_attributes_choose_what_is_answered() {
    let rig = Rig::with(&[]).await;
    let id = rig.create(&ada()).await.id();
    let user = rig
        .get(&format!(
            "/Users/{id}?attributes=userName,emails.value,{SITE}:site"
        ))
        .await;
    let mut members: Vec<_> = user.json().as_object().unwrap().keys().cloned().collect();
    members.sort();
    assert_eq!(members, ["emails", "id", "schemas", SITE, "userName"]);
    assert_eq!(user.json()["emails"], json!([{"value": "ada@example.com"}]));
    let list = rig
        .get("/Users?excludedAttributes=name.givenName,emails,id")
        .await
        .json();
    let user = &list["Resources"][0];
    assert_eq!(user["name"], json!({"familyName": "Lovelace"}));
    assert!(user.get("emails").is_none() && user["id"] == id.as_str());
}

#[tokio::test]
async fn pages_of_10_are_capped() {
    let rig = of(25, &[Switch::PagesOf10]).await;
    assert_eq!(ids(&rig.get("/Users?count=100").await.json()).len(), 10);
    assert_eq!(
        ids(&rig.get("/Users?count=100&startIndex=21").await.json()).len(),
        5
    );
}

#[tokio::test]
async fn ignored_paging_gives_everybody_every_time() {
    let rig = of(250, &[Switch::PagingIgnored, Switch::PagesOf10]).await;
    let list = rig.get("/Users?startIndex=101&count=5").await.json();
    assert_eq!(ids(&list).len(), 250);
}

#[tokio::test]
async fn a_repeated_page_is_always_page_one() {
    let rig = of(25, &[Switch::PageRepeats, Switch::PagesOf10]).await;
    let first = rig.get("/Users?startIndex=1").await.json();
    assert_eq!(
        ids(&rig.get("/Users?startIndex=11").await.json()),
        ids(&first)
    );
}

#[tokio::test]
async fn cursors_lead_to_the_end_and_the_last_page_has_none() {
    let rig = of(25, &[Switch::CursorPaging, Switch::PagesOf10]).await;
    let mut seen = BTreeSet::new();
    let mut cursor = String::new();
    for page in 0.. {
        let query: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        let list = rig.get(&format!("/Users?cursor={query}")).await.json();
        assert!(list.get("startIndex").is_none());
        seen.extend(ids(&list));
        match list["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => {
                assert_eq!(page, 2);
                break;
            }
        }
    }
    assert_eq!(seen.len(), 25);
    assert_eq!(
        rig.get("/Users?cursor=nonsense").await.scim_type(),
        "invalidCursor"
    );
}

#[tokio::test]
async fn filters_are_ignored_or_refused_where_a_switch_says_so() {
    let rig = of(5, &[Switch::FilterIgnored]).await;
    assert_eq!(
        rig.find("userName eq \"nobody\"").await.json()["totalResults"],
        5
    );
    rig.tenant
        .set_switches([Switch::FilterIgnored, Switch::FilterRefused].into());
    assert_eq!(
        rig.find("userName eq \"nobody\"").await.scim_type(),
        "invalidFilter"
    );
    rig.tenant
        .set_switches(Switch::ExternalIdFilterRefused.into());
    assert_eq!(rig.find("userName eq \"nobody\"").await.status, 200);
    assert_eq!(
        rig.find("externalId eq \"E1\"").await.scim_type(),
        "invalidFilter"
    );
}

#[tokio::test]
async fn a_list_may_lack_its_total_and_its_resources() {
    let switches = [Switch::TotalMissing, Switch::EmptyListWithoutResources];
    let rig = of(0, &switches).await;
    let list = rig.get("/Users").await.json();
    assert!(list.get("totalResults").is_none() && list.get("Resources").is_none());
}
