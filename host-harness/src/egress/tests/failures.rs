//! What another side says where a request gets no answer: in no text that is handed over.

use tokio_rustls::TlsAcceptor;

use super::*;

/// What the other sides say.
const SAID: &str = "bad request: authorization=Bearer c4nary-t0ken";

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags, 0, 0, 0, stream]);
    frame.extend(payload);
    frame
}

/// Bytes to send, at once or once a request has come.
#[derive(Clone)]
enum Step {
    AtOnce(Vec<u8>),
    Answer(Vec<u8>),
}

/// HTTP/2 that ends with these bytes once a request has come.
fn http_2(last: Vec<u8>) -> Vec<Step> {
    vec![Step::AtOnce(frame(4, 0, 0, b"")), Step::Answer(last)]
}

fn go_away(last_stream: u8, code: u8, said: &[u8]) -> Vec<u8> {
    let mut payload = vec![0, 0, 0, last_stream, 0, 0, 0, code];
    payload.extend(said);
    frame(7, 0, 0, &payload)
}

/// A server of TLS for these names that answers each with its own, and what a client has to trust.
async fn tls(names: &[&str], protocol: &[u8], answers: Vec<Step>) -> (u16, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let signed = rcgen::generate_simple_self_signed(names).unwrap();
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = acceptor.accept(socket).await else {
                continue;
            };
            let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
            // The head of the frame with a request's headers and a body to follow.
            let request = [1, 4, 0, 0, 0, 1];
            for step in &answers {
                let (wait, bytes) = match step {
                    Step::AtOnce(bytes) => (false, bytes),
                    Step::Answer(bytes) => (true, bytes),
                };
                while wait && !seen.windows(request.len()).any(|part| part == request) {
                    match socket.read(&mut buffer).await {
                        Ok(0) | Err(_) => break,
                        Ok(count) => seen.extend_from_slice(&buffer[..count]),
                    }
                }
                let _gone = socket.write_all(bytes).await;
            }
            let _gone = socket.read(&mut buffer).await;
            let _gone = socket.shutdown().await;
        }
    });
    (port, signed.cert.pem())
}

/// A bench on a server of TLS that it trusts.
async fn secured(
    names: &[&str],
    protocol: &[u8],
    answers: Vec<Step>,
) -> (Bench, tempfile::TempDir) {
    let (port, ca) = tls(names, protocol, answers).await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, ca).unwrap();
    let mut bench = Bench::new(format!("https://localhost:{port}/scim"));
    bench.network.ca_file = Some(ca_file);
    let loopback = SocketAddr::from(([127, 0, 0, 1], port));
    bench.lookup = Some(Arc::new(move |_| {
        Box::pin(async move { Ok(vec![loopback]) })
    }));
    (bench, folder)
}

