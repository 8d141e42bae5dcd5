//! `ARCHITECTURE.md` names files that are there.

use std::path::Path;

/// What the page counts from, in its several sections.
const FOLDERS: [&str; 4] = ["", "host-harness/src", "host-harness/src/sync", "tests"];

#[test]
fn every_file_that_the_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let named = page.split('`').skip(1).step_by(2);
    let files =
        named.filter(|name| name.ends_with('/') || name.ends_with(".rs") || name.ends_with(".md"));
    let mut count = 0;
    for file in files {
        let there = FOLDERS
            .iter()
            .any(|folder| root.join(folder).join(file).exists());
        assert!(there, "there is no {file}");
        count += 1;
    }
    assert!(count > 20, "{count} files");
}
