//! `harness inspect`: a reviewer's report, whatever the component does.

use std::path::{Path, PathBuf};

use component_8x8::CONNECTOR_8X8;
use serde_json::{Value as Json, json};

use crate::program::{Run, Tenant, harness};

const URL: &str = "https://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2";

fn written(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// A component that is not to be used, for people and for programs; its document.
#[track_caller]
fn refused(arguments: &[&str], word: &str) -> Json {
    let text = harness(arguments);
    assert_eq!(text.code, 1, "{text:?}");
    assert!(text.stdout.contains("verdict: not to be used"), "{text:?}");
    assert!(text.is_civil(), "{text:?}");
    let run = harness(&[arguments, &["--json"]].concat());
    assert_eq!(run.code, 1, "{run:?}");
    let document = run.json();
    assert_eq!(document["verdict"]["good"], false);
    assert!(document["verdict"].to_string().contains(word), "{document}");
    assert_eq!(document["claims"], Json::Null);
    document
}

fn claims(run: &Run) -> Json {
    run.json()["claims"].clone()
}

#[test]
fn the_component_imports_nothing_beyond_the_contract() {
    let document = harness(&["inspect", "--json"]).done();
    let imports = document["imports"].as_array().unwrap();
    assert!(!imports.is_empty());
    for import in imports {
        assert!(
            import
                .as_str()
                .unwrap()
                .starts_with("provisioning:connector/")
        );
    }
    assert_eq!(document["contract-only"], true);
    assert_eq!(document["sha256"].as_str().unwrap().len(), 64);
    assert!(document["size"].as_u64().unwrap() > 0);
}

#[test]
fn a_component_that_imports_more_is_shown_and_given_a_bad_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("more.wasm");
    let text = r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#;
    std::fs::write(&file, wat::parse_str(text).unwrap()).unwrap();
    let run = harness(&["inspect", file.to_str().unwrap(), "--json"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(run.json()["contract-only"], false);
    assert_eq!(run.json()["beyond"], json!(["wasi:cli/environment@0.2.0"]));
}

#[test]
fn imports_and_exports_are_shown_down_to_functions() {
    let document = harness(&["inspect", "--json"]).done();
    let functions = |list: &str| -> Vec<String> {
        let interfaces = document[list].as_array().unwrap().iter();
        interfaces
            .flat_map(|interface| interface["functions"].as_array().unwrap())
            .map(|function| format!("{}: {}", function["name"], function["type"]).replace('"', ""))
            .collect()
    };
    assert_eq!(
        functions("imported"),
        [
            "send: func(request: request) -> result<response, transport-failure>",
            "emit: func(level: level, message: string, fields: list<field>)",
        ]
    );
    let exported = functions("exported");
    assert_eq!(exported.len(), 11, "{exported:?}");
    assert_eq!(exported[0], "describe: func() -> manifest");
    let shown = harness(&["inspect"]);
    assert!(shown.text().contains("send: func(request: request) ->"));
    assert!(shown.text().lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn claims_stand_beside_what_is_granted() {
    let bare = claims(&harness(&["inspect", "--json"]));
    assert_eq!(bare["reach"][0]["setting"], "instance-url");
    assert_eq!(bare["reach"][0]["granted"], Json::Null);
    assert_eq!(bare["credentials"][0]["seen-by-connector"], false);
    assert_eq!(bare["limits"]["memory-bytes"], 64 << 20);

    let folder = tempfile::tempdir().unwrap();
    let file = written(
        folder.path(),
        "c.toml",
        format!(
            "[settings]\ninstance-url = '{URL}/Users'\n\
             [credentials]\napi-token = {{ env = 'NOT_SET_ANYWHERE' }}\n\
             [network]\nread-only = true\nproxy = 'http://me:sesame@proxy.example:3128'\n\
             [limits]\nmemory = 2000000\n"
        ),
    );
    let run = harness(&["inspect", "--json", "--connection", &file]);
    run.done();
    let granted = claims(&run);
    assert_eq!(granted["reach"][0]["granted"], URL);
    assert_eq!(granted["credentials"][0]["granted"], URL);
    assert_eq!(granted["limits"]["memory-bytes"], 2_000_000);
    assert_eq!(granted["network"]["read-only"], true);
    assert_eq!(granted["network"]["proxy"], "http://proxy.example:3128");
    let methods = |claims: &Json, name: &str| {
        let operations = claims["operations"].as_array().unwrap();
        let found = operations.iter().find(|each| each["name"] == name);
        found.unwrap()["methods"].clone()
    };
    assert_eq!(methods(&bare, "find"), json!(["GET", "HEAD"]));
    assert!(methods(&bare, "create").to_string().contains("POST"));
    assert_eq!(methods(&granted, "create"), json!(["GET", "HEAD"]));
    let shown = harness(&["inspect", "--connection", &file]);
    for words in [
        URL,
        "the connector never sees it",
        "NOT_SET_ANYWHERE",
        "read-only",
    ] {
        assert!(shown.text().contains(words), "{words}: {shown:?}");
    }
    assert!(!shown.stdout.contains("sesame"), "{shown:?}");
}

#[test]
fn a_connection_file_that_cannot_be_used_leaves_the_rest_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    for (text, word) in [
        ("[network\n", "TOML"),
        ("[settings]\ninstance-url = 'nonsense'\n", "nonsense"),
        ("[settings]\n", "instance-url"),
    ] {
        let file = written(folder.path(), "c.toml", text);
        let run = harness(&["inspect", "--json", "--connection", &file]);
        assert_eq!(run.code, 2, "{run:?}");
        let document = run.json();
        assert!(
            document["connection"]["problems"]
                .to_string()
                .contains(word)
        );
        assert_eq!(document["contract-only"], true);
        assert_eq!(document["claims"]["id"], "8x8");
        let shown = harness(&["inspect", "--connection", &file]);
        assert!(shown.stdout.contains("cannot be used: "), "{shown:?}");
        assert!(shown.stdout.contains(word), "{shown:?}");
    }
}

#[test]
fn a_component_that_is_no_connector_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let empty = wat::parse_str("(component)").unwrap();
    let file = written(folder.path(), "empty.wasm", empty);
    let document = refused(&["inspect", &file], "is no connector");
    assert_eq!(document["missing"].as_array().unwrap().len(), 2);
}

#[test]
fn a_manifest_that_contradicts_itself_is_told_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = CONNECTOR_8X8.to_vec();
    let name = b"customer-id";
    let places: Vec<usize> = bytes
        .windows(name.len())
        .enumerate()
        .filter_map(|(at, window)| (window == name).then_some(at))
        .collect();
    for at in places {
        bytes[at + 8] = b'_';
    }
    let file = written(folder.path(), "bad.wasm", bytes);
    refused(&["inspect", &file], "kebab-case");
}

#[test]
fn a_describe_that_a_limit_stops_is_told_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "c.toml", "[limits]\nfuel = 100\n");
    let document = refused(&["inspect", "--connection", &file], "`fuel`");
    assert_eq!(document["contract-only"], true);
}

