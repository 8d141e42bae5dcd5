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

use growth::since_release;
use package::{Package, Sources, sources};

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
