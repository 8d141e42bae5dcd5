//! What leaves the sandbox is what the operator granted, whatever the connector, the upstream
//! or a command asks for.

use host_harness::contract::{AccountStatus, Header};
use host_harness::provision::{Matching, deprovision, provision};
use host_harness::{Connection, ConnectionOptions, Failure, StaticCredentials};
use simulated_8x8::Switches;

use crate::stage::{ADA, Stage, attribute, connector, draft, edits, options, set_status};
use crate::upstream::{Upstream, answer};

/// Every operation that writes, on somebody who is there and active; the failure of each.
async fn every_write(
    connection: &Connection,
    id: &str,
    name: &str,
) -> Vec<(&'static str, Failure)> {
    let ada = draft(&ADA);
    let matching = Matching::default();
    let person = [attribute("userName", name)];
    let inactive = set_status(AccountStatus::Inactive);
    let title = edits(&[("title", "Countess")]);
    [
        ("POST", connection.create(&ada).await.err()),
        ("PATCH", connection.update(id, &title).await.err()),
        ("PATCH", connection.update(id, &inactive).await.err()),
        ("DELETE", connection.delete(id).await.err()),
        ("POST", provision(connection, &ada, &matching).await.err()),
        (
            "PATCH",
            deprovision(connection, &person, &matching).await.err(),
        ),
    ]
    .into_iter()
    .map(|(method, failure)| (method, failure.expect("it fails")))
    .collect()
}

async fn populated() -> (Stage, String, String) {
    let stage = Stage::with(Switches::none(), 3).await;
    let somebody = &stage.tenant.users()[0];
    let text = |name: &str| somebody[name].as_str().unwrap().to_owned();
    let (id, name) = (text("id"), text("userName"));
    (stage, id, name)
}

#[tokio::test]
async fn a_read_only_connection_reads_and_writes_nothing() {
    let (stage, id, name) = populated().await;
    let before = stage.tenant.users();
    let mut options = options(&stage.tenant);
    options.network.read_only = true;
    let connection = connector().await.connect(options).await.unwrap();
    connection.check().await.unwrap();
    connection.get(&id).await.unwrap();
    for (method, failure) in every_write(&connection, &id, &name).await {
        assert_eq!(failure.kind(), "refused-by-host", "{failure:?}");
        for word in [method, "read-only"] {
            assert!(failure.message().contains(word), "{failure}");
        }
    }
    assert_eq!(stage.writes(), [""; 0]);
    assert_eq!(stage.tenant.users(), before);
}

#[tokio::test]
async fn a_dry_run_sends_no_write_of_any_operation_and_shows_it() {
    let (stage, id, name) = populated().await;
    let before = stage.tenant.users();
    let mut options = options(&stage.tenant);
    options.dry_run = true;
    let connection = connector().await.connect(options).await.unwrap();
    for (method, failure) in every_write(&connection, &id, &name).await {
        let Failure::DryRun(planned) = failure else {
            panic!("{failure:?}");
        };
        assert_eq!(planned.method, method);
        assert!(planned.url.starts_with(&stage.tenant.instance_url()));
        let authorisation = Header {
            name: "authorization".to_owned(),
            value: "Bearer [redacted]".to_owned(),
        };
        assert!(planned.headers.contains(&authorisation), "{planned:?}");
    }
    assert_eq!(stage.writes(), [""; 0]);
    assert_eq!(stage.tenant.users(), before);
}

#[tokio::test]
async fn plain_http_is_for_loopback_and_for_those_who_ask() {
    let (stage, ..) = populated().await;
    let mut strict = options(&stage.tenant);
    strict.network.allow_loopback_http = false;
    let failure = connector().await.connect(strict).await.unwrap_err();
    assert_eq!(failure.kind(), "invalid-settings");
    assert!(
        failure.message().contains("allow-loopback-http"),
        "{failure}"
    );
    let elsewhere = options(&stage.tenant).setting(
        "instance-url",
        "http://platform.8x8.com/udi/customers/A1/scim/v2",
    );
    let failure = connector().await.connect(elsewhere).await.unwrap_err();
    assert_eq!(failure.kind(), "invalid-settings");
    assert_eq!(stage.lines(), [""; 0]);
}

#[tokio::test]
async fn another_companys_url_is_refused_before_anything_is_sent() {
    let (stage, ..) = populated().await;
    let own = stage.tenant.instance_url();
    let other = own.replace(stage.tenant.customer_id(), "SOMEBODYELSE");
    let mixed = options(&stage.tenant).setting("instance-url", other);
    let failure = connector().await.connect(mixed).await.unwrap_err();
    assert_eq!(failure.kind(), "invalid-settings");
    assert!(
        failure
            .problems()
            .iter()
            .any(|problem| problem.name == "customer-id")
    );
    assert_eq!(stage.lines(), [""; 0]);
}

