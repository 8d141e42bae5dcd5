//! What a guest can do to its sandbox from within.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::contract::http::{self, Header, Method, Repeatability, Request};
use crate::contract::log;
use crate::request;

/// What a terminal would obey: colours, the window's title, the cursor, and a line that
/// reads backwards.
pub(crate) const ESCAPES: &str =
    "\u{1b}[31mred\u{1b}[0m \u{1b}]0;owned\u{7} \u{9b}2J \r\u{8}\u{202e}drawkcab\nfake: line";

/// Does it; returns where it is not one of these, or where it does not end the guest.
pub(crate) fn act(what: &str, base: &str) {
    match what {
        "endless-loop" => endless_loop(),
        "memory-bomb" => memory_bomb(),
        "deep-recursion" => {
            black_box(deep());
        }
        "nested-calls" => {
            black_box(nested(3_000));
        }
        "wide-frames" => {
            black_box(wide(1));
        }
        // Without the standard library's text: a trap and nothing else.
        "trap" => std::process::abort(),
        "panic" => panic_loudly(),
        "log-flood" => log_flood(),
        "log-escapes" => log_escapes(),
        "many-fields" => many_fields(),
        "heavy-messages" => heavy_messages(),
        "heavy-texts" => heavy_requests(texts),
        "heavy-bodies" => heavy_requests(|request| request.body = Some(vec![b'x'; 30 << 20])),
        "heavy-headers" => {
            heavy_requests(|request| request.headers = vec![line(String::new()); 350_000]);
        }
        "heavy-credentials" => {
            heavy_requests(|request| request.credentials = vec![String::new(); 700_000]);
        }
        "call-storm" => call_storm(base),
        "refused-storm" => refused_storm(),
        "remember" => remember(),
        _ => {}
    }
}

fn endless_loop() -> ! {
    loop {
        black_box(1);
    }
}

/// Gives up where an earlier operation was here.
fn remember() {
    static BEEN_HERE: AtomicU64 = AtomicU64::new(0);
    if BEEN_HERE.fetch_add(1, Ordering::Relaxed) > 0 {
        std::process::abort();
    }
}

fn memory_bomb() -> ! {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        held.push(vec![7; 1 << 20]);
        black_box(&held);
    }
}

/// Calls nested without end, with nothing in the guest's own memory.
fn deep() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let before = CALLS.fetch_add(1, Ordering::Relaxed);
    if before == u64::MAX {
        return 0;
    }
    deep().rotate_left(1) ^ before
}

/// Calls nested as deep as some honest program might.
#[inline(never)]
fn nested(calls: u32) -> u32 {
    match black_box(calls) {
        0 => 0,
        more => nested(more - 1) ^ black_box(more),
    }
}

/// Calls nested without end, each with a frame in the guest's own memory.
fn wide(number: u64) -> u64 {
    let frame = black_box([number; 64]);
    if number == u64::MAX {
        return 0;
    }
    wide(number + 1) ^ frame.iter().sum::<u64>()
}

#[allow(clippy::panic, reason = "this is the attack")]
fn panic_loudly() -> ! {
    // As a connector does that wants its panics seen.
    std::panic::set_hook(Box::new(|panic| {
        log::emit(log::Level::Error, &panic.to_string(), &[]);
    }));
    panic!("the guest's own words {ESCAPES}");
}

fn log_flood() {
    let line = "flood ".repeat(200);
    for _ in 0..20_000 {
        log::emit(log::Level::Warn, &line, &[]);
    }
}

fn log_escapes() {
    let field = log::Field {
        name: format!("name{ESCAPES}"),
        value: ESCAPES.to_owned(),
    };
    let fields: Vec<log::Field> = (0..100).map(|_| field.clone()).collect();
    for level in [
        log::Level::Debug,
        log::Level::Info,
        log::Level::Warn,
        log::Level::Error,
    ] {
        log::emit(level, ESCAPES, &fields);
    }
}

/// A message of 600 fields of 64 KiB each, more than a call may hand over; the host shows sixteen.
fn many_fields() {
    let field = log::Field {
        name: String::new(),
        value: "x".repeat(64 << 10),
    };
    log::emit(log::Level::Debug, "", &vec![field; 600]);
}

/// A message of megabytes, again and again.
fn heavy_messages() -> ! {
    let message = "\u{e9}".repeat(14 << 20);
    loop {
        log::emit(log::Level::Debug, &message, &[]);
    }
}

/// Requests that would take the host long to read, again and again; it refuses them.
fn heavy_requests(change: impl FnOnce(&mut Request)) -> ! {
    let mut request = Request {
        method: Method::Post,
        url: String::new(),
        headers: vec![],
        body: None,
        credentials: vec![],
        repeatability: Repeatability::Safe,
        delay_ms: 0,
    };
    change(&mut request);
    loop {
        let _refused = http::send(&request);
    }
}

/// In each place that takes text.
fn texts(request: &mut Request) {
    request.url = "\u{e9}".repeat(14 << 20);
    request.headers = vec![line(request.url.clone())];
    request.credentials = vec![request.url.clone()];
}

fn line(value: String) -> Header {
    Header {
        name: String::new(),
        value,
    }
}

/// Requests that the host lets pass, until it does not.
fn call_storm(base: &str) {
    let script = format!("GET {base}/storm | once");
    for _ in 0..1_000_000 {
        if request::run(&script).is_err() {
            return;
        }
    }
}

/// Requests that the host refuses, without end.
fn refused_storm() -> ! {
    loop {
        let _refused = request::run("GET https://evil.example/");
    }
}
