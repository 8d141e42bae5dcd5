//! The guest as a whole, in the real host, on answers at random: it never traps, the host never
//! panics, and nothing takes longer than it may. `FUZZ_SECONDS` says for how long, `FUZZ_SEED`
//! where to begin; see `docs/fuzzing.md`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use host_harness::contract::{AccountStatus, PageQuery};
use host_harness::{ConnectionOptions, Failure, StaticCredentials};
use serde_json::{Value as Json, json};

use crate::stage::{ADA, connector, draft, edits, set_status, text};
use crate::upstream::{Upstream, answer};

const STATUSES: [u16; 33] = [
    200, 200, 200, 201, 202, 204, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409,
    410, 412, 413, 415, 422, 423, 425, 429, 500, 501, 502, 503, 504, 520,
];

/// SplitMix64: small, and the same for ever, so that a seed means the same tomorrow.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn below(state: &mut u64, most: usize) -> usize {
    usize::try_from(next(state) % most as u64).unwrap()
}

/// A value of any shape, its names those that the guest looks for more often than not.
fn value(state: &mut u64, depth: usize) -> Json {
    const NAMES: [&str; 16] = [
        "id",
        "userName",
        "name",
        "givenName",
        "emails",
        "type",
        "value",
        "active",
        "meta",
        "version",
        "Resources",
        "totalResults",
        "schemas",
        "nextCursor",
        "scimType",
        "detail",
    ];
    match below(state, if depth > 4 { 7 } else { 10 }) {
        0 => Json::Null,
        1 => json!(next(state).is_multiple_of(2)),
        2 => json!(next(state)),
        3 => serde_json::from_str(&"9".repeat(1 + below(state, 400))).unwrap(),
        4 => json!(ADA[below(state, ADA.len())].1),
        5 => json!("ü\u{202e}\"\\\n".repeat(below(state, 40))),
        6 => json!("17"),
        7 => (0..below(state, 4))
            .map(|_| value(state, depth + 1))
            .collect(),
        _ => {
            let members = (0..below(state, 8)).map(|_| {
                let name = NAMES[below(state, NAMES.len())].to_owned();
                (name, value(state, depth + 1))
            });
            Json::Object(members.collect())
        }
    }
}

fn ada(state: &mut u64) -> Json {
    let mut ada = json!({
        "id": "17", "userName": ADA[0].1, "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [{ "type": "work", "value": ADA[3].1 }], "active": true, "externalId": ADA[4].1,
    });
    if next(state).is_multiple_of(2) {
        let names: Vec<String> = ada.as_object().unwrap().keys().cloned().collect();
        let name = &names[below(state, names.len())];
        ada[name] = value(state, 2);
    }
    ada
}

fn body(state: &mut u64) -> String {
    let whole = match below(state, 6) {
        0 => value(state, 0).to_string(),
        1 | 2 => ada(state).to_string(),
        3 => json!({ "totalResults": 1, "Resources": [ada(state)] }).to_string(),
        4 => json!({ "totalResults": value(state, 4), "Resources": value(state, 1) }).to_string(),
        _ => String::new(),
    };
    match below(state, 12) {
        0 => whole.chars().take(below(state, 200)).collect(),
        1 => "[".repeat(below(state, 20_000)),
        2 => format!("\u{feff}{whole}"),
        _ => whole,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_makes_the_guest_trap() {
    let from_env =
        |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let time = Duration::from_secs(from_env("FUZZ_SECONDS", 3));
    let seed = from_env("FUZZ_SEED", 1);
    let answers = AtomicU64::new(0);
    let answers: &'static AtomicU64 = Box::leak(Box::new(answers));
    let upstream = Upstream::start(move |_| {
        let mut state = seed.wrapping_mul(1 << 32) + answers.fetch_add(1, Ordering::Relaxed);
        let status = STATUSES[below(&mut state, STATUSES.len())];
        let location = match below(&mut state, 4) {
            0 => "location: /udi/customers/A1/scim/v2/Users/17\r\n",
            1 => "location: https://elsewhere.example/Users/17\r\n",
            2 => "retry-after: 0\r\n",
            _ => "",
        };
        // Neither has a body (RFC 9110 §15.3.5, §15.4.5).
        let body = if matches!(status, 204 | 304) {
            String::new()
        } else {
            body(&mut state)
        };
        answer(status, location, &body)
    })
    .await;
    let mut options = ConnectionOptions::new()
        .setting("instance-url", upstream.url())
        .setting("customer-id", "A1")
        .credentials(StaticCredentials::new().with("api-token", "token-of-the-tests"));
    options.network.allow_loopback_http = true;
    // Waiting is the host's, and tried elsewhere.
    options.limits.operation_time = Duration::from_millis(300);
    let connection = connector().await.connect(options).await.unwrap();
    let started = Instant::now();
    let (mut state, mut operations, mut done) = (seed, 0_u32, 0_u32);
    while started.elapsed() < time {
        let which = below(&mut state, 9);
        let change = if which.is_multiple_of(2) {
            AccountStatus::Active
        } else {
            AccountStatus::Inactive
        };
        let ended = match which {
            0 => connection.check().await.map(drop),
            1 => {
                let query = PageQuery {
                    cursor: None,
                    limit: 10,
                };
                connection.list(query).await.map(drop)
            }
            2 => connection.get("17").await.map(drop),
            3 => connection.find("userName", &text(ADA[0].1)).await.map(drop),
            4 => connection.create(&draft(&ADA)).await.map(drop),
            5 | 6 => connection.update("17", &set_status(change)).await.map(drop),
            7 => {
                let changes = [
                    ("title", "Countess"),
                    ("department", ""),
                    ("workPhone", "+1 2"),
                ];
                connection.update("17", &edits(&changes)).await.map(drop)
            }
            _ => connection.delete("17").await.map(drop),
        };
        operations += 1;
        match ended {
            Ok(()) => done += 1,
            Err(failure) => judge(&failure, seed, operations),
        }
    }
    println!(
        "{operations} operations, {} answers, {done} done, no trap; {:.0} s, seed {seed}",
        answers.load(Ordering::Relaxed),
        started.elapsed().as_secs_f32()
    );
    assert!(operations > 20, "too few to say anything");
}

fn judge(failure: &Failure, seed: u64, operations: u32) {
    let kind = failure.kind();
    assert!(
        !matches!(kind, "connector-fault" | "limit-reached"),
        "seed {seed}, operation {operations}: {failure:?}"
    );
}
