//! `--trace`: what was sent, as an HTTP Archive, without the token.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::program::Tenant;

const TOKEN: &str = "simulated-tenant-token";

fn archive(text: &str) -> Vec<Json> {
    let document: Json = serde_json::from_str(text).unwrap();
    assert_eq!(document["log"]["version"], "1.2");
    document["log"]["entries"].as_array().unwrap().clone()
}

#[test]
fn a_trace_is_a_har_with_every_exchange_and_without_the_token() {
    let tenant = Tenant::start(&["--people", "2"]);
    let path = tenant.path("trace.har").display().to_string();
    let person = [
        "userName=ada@example.com",
        "givenName=Ada",
        "familyName=Lovelace",
        "workEmail=ada@example.com",
    ];
    let mut arguments = vec!["--trace", &path, "provision"];
    arguments.extend(person);
    tenant.run(&arguments).text();
    let text = std::fs::read_to_string(&path).unwrap();
    let entries = archive(&text);
    let methods: Vec<&str> = entries
        .iter()
        .map(|entry| entry["request"]["method"].as_str().unwrap())
        .collect();
    assert_eq!(methods, ["GET", "POST"]);
    for entry in &entries {
        for part in [
            "startedDateTime",
            "time",
            "request",
            "response",
            "cache",
            "timings",
        ] {
            assert!(!entry[part].is_null(), "{part}");
        }
        let request = &entry["request"];
        for part in ["url", "httpVersion", "cookies", "headers", "queryString"] {
            assert!(!request[part].is_null(), "{part}");
        }
        let headers = request["headers"].as_array().unwrap();
        let authorisation = headers
            .iter()
            .find(|header| header["name"] == "authorization");
        assert_eq!(authorisation.unwrap()["value"], "Bearer [redacted]");
    }
    assert!(text.contains("Lovelace"));
    assert!(!text.contains(TOKEN));

    // Without values nothing is left that speaks of anybody.
    arguments.insert(0, "--trace-without-values");
    tenant.run(&arguments).text();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(archive(&text).len(), 1);
    for word in [TOKEN, "Lovelace", "ada%40example.com", "ada@example.com"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn a_trace_of_a_failure_is_whole() {
    let tenant = Tenant::start(&[
        "--fault",
        "post:503-after-commit",
        "--switch",
        "filter-refused",
    ]);
    let path = tenant.path("trace.har").display().to_string();
    let refused = tenant.run(&["--trace", &path, "account", "get", "nobody"]);
    assert_eq!(refused.code, 1);
    let text = std::fs::read_to_string(&path).unwrap();
    let statuses: BTreeSet<u64> = archive(&text)
        .iter()
        .map(|entry| entry["response"]["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, BTreeSet::from([200, 404]));
}

#[test]
fn much_talk_on_stderr_holds_no_token_and_leaves_stdout_alone() {
    let tenant = Tenant::start(&["--people", "2"]);
    let run = tenant.json(&["-vv", "account", "list"]);
    assert_eq!(run.done()["total"], 2);
    assert!(!run.stderr.contains(TOKEN), "{run:?}");
}
