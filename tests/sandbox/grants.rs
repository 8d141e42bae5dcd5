//! What was not granted is refused before anything is resolved, connected or credentialed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use host_harness::secrecy::SecretString;
use host_harness::trace::{Exchange, Observer};
use host_harness::{BoxFuture, Component, CredentialError, Credentials};

use super::upstream::{PATH, Upstream};
use super::{
    TOKEN, assert_calm, assert_fault, connect, connected, describing, options, seen, shared,
    status, works,
};

/// Counts who is asked for a secret.
#[derive(Clone, Default)]
struct Asked(Arc<AtomicUsize>);

impl Credentials for Asked {
    fn secret<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<SecretString, CredentialError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(TOKEN.into()) })
    }
}

#[derive(Default)]
struct Exchanges(Mutex<Vec<Exchange>>);

impl Observer for Exchanges {
    fn exchange(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(exchange.clone());
    }
}

/// Refused, for this reason, and nothing has happened.
async fn refused(upstream: &Upstream, script: &str, code: &str) -> String {
    let (asked, exchanges) = (Asked::default(), Arc::new(Exchanges::default()));
    let mut options = options(upstream, "").credentials(asked.clone());
    options.observer = Some(exchanges.clone());
    let connection = connected(&shared().await.1, options).await.unwrap();
    let failure = connection.get(script).await.unwrap_err();
    assert_eq!(failure.code(), Some(code), "{script:?}: {failure}");
    assert_eq!(failure.kind(), "refused-by-host");
    assert_calm(&failure.message());
    assert_eq!(
        asked.0.load(Ordering::Relaxed),
        0,
        "{script:?}: credentialed"
    );
    assert!(exchanges.0.lock().unwrap().is_empty(), "{script:?}: sent");
    assert!(upstream.requests().is_empty(), "{script:?}: connected");
    failure.message()
}

#[tokio::test]
async fn urls_outside_the_grant_are_refused() {
    let upstream = Upstream::start().await;
    let port = upstream.port;
    let origins = [
        // Another origin, scheme or port.
        "https://evil.example".to_owned(),
        "http://evil.example".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("HTTP://127.0.0.1:{port}"),
        "http://127.0.0.1".to_owned(),
        "http://127.0.0.1:1".to_owned(),
        format!("http://127.0.0.1:0{port}"),
        format!("http://127.0.0.1:{port}0"),
        format!("ws://127.0.0.1:{port}"),
        format!("file://127.0.0.1:{port}"),
        format!("//127.0.0.1:{port}"),
        String::new(),
        // The same host in other spellings.
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1.:{port}"),
        format!("http://127.1:{port}"),
        format!("http://2130706433:{port}"),
        format!("http://0177.0.0.1:{port}"),
        format!("http://0x7f.0.0.1:{port}"),
        format!("http://[::1]:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://127.0.0.1%2e:{port}"),
        format!("http://127.0.0.\u{ff11}:{port}"),
        format!("http://\u{2460}27.0.0.1:{port}"),
        format!("http:\\\\\\\\127.0.0.1:{port}"),
        format!("http:/127.0.0.1:{port}"),
        // Somebody else's host behind a familiar beginning.
        format!("http://127.0.0.1:{port}@evil.example"),
        format!("http://user:pass@127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}.evil.example"),
        format!("http://127.0.0.1:{port}\\\\@evil.example"),
    ];
    for origin in &origins {
        let script = format!("GET {origin}{PATH}/Users | credential api-token");
        let url_of_two_readings = !origin.is_ascii();
        let code = if url_of_two_readings {
            "refused-path"
        } else {
            "refused-origin"
        };
        let message = refused(&upstream, &script, code).await;
        assert!(message.contains("`instance-url`"), "{message}");
    }
    works(&upstream).await;
}

