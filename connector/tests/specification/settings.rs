use connector_8x8::settings::Tenant;

use crate::script::{BASE, setting};

fn tenant(url: &str, id: &str) -> Result<String, Vec<(String, String)>> {
    Tenant::from_settings(&[setting("instance-url", url), setting("customer-id", id)])
        .map(|tenant| tenant.base().to_owned())
        .map_err(|problems| {
            let named = problems
                .into_iter()
                .map(|problem| (problem.name, problem.code));
            named.collect()
        })
}

#[test]
fn whatever_people_paste_of_the_8x8_url_names_the_same_base() {
    let root = "https://platform.8x8.com/udi/customers/0012J00042NkZQIQA3";
    for pasted in [
        format!("{root}/scim/v2"),
        format!("{root}/scim/v2/"),
        format!("{root}/scim/v2/Users"),
        format!("{root}/scim/v2/Users/"),
        format!("{root}/scim"),
        root.to_owned(),
        format!("{root}/"),
        format!("  {root}/scim/v2\n"),
        format!("{root}/scim/v2").replace("https://platform", "HTTPS://PLATFORM"),
        format!("{root}/scim/v2").replace(".com/", ".com:443/"),
    ] {
        assert_eq!(tenant(&pasted, ""), Ok(BASE.to_owned()), "{pasted}");
    }
}

#[test]
fn a_url_without_a_customer_takes_the_customer_id() {
    for pasted in [
        "https://platform.8x8.com",
        "https://platform.8x8.com/",
        "https://platform.8x8.com/udi",
        "https://platform.8x8.com/udi/customers/",
    ] {
        assert_eq!(
            tenant(pasted, " 0012J00042NkZQIQA3 "),
            Ok(BASE.to_owned()),
            "{pasted}"
        );
        let missing = vec![("customer-id".to_owned(), "missing".to_owned())];
        assert_eq!(tenant(pasted, ""), Err(missing), "{pasted}");
    }
}

#[test]
fn a_customer_id_that_contradicts_the_url_is_refused() {
    let refused = vec![("customer-id".to_owned(), "contradiction".to_owned())];
    assert_eq!(tenant(BASE, "0012J00042NkZQIQA4"), Err(refused));
}

#[test]
fn wrong_urls_are_refused_by_name() {
    let path = "/udi/customers/0012J00042NkZQIQA3/scim/v2";
    for (url, code) in [
        ("".to_owned(), "missing"),
        ("platform.8x8.com".to_owned(), "malformed"),
        (format!("http://platform.8x8.com{path}"), "not-https"),
        (format!("http://127.0.0.1.evil.com{path}"), "not-https"),
        (format!("ftp://platform.8x8.com{path}"), "malformed"),
        (
            format!("https://ada:secret@platform.8x8.com{path}"),
            "user-info",
        ),
        (format!("https://platform.8x8.com{path}?count=1"), "query"),
        (format!("https://platform.8x8.com{path}#top"), "fragment"),
        (format!("https://plätform.8x8.com{path}"), "not-ascii"),
        (format!("https://platform.8x8.com{path}/Users/17"), "path"),
        (format!("https://platform.8x8.com{path}/Groups"), "path"),
        (
            "https://platform.8x8.com/udi/customers/a/../b/scim/v2".to_owned(),
            "path",
        ),
        (
            "https://platform.8x8.com/udi/customers/a%2fb/scim/v2".to_owned(),
            "path",
        ),
        (
            "https://platform.8x8.com//udi/customers/a/scim/v2".to_owned(),
            "path",
        ),
        (format!("https://platform.8x8.com:99999{path}"), "malformed"),
    ] {
        let refused = vec![("instance-url".to_owned(), code.to_owned())];
        assert_eq!(tenant(&url, "0012J00042NkZQIQA3"), Err(refused), "{url}");
    }
}

#[test]
fn plain_http_is_taken_on_loopback_alone() {
    let base = "http://127.0.0.1:8080/udi/customers/A1/scim/v2";
    assert_eq!(tenant(base, ""), Ok(base.to_owned()));
    let base = "http://[::1]:8080/udi/customers/A1/scim/v2";
    assert_eq!(tenant(base, ""), Ok(base.to_owned()));
}

#[test]
fn every_problem_is_reported_at_once() {
    let problems = Tenant::from_settings(&[
        setting("instance-url", "nonsense"),
        setting("customer-id", "a/b"),
        setting("site-schema", "London"),
        setting("update-method", "post"),
        setting("colour", "red"),
    ])
    .unwrap_err();
    let named: Vec<_> = problems
        .iter()
        .map(|problem| problem.name.as_str())
        .collect();
    let all = [
        "colour",
        "customer-id",
        "instance-url",
        "site-schema",
        "update-method",
    ];
    assert_eq!(named, all);
}

#[test]
fn every_problem_of_the_url_is_reported_at_once() {
    let url = "http://ada@platform.8x8.com/udi/customers/A1/scim/v2?x#y";
    let codes: Vec<_> = tenant(url, "")
        .unwrap_err()
        .into_iter()
        .map(|(_, code)| code)
        .collect();
    assert_eq!(codes, ["not-https", "user-info", "query", "fragment"]);
}

#[test]
fn an_id_stays_one_segment_and_a_value_one_parameter() {
    let settings = [setting("instance-url", BASE)];
    let tenant = Tenant::from_settings(&settings).unwrap();
    assert_eq!(
        tenant.url(&["Users", "a b?#ü"], &[("filter", "x eq \"a+b&c\"")]),
        format!("{BASE}/Users/a%20b%3F%23%C3%BC?filter=x%20eq%20%22a%2Bb%26c%22")
    );
}
