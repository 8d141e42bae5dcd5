//! The servers: in a child process, which ends with its parent.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Response, Uri};
use simulated_8x8::{Fault, FaultEffect, SimulatedTenant, TenantOptions};

use crate::in_process::Recorded;

/// How many people the tenant of `pages` has.
pub(crate) const PEOPLE: usize = 1_000_000;
/// How many tenants `tenants` runs, the last of which answers nobody.
pub(crate) const TENANTS: usize = 1_000;

/// A child that serves, and what it said of itself: a line for each server.
pub(crate) struct Served {
    child: Child,
    pub(crate) lines: Vec<String>,
}

impl Served {
    /// Starts one; it is reachable when this returns.
    pub(crate) fn start(what: &str, lines: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["serve", what])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let lines: Vec<String> = out.lines().take(lines).map(Result::unwrap).collect();
        Self { child, lines }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs this program once more, to its end.
pub(crate) fn run(arguments: &[&str]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    assert!(child.args(arguments).status().unwrap().success());
}

/// Serves until the parent has gone.
pub(crate) async fn serve(what: &str) {
    match what {
        // Compiles what the others find compiled.
        "nothing" => {
            crate::stage::connector().await;
            crate::connections::host().await;
        }
        "answers" => {
            let recorded = Recorded::of(0).await;
            println!("{} {}", answers(recorded.clone()).await, recorded.id());
            parent_gone().await;
        }
        "pages" => {
            println!("{}", pages().await);
            parent_gone().await;
        }
        "tenants" => {
            let _tenants = tenants().await;
            parent_gone().await;
        }
        other => panic!("nothing serves {other}"),
    }
}

/// Nothing is ever written to the pipe, which ends with the parent.
async fn parent_gone() {
    let read = || std::io::stdin().read(&mut [0]);
    let _ = tokio::task::spawn_blocking(read).await;
}

async fn listen(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

fn scim(status: u16, body: Vec<u8>) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", "application/scim+json")
        .body(Body::from(body))
        .unwrap()
}

/// One person, whatever is done to them: as light as a server can be, so that what stands
/// between it and the caller shows.
async fn answers(recorded: Recorded) -> SocketAddr {
    let answer = move |method: Method, uri: Uri, _body: Bytes| {
        let (status, body) = recorded.answer(method.as_str(), &uri.to_string());
        std::future::ready(scim(status, body))
    };
    listen(Router::new().fallback(answer)).await
}

/// A million people, each made up when a page shows them: the simulated tenant would hold
/// gigabytes of them.
async fn pages() -> SocketAddr {
    let answer = |uri: Uri| {
        let number = |name: &str| -> Option<usize> {
            let pairs = uri.query()?.split('&');
            pairs
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .and_then(|(_, value)| value.parse().ok())
        };
        let start = number("startIndex").unwrap_or(1).max(1);
        let count = number("count").unwrap_or(100).min(100);
        std::future::ready(scim(200, page(start, count)))
    };
    listen(Router::new().fallback(answer)).await
}

/// As RFC 7644 §3.4.2 has it.
fn page(start: usize, count: usize) -> Vec<u8> {
    let last = (start - 1).saturating_add(count).min(PEOPLE);
    let mut people = String::with_capacity(64 << 10);
    for number in start..=last {
        if number > start {
            people.push(',');
        }
        // Ids as 8x8 has them, in no order that tells.
        let id = format!(
            "{:016x}",
            (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        );
        let _ = write!(
            people,
            r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","urn:ietf:params:scim:schemas:extension:8x8:1.1:User"],"id":"{id}","externalId":"E{number:07}","userName":"ada.lovelace.{number}@example.com","name":{{"givenName":"Ada","familyName":"Lovelace"}},"emails":[{{"value":"ada.lovelace.{number}@example.com","type":"work","primary":true}}],"title":"Engineer","locale":"en-US","active":true,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{{"department":"R&D"}},"urn:ietf:params:scim:schemas:extension:8x8:1.1:User":{{"site":"London"}},"meta":{{"resourceType":"User","created":"2024-01-01T08:00:00Z","lastModified":"2024-01-01T08:00:00Z"}}}}"#
        );
    }
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":{PEOPLE},"startIndex":{start},"itemsPerPage":{},"Resources":[{people}]}}"#,
        (last + 1).saturating_sub(start)
    )
    .into_bytes()
}

/// Simulated tenants of nobody, the last of which keeps every request waiting.
async fn tenants() -> Arc<Vec<SimulatedTenant>> {
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        let tenant = SimulatedTenant::start(TenantOptions {
            customer_id: format!("customer-{number}"),
            ..TenantOptions::default()
        });
        let tenant = tenant.await.unwrap();
        println!("{} {}", tenant.instance_url(), tenant.token());
        tenants.push(tenant);
    }
    let silent = tenants.last().unwrap();
    for _ in 0..10_000 {
        silent.inject(Fault {
            method: None,
            effect: FaultEffect::Delay(Duration::from_secs(600)),
        });
    }
    Arc::new(tenants)
}