/// The failure's text, in which nothing is of the other side, and what its observer saw neither.
async fn failure(bench: &Bench) -> String {
    let answer = bench.send(bench.post()).await;
    let Err(failure) = answer else {
        panic!("answered: {answer:?}");
    };
    let exchanges = bench.recorder.0.lock().unwrap();
    let results: Vec<_> = exchanges.iter().map(|exchange| &exchange.result).collect();
    let shown = format!("{failure:?} {results:?}");
    let told: Vec<_> = exchanges.iter().filter_map(Exchange::failure).collect();
    for text in [&shown, &told.join(" ")] {
        for said in [
            TOKEN,
            "c4nary",
            "bad request",
            "Bearer c",
            "YzRuYXJ5",
            "%63",
        ] {
            assert!(!text.contains(said), "{text}");
        }
    }
    match failure {
        TransportFailure::NotSent(text) | TransportFailure::NoAnswer(text) => text,
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn the_debug_data_of_http_2_is_not_shown_and_the_reason_is() {
    let in_base64 = b"bad request: YzRuYXJ5LXQwa2Vu";
    let encoded = b"bad request: %63%34%6e%61%72%79-t0ken";
    for said in [SAID.as_bytes(), in_base64, encoded] {
        for last_stream in [0, 1] {
            let answers = http_2(go_away(last_stream, 2, said));
            let (bench, _ca) = secured(&["localhost"], b"h2", answers).await;
            let text = failure(&bench).await;
            assert!(
                last_stream == 1 || text.contains("INTERNAL_ERROR"),
                "{text}"
            );
        }
    }
}

/// A code of HTTP/2 has room for four bytes, and an alert of TLS for one.
#[tokio::test]
async fn a_number_of_the_other_sides_choice_is_not_shown() {
    let piece = &TOKEN.as_bytes()[..4];
    let reset = frame(3, 0, 1, piece);
    let end = frame(7, 0, 0, &[&[0; 4], piece].concat());
    for last in [reset, end] {
        let (bench, _ca) = secured(&["localhost"], b"h2", http_2(last)).await;
        let text = failure(&bench).await;
        assert!(text.contains("an unknown code"), "{text}");
        assert!(!text.contains("63346e61"), "{text}");
    }
    let alert =
        crate::safe_text::SafeText::from(rustls::AlertDescription::from(piece[0])).to_string();
    assert_eq!(alert, "an unknown alert");
}

#[tokio::test]
async fn what_breaks_http_2_is_named() {
    let reset = frame(3, 0, 1, &[0, 0, 0, 8]);
    let not_a_frame = format!("HTTP/1.1 400 {SAID}\r\n\r\n{SAID}").into_bytes();
    let half_a_header = frame(1, 4, 1, SAID.as_bytes());
    for (last, named) in [
        (reset, "CANCEL"),
        (not_a_frame, "FRAME_SIZE_ERROR"),
        (half_a_header, "HTTP/2"),
    ] {
        let (bench, _ca) = secured(&["localhost"], b"h2", http_2(last)).await;
        let text = failure(&bench).await;
        assert!(text.contains(named), "{text}");
    }
}

#[tokio::test]
async fn what_breaks_http_1_is_not_repeated() {
    for answer in [
        format!("HTTP/1.1 {SAID}\r\n\r\n"),
        format!("{SAID}\r\n\r\n"),
        format!("HTTP/1.1 200 X\r\n{TOKEN}\r\n\r\n"),
        format!("HTTP/1.1 200 X\r\n{SAID}\r\n\r\n"),
        format!("HTTP/1.1 200 X\r\ncontent-length: {TOKEN}\r\n\r\n"),
        format!("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n{TOKEN}\r\nx\r\n0\r\n\r\n"),
        format!("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5;{TOKEN}\r\nhe"),
        format!("HTTP/1.1 200 X\r\ncontent-length: 999\r\n\r\n{SAID}"),
    ] {
        let server = Server::start(vec![Answer::Bytes(answer.into_bytes())]).await;
        let bench = Bench::new(server.url());
        let text = failure(&bench).await;
        assert!(!text.is_empty());
    }
}

#[tokio::test]
async fn the_names_in_a_certificate_are_not_shown() {
    let (bench, _ca) = secured(
        &["c4nary-t0ken.example", "bad-request.example"],
        b"h2",
        vec![],
    )
    .await;
    let text = failure(&bench).await;
    assert!(text.contains("another name"), "{text}");
    assert!(!text.contains("example"), "{text}");
}

/// Says this to whoever connects.
async fn says(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _asked = socket.read(&mut buffer).await;
            let _gone = socket.write_all(&bytes).await;
            let _gone = socket.shutdown().await;
        }
    });
    address
}

#[tokio::test]
async fn what_comes_in_place_of_tls_is_named() {
    for (bytes, named) in [
        (SAID.as_bytes().to_vec(), "TLS"),
        (format!("HTTP/1.1 400 {SAID}\r\n\r\n").into_bytes(), "TLS"),
        (b"\x15\x03\x03\x00\x02\x02\x28".to_vec(), "HandshakeFailure"),
    ] {
        let address = says(bytes).await;
        let mut bench = Bench::new(format!("https://localhost:{}/scim", address.port()));
        bench.lookup = Some(Arc::new(move |_| {
            Box::pin(async move { Ok(vec![address]) })
        }));
        let text = failure(&bench).await;
        assert!(text.contains(named), "{text}");
    }
}

#[tokio::test]
async fn what_a_proxy_or_a_resolver_says_is_not_repeated() {
    for answer in [
        format!("HTTP/1.1 407 {SAID}\r\nx-said: {SAID}\r\n\r\n{SAID}"),
        format!("HTTP/1.1 502 {SAID}\r\n\r\n"),
        SAID.to_owned(),
    ] {
        let proxy = says(answer.into_bytes()).await;
        let mut bench = Bench::new("https://upstream.example/scim".to_owned());
        bench.network.proxy = Some(format!("http://{proxy}"));
        let text = failure(&bench).await;
        assert!(text.contains("No connection"), "{text}");
    }
    let mut bench = Bench::new("https://upstream.example/scim".to_owned());
    bench.lookup = Some(Arc::new(|_| {
        let said = format!("{TOKEN} %63%34nary-t0ken");
        Box::pin(async move { Err(std::io::Error::other(said)) })
    }));
    assert!(failure(&bench).await.contains("[redacted]"));
}
