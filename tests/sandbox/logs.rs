//! What a guest logs: cut, counted, and without anything that a terminal obeys.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::instrument::WithSubscriber as _;

use super::upstream::Upstream;
use super::{assert_calm, connect};

/// Stands where the terminal would.
#[derive(Clone, Default)]
struct Terminal(Arc<Mutex<Vec<u8>>>);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a terminal gets of one attack.
async fn logged(attack: &str, limit: impl FnOnce(&mut host_harness::Limits)) -> String {
    let terminal = Terminal::default();
    let writer = terminal.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, attack, |limits| {
        limits.cpu = std::time::Duration::from_secs(20);
        limit(limits);
    })
    .await
    .unwrap();
    let _result = connection.get("x").with_subscriber(subscriber).await;
    let bytes = terminal.0.lock().unwrap().clone();
    let lines = String::from_utf8(bytes).unwrap();
    lines
        .lines()
        .filter(|line| line.contains("connector"))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[tokio::test]
async fn a_log_flood_is_cut_and_the_cut_is_told() {
    let text = logged("log-flood in get", |_| {}).await;
    let floods = text.matches(" WARN connector").count();
    assert!((100..1_001).contains(&floods), "{floods} lines");
    assert!(text.len() < 400 << 10, "{} bytes", text.len());
    assert!(text.contains("`log-bytes` under [limits]"));
    let few = |limits: &mut host_harness::Limits| limits.log_messages = 10;
    let text = logged("log-flood in get", few).await;
    assert_eq!(text.lines().count(), 11, "{text}");
    assert!(text.contains("`log-messages` under [limits]"));
}

#[tokio::test]
async fn nothing_of_a_log_is_obeyed_by_a_terminal() {
    let text = logged("log-escapes in get", |_| {}).await;
    assert_eq!(text.lines().count(), 4, "one line each: {text}");
    for line in text.lines() {
        assert_calm(line);
    }
}

#[tokio::test]
async fn a_panic_is_logged_with_its_text() {
    let text = logged("panic in get", |_| {}).await;
    assert!(text.contains("the guest's own words"), "{text}");
    for line in text.lines() {
        assert_calm(line);
    }
}
