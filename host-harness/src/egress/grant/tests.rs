//! URLs inside and outside a grant.

use super::*;

const TYPED: &str = "https://platform.8x8.example/udi/customers/A1/scim/v2";

fn grant(typed: &str) -> Result<Grant, Problem> {
    Grant::from_operator("instance-url", typed, &["Users".to_owned()], false)
}

fn refused(url: &str) -> RefusalReason {
    grant(TYPED).unwrap().permit(url).unwrap_err().reason
}

#[test]
fn what_lies_below_by_whole_segments_is_permitted() {
    let grant = grant(TYPED).unwrap();
    for below in [
        "",
        "/",
        "/Users",
        "/Users/1",
        "?x=1",
        "/Users?filter=a%20eq%20%22b%22",
    ] {
        assert!(grant.permit(&format!("{TYPED}{below}")).is_ok(), "{below}");
    }
}

#[test]
fn another_path_is_refused_even_if_it_begins_alike() {
    assert_eq!(refused(&format!("{TYPED}x/Users")), RefusalReason::Path);
    assert_eq!(
        refused("https://platform.8x8.example/udi/customers/A2/scim/v2/Users"),
        RefusalReason::Path
    );
    assert_eq!(
        refused("https://platform.8x8.example/udi/customers"),
        RefusalReason::Path
    );
}

#[test]
fn another_origin_and_other_spellings_of_it_are_refused() {
    let path = "/udi/customers/A1/scim/v2/Users";
    for origin in [
        "http://platform.8x8.example",
        "https://platform.8x8.example:444",
        "https://platform.8x8.example:443",
        "https://PLATFORM.8x8.example",
        "https://platform.8x8.example.",
        "https://platform.8x8.example.evil.example",
        "https://user@platform.8x8.example",
        "https://platform.8x8.example@evil.example",
        "https:/platform.8x8.example",
        "https://plat%66orm.8x8.example",
        "https://evil.example",
    ] {
        assert_eq!(
            refused(&format!("{origin}{path}")),
            RefusalReason::Origin,
            "{origin}"
        );
    }
}

#[test]
fn paths_that_can_be_read_in_two_ways_are_refused() {
    for tail in [
        "/../x",
        "/./x",
        "/%2e%2e/x",
        "/%2E./x",
        "/a%2fb",
        "/a%5Cb",
        "/a//b",
        "/a\\b",
        "/a#b",
        "/a%00b",
        "/a%0d%0ab",
        "/a%",
        "/a%zz",
        "/a%252fb",
        "/..;/x",
        "/.;a=b/x",
        "/%c0%ae%c0%ae/x",
        "/a%c0%afb",
        "/a%ff",
        "/a b",
        "/\u{e9}",
        "/a\r\nb",
        "/\"",
        // What is cut off before dots are looked for, encoded and encoded twice.
        "/..%3b/x",
        "/..%3B/x",
        "/..%253b/x",
        "/..%25253b/x",
        "/.%3ba=b/x",
        "/..;a=b;c/x",
        "/..%3fx",
        "/..%23x",
        "/..%3ax",
        "/..::$DATA",
        "/a;..",
        "/;a/x",
        "/%3ba/x",
        // Blanks and what is not seen, which some take off.
        "/..%20/x",
        "/..+/x",
        "/..%2b/x",
        "/.+./x",
        "/%20../x",
        "/.%20.",
        "/..%c2%a0/x",
        "/..%e2%80%8b/x",
        "/%ef%bb%bf../x",
        "/%20/x",
        "/...",
        // Dots and slashes of other scripts, and in more bytes than they need.
        "/%ef%bc%8e%ef%bc%8e/x",
        "/%e2%80%a4%e2%80%a4/x",
        "/%e2%80%a5/x",
        "/.%ef%bc%8e/x",
        "/a%ef%bc%8fb",
        "/a%e2%88%95b",
        "/a%e2%81%84b",
        "/a%ef%bc%bcb",
        "/a%e2%88%96b",
        "/a%c2%a5b",
        "/..%ef%bc%9b/x",
        "/%e0%80%ae%e0%80%ae/x",
        "/%f0%80%80%ae/x",
        "/a%c1%9cb",
        "/a%25c0%25afb",
        "/a%25e2%2588%2595b",
        // Encoded in pieces, and again and again.
        "/a%25%32%66b",
        "/a%252%66b",
        "/%25252e%25252e/x",
        "/a%25u002fb",
        "/a%u002fb",
        "/a%2500b",
        "/a%25c2%2585b",
        "/a%c2%85b",
        "/a%2525252525252525b",
    ] {
        assert_eq!(
            refused(&format!("{TYPED}{tail}")),
            RefusalReason::Path,
            "{tail:?}"
        );
    }
}

