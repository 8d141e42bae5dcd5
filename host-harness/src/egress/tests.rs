//! The HTTP capability against a server on loopback that says what it is told to.

mod failures;
mod order;
mod secrets;
#[cfg(target_os = "linux")]
mod socket;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::address::Lookup;
use super::*;
use crate::clock::{Clock, TestClock};
use crate::contract::{
    Credential, CredentialPlacement, DeletionEffect, Header, Manifest, Method, Operations,
    RefusalReason, Repeatability, Request, Response, TransportFailure,
};
use crate::limits::{Limit, Limits};
use crate::trace::{Exchange, Observer};

const TOKEN: &str = "c4nary-t0ken";

/// What the server does with one request.
#[derive(Clone)]
enum Answer {
    Bytes(Vec<u8>),
    /// Reads the request and closes the connection.
    Close,
}

fn status(code: u16, more: &str, body: &str) -> Answer {
    Answer::Bytes(
        format!(
            "HTTP/1.1 {code} X\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut answers = VecDeque::from(answers);
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = read_request(&mut socket).await;
                seen.lock().unwrap().push(request);
                if let Some(Answer::Bytes(bytes)) = answers.pop_front() {
                    socket.write_all(&bytes).await.unwrap();
                    socket.shutdown().await.unwrap();
                }
            }
        });
        Self { address, requests }
    }

    fn url(&self) -> String {
        format!("http://{}/scim", self.address)
    }

    fn seen(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read_request(socket: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains("\r\n\r\n") {
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
        }
    }
    text
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Exchange>>);

impl Observer for Recorder {
    fn exchange(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(exchange.clone());
    }
}

/// One connection's egress, and what one operation did with it.
struct Bench {
    base: String,
    network: Network,
    limits: Limits,
    clock: TestClock,
    dry_run: bool,
    lookup: Option<Lookup>,
    reading: bool,
    recorder: Arc<Recorder>,
    credentials: Arc<dyn Credentials>,
    manifest: Manifest,
}

impl Bench {
    fn new(base: String) -> Self {
        Self {
            base,
            network: Network {
                allow_loopback_http: true,
                ..Network::default()
            },
            limits: Limits::default(),
            clock: TestClock::default(),
            dry_run: false,
            lookup: None,
            reading: false,
            recorder: Arc::default(),
            credentials: Arc::new(StaticCredentials::new().with("api-token", TOKEN)),
            manifest: manifest(),
        }
    }

    async fn send(&self, request: Request) -> Result<Response, TransportFailure> {
        self.operation(request).await.0
    }

    async fn operation(&self, request: Request) -> (Result<Response, TransportFailure>, Operation) {
        let egress = self.egress();
        let mut operation = self.begin();
        let carrier = egress.begin(&self.begun());
        let answer = egress.send(&mut operation, &*carrier, request).await;
        (answer, operation)
    }

    fn begin(&self) -> Operation {
        let deadline = self.clock.now() + self.limits.operation_time;
        Operation::new("test", self.reading, deadline)
    }

    fn begun(&self) -> Begun<'_> {
        Begun {
            operation: "test",
            given: Given::Nothing,
            manifest: &self.manifest,
        }
    }

    fn egress(&self) -> Egress {
        let grant =
            Grant::from_operator("instance-url", &self.base, &[], true).expect("a good base");
        Egress::new(EgressOptions {
            manifest: &self.manifest,
            granted: vec![grant.clone()],
            reach: vec![grant],
            credentials: Arc::clone(&self.credentials),
            network: &self.network,
            limits: self.limits.clone(),
            clock: Arc::new(self.clock.clone()),
            observer: Some(self.recorder.clone()),
            dry_run: self.dry_run,
            wire: None,
            lookup: self.lookup.clone(),
        })
        .expect("a good network")
    }

    fn get(&self) -> Request {
        Request {
            method: Method::Get,
            url: format!("{}/Users", self.base),
            headers: vec![],
            body: None,
            credentials: vec!["api-token".to_owned()],
            repeatability: Repeatability::Safe,
            delay_ms: 0,
        }
    }

    fn post(&self) -> Request {
        Request {
            method: Method::Post,
            body: Some(b"{}".to_vec()),
            repeatability: Repeatability::Once,
            ..self.get()
        }
    }
}

