//! Operations a second through the whole host, against bare reqwest that sends the same
//! requests to the same server and reads the same answers.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use host_harness::trace::{Exchange, Observer, SentRequest};
use host_harness::{Connection, ConnectionOptions, StaticCredentials};

use crate::child::Served;
use crate::figures::{Target, Unit, median, row};
use crate::stage::{ADA, connector, draft, edits, text};

/// Requests at once, on both sides.
const AT_ONCE: usize = 16;
/// Times that each of those does each operation, in one round.
const TIMES: usize = 150;
/// Rounds of each side, taking turns; the first of each is for warming up.
const ROUNDS: usize = 8;
const OPERATIONS: usize = 4;
const TOKEN: &str = "a-token-of-nobody-9c2d41";

/// Keeps what is sent.
#[derive(Default)]
struct Sent(Mutex<Vec<SentRequest>>);

impl Observer for Sent {
    fn exchange(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(exchange.request.clone());
    }
}

pub(crate) async fn measure() {
    let served = Served::start("answers", 1);
    let (address, id) = served.lines[0].split_once(' ').unwrap();
    let base = format!("http://{address}/udi/customers/0012J00042NkZQIQA3/scim/v2");
    let options = || {
        let mut options = ConnectionOptions::new()
            .setting("instance-url", &base)
            .credentials(StaticCredentials::new().with("api-token", TOKEN));
        options.network.allow_loopback_http = true;
        options.network.max_concurrency = AT_ONCE;
        options
    };
    let connector = connector().await;
    let sent = Arc::new(Sent::default());
    let mut watched = options();
    watched.observer = Some(sent.clone());
    operations(&connector.connect(watched).await.unwrap(), id).await;
    let requests: Arc<[SentRequest]> = sent.0.lock().unwrap().clone().into();

    let connection = connector.connect(options()).await.unwrap();
    // As the host has it; without one there is no client, though nothing here is encrypted.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    let (mut hosted, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let workers = (0..AT_ONCE).map(|_| {
            let (connection, id) = (connection.clone(), id.to_owned());
            tokio::spawn(async move {
                for _ in 0..TIMES {
                    operations(&connection, &id).await;
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
        hosted.push(begun.elapsed());
        let begun = Instant::now();
        let workers = (0..AT_ONCE).map(|_| {
            let (bare, requests) = (bare.clone(), Arc::clone(&requests));
            tokio::spawn(async move {
                for _ in 0..TIMES {
                    for request in &*requests {
                        send(&bare, request).await;
                    }
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
        alone.push(begun.elapsed());
    }
    let (hosted, alone) = (hosted.split_off(1), alone.split_off(1));
    let done = f64::from(u32::try_from(AT_ONCE * TIMES * OPERATIONS).unwrap());
    let (hosted, alone) = (median(hosted).as_secs_f64(), median(alone).as_secs_f64());
    row(
        "operations a second through the host, against bare reqwest",
        Target::AtLeast(85.0),
        alone / hosted * 100.0,
        Unit::Percent,
    );
    row(
        "through the host",
        Target::Open,
        done / hosted,
        Unit::EachSecond,
    );
    row(
        "the same requests by bare reqwest",
        Target::Open,
        done / alone,
        Unit::EachSecond,
    );
}

/// One of each: a read, a search, a new account, a change.
async fn operations(connection: &Connection, id: &str) {
    connection.get(id).await.unwrap();
    let name = text(ADA[0].1);
    connection.find("userName", &name).await.unwrap().unwrap();
    connection.create(&draft(&ADA)).await.unwrap();
    let change = edits(&[("title", "Countess")]);
    connection.update(id, &change).await.unwrap();
}

async fn send(client: &reqwest::Client, request: &SentRequest) {
    let method = request.method.parse().unwrap();
    let mut sending = client.request(method, &request.url);
    for line in &request.headers {
        sending = match line.name.as_str() {
            "authorization" => sending.header("authorization", format!("Bearer {TOKEN}")),
            name => sending.header(name, &line.value),
        };
    }
    if let Some(body) = &request.body {
        sending = sending.body(body.clone());
    }
    let answer = sending.send().await.unwrap();
    assert!(answer.status().is_success());
    assert!(!answer.bytes().await.unwrap().is_empty());
}