#[tokio::test]
async fn paths_outside_the_grant_are_refused() {
    let upstream = Upstream::start().await;
    let origin = format!("http://127.0.0.1:{}", upstream.port);
    for path in [
        "",
        "/",
        "/customer-1",
        "/customer-1/",
        "/customer-1/sci",
        "/customer-1/scimX/Users",
        "/customer-1/SCIM/Users",
        "/customer-2/scim/Users",
        "/other/customer-1/scim/Users",
        "//customer-1/scim/Users",
        "/customer-1//scim/Users",
        "/customer-1/scim//Users",
        "/customer-1/scim/../../customer-2/scim/Users",
        "/customer-1/scim/..",
        "/customer-1/scim/./Users",
        "/customer-1/scim/%2e%2e/Users",
        "/customer-1/scim/.%2E/Users",
        "/customer-1/scim/..;/Users",
        "/customer-1/scim/..%3b/Users",
        "/customer-1/scim/..%253b/..%253b/customer-2",
        "/customer-1/scim/..%20/Users",
        "/customer-1/scim/..+/Users",
        "/customer-1/scim/%ef%bc%8e%ef%bc%8e/Users",
        "/customer-1/scim/..%ef%bc%8f..%ef%bc%8fUsers",
        "/customer-1/scim/..%e2%88%95Users",
        "/customer-1/scim/%25252e%25252e/Users",
        "/customer-1/scim/%2e%2e%2fUsers",
        "/customer-1/scim/%c0%ae%c0%ae/Users",
        "/customer-1/scim/%252e%252e/Users",
        "/customer-1/scim/a%2fb",
        "/customer-1/scim/a%5cb",
        "/customer-1/scim/a\\\\b",
        "/customer-1%2fscim/Users",
        "/customer%2d1/scim/Users",
        "/customer-1/scim/Users#fragment",
        "/customer-1/scim/Users\\r\\nhost: evil.example",
        "/customer-1/scim/Users\\0",
        "/customer-1/scim/Users%0d%0a",
        "/customer-1/scim/Users%00",
        "/customer-1/scim/Users%",
        "/customer-1/scim/b\u{fc}cher",
        "/customer-1/scim/Users HTTP/1.1",
    ] {
        let script = format!("GET {origin}{path} | credential api-token");
        let message = refused(&upstream, &script, "refused-path").await;
        assert!(message.contains("`instance-url`"), "{message}");
    }
    let long = format!("GET {origin}{PATH}/{}", "x".repeat(10_000));
    refused(&upstream, &long, "refused-path").await;
}

#[tokio::test]
async fn headers_that_are_the_hosts_are_refused() {
    let upstream = Upstream::start().await;
    for header in [
        "Accept-Encoding: gzip",
        "accept-encoding: ",
        "Range: bytes=0-1",
        "If-Range: x",
        "Host: evil.example",
        "Authorization: Bearer mine",
        "Connection: upgrade",
        "Upgrade: h2c",
        "Cookie: a=b",
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "TE: trailers",
        "Expect: 100-continue",
        "X-HTTP-Method-Override: DELETE",
        "X-Http-Method: DELETE",
        "X-Forwarded-Host: evil.example",
        "X-Original-URL: /admin",
        "Proxy-Authorization: Basic eDp5",
        "User-Agent: mine",
        "x-not-in-the-manifest: 1",
        "accept : a",
        ": a",
        "accept\\r\\nhost: evil.example",
        "accept: a\\r\\nhost: evil.example",
        "accept: a\\nb",
        "accept: a\\0b",
    ] {
        let script = format!("GET {}/Users | header {header}", upstream.base());
        refused(&upstream, &script, "refused-header").await;
    }
    let connection = connect(&upstream, "", |_| {}).await.unwrap();
    let script = format!("GET {}/echo | header x-api-version: 2", upstream.base());
    let echo = connection.get(&script).await.unwrap();
    assert!(seen(&echo).contains("x-api-version: 2"));
    assert!(seen(&echo).contains("accept-encoding: identity"));
}

/// On an upstream whose tenants differ by token alone it would carry people's data elsewhere.
#[tokio::test]
async fn a_connector_sends_no_credential_of_its_own() {
    let upstream = Upstream::start().await;
    for parameter in [
        "access_token",
        "Access-Token",
        "api_key",
        "apikey",
        "token",
        "a=b&x-auth-token",
        "%61pi_key",
    ] {
        let script = format!("GET {}/Users?{parameter}=mine", upstream.base());
        let message = refused(&upstream, &script, "refused-credential").await;
        assert!(message.contains("the host's to add"), "{message}");
    }
    let bytes = describing("credential-headers");
    let component = Component::from_bytes(&shared().await.0, &bytes)
        .await
        .unwrap();
    let connection = connected(&component, options(&upstream, "")).await.unwrap();
    assert!(!component.manifest().headers.is_empty());
    for name in &component.manifest().headers {
        let script = format!("GET {}/Users | header {name}: mine", upstream.base());
        let failure = connection.get(&script).await.unwrap_err();
        assert_eq!(failure.code(), Some("refused-header"), "{name}");
    }
    assert!(upstream.requests().is_empty());
    let script = format!("GET {}/Users?pageToken=1&filter=token", upstream.base());
    assert!(connection.get(&script).await.is_ok());
}

