//! The contract grows as `wit/world.wit` says: what was released of it stays as it was, and a
//! connector that was built against it runs in the host of today.
//!
//! `released/` holds each release of the contract as it was, never to be edited. Whoever releases
//! another one puts a copy of `wit/` there, under its version.

mod first_component;
mod growth;
mod package;
mod samples;

use std::path::{Path, PathBuf};

use growth::{Rule, since_release};
use package::{Package, Sources, sources};
use samples::{ADDITIVE, FUNCTIONS, LATER, TYPES, WORLDS, changed, release};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Each release: the version that its folder is named after, and its files.
fn released() -> Vec<(String, Sources)> {
    let folders = std::fs::read_dir(folder("contract/released")).unwrap();
    let mut releases: Vec<_> = folders
        .map(|entry| {
            let entry = entry.unwrap();
            let version = entry.file_name().to_string_lossy().into_owned();
            (version, sources(&entry.path().join("wit")))
        })
        .collect();
    releases.sort();
    releases
}

#[test]
fn the_contract_keeps_what_was_released_of_it() {
    let present = Package::parse(&sources(&folder("../wit"))).unwrap();
    let releases = released();
    assert_eq!(releases[0].0, "0.1.0");
    for (version, files) in &releases {
        let release = Package::parse(files).unwrap();
        assert_eq!(release.version.to_string(), *version, "its folder's name");
        let breaches = since_release(&release, &present).breaches;
        let told: Vec<String> = breaches.iter().map(ToString::to_string).collect();
        assert!(
            told.is_empty(),
            "wit/ is no later version of what was released as {version}:\n{}",
            told.join("\n")
        );
    }
}

#[test]
fn each_kind_of_breach_is_found_and_named_with_its_rule() {
    for (sample, edits, told, rule) in [TYPES, FUNCTIONS, WORLDS].concat() {
        let present = changed(LATER, edits).unwrap_or_else(|e| panic!("{sample}: {e}"));
        let breaches = since_release(&release(), &present).breaches;
        let told = format!("{told}. ");
        let mut found = breaches.iter().filter(|breach| breach.rule == rule);
        assert!(
            found.any(|breach| breach.to_string().starts_with(&told)),
            "{sample}: {told}\n{breaches:#?}"
        );
    }
}

#[test]
fn growth_passes_with_a_new_version_and_not_without() {
    for (sample, edits, added) in ADDITIVE {
        let present = changed(LATER, edits).unwrap_or_else(|e| panic!("{sample}: {e}"));
        let growth = since_release(&release(), &present);
        assert!(
            growth.breaches.is_empty(),
            "{sample}: {:#?}",
            growth.breaches
        );
        assert_eq!(growth.added, *added, "{sample}");

        let mut unversioned = present;
        unversioned.version = release().version;
        let breaches = since_release(&release(), &unversioned).breaches;
        let rules: Vec<Rule> = breaches.iter().map(|breach| breach.rule).collect();
        let expected: &[Rule] = if added.is_empty() {
            &[]
        } else {
            &[Rule::NewVersion]
        };
        assert_eq!(rules, expected, "{sample}");
    }
}

#[test]
fn another_package_or_minor_version_stands_beside_this_one_and_not_in_its_place() {
    for other in [
        "provisioning:connector@0.2.0",
        "provisioning:connector@1.1.0",
        "provisioning:plugin@0.1.1",
    ] {
        let present = changed(other, &[]).unwrap();
        let breaches = since_release(&release(), &present).breaches;
        assert_eq!(breaches.len(), 1, "{breaches:?}");
        assert_eq!(breaches[0].rule, Rule::OnePackage);
    }
    // And no release is followed by an earlier one.
    let later = changed(LATER, &[]).unwrap();
    let breaches = since_release(&later, &release()).breaches;
    assert_eq!(breaches[0].rule, Rule::OnePackage);
}

#[test]
fn a_breach_is_told_with_what_to_do_instead() {
    let (_, edits, ..) = FUNCTIONS[2];
    let present = changed(LATER, edits).unwrap();
    let breaches = since_release(&release(), &present).breaches;
    assert_eq!(
        breaches[0].to_string(),
        "http.send: its parameter attempts is new. A function stays what it is, with its \
         parameters, their names and its result; add another one."
    );
}
