//! What another side says where a request gets no answer: with every flag that shows or keeps
//! more, nowhere.

use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::program::{program, run};

const TOKEN: &str = "c4nary/T0ken+17==";

/// SETTINGS, and once a request has come, a GOAWAY that takes none, with these words.
async fn serve(listener: TcpListener, acceptor: TlsAcceptor, said: String) {
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let mut go_away = vec![
        0,
        0,
        u8::try_from(said.len() + 8).unwrap(),
        7,
        0,
        0,
        0,
        0,
        0,
    ];
    go_away.extend([0, 0, 0, 0, 0, 0, 0, 2]);
    go_away.extend(said.bytes());
    while let Ok((socket, _)) = listener.accept().await {
        let Ok(mut socket) = acceptor.accept(socket).await else {
            continue;
        };
        let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
        let _gone = socket.write_all(&settings).await;
        // The head of the frame with a request's headers.
        while !seen
            .windows(6)
            .any(|part: &[u8]| part == [1, 5, 0, 0, 0, 1])
        {
            match socket.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => seen.extend_from_slice(&buffer[..count]),
            }
        }
        let _gone = socket.write_all(&go_away).await;
        let _gone = socket.read(&mut buffer).await;
    }
}

/// The port of an upstream that says so, and the certificate to trust.
fn upstream(runtime: &tokio::runtime::Runtime, said: &str) -> (u16, String) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    runtime.spawn(serve(listener, acceptor, said.to_owned()));
    (port, signed.cert.pem())
}

/// All of the files in a folder.
fn files(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.collect()
}

#[test]
fn what_an_upstream_says_in_place_of_an_answer_is_nowhere() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let percent = TOKEN
        .replace('/', "%2f")
        .replace('+', "%2b")
        .replace('=', "%3d");
    for echo in [TOKEN, percent.as_str(), "YzRuYXJ5L1QwaytlbisxNz09"] {
        let (port, ca) = upstream(&runtime, &format!("bad request: Bearer {echo}"));
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("ca.pem"), ca).unwrap();
        let connection = format!(
            "[settings]\ninstance-url = \"https://localhost:{port}/udi/customers/A1/scim/v2\"\n\
             [credentials]\napi-token = {{ env = \"PEERS_TOKEN\" }}\n\
             [network]\nca-file = \"ca.pem\"\n"
        );
        std::fs::write(path("c.toml"), connection).unwrap();
        let (file, har, tape) = (path("c.toml"), path("trace.har"), path("tape"));
        let mut command = program(&[
            "--connection",
            &file,
            "--trace",
            &har,
            "--record",
            &tape,
            "--json",
            "-vv",
            "check",
        ]);
        command.env("PEERS_TOKEN", TOKEN);
        let checked = run(command);
        assert_eq!(checked.code, 1, "{checked:?}");
        let said = format!("{}{}", checked.stdout, checked.stderr);
        let kept = [
            said,
            std::fs::read_to_string(&har).unwrap(),
            files(Path::new(&tape)),
        ];
        for text in kept {
            assert!(text.contains("INTERNAL_ERROR"), "{text}");
            for part in ["c4nary", "YzRuYXJ5", "bad request", "GoAway", "debug_data"] {
                assert!(!text.contains(part), "{part} is in {text}");
            }
        }
    }
}
