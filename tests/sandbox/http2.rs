//! Over HTTP/2 an answer has the same caps.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue};
use axum::routing::get;
use host_harness::Limit;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rcgen::CertifiedKey;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{TOKEN, assert_limit, connected, shared, status};

/// A server that speaks HTTP/2 and nothing else, and what a client has to trust.
async fn serve(router: Router) -> (u16, String) {
    let names = vec!["127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                let socket = acceptor.accept(socket).await.unwrap();
                let service = TowerToHyperService::new(router);
                // Ends with an error where the host hangs up.
                let _ended = Builder::new(TokioExecutor::new())
                    .http2_only()
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            });
        }
    });
    (port, cert.pem())
}

/// So many lines of so many bytes.
async fn lines(Path((count, bytes)): Path<(usize, usize)>) -> HeaderMap {
    let value = HeaderValue::from_str(&"x".repeat(bytes)).unwrap();
    let mut headers = HeaderMap::new();
    for _ in 0..count {
        headers.append("x-line", value.clone());
    }
    headers
}

#[tokio::test]
async fn header_lines_over_the_caps_are_not_taken_over_http_2() {
    let router = Router::new().route("/customer-1/scim/{count}/{bytes}", get(lines));
    let (port, ca) = serve(router).await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, ca).unwrap();
    let base = format!("https://127.0.0.1:{port}/customer-1/scim");
    let mut options = host_harness::ConnectionOptions::new()
        .setting("instance-url", &base)
        .setting("attack", "")
        .credentials(
            host_harness::StaticCredentials::new()
                .with("api-token", TOKEN)
                .with("other-token", "other-canary"),
        );
    options.network.ca_file = Some(ca_file);
    let connection = connected(&shared().await.1, options).await.unwrap();
    for (lines, limit) in [
        ("120/1", Limit::Headers),
        ("100/10000", Limit::HeaderBytes),
        ("1000/10000", Limit::HeaderBytes),
    ] {
        let failure = connection.get(&format!("GET {base}/{lines}")).await;
        assert_limit(&failure.unwrap_err(), limit);
    }
    // Here the library does not say whether the limit or the protocol was broken.
    let failure = connection.get(&format!("GET {base}/20/4000")).await;
    let message = failure.unwrap_err().message();
    assert!(
        message.contains("`header-bytes` under [limits]"),
        "{message}"
    );
    let answer = connection.get(&format!("GET {base}/1/1")).await.unwrap();
    assert_eq!(status(&answer), 200);
}