fn manifest() -> Manifest {
    Manifest {
        id: "test".to_owned(),
        title: "Test".to_owned(),
        version: "0.1.0".to_owned(),
        setup: String::new(),
        settings: vec![],
        credentials: vec![Credential {
            name: "api-token".to_owned(),
            title: "Token".to_owned(),
            help: String::new(),
            placement: CredentialPlacement::Bearer,
            base_url: "instance-url".to_owned(),
        }],
        headers: vec![],
        attributes: vec![],
        lookup_keys: vec![],
        identity_key: None,
        operations: Operations::all(),
        deletion: DeletionEffect::Removes,
        max_page_size: 100,
        quirks: vec![],
    }
}

fn refused(answer: &Result<Response, TransportFailure>) -> RefusalReason {
    match answer {
        Err(TransportFailure::Refused(refusal)) => refusal.reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn the_credential_is_added_and_the_answer_comes_back() {
    let server = Server::start(vec![status(200, "x-a: b\r\n", "hello")]).await;
    let bench = Bench::new(server.url());
    let response = bench.send(bench.get()).await.unwrap();
    assert_eq!(
        (response.status, response.body.as_slice()),
        (200, &b"hello"[..])
    );
    let seen = server.seen().remove(0);
    assert!(seen.starts_with("GET /scim/Users HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("authorization: Bearer {TOKEN}\r\n")));
    assert!(seen.contains("accept-encoding: identity\r\n"));
    assert!(!seen.contains("referer"));
}

#[tokio::test]
async fn nothing_is_sent_where_the_policy_refuses() {
    let server = Server::start(vec![]).await;
    let mut bench = Bench::new(server.url());
    let elsewhere = Request {
        url: format!("http://{}/other", server.address),
        ..bench.get()
    };
    assert_eq!(refused(&bench.send(elsewhere).await), RefusalReason::Path);
    let header = Header {
        name: "range".to_owned(),
        value: "bytes=0-1".to_owned(),
    };
    let ranged = Request {
        headers: vec![header],
        ..bench.get()
    };
    assert_eq!(refused(&bench.send(ranged).await), RefusalReason::Header);
    let unknown = Request {
        credentials: vec!["other".to_owned()],
        ..bench.get()
    };
    assert_eq!(
        refused(&bench.send(unknown).await),
        RefusalReason::Credential
    );
    bench.reading = true;
    assert_eq!(
        refused(&bench.send(bench.post()).await),
        RefusalReason::Method
    );
    bench.reading = false;
    bench.network.read_only = true;
    assert_eq!(
        refused(&bench.send(bench.post()).await),
        RefusalReason::Method
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_dry_run_sends_reads_and_shows_the_first_write() {
    let server = Server::start(vec![status(200, "", "")]).await;
    let mut bench = Bench::new(server.url());
    bench.dry_run = true;
    assert!(bench.send(bench.get()).await.is_ok());
    let (answer, operation) = bench.operation(bench.post()).await;
    assert_eq!(refused(&answer), RefusalReason::DryRun);
    let planned = operation.planned.unwrap();
    assert_eq!(planned.method, "POST");
    let authorisation = Header {
        name: "authorization".to_owned(),
        value: "Bearer [redacted]".to_owned(),
    };
    assert!(planned.headers.contains(&authorisation));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn redirects_are_handed_over_and_not_followed() {
    let server = Server::start(vec![status(307, "location: http://127.0.0.1:1/x\r\n", "")]).await;
    let bench = Bench::new(server.url());
    assert_eq!(bench.send(bench.get()).await.unwrap().status, 307);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn echoes_of_the_token_and_session_headers_do_not_reach_the_guest() {
    let more = format!("x-echo: Bearer {TOKEN}\r\nset-cookie: a=b\r\nwww-authenticate: Bearer\r\n");
    let server = Server::start(vec![status(401, &more, &format!("got {TOKEN}!"))]).await;
    let bench = Bench::new(server.url());
    let response = bench.send(bench.get()).await.unwrap();
    assert_eq!(response.body, b"got [redacted]!");
    let shown = format!("{response:?}{:?}", bench.recorder.0.lock().unwrap());
    assert!(!shown.contains(TOKEN));
    assert!(!shown.contains("set-cookie") && !shown.contains("www-authenticate"));
}

#[tokio::test]
async fn an_encoded_answer_to_a_credentialed_request_is_withheld() {
    let gzip = status(200, "content-encoding: gzip\r\n", "x");
    let server = Server::start(vec![gzip.clone(), gzip]).await;
    let bench = Bench::new(server.url());
    let answer = bench.send(bench.get()).await;
    assert!(matches!(answer, Err(TransportFailure::Withheld(_))));
    // Nor to one without, since it may show what another one was sent with.
    let open = Request {
        credentials: vec![],
        ..bench.get()
    };
    let answer = bench.send(open).await;
    assert!(matches!(answer, Err(TransportFailure::Withheld(_))));
    // Nor one that is compressed and does not say so.
    let zip = status(200, "content-type: application/json\r\n", "PK\u{3}\u{4}x");
    let server = Server::start(vec![zip]).await;
    let bench = Bench::new(server.url());
    let answer = bench.send(bench.get()).await;
    assert!(matches!(answer, Err(TransportFailure::Withheld(_))));
}

#[tokio::test]
async fn an_encoded_answer_is_handed_over_where_there_is_no_secret() {
    let server = Server::start(vec![status(200, "content-encoding: gzip\r\n", "x")]).await;
    let mut bench = Bench::new(server.url());
    bench.manifest.credentials.clear();
    let open = Request {
        credentials: vec![],
        ..bench.get()
    };
    assert!(bench.send(open).await.is_ok());
}

#[tokio::test]
async fn retries_wait_as_the_upstream_asks() {
    let busy = status(429, "retry-after: 7\r\n", "");
    let server = Server::start(vec![busy.clone(), busy, status(200, "", "")]).await;
    let bench = Bench::new(server.url());
    assert_eq!(bench.send(bench.post()).await.unwrap().status, 200);
    assert_eq!(bench.clock.take_sleeps(), [Duration::from_secs(7); 2]);
    let attempts: Vec<u32> = bench
        .recorder
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|e| e.attempt)
        .collect();
    assert_eq!(attempts, [1, 2, 3]);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_hands_the_last_answer_back_at_once() {
    let server = Server::start(vec![status(503, "retry-after: 3600\r\n", "")]).await;
    let bench = Bench::new(server.url());
    let response = bench.send(bench.get()).await.unwrap();
    assert_eq!(
        (response.status, response.retry_after_ms),
        (503, Some(3_600_000))
    );
    assert!(bench.clock.take_sleeps().is_empty());
}

#[tokio::test]
async fn a_cut_connection_is_no_answer_and_a_write_is_not_repeated() {
    let server = Server::start(vec![Answer::Close; 8]).await;
    let bench = Bench::new(server.url());
    let answer = bench.send(bench.post()).await;
    assert!(
        matches!(answer, Err(TransportFailure::NoAnswer(_))),
        "{answer:?}"
    );
    assert_eq!(server.seen().len(), 1);
    let answer = bench.send(bench.get()).await;
    assert!(matches!(answer, Err(TransportFailure::NoAnswer(_))));
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn a_body_cut_short_is_no_answer() {
    let half = Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec());
    let server = Server::start(vec![half]).await;
    let bench = Bench::new(server.url());
    let answer = bench.send(bench.post()).await;
    assert!(
        matches!(answer, Err(TransportFailure::NoAnswer(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn nobody_listening_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let bench = Bench::new(format!("http://{address}/scim"));
    let answer = bench.send(bench.post()).await;
    assert!(
        matches!(answer, Err(TransportFailure::NotSent(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn bodies_and_headers_over_the_caps_are_too_large() {
    let large = "x".repeat(2_000);
    let chunked = Answer::Bytes(
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n{large}\r\n0\r\n\r\n")
            .into_bytes(),
    );
    let header = status(200, &format!("x-large: {large}\r\n"), "");
    let server = Server::start(vec![status(200, "", &large), chunked, header]).await;
    let mut bench = Bench::new(server.url());
    bench.limits.response_bytes = 1_000;
    bench.limits.header_bytes = 1_000;
    for limit in [
        Limit::ResponseBytes,
        Limit::ResponseBytes,
        Limit::HeaderBytes,
    ] {
        let (answer, operation) = bench.operation(bench.get()).await;
        assert!(
            matches!(answer, Err(TransportFailure::TooLarge(1_000))),
            "{answer:?}"
        );
        assert_eq!(operation.reached, Some(limit));
    }
}

#[tokio::test]
async fn requests_over_the_operations_limits_are_refused() {
    let server = Server::start(vec![status(503, "", ""); 8]).await;
    let mut bench = Bench::new(server.url());
    bench.limits.requests = 2;
    let (answer, operation) = bench.operation(bench.get()).await;
    assert_eq!((answer.unwrap().status, operation.requests), (503, 2));
    bench.limits.request_bytes = 1;
    let (answer, operation) = bench.operation(bench.post()).await;
    assert_eq!(refused(&answer), RefusalReason::Budget);
    assert_eq!(operation.reached, Some(Limit::RequestBytes));
}

#[tokio::test]
async fn a_delay_is_waited_and_one_that_does_not_fit_is_refused_at_once() {
    let server = Server::start(vec![status(200, "", "")]).await;
    let bench = Bench::new(server.url());
    let later = |delay_ms| Request {
        delay_ms,
        ..bench.get()
    };
    assert!(bench.send(later(2_000)).await.is_ok());
    assert_eq!(bench.clock.take_sleeps(), [Duration::from_secs(2)]);
    assert_eq!(
        refused(&bench.send(later(600_000)).await),
        RefusalReason::Budget
    );
    assert!(bench.clock.take_sleeps().is_empty());
}

#[tokio::test]
async fn a_silent_upstream_is_no_answer_after_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bench = Bench::new(format!("http://{}/scim", listener.local_addr().unwrap()));
    let clock = bench.clock.clone();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await;
        clock.advance(Duration::from_secs(30));
        // Holds the connection open.
        std::future::pending::<()>().await;
        drop(socket);
    });
    let answer = bench.send(bench.post()).await;
    server.abort();
    assert!(
        matches!(answer, Err(TransportFailure::NoAnswer(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_name_that_leads_off_the_public_internet_is_refused() {
    let server = Server::start(vec![]).await;
    let address = server.address;
    let mut bench = Bench::new(format!("https://upstream.example:{}/scim", address.port()));
    bench.lookup = Some(Arc::new(move |_| {
        Box::pin(async move { Ok(vec![address]) })
    }));
    let answer = bench.send(bench.get()).await;
    assert_eq!(refused(&answer), RefusalReason::Address);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_named_with_the_way_out() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        while let Ok((socket, _)) = listener.accept().await {
            if let Ok(mut socket) = acceptor.accept(socket).await {
                let mut buffer = [0; 4096];
                let _request = socket.read(&mut buffer).await;
                let answer = b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n";
                socket.write_all(answer).await.unwrap();
                socket.shutdown().await.unwrap();
            }
        }
    });
    let mut bench = Bench::new(format!("https://localhost:{port}/scim"));
    let loopback = SocketAddr::from(([127, 0, 0, 1], port));
    bench.lookup = Some(Arc::new(move |_| {
        Box::pin(async move { Ok(vec![loopback]) })
    }));
    match bench.send(bench.post()).await {
        Err(TransportFailure::NotSent(message)) => {
            assert!(
                message.contains("not trusted") && message.contains("ca-file"),
                "{message}"
            );
        }
        other => panic!("{other:?}"),
    }
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, signed.cert.pem()).unwrap();
    bench.network.ca_file = Some(ca);
    assert_eq!(bench.send(bench.post()).await.unwrap().status, 204);
}