#[tokio::test]
async fn a_bare_origin_is_narrowed_to_the_one_customer() {
    let (stage, id, _) = populated().await;
    let own = stage.tenant.instance_url();
    let origin = own.split("/udi").next().unwrap();
    let bare = options(&stage.tenant).setting("instance-url", origin);
    let connection = connector().await.connect(bare).await.unwrap();
    assert!(connection.granted()[0].is_bare_origin());
    assert_eq!(connection.reach()[0].to_string(), own);
    connection.get(&id).await.unwrap();
}

fn to(upstream: &Upstream) -> ConnectionOptions {
    let mut options = ConnectionOptions::new()
        .setting("instance-url", upstream.url())
        .credentials(StaticCredentials::new().with("api-token", "t0ken"));
    options.network.allow_loopback_http = true;
    options
}

#[tokio::test]
async fn a_redirect_is_named_and_not_followed_whatever_is_asked() {
    let trap = Upstream::start(|_| answer(200, "", "{}")).await;
    let target = format!("{}/Users/1?secret=query", trap.url());
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {target}\r\n");
        let moved = Upstream::start(move |_| answer(status, &location, "")).await;
        let connection = connector().await.connect(to(&moved)).await.unwrap();
        for failure in [
            connection.check().await.unwrap_err(),
            connection.get("1").await.unwrap_err(),
            connection.delete("1").await.unwrap_err(),
            connection.create(&draft(&ADA)).await.unwrap_err(),
        ] {
            // "See other" is what a service says that has done something (RFC 9110 §15.4.4).
            if status == 303 && failure.kind() == "outcome-unknown" {
                continue;
            }
            assert_eq!(failure.kind(), "invalid-settings", "{failure:?}");
            assert_eq!(failure.code(), Some("moved"));
            assert!(failure.message().contains(&trap.url()), "{failure}");
            assert!(!failure.message().contains("secret"), "{failure}");
        }
        assert!(moved.requests().len() >= 4);
    }
    assert!(trap.requests().is_empty(), "{:?}", trap.requests());
}

#[tokio::test]
async fn a_location_of_somebody_elses_is_not_read() {
    let trap = Upstream::start(|_| answer(200, "", r#"{"id":"1","userName":"x"}"#)).await;
    let location = format!("location: {}/Users/1\r\n", trap.url());
    let upstream = Upstream::start(move |request| {
        if request.head.starts_with("POST") {
            return answer(201, &location, "");
        }
        let nobody = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults":0}"#;
        answer(200, "", nobody)
    })
    .await;
    let connector = crate::stage::connector_on(&host_harness::clock::TestClock::default()).await;
    let connection = connector.connect(to(&upstream)).await.unwrap();
    let failure = connection.create(&draft(&ADA)).await.unwrap_err();
    assert_eq!(failure.kind(), "outcome-unknown");
    assert!(trap.requests().is_empty());
}

#[tokio::test]
async fn a_request_carries_what_it_needs_and_no_more() {
    let page = r#"{"Resources":[],"totalResults":0}"#;
    let upstream = Upstream::start(move |_| answer(200, "", page)).await;
    let connection = connector().await.connect(to(&upstream)).await.unwrap();
    connection.check().await.unwrap();
    let requests = upstream.requests();
    let head = &requests[0].head;
    let mut names: Vec<String> = head
        .lines()
        .skip(1)
        .filter_map(|line| Some(line.split_once(':')?.0.to_ascii_lowercase()))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "accept",
            "accept-encoding",
            "authorization",
            "host",
            "user-agent"
        ]
    );
    assert_eq!(requests[0].header("authorization"), Some("Bearer t0ken"));
    assert_eq!(requests[0].header("accept-encoding"), Some("identity"));
}

/// The operator's proxy gets every request, whole, and nobody else does.
#[tokio::test]
async fn requests_go_through_the_proxy_that_the_operator_names() {
    let stage = Stage::with(Switches::none(), 3).await;
    let proxy = Upstream::start(|_| answer(502, "", "the proxy's own answer")).await;
    let mut options = options(&stage.tenant);
    options.network.proxy = Some(format!("http://{}", proxy.address));
    let connection = connector().await.connect(options).await.unwrap();
    assert!(connection.get("1").await.is_err());
    let seen = proxy.requests();
    assert!(!seen.is_empty());
    for request in &seen {
        let line = format!("GET {}", stage.tenant.instance_url());
        assert!(request.head.starts_with(&line), "{}", request.head);
    }
    assert!(stage.tenant.log().is_empty());
}
