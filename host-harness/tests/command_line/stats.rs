//! `--stats`: what each operation used up, on stderr after the answer.

use serde_json::Value as Json;

use crate::program::{Run, Tenant, harness};

/// The document on the last line of stderr.
#[track_caller]
fn stats(run: &Run) -> Vec<Json> {
    let last = run.stderr.lines().last().unwrap();
    let document: Json = serde_json::from_str(last).unwrap();
    document["stats"].as_array().unwrap().clone()
}

fn names(rows: &[Json]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["operation"].as_str().unwrap())
        .collect()
}

fn number(row: &Json, key: &str) -> u64 {
    row[key].as_u64().unwrap_or_else(|| panic!("{key}: {row}"))
}

#[test]
fn figures_agree_with_the_trace_and_with_each_other() {
    let tenant = Tenant::start(&["--people", "3"]);
    let path = tenant.path("t.har").display().to_string();
    let run = tenant.json(&[
        "--stats",
        "--trace",
        &path,
        "provision",
        "userName=ada@example.com",
        "givenName=Ada",
        "familyName=Lovelace",
        "workEmail=ada@example.com",
    ]);
    assert_eq!(run.done()["effect"], "created");
    let rows = stats(&run);
    assert_eq!(names(&rows), ["describe", "open", "find", "create"]);
    for row in &rows {
        let parts = ["guest-us", "host-us", "waiting-us", "wire-us"];
        let sum: u64 = parts.iter().map(|part| number(row, part)).sum();
        assert_eq!(sum, number(row, "total-us"), "{row}");
        assert!(number(row, "fuel") > 0 && number(row, "memory-peak-bytes") > 0);
    }
    let sum = |key: &str| -> u64 { rows.iter().map(|row| number(row, key)).sum() };
    let trace: Json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let entries = trace["log"]["entries"].as_array().unwrap();
    let sizes = |part: &str| -> u64 {
        let sizes = entries.iter().map(|entry| &entry[part]["bodySize"]);
        sizes.map(|size| size.as_u64().unwrap()).sum()
    };
    assert_eq!(sum("requests"), entries.len() as u64);
    assert_eq!(sum("sent-bytes"), sizes("request"));
    assert_eq!(sum("received-bytes"), sizes("response"));
    assert!(sum("wire-us") > 0);
}

#[test]
fn a_listing_is_one_row_with_a_count() {
    let tenant = Tenant::start(&["--people", "250"]);
    let rows = stats(&tenant.json(&["account", "list", "--stats"]));
    assert_eq!(names(&rows), ["describe", "open", "list"]);
    let pages = number(&rows[2], "count");
    assert!(pages > 1);
    assert_eq!(number(&rows[2], "requests"), pages);
    assert_eq!(number(&rows[1], "count"), pages + 1);
}

#[test]
fn people_get_a_table_after_the_answer() {
    let tenant = Tenant::start(&["--people", "2"]);
    let run = tenant.run(&["check", "--stats"]);
    assert!(!run.text().contains("OPERATION"), "{run:?}");
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(lines[0].starts_with("OPERATION") && lines[0].contains("GUEST"));
    assert_eq!(lines.len(), 4, "{run:?}");
    assert!(lines[3].starts_with("check"), "{run:?}");
    let plain = tenant.run(&["check"]);
    assert!(plain.stderr.is_empty(), "{plain:?}");
}

#[test]
fn failures_dry_runs_and_limits_have_figures_too() {
    let tenant = Tenant::start(&["--people", "2"]);
    let failed = tenant.json(&["--stats", "account", "get", "nobody"]);
    assert_eq!(failed.code, 1);
    assert_eq!(failed.json()["failure"]["kind"], "not-found");
    assert_eq!(names(&stats(&failed)), ["describe", "open", "get"]);

    let planned = tenant.json(&[
        "--stats",
        "--dry-run",
        "account",
        "create",
        "userName=ada@example.com",
        "givenName=Ada",
        "familyName=Lovelace",
        "workEmail=ada@example.com",
    ]);
    planned.done();
    let rows = stats(&planned);
    assert_eq!(names(&rows), ["describe", "open", "create"]);
    assert_eq!(number(&rows[2], "sent-bytes"), 0, "nothing was sent");

    let text = std::fs::read_to_string(tenant.connection_file()).unwrap();
    let file = tenant.write(
        "small.toml",
        format!("{text}\n[limits]\nreceived-bytes = 10\n"),
    );
    let stopped = harness(&[
        "--connection",
        &file,
        "--stats",
        "--json",
        "account",
        "list",
    ]);
    assert_eq!(stopped.code, 1, "{stopped:?}");
    let rows = stats(&stopped);
    assert_eq!(names(&rows), ["describe", "open", "list"]);
    assert_eq!(number(&rows[2], "requests"), 1);

    let unusable = harness(&["--connection", "no.toml", "--stats", "--json", "check"]);
    assert_eq!(unusable.code, 2);
    assert!(stats(&unusable).is_empty());
}

#[test]
fn every_command_takes_it() {
    for command in ["demo", "describe", "inspect"] {
        let run = harness(&["--json", "--stats", command]);
        run.done();
        assert_eq!(names(&stats(&run))[0], "describe", "{command}");
    }
}
