//! SECURITY.md claims what the code has, and nothing else. Whether the tests that it names
//! show it, the program `switched-off` finds out.

#[path = "switched_off/document.rs"]
mod document;

use std::collections::BTreeSet;
use std::path::Path;

use host_harness::Limit;

#[test]
fn every_protection_is_claimed_with_its_tests_and_no_other() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let claims = document::claims(&workspace.join("SECURITY.md")).unwrap();
    for claim in &claims {
        assert!(!claim.tests.is_empty(), "{} has no test", claim.protection);
    }
    let claimed: Vec<&str> = claims
        .iter()
        .map(|claim| claim.protection.as_str())
        .collect();
    let once: BTreeSet<&str> = claimed.iter().copied().collect();
    assert_eq!(claimed.len(), once.len(), "one is claimed twice");
    let limits = Limit::ALL.iter().map(|limit| limit.name());
    let others = [
        "operation-time",
        "request-time",
        "log-messages",
        "log-bytes",
    ];
    let limits = limits.chain(others).map(|key| format!("limit-{key}"));
    let patches = std::fs::read_dir(workspace.join("tests/protections")).unwrap();
    let patched = patches.filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".patch").map(str::to_owned)
    });
    let there: BTreeSet<String> = limits.chain(patched).collect();
    let once: BTreeSet<String> = once.into_iter().map(str::to_owned).collect();
    assert_eq!(once, there);
}
