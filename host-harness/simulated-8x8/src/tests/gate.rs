//! Who is let in, and what is refused before any operation.

use std::net::SocketAddr;

use serde_json::json;

use super::super::{StartError, Switch};
use super::*;

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let listen: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let options = TenantOptions {
        listen,
        ..TenantOptions::default()
    };
    let error = SimulatedTenant::start(options).await.unwrap_err();
    assert!(matches!(error, StartError::NotLoopback(_)));
}

#[tokio::test]
async fn options_that_cannot_be_are_refused() {
    for options in [
        TenantOptions {
            customer_id: "a/b".into(),
            ..TenantOptions::default()
        },
        TenantOptions {
            token: "two words".into(),
            ..TenantOptions::default()
        },
        TenantOptions {
            max_page: 0,
            ..TenantOptions::default()
        },
    ] {
        assert!(SimulatedTenant::start(options).await.is_err());
    }
}

#[tokio::test]
async fn without_the_token_or_after_it_was_cleared_the_answer_is_401() {
    let rig = Rig::with(&[]).await;
    let url = format!("{}/Users", rig.tenant.instance_url());
    for authorization in [
        None,
        Some("Bearer wrong"),
        Some("Basic simulated-tenant-token"),
        Some("x"),
    ] {
        let mut request = rig.client.get(&url);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let seen = seen(request.send().await.unwrap()).await.unwrap();
        assert_eq!(seen.status, 401);
        assert!(
            seen.header("www-authenticate")
                .unwrap()
                .starts_with("Bearer")
        );
        assert_eq!(seen.json()["status"], "401");
    }
    assert_eq!(rig.get("/Users").await.status, 200);
    rig.tenant.clear_token();
    assert_eq!(rig.get("/Users").await.status, 401);
}

#[tokio::test]
async fn another_customer_is_403_or_404_where_the_switch_says_so() {
    let rig = Rig::with(&[]).await;
    let url = rig
        .tenant
        .instance_url()
        .replace(rig.tenant.customer_id(), "other");
    let get = async || {
        let request = rig
            .client
            .get(format!("{url}/Users"))
            .bearer_auth(rig.tenant.token());
        seen(request.send().await.unwrap()).await.unwrap()
    };
    assert_eq!(get().await.status, 403);
    rig.tenant.set_switches(Switch::OtherCustomer404.into());
    assert_eq!(get().await.status, 404);
}

#[tokio::test]
async fn a_path_outside_of_scim_meets_the_gateway() {
    let rig = Rig::with(&[]).await;
    let url = format!("http://{}/scim/v2/Users", rig.tenant.address());
    let request = rig.client.get(url).bearer_auth(rig.tenant.token());
    let seen = seen(request.send().await.unwrap()).await.unwrap();
    assert_eq!(seen.status, 404);
    assert!(seen.text.starts_with("<html>"));
}

#[tokio::test]
async fn hostile_requests_are_refused_in_scim() {
    let rig = Rig::with(&[]).await;
    let post = async |media_type: &str, body: Vec<u8>| {
        let request = rig
            .client
            .post(format!("{}/Users", rig.tenant.instance_url()))
            .bearer_auth(rig.tenant.token())
            .header("content-type", media_type)
            .body(body);
        seen(request.send().await.unwrap()).await.unwrap()
    };
    let json = "application/json";
    let deep = "[".repeat(100_000).into_bytes();
    for (media_type, body, status) in [
        (json, Vec::new(), 400),
        (json, b"{".to_vec(), 400),
        (json, b"null".to_vec(), 400),
        (json, b"\xff\xfe{".to_vec(), 400),
        (json, deep, 400),
        (json, vec![b' '; 2 * 1024 * 1024], 413),
        ("text/plain", ada().to_string().into_bytes(), 415),
        ("", ada().to_string().into_bytes(), 415),
    ] {
        let seen = post(media_type, body).await;
        assert_eq!(seen.status, status, "{seen:?}");
        assert_eq!(seen.json()["status"], status.to_string());
    }
    for path in [
        "/Users/%ff",
        "/Users/",
        "/Users/a/b",
        "/Users/%2e%2e%2f",
        "/Groups",
        "/Users/x",
    ] {
        let seen = rig.get(path).await;
        assert!([400, 404].contains(&seen.status), "{path}: {seen:?}");
        assert_eq!(
            seen.json()["schemas"][0],
            "urn:ietf:params:scim:api:messages:2.0:Error"
        );
    }
    assert_eq!(
        rig.send("POST", "/Users/.search", Some(&json!({})))
            .await
            .status,
        501
    );
    assert_eq!(rig.send("DELETE", "/Users", None).await.status, 405);
    assert!(rig.tenant.users().is_empty());
}

#[tokio::test]
async fn the_log_holds_everything_but_the_token() {
    let rig = Rig::with(&[]).await;
    rig.create(&ada()).await;
    rig.get("/Users?filter=userName%20pr").await;
    let log = rig.tenant.log();
    assert_eq!(log.len(), 2);
    assert_eq!(
        (log[0].method.as_str(), log[0].status, log[0].committed),
        ("POST", Some(201), true)
    );
    assert_eq!(log[0].body, ada().to_string().into_bytes());
    assert_eq!(log[0].header("Content-Type"), Some("application/scim+json"));
    assert!(log[0].authorised);
    assert!(log[1].path.ends_with("/Users?filter=userName%20pr"));
    assert!(!log[1].committed);
    assert!(!format!("{log:?} {:?}", rig.tenant).contains(rig.tenant.token()));
    rig.tenant.clear_log();
    assert!(rig.tenant.log().is_empty());
}

#[tokio::test]
async fn tls_is_trusted_by_its_own_authority_alone() {
    let options = TenantOptions {
        tls: true,
        ..TenantOptions::default()
    };
    let rig = Rig::start(options).await;
    assert!(rig.tenant.instance_url().starts_with("https://127.0.0.1:"));
    let ca = reqwest::Certificate::from_pem(rig.tenant.ca_pem().unwrap().as_bytes()).unwrap();
    let trusting = client().tls_certs_only([ca]).build().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let url = rig.tenant.instance_url().replace("127.0.0.1", host);
        let request = trusting
            .get(format!("{url}/Users"))
            .bearer_auth(rig.tenant.token());
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    let other = super::super::tls::make().unwrap();
    let ca = reqwest::Certificate::from_pem(other.ca_pem.as_bytes()).unwrap();
    let wary = client().tls_certs_only([ca]).build().unwrap();
    assert!(wary.get(rig.tenant.instance_url()).send().await.is_err());
}

#[tokio::test]
async fn it_stops_when_stopped_and_when_dropped() {
    let Rig { tenant, client } = Rig::with(&[]).await;
    let url = tenant.instance_url();
    assert!(client.get(&url).send().await.is_ok());
    let address = tenant.address();
    tenant.stop().await;
    assert!(client.get(&url).send().await.is_err());
    let options = TenantOptions {
        listen: address,
        ..TenantOptions::default()
    };
    drop(SimulatedTenant::start(options).await.unwrap());
}
