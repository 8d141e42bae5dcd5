//! What may come in: licences that fit Apache-2.0 OR MIT, crates from the public registry alone,
//! and none that does what another one here does.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value as Json;
use spdx::{Expression, ParseMode};

const LICENCES: [&str; 10] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0", // Mozilla's list of certificate authorities, in webpki-roots
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
const BANNED: [(&str, &str); 5] = [
    ("openssl", "TLS is rustls"),
    ("openssl-sys", "TLS is rustls"),
    ("native-tls", "TLS is rustls"),
    ("aws-lc-sys", "rustls runs on ring"),
    (
        "wasmtime-wasi",
        "a connector gets the contract's capabilities and no WASI",
    ),
];

/// Every package that any feature on any system brings.
fn packages() -> Vec<Json> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--all-features",
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut metadata: Json = serde_json::from_slice(&output.stdout).unwrap();
    match metadata["packages"].take() {
        Json::Array(packages) => packages,
        other => panic!("{other}"),
    }
}

/// What is wrong with a package.
fn wrong(package: &Json) -> Option<String> {
    let name = package["name"].as_str().unwrap_or_default();
    if let Some((_, reason)) = BANNED.iter().find(|(banned, _)| *banned == name) {
        return Some(format!("{name} is not to be used: {reason}"));
    }
    let source = package["source"].as_str();
    if source.is_some_and(|source| source != REGISTRY) {
        return Some(format!("{name} comes from {}", package["source"]));
    }
    let licence = package["license"].as_str().unwrap_or_default();
    // Some write `MIT/Apache-2.0`.
    let fits = Expression::parse_mode(licence, ParseMode::LAX)
        .is_ok_and(|licence| licence.evaluate(|wanted| LICENCES.contains(&&*wanted.to_string())));
    (!fits).then(|| format!("{name} has the licence {licence:?}"))
}

#[test]
fn every_crate_may_come_in() {
    let packages = packages();
    assert!(packages.len() > 300, "{} packages", packages.len());
    let wrong: Vec<_> = packages.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_may_not_come_in_is_told() {
    let package = |name: &str, source: &str, license: &str| {
        wrong(&serde_json::json!({ "name": name, "source": source, "license": license }))
    };
    assert_eq!(package("a", REGISTRY, "MIT OR GPL-3.0-only"), None);
    assert_eq!(package("a", REGISTRY, "MIT/Apache-2.0"), None);
    assert_eq!(
        package("a", REGISTRY, "Apache-2.0 WITH LLVM-exception"),
        None
    );
    for (name, source, license, words) in [
        ("a", REGISTRY, "MIT AND GPL-3.0-only", "licence"),
        ("a", REGISTRY, "", "licence"),
        ("a", "git+https://example.com/a", "MIT", "comes from"),
        ("aws-lc-sys", REGISTRY, "ISC", "ring"),
    ] {
        let told = package(name, source, license).unwrap();
        assert!(told.contains(words), "{told}");
    }
}

/// Packages with the features that they are compiled with, each way in which they are.
fn compiled(choice: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args([
            "tree",
            "--locked",
            "--prefix",
            "none",
            "--format",
            "{p} [{f}]",
        ])
        .args(choice)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        // It is, with the feature that only its tests have.
        .filter(|line| !line.starts_with("host-harness "))
        .collect()
}

#[test]
fn no_crate_of_the_program_is_compiled_once_more_for_the_tests() {
    let program = compiled(&["--package", "host-harness", "--edges", "normal,build"]);
    let tests = compiled(&["--workspace", "--edges", "normal,build,dev"]);
    assert!(program.len() > 200, "{} crates", program.len());
    let again: Vec<_> = program.difference(&tests).collect();
    assert!(
        again.is_empty(),
        "tests need other features of {again:#?}; ask for the same in the program"
    );
}
