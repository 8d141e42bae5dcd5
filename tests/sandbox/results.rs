//! Results that break the contract: listings, ids, attributes, notes and texts.

use host_harness::contract::{Edits, PageQuery};
use host_harness::{Connection, Failure, Limit, json};

use super::upstream::Upstream;
use super::{assert_calm, assert_fault, assert_limit, attacked, connect, works};

/// Everything that a listing gives, and how it ended.
async fn listed(connection: &Connection) -> (usize, Option<Failure>) {
    let (mut listing, mut count) = (connection.listing(), 0);
    // Bounded: a test that does not end shows nothing.
    while count < 100_000 {
        match listing.next().await {
            None => return (count, None),
            Some(Ok(_)) => count += 1,
            Some(Err(failure)) => {
                assert!(listing.next().await.is_none());
                return (count, Some(failure));
            }
        }
    }
    panic!("the listing does not end");
}

#[tokio::test]
async fn a_listing_without_end_ends_at_the_number_of_pages() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "endless in list", |limits| limits.pages = 25)
        .await
        .unwrap();
    let (count, failure) = listed(&connection).await;
    assert_eq!(count, 25);
    assert_limit(&failure.unwrap(), Limit::Pages);
    let empty = connect(&upstream, "endless-empty in list", |limits| {
        limits.pages = 500
    });
    let connection = empty.await.unwrap();
    let (count, failure) = listed(&connection).await;
    assert_eq!(count, 0);
    // A page may be empty and not the last, so only their number ends it.
    assert_limit(&failure.unwrap(), Limit::Pages);
    works(&upstream).await;
}

#[tokio::test]
async fn a_listing_without_end_ends_at_the_number_of_accounts() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "flood in list", |limits| {
        limits.listing_accounts = 250;
    })
    .await
    .unwrap();
    let (count, failure) = listed(&connection).await;
    assert_eq!(count, 250);
    assert_limit(&failure.unwrap(), Limit::ListingAccounts);
    works(&upstream).await;
}

#[tokio::test]
async fn a_listing_without_end_ends_at_its_bytes() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "flood in list", |limits| {
        limits.listing_bytes = 250_000;
    })
    .await
    .unwrap();
    let (count, failure) = listed(&connection).await;
    assert_eq!(count, 200, "the third page goes beyond it");
    assert_limit(&failure.unwrap(), Limit::ListingBytes);
    works(&upstream).await;
}

#[tokio::test]
async fn a_listing_that_repeats_its_cursor_is_at_fault() {
    let upstream = Upstream::start().await;
    for attack in ["circle in list", "same-cursor in list"] {
        // Nothing new is ever shown, so that without the rule the listing would end by this alone.
        let connection = connect(&upstream, attack, |limits| limits.pages = 50)
            .await
            .unwrap();
        let (count, failure) = listed(&connection).await;
        assert!(count < 10, "{count}");
        assert_fault(&failure.unwrap(), "would never end");
    }
}

#[tokio::test]
async fn pages_that_break_the_contract_are_at_fault() {
    let upstream = Upstream::start().await;
    for (attack, words) in [
        ("too-many in list", "where 5 were asked for"),
        ("twice in list", "one account twice"),
        ("long-cursor in list", "a cursor that is too long"),
        ("empty-id in list", "an id of 0 bytes"),
        ("long-id in list", "an id of 1048576 bytes"),
        ("control-id in list", "an id with control characters"),
        ("backwards-id in list", "an id with control characters"),
    ] {
        let connection = connect(&upstream, attack, |_| {}).await.unwrap();
        let query = PageQuery {
            cursor: None,
            limit: 5,
        };
        assert_fault(&connection.list(query).await.unwrap_err(), words);
    }
}

#[tokio::test]
async fn accounts_that_break_the_contract_are_at_fault() {
    for (lie, words) in [
        ("another", "another account than was asked for"),
        ("thousand-attributes", "that its manifest does not list"),
        ("twice", "the attribute `seen` twice"),
        ("unlisted", "`password` that its manifest does not list"),
        ("no-value", "without a value"),
        ("two-values", "several values for `seen`"),
        ("wrong-type", "wrong type for `status`"),
    ] {
        assert_fault(&attacked(&format!("{lie} in get"), |_| {}).await, words);
    }
}

/// An id is opaque: what a slash in it means is the connector's to say, and what it then
/// asks for is the grant's (`an_id_that_climbs_out_of_the_path_gets_nowhere`).
#[tokio::test]
async fn an_id_of_slashes_is_an_id() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "slash-id in list", |_| {})
        .await
        .unwrap();
    let account = connection.listing().next().await.unwrap().unwrap();
    assert_eq!(account.id, "../../../admin");
}

#[tokio::test]
async fn a_note_of_megabytes_is_not_kept() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "megabytes in learned", |_| {})
        .await
        .unwrap();
    let request = format!("GET {}/Users", upstream.base());
    for _ in 0..3 {
        assert!(connection.get(&request).await.is_ok());
        assert_eq!(connection.learned(), None);
    }
}

#[tokio::test]
async fn what_a_connector_says_reaches_people_calm_and_short() {
    for lie in ["failure-escapes", "failure-megabytes"] {
        let failure = attacked(&format!("{lie} in get"), |_| {}).await;
        assert_eq!(failure.kind(), "other");
        assert_calm(&failure.message());
        let shown = format!("{:#}", json::failure(&failure));
        assert!(shown.len() < 1 << 20, "{} bytes", shown.len());
        for text in texts(&json::failure(&failure)) {
            assert_calm(&text);
        }
        assert_eq!(failure.account(), None);
    }
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "escapes in update", |_| {})
        .await
        .unwrap();
    let edits = Edits {
        status: None,
        changes: vec![],
        expected_version: None,
    };
    let request = format!("GET {}/Users", upstream.base());
    let outcome = connection.update(&request, &edits).await.unwrap();
    assert!((1..=100).contains(&outcome.notices.len()));
    for notice in outcome.notices {
        for text in [notice.code, notice.message, notice.attribute.unwrap()] {
            assert_calm(&text);
        }
    }
}

fn texts(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(text) => vec![text.clone()],
        serde_json::Value::Array(items) => items.iter().flat_map(texts).collect(),
        serde_json::Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => vec![],
    }
}
