//! `harness new` and `harness build`: from nothing to a connector that runs.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::program::{Run, program, run, run_within};

/// The service that a new crate comes with, as its author would run it.
#[allow(dead_code, unreachable_pub, reason = "a program of its own")]
#[path = "../../template/examples/sample-service.rs"]
mod sample_service;

/// A whole build, of the dependencies too, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1_200);

fn within(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = program(arguments);
    // Kept between runs: the dependencies are the same each time.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-crates");
    command.current_dir(folder).env("CARGO_TARGET_DIR", target);
    command
}

fn refused(folder: &Path, arguments: &[&str], word: &str) {
    let run = run(within(folder, arguments));
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains(word) && run.is_civil(), "{run:?}");
}

fn new(folder: &Path, name: &str) {
    let made = run(within(folder, &["new", name]));
    assert!(made.text().contains(name), "{made:?}");
}

fn build(folder: &Path, arguments: &[&str]) -> Run {
    let mut all = vec!["build", "--json"];
    all.extend(arguments);
    run_within(PATIENCE, within(folder, &all))
}

/// Everything that a folder holds, by path.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found
}

/// What an emptied `src/service.rs` lacks, as the crate's README lists it.
const ITEMS: [&str; 15] = [
    "TITLE",
    "Tenant",
    "check_request",
    "create_request",
    "delete_request",
    "failure",
    "get_request",
    "list_request",
    "manifest",
    "read_account",
    "read_check",
    "read_page",
    "search_request",
    "tenant",
    "update_request",
];

#[test]
fn a_new_crate_builds_runs_against_its_service_and_names_what_an_empty_one_lacks() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    new(folder, "acme-hr");
    let crate_dir = folder.join("acme-hr");
    let before = files(&crate_dir);

    let built = build(folder, &["acme-hr"]).done();
    let file = Path::new("acme-hr").join("acme-hr.wasm");
    assert_eq!(built["file"], file.display().to_string());
    assert_eq!(built["connector"]["id"], "acme-hr");
    assert_eq!(built["verdict"]["good"], true);
    let inspected = run(within(
        folder,
        &["inspect", "--json", file.to_str().unwrap()],
    ))
    .done();
    assert_eq!(inspected["contract-only"], true);
    assert_eq!(
        (&inspected["sha256"], &inspected["size"]),
        (&built["sha256"], &built["size"])
    );
    // Nothing of the crate was changed by building it, the lockfile least.
    let mut after = files(&crate_dir);
    assert!(after.remove("acme-hr.wasm"));
    assert_eq!(after, before);

    runs(&crate_dir);

    fs::write(crate_dir.join("src/service.rs"), "").unwrap();
    let emptied = build(folder, &["acme-hr", "--output", "empty.wasm"]);
    assert_eq!(emptied.code, 1, "{emptied:?}");
    assert!(!folder.join("empty.wasm").exists());
    let missing: BTreeSet<&str> = emptied.stderr.lines().flat_map(missing).collect();
    assert_eq!(missing, BTreeSet::from(ITEMS), "{}", emptied.stderr);
}

/// The items that a line of cargo's names; every error has to be about some.
fn missing(line: &str) -> Vec<&str> {
    let Some(error) = line.strip_prefix("error[") else {
        return Vec::new();
    };
    let named = error.split('`').skip(1).step_by(2);
    // "unresolved imports `crate::service::A`, `crate::service::B`", or else "cannot find
    // function `x` in module `service`".
    let items = if error.contains("unresolved import") {
        usize::MAX
    } else {
        1
    };
    named
        .take(items)
        .map(|path| path.rsplit("::").next().unwrap_or(path))
        .collect()
}

/// The component in the host, against the crate's own service.
fn runs(crate_dir: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    sample_service::write_connection(crate_dir, &address).unwrap();
    let connection = crate_dir.join("sample.toml");
    let text = fs::read_to_string(&connection).unwrap();
    fs::write(&connection, text.replace("sample-connector", "acme-hr")).unwrap();
    std::thread::spawn(move || sample_service::serve(&listener));

    let harness = |arguments: &[&str]| {
        let mut all = vec!["--json", "--connection", "sample.toml"];
        all.extend(arguments);
        run(within(crate_dir, &all))
    };
    assert_eq!(harness(&["check"]).done()["ok"], true);
    let ada = ["provision", "email=ada@example.com", "name=Ada Lovelace"];
    for effect in ["created", "unchanged"] {
        assert_eq!(harness(&ada).done()["effect"], effect);
    }
    let gone = harness(&["deprovision", "email=ADA@example.com"]).done();
    assert_eq!(gone["account"]["status"], "inactive");
    assert_eq!(
        harness(&["account", "list"]).done()["accounts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let conformed = harness(&["conform", "--yes"]).done();
    assert_eq!(conformed["failed"], 0, "{conformed}");
    assert!(conformed["passed"].as_u64() > Some(30), "{conformed}");
}

#[test]
fn a_name_that_no_crate_can_have_and_a_folder_in_use_are_refused() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    for name in ["Acme", "../acme", "serde", "a b", ""] {
        refused(folder, &["new", name], "name");
    }
    assert!(files(folder).is_empty());
    fs::create_dir(folder.join("used")).unwrap();
    fs::write(folder.join("used/mine.txt"), "mine").unwrap();
    refused(folder, &["new", "used"], "not empty");
    fs::write(folder.join("file"), "").unwrap();
    refused(folder, &["new", "file"], "file");
    assert_eq!(files(folder).len(), 2);
    fs::create_dir(folder.join("free")).unwrap();
    new(folder, "free");
}

#[test]
fn a_folder_that_is_no_connectors_crate_is_refused_and_told_why() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    refused(folder, &["build", "nowhere"], "nowhere");
    refused(folder, &["build"], "Cargo.toml");
    fs::write(folder.join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    refused(folder, &["build"], "workspace");
    fs::write(folder.join("Cargo.toml"), "[package\n").unwrap();
    refused(folder, &["build"], "Cargo.toml");
    let package =
        "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), package).unwrap();
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/main.rs"), "fn main() {}").unwrap();
    refused(folder, &["build"], "library");
    let mut lost = within(folder, &["build"]);
    lost.env("PATH", folder);
    let lost = run(lost);
    assert_eq!(lost.code, 2, "{lost:?}");
    assert!(
        lost.stderr.contains("rustup.rs") && lost.is_civil(),
        "{lost:?}"
    );
}

#[test]
fn a_library_that_is_no_connector_is_locked_built_and_found_out() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let package =
        "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), package).unwrap();
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/lib.rs"), "pub fn add(a: u8) -> u8 { a }").unwrap();
    let built = build(folder, &[]);
    assert_eq!(built.code, 1, "{built:?}");
    assert!(folder.join("Cargo.lock").is_file());
    assert!(built.stderr.contains("Cargo.lock"), "{built:?}");
    let document = built.json();
    assert_eq!(document["verdict"]["good"], false, "{document}");
    fs::write(folder.join("src/lib.rs"), "pub fn add(a: u8) -> u8 { b }").unwrap();
    let broken = build(folder, &[]);
    assert_eq!(broken.code, 1, "{broken:?}");
    assert!(broken.stderr.contains("error[E0425]"), "{broken:?}");
    assert!(
        broken.json()["failure"]["message"]
            .to_string()
            .contains("plain")
    );
}