#[tokio::test]
async fn a_manifest_gets_no_leave_for_the_hosts_headers() {
    let upstream = Upstream::start().await;
    let bytes = describing("forbidden-headers");
    let component = Component::from_bytes(&shared().await.0, &bytes)
        .await
        .unwrap();
    let connection = connected(&component, options(&upstream, "")).await.unwrap();
    for name in &component.manifest().headers {
        let script = format!("GET {}/Users | header {name}: 1", upstream.base());
        let failure = connection.get(&script).await.unwrap_err();
        assert_eq!(failure.code(), Some("refused-header"), "{name}");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn reading_operations_and_read_only_connections_do_not_write() {
    let upstream = Upstream::start().await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let script = format!(
            "{method} {}/Users | credential api-token | body 2",
            upstream.base()
        );
        let message = refused(&upstream, &script, "refused-method").await;
        assert!(message.contains("reading operation"), "{message}");
    }
    let mut read_only = options(&upstream, "");
    read_only.network.read_only = true;
    let connection = connected(&shared().await.1, read_only).await.unwrap();
    let script = format!("DELETE {}/Users/1", upstream.base());
    let failure = connection.delete(&script).await.unwrap_err();
    assert_eq!(failure.code(), Some("refused-method"));
    assert!(
        failure.message().contains("`read-only = false`"),
        "{failure}"
    );
    assert!(upstream.requests().is_empty());
    let writing = connect(&upstream, "", |_| {}).await.unwrap();
    assert!(writing.delete(&script).await.is_ok());
}

#[tokio::test]
async fn a_reading_request_has_no_body() {
    let upstream = Upstream::start().await;
    let script = format!("GET {}/Users | body 2", upstream.base());
    let message = refused(&upstream, &script, "refused-method").await;
    assert!(message.contains("it has a body"), "{message}");
}

#[tokio::test]
async fn nothing_is_sent_outside_an_operation() {
    let upstream = Upstream::start().await;
    let failure = connect(&upstream, "send in open", |_| {})
        .await
        .unwrap_err();
    assert!(
        failure
            .message()
            .contains("Nothing may be sent while `open` runs"),
        "{failure}"
    );
    let bytes = describing("send");
    let component = Component::from_bytes(&shared().await.0, &bytes)
        .await
        .unwrap();
    assert!(
        component.manifest().title.contains("Nothing may be sent"),
        "{}",
        component.manifest().title
    );
    // After a writing operation its leave to write has ended.
    let connection = connect(&upstream, "send in learned", |_| {}).await.unwrap();
    let write = format!("DELETE {}/Users/1", upstream.base());
    assert!(connection.delete(&write).await.is_ok());
    assert_eq!(connection.learned().as_deref(), Some("refused-other"));
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_credential_goes_by_its_name_and_only_where_its_setting_points() {
    let upstream = Upstream::start().await;
    let other = Upstream::start().await;
    let elsewhere = Asked::default();
    let mut with_both = options(&upstream, "").credentials(elsewhere.clone());
    with_both = with_both.setting("other-url", other.base());
    let connection = connected(&shared().await.1, with_both).await.unwrap();
    for (base, credential) in [
        (upstream.base(), "no-such-token"),
        (upstream.base(), "other-token"),
        (upstream.base(), "api-token\\r\\nx: y"),
        (upstream.base(), "API-TOKEN"),
        (upstream.base(), ""),
    ] {
        let script = format!("GET {base}/Users | credential {credential}");
        let failure = connection.get(&script).await.unwrap_err();
        assert_eq!(failure.code(), Some("refused-credential"), "{failure}");
        assert_calm(&failure.message());
    }
    assert_eq!(elsewhere.0.load(Ordering::Relaxed), 0);
    assert!(upstream.requests().is_empty() && other.requests().is_empty());
    let right = format!("GET {}/Users | credential api-token", upstream.base());
    assert_eq!(status(&connection.get(&right).await.unwrap()), 200);
    assert!(upstream.requests()[0].contains(&format!("authorization: bearer {TOKEN}")));
}

#[tokio::test]
async fn a_connector_reaches_less_than_was_granted_and_never_more() {
    let upstream = Upstream::start().await;
    for attack in ["wider in reach", "elsewhere in reach"] {
        let failure = connect(&upstream, attack, |_| {}).await.unwrap_err();
        assert_fault(&failure, "asks for more than was granted");
    }
    let failure = connect(&upstream, "million in reach", |_| {})
        .await
        .unwrap_err();
    assert_fault(&failure, "are the most");
    let connection = connect(&upstream, "nothing in reach", |_| {})
        .await
        .unwrap();
    let script = format!("GET {}/Users", upstream.base());
    let failure = connection.get(&script).await.unwrap_err();
    assert_eq!(failure.code(), Some("refused-origin"), "{failure}");
}

#[tokio::test]
async fn an_id_that_climbs_out_of_the_path_gets_nowhere() {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, "careless in get", |_| {}).await.unwrap();
    for id in [
        "../../../customer-2/scim/Users/1",
        "..",
        "a/../../b",
        "%2e%2e/x",
        "x\\r\\nhost: evil.example",
        "x?y#z",
    ] {
        let failure = connection.get(id).await.unwrap_err();
        assert_eq!(failure.kind(), "refused-by-host", "{id:?}: {failure}");
    }
    assert!(upstream.requests().is_empty());
}
