//! What a connector claims of itself is a claim: it grants nothing, and where it
//! contradicts itself it is refused.

use host_harness::{Component, Failure};

use super::upstream::Upstream;
use super::{assert_calm, connected, describing, options, shared, works};

async fn loaded(attack: &str) -> Result<Component, Failure> {
    Component::from_bytes(&shared().await.0, &describing(attack)).await
}

#[tokio::test]
async fn a_manifest_that_contradicts_itself_is_refused() {
    for (attack, words) in [
        ("escapes", "control characters"),
        ("escapes-quirk", "control characters"),
        ("escapes-default", "control characters"),
        ("escapes-ending", "control characters"),
        ("escapes-parameter", "control characters"),
        ("escapes-format", "control characters"),
        ("escapes-choice", "control characters"),
        ("twice", "is listed twice"),
        ("no-page", "max-page-size is 0"),
        ("key-of-nothing", "is a key and no attribute"),
        ("many-attributes", "more than 1000 attributes"),
        ("bad-attributes", "more problems"),
        ("many-headers", "more than 1000 headers"),
        ("credential-elsewhere", "is no base-url setting"),
        ("credential-in-host", "the host's own"),
        ("credential-in-length", "the host's own"),
        (
            "credential-behind-text",
            "after a text that is not the name of a scheme",
        ),
    ] {
        let failure = loaded(attack).await.unwrap_err();
        assert_eq!(failure.kind(), "invalid-settings", "{attack}: {failure}");
        assert!(failure.message().contains(words), "{attack}: {failure}");
        assert_calm(&failure.message());
    }
    works(&Upstream::start().await).await;
}

#[tokio::test]
async fn a_proposed_url_grants_nothing() {
    let upstream = Upstream::start().await;
    let component = loaded("default-url").await.unwrap();
    let connection = connected(&component, options(&upstream, "")).await.unwrap();
    assert_eq!(connection.granted().len(), 1);
    assert_eq!(connection.granted()[0].to_string(), upstream.base());
    let failure = connection.get("GET https://evil.example/").await;
    assert_eq!(failure.unwrap_err().code(), Some("refused-origin"));
}

/// Endings are taken off once, so that a manifest cannot widen a grant to the whole origin.
#[tokio::test]
async fn endings_widen_a_grant_by_one_segment_at_most() {
    let upstream = Upstream::start().await;
    let component = loaded("wide-endings").await.unwrap();
    let mut options = options(&upstream, "");
    options.settings.remove("attack");
    let connection = connected(&component, options).await;
    // What the connector then asks for is what was typed, and lies within.
    let connection = connection.unwrap();
    assert!(connection.granted()[0].to_string().ends_with("/customer-1"));
    assert_eq!(connection.reach()[0].to_string(), upstream.base());
}

#[tokio::test]
async fn a_huge_page_size_claims_no_memory() {
    let upstream = Upstream::start().await;
    let component = loaded("huge-page").await.unwrap();
    let connection = connected(&component, options(&upstream, "")).await.unwrap();
    assert!(connection.listing().next().await.is_none());
    assert_eq!(component.manifest().max_page_size, u32::MAX);
}
