//! No file imports one that imports it, by whatever way round; nor do the modules of a folder,
//! each with all that is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::modules::Crate;
use crate::paths;

/// From each file those that it needs, and the path by which it needs them.
type Arrows = BTreeMap<String, BTreeMap<String, String>>;

/// Files by their place in the crate, without `.rs` and `mod.rs`: `egress`, `egress/http`.
fn arrows(root: &Path) -> Arrows {
    let read = Crate::read(root);
    let folder = root.parent().unwrap();
    let place = |at: usize| {
        let file = read.modules[at].file.strip_prefix(folder).unwrap();
        let file = file.with_extension("");
        let file = match file.file_name() {
            Some(name) if name == "mod" => file.parent().map(Path::to_owned),
            _ => None,
        }
        .unwrap_or(file);
        file.to_string_lossy().into_owned()
    };
    let mut arrows = Arrows::new();
    for (at, module) in read.modules.iter().enumerate() {
        let from = place(at);
        let imports = module.imports.iter().map(|import| import.path.clone());
        let used = imports.chain(module.globs.clone()).chain(paths::of(module));
        for path in used {
            let Some(definer) = read.definer(at, &path) else {
                continue;
            };
            let to = place(definer);
            if to != from {
                let by = arrows.entry(from.clone()).or_default();
                by.entry(to).or_insert_with(|| path.join("::"));
            }
        }
    }
    arrows
}

/// The same for the modules of one folder: each stands for all that is in it.
fn among(arrows: &Arrows, folder: &str) -> Arrows {
    let inside = |place: &str| -> Option<String> {
        let rest = match folder {
            "" => place,
            folder => place.strip_prefix(folder)?.strip_prefix('/')?,
        };
        let first = rest.split('/').next()?;
        Some(match folder {
            "" => first.to_owned(),
            folder => format!("{folder}/{first}"),
        })
    };
    let mut merged = Arrows::new();
    for (from, to) in arrows {
        for (to, by) in to {
            let (Some(one), Some(other)) = (inside(from), inside(to)) else {
                continue;
            };
            if one != other {
                let entry = merged.entry(one).or_default();
                entry.entry(other).or_insert_with(|| match () {
                    () if from.contains('/') || to.contains('/') => {
                        format!("{by} ({from} → {to})")
                    }
                    () => by.clone(),
                });
            }
        }
    }
    merged
}

/// Everything that can be reached, the start only if there is a way back to it.
fn reached<'a>(arrows: &'a Arrows, from: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = vec![from];
    while let Some(next) = open.pop() {
        for to in arrows.get(next).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(to.as_str()) {
                open.push(to);
            }
        }
    }
    seen
}

/// Sets of which each member leads to each other one.
fn circles(arrows: &Arrows) -> BTreeSet<BTreeSet<&str>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> = arrows
        .keys()
        .map(|from| (from.as_str(), reached(arrows, from)))
        .collect();
    let leads = |from: &str, to: &str| reach.get(from).is_some_and(|reached| reached.contains(to));
    reach
        .iter()
        .filter(|(from, reached)| reached.contains(*from))
        .map(|(from, reached)| {
            let back = reached.iter().filter(|to| leads(to, from));
            back.copied().collect()
        })
        .collect()
}

/// All circles of a crate, of its files and of the modules of each folder: who is in it, and a
/// line for each arrow.
fn all(root: &Path) -> BTreeMap<String, String> {
    let files = arrows(root);
    let folders: BTreeSet<&str> = files
        .keys()
        .flat_map(|place| place.match_indices('/').map(|(at, _)| &place[..at]))
        .chain([""])
        .collect();
    let mut found = BTreeMap::new();
    let merged = folders.into_iter().map(|folder| among(&files, folder));
    for arrows in merged.chain([files.clone()]) {
        for circle in circles(&arrows) {
            let names: Vec<_> = circle.iter().copied().collect();
            let mut lines = String::new();
            for from in &circle {
                for (to, by) in &arrows[*from] {
                    if circle.contains(to.as_str()) {
                        lines += &format!("\n    {from} → {to} by {by}");
                    }
                }
            }
            found.insert(names.join(", "), lines);
        }
    }
    found
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Those of today, by crate; to be taken out here when they are taken out there.
const KNOWN: [(&str, &[&str]); 4] = [
    (
        "connector/src/lib.rs",
        &[
            "connection/create, connection/update",
            "scim, scim/error, scim/list_response, scim/patch, scim/resource",
        ],
    ),
    ("host-harness/guest-build/src/lib.rs", &[]),
    ("host-harness/simulated-8x8/src/lib.rs", &[]),
    ("host-harness/src/lib.rs", &[]),
];

#[test]
fn no_module_imports_one_that_imports_it() {
    let mut wrong = String::new();
    for (root, known) in KNOWN {
        let found = all(&project(root));
        println!("{root}: {} circles", found.len());
        for (circle, arrows) in &found {
            if !known.contains(&circle.as_str()) {
                wrong += &format!("\n{root} has a circle: {circle}{arrows}");
            }
        }
        for circle in known {
            if !found.contains_key(*circle) {
                wrong += &format!("\n{root} has it no more, take it out of the list: {circle}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn circles_are_seen_by_whatever_path_they_come() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("planted/lib.rs");
    let found: Vec<_> = all(&root).into_keys().collect();
    assert_eq!(
        found,
        [
            "by_path/one, by_path/other",
            "by_use/one, by_use/other",
            "folder_one, folder_two",
            "in_a_macro/one, in_a_macro/other",
            "re_export/first, re_export/second",
            "to_its_parent, to_its_parent/child",
        ]
    );
}