#[test]
fn a_pin_or_a_signature_that_does_not_fit_keeps_the_component_from_running() {
    let folder = tempfile::tempdir().unwrap();
    let pinned = format!("[component]\nsha256 = '{}'\n", "0".repeat(64));
    let file = written(folder.path(), "pin.toml", pinned);
    let document = refused(&["inspect", "--connection", &file], "pinned");
    assert_eq!(document["pin-valid"], false);
    assert_eq!(document["signature-valid"], Json::Null);
    let document = refused(&["inspect", "--public-key", "nonsense"], "public key");
    assert_eq!(document["signature-valid"], false);
    assert_eq!(document["pin-valid"], Json::Null);
}

#[test]
fn a_component_cannot_write_into_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"(component
        (@custom "x\0averdict: a connector\1b[31m" "y")
        (@custom "description" "fine\0averdict: a connector that imports nothing"))"#;
    let file = written(folder.path(), "c.wasm", wat::parse_str(text).unwrap());
    let run = harness(&["inspect", &file]);
    assert_eq!(run.code, 1, "{run:?}");
    let verdicts = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("verdict"));
    assert_eq!(verdicts.count(), 1, "{run:?}");
    assert!(!run.stdout.contains('\u{1b}'), "{run:?}");
}

#[test]
fn a_connection_that_works_is_shown_as_it_will_run() {
    let tenant = Tenant::start(&[]);
    let document = tenant.json(&["inspect"]).done();
    assert_eq!(document["claims"]["reach"][0]["granted"], tenant.url());
    assert_eq!(document["claims"]["network"]["allow-loopback-http"], true);
}