#[test]
fn ordinary_ids_pass_however_they_are_spelled() {
    for id in [
        "2819c223-7f76-453a-919d-413861904646",
        "ada@example.com",
        "ada%40example.com",
        "ada+test@example.com",
        "ada%2Btest%40example.com",
        "o'neill",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "Smith,%20J.%20(Sales)",
        "Smith,John",
        "a;b=c",
        "a%3Bb",
        "b%C3%BCcher",
        "%E6%97%A5%E6%9C%AC%E8%AA%9E",
        "%F0%9F%98%80",
        "100%25",
        "100%25zz",
        "%23general",
        "what%3F",
        "a%26b",
        "a%252B",
        "..a",
        ".a",
        "a..b",
        "v1.2",
        "a%20b",
        "a%7Cb",
        "~ada",
        "$metadata",
        "*",
        "(1)",
    ] {
        let url = format!("{TYPED}/Users/{id}");
        assert!(grant(TYPED).unwrap().permit(&url).is_ok(), "{id}");
    }
}

#[test]
fn one_declared_ending_is_taken_off_and_never_the_only_segment() {
    assert_eq!(
        grant("https://h.example/v2/Users/").unwrap().to_string(),
        "https://h.example/v2"
    );
    assert_eq!(
        grant("https://h.example/v2/Users/Users")
            .unwrap()
            .to_string(),
        "https://h.example/v2/Users"
    );
    assert_eq!(
        grant("https://h.example/Users").unwrap().to_string(),
        "https://h.example/Users"
    );
}

#[test]
fn an_upper_case_host_typed_by_the_operator_is_taken_as_lower_case() {
    assert_eq!(
        grant(" https://H.Example:443/V2 ").unwrap().to_string(),
        "https://h.example/V2"
    );
}

#[test]
fn a_connector_may_narrow_a_grant_and_not_widen_it() {
    let grant = grant("https://h.example/udi").unwrap();
    let narrow = grant
        .narrowed_to("https://h.example/udi/customers/A")
        .unwrap();
    assert!(narrow.permit("https://h.example/udi/other").is_err());
    assert!(grant.narrowed_to("https://h.example/").is_err());
    assert!(grant.narrowed_to("https://other.example/udi").is_err());
}

#[test]
fn each_wrong_url_has_its_code() {
    for (typed, code) in [
        ("", "missing"),
        ("platform.8x8.example/scim", "not-absolute"),
        ("http://platform.8x8.example/scim", "not-https"),
        ("http://127.0.0.1:8080/scim", "not-https"),
        ("ftp://h.example/", "not-https"),
        ("https://u:p@h.example/", "user-info"),
        ("https://h.example/?a=b", "query-or-fragment"),
        ("https://h.example/#a", "query-or-fragment"),
        ("https://b\u{fc}cher.example/", "host-not-ascii"),
        ("https://2130706433/", "address-spelling"),
        ("https://0177.0.0.1/", "address-spelling"),
        ("https://h.example./", "trailing-dot"),
        ("https://h.example/a/../b", "ambiguous-path"),
        ("https://h.example/a//b", "ambiguous-path"),
        ("https://h.example\\a", "invalid-url"),
    ] {
        assert_eq!(grant(typed).unwrap_err().code, code, "{typed}");
    }
}

#[test]
fn plain_http_is_for_loopback_with_leave_alone() {
    for typed in [
        "http://127.0.0.1:8080/x",
        "http://localhost:1/x",
        "http://[::1]:1/x",
    ] {
        assert!(
            Grant::from_operator("u", typed, &[], true).is_ok(),
            "{typed}"
        );
    }
    assert!(Grant::from_operator("u", "http://10.0.0.1/x", &[], true).is_err());
}
