//! Secrets that are rotated while the host runs.

use std::path::Path;

use host_harness::{Connection, ConnectionFile};

use super::upstream::Upstream;
use super::{connected, seen, shared, status};

#[cfg(unix)]
fn write(path: &Path, secret: &str) {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::write(path, secret).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn write(path: &Path, secret: &str) {
    std::fs::write(path, secret).unwrap();
}

/// A connection as its file has it.
async fn connection(upstream: &Upstream, folder: &Path) -> Connection {
    let text = format!(
        "[settings]\ninstance-url = \"{}\"\n[credentials]\napi-token = {{ file = \"token\" }}\n\
         other-token = {{ file = \"token\" }}\n[network]\nallow-loopback-http = true\n",
        upstream.base()
    );
    let file = ConnectionFile::parse(&folder.join("connection.toml"), &text).unwrap();
    file.check_credentials().unwrap();
    connected(&shared().await.1, file.options()).await.unwrap()
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let (upstream, folder) = (Upstream::start().await, tempfile::tempdir().unwrap());
    let token = folder.path().join("token");
    write(&token, "first");
    let connection = connection(&upstream, folder.path()).await;
    let script = format!("GET {}/Users | credential api-token", upstream.base());
    assert!(connection.get(&script).await.is_ok());
    write(&token, "second");
    assert!(connection.get(&script).await.is_ok());
    let requests = upstream.requests();
    assert!(requests[0].contains("bearer first\r\n"));
    assert!(requests[1].contains("bearer second\r\n"));
}

/// What an upstream kept of an earlier request is as secret as what it was sent just now.
#[tokio::test]
async fn a_secret_that_was_sent_before_is_taken_out_of_later_answers() {
    let (upstream, folder) = (Upstream::start().await, tempfile::tempdir().unwrap());
    let token = folder.path().join("token");
    write(&token, "the-first-token");
    let connection = connection(&upstream, folder.path()).await;
    let script = format!("GET {}/Users | credential api-token", upstream.base());
    assert!(connection.get(&script).await.is_ok());
    write(&token, "the-second-token");
    // What the guest says stands for what the upstream remembers.
    let echo = format!(
        "GET {}/echo | credential api-token | header prefer: the-first-token",
        upstream.base()
    );
    let answer = connection.get(&echo).await.unwrap();
    assert!(upstream.requests()[1].contains("prefer: the-first-token\r\n"));
    assert!(seen(&answer).contains("prefer: "), "{}", seen(&answer));
    assert!(!seen(&answer).contains("-token\r\n"), "{}", seen(&answer));
    // Nor where this request goes without a credential.
    let echo = format!(
        "GET {}/echo | header prefer: the-second-token",
        upstream.base()
    );
    let answer = connection.get(&echo).await.unwrap();
    assert!(seen(&answer).contains("prefer: "), "{}", seen(&answer));
    assert!(!seen(&answer).contains("-token\r\n"), "{}", seen(&answer));
}

#[tokio::test]
async fn a_401_is_asked_again_once_where_the_secret_has_changed() {
    let (upstream, folder) = (Upstream::start().await, tempfile::tempdir().unwrap());
    let token = folder.path().join("token");
    write(&token, "first");
    let connection = connection(&upstream, folder.path()).await;
    // Nothing has changed: the answer is handed over at once.
    upstream.takes_only("second");
    let write_request = format!(
        "POST {}/Users | credential api-token | body 2 | once",
        upstream.base()
    );
    let draft = host_harness::contract::Edits {
        status: None,
        changes: vec![],
        expected_version: None,
    };
    let outcome = connection.update(&write_request, &draft).await.unwrap();
    assert_eq!(status(&outcome.account), 401);
    assert_eq!(upstream.requests().len(), 1);
    upstream.forget();
    // The file changes while the request is under way.
    upstream.on_request({
        let token = token.clone();
        move || write(&token, "second")
    });
    let outcome = connection.update(&write_request, &draft).await.unwrap();
    assert_eq!(status(&outcome.account), 200);
    let requests = upstream.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[0].contains("bearer first\r\n"));
    assert!(requests[1].contains("bearer second\r\n"));
    upstream.forget();
    // However often it changes, it is asked again once.
    upstream.takes_only("another");
    upstream.on_request({
        let count = std::sync::atomic::AtomicUsize::new(0);
        move || {
            let count = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            write(&token, &format!("wrong-{count}"));
        }
    });
    let outcome = connection.update(&write_request, &draft).await.unwrap();
    assert_eq!(status(&outcome.account), 401);
    assert_eq!(upstream.requests().len(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_can_read_is_refused_before_anything_is_sent() {
    use std::os::unix::fs::PermissionsExt as _;

    let (upstream, folder) = (Upstream::start().await, tempfile::tempdir().unwrap());
    let token = folder.path().join("token");
    write(&token, "first");
    let connection = connection(&upstream, folder.path()).await;
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let script = format!("GET {}/Users | credential api-token", upstream.base());
    let failure = connection.get(&script).await.unwrap_err();
    assert_eq!(failure.code(), Some("refused-credential"));
    assert!(failure.message().contains("chmod 600"), "{failure}");
    assert!(upstream.requests().is_empty());
}
