//! The sandbox holds. A [hostile connector](../hostile) does its worst, and each test shows
//! that the harm stays inside, that the caller learns which limit or rule stopped it and
//! which line of the connection file decides, and that the host works on: all of them share
//! one host, and each ends with an honest connection on it.

mod computing;
mod grants;
mod http2;
mod limits;
mod logs;
mod manifests;
mod memory;
mod requests;
mod results;
mod secrets;
mod together;
mod upstream;

use host_harness::contract::{Account, Value};
use host_harness::{
    CompiledCode, Component, Connection, ConnectionOptions, Failure, Host, HostOptions, Limit,
    Limits, StaticCredentials,
};
use tokio::sync::OnceCell;

use upstream::Upstream;

const HOSTILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hostile.wasm"));
const TOKEN: &str = "canary-4f1e9c";

/// The host that all attacks share.
pub(crate) async fn host_of_the_hostile() -> &'static Host {
    &shared().await.0
}

pub(crate) async fn upstream() -> Upstream {
    Upstream::start().await
}

/// An honest connection's.
pub(crate) fn hostile_options(upstream: &Upstream) -> ConnectionOptions {
    options(upstream, "")
}

/// The host that all attacks share, and the connector in it.
async fn shared() -> &'static (Host, Component) {
    static SHARED: OnceCell<(Host, Component)> = OnceCell::const_new();
    SHARED
        .get_or_init(|| async {
            let host = host(|_| {});
            let component = Component::from_bytes(&host, HOSTILE).await.unwrap();
            (host, component)
        })
        .await
}

fn host(change: impl FnOnce(&mut HostOptions)) -> Host {
    let mut options = HostOptions::default();
    // Each attack in `describe` is a component of its own, and compiling takes seconds.
    options.compiled_code =
        CompiledCode::In(concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled").into());
    options.max_instances = 32;
    options.limits.operation_time = std::time::Duration::from_secs(30);
    // Whoever describes itself without end does so in many tests.
    options.limits.cpu = std::time::Duration::from_secs(1);
    change(&mut options);
    limits::raise_of_host(&mut options);
    Host::new(options).unwrap()
}

/// The connector whose `describe` does this.
pub(crate) fn describing(attack: &str) -> Vec<u8> {
    marked(b"attack-in-describe:", attack)
}

/// The connector that does this as soon as it is instantiated.
fn starting(attack: &str) -> Vec<u8> {
    marked(b"attack-at-start:", attack)
}

fn marked(marker: &[u8], attack: &str) -> Vec<u8> {
    let mut bytes = HOSTILE.to_vec();
    let at = bytes
        .windows(marker.len())
        .position(|window| window == marker)
        .unwrap()
        + marker.len();
    bytes[at..at + attack.len()].copy_from_slice(attack.as_bytes());
    bytes
}

/// As an operator would connect it, with time limits that a test can wait for.
fn options(upstream: &Upstream, attack: &str) -> ConnectionOptions {
    let mut options = ConnectionOptions::new()
        .setting("instance-url", upstream.base())
        .setting("attack", attack)
        .credentials(
            StaticCredentials::new()
                .with("api-token", TOKEN)
                .with("other-token", "other-canary"),
        );
    options.network.allow_loopback_http = true;
    options.limits.cpu = std::time::Duration::from_millis(800);
    options.limits.operation_time = std::time::Duration::from_secs(30);
    options
}

/// Every connection of these tests is made here.
async fn connected(
    component: &Component,
    mut options: ConnectionOptions,
) -> Result<Connection, Failure> {
    limits::raise(&mut options.limits);
    component.connect(options).await
}

/// A connection to run one attack on.
async fn connect(
    upstream: &Upstream,
    attack: &str,
    limit: impl FnOnce(&mut Limits),
) -> Result<Connection, Failure> {
    let mut options = options(upstream, attack);
    limit(&mut options.limits);
    connected(&shared().await.1, options).await
}

/// What `get` comes to with this attack.
async fn attacked(attack: &str, limit: impl FnOnce(&mut Limits)) -> Failure {
    let upstream = Upstream::start().await;
    let connection = connect(&upstream, attack, limit).await.unwrap();
    let failure = connection.get("GET http://unused/").await.unwrap_err();
    works(&upstream).await;
    failure
}

/// An honest connection still works on the shared host.
async fn works(upstream: &Upstream) {
    let connection = connect(upstream, "", |_| {}).await.unwrap();
    let seen = connection
        .get(&format!("GET {}/Users", upstream.base()))
        .await
        .unwrap();
    assert_eq!(status(&seen), 200);
}

fn status(account: &Account) -> i64 {
    match &account.attributes[0].values[0] {
        Value::Integer(status) => *status,
        other => panic!("{other:?}"),
    }
}

/// All that the guest saw of an answer.
fn seen(account: &Account) -> &str {
    match &account.attributes[1].values[0] {
        Value::Text(seen) => seen,
        other => panic!("{other:?}"),
    }
}

/// The failure is this limit's, and names the line that raises it.
#[track_caller]
fn assert_limit(failure: &Failure, limit: Limit) {
    assert_eq!(failure.kind(), "limit-reached", "{failure}");
    assert_eq!(failure.limit(), Some(limit), "{failure}");
    let message = failure.message();
    assert!(
        message.contains(&format!("`{}`", limit.name())) && message.contains("[limits]"),
        "{message}"
    );
}

/// The failure is the connector's fault, and says so in these words.
#[track_caller]
fn assert_fault(failure: &Failure, words: &str) {
    assert_eq!(failure.kind(), "connector-fault", "{failure}");
    assert!(failure.message().contains(words), "{failure}");
    assert_calm(&failure.message());
}

/// Nothing in it that a terminal would obey, and no more than a person reads.
#[track_caller]
fn assert_calm(text: &str) {
    let wild = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(wild), "{text:?}");
    assert!(text.len() < 20_000, "{} bytes", text.len());
}
