//! `harness new`: a crate for a connector, which builds, runs against a small service of its
//! own, and is to become one for another. What is the same for every service comes from
//! `examples/staff-directory`; the rest is in `host-harness/template`.

use std::fs;
use std::path::Path;

use clap::Args;
use serde_json::json;

use super::options::{Options, Stop};
use super::output::Output;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The crate's name, which is also its folder's and the connector's id: small letters,
    /// digits, hyphens
    #[arg(value_name = "NAME")]
    name: String,
}

/// What the files call the crate.
const PLACEHOLDER: &str = "sample-connector";

macro_rules! template {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/template/", $file))
    };
}

macro_rules! frame {
    ($file:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../examples/staff-directory/src/",
            $file
        ))
    };
}

macro_rules! contract {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/", $file))
    };
}

const FILES: [(&str, &str); 23] = [
    ("Cargo.toml", template!("Cargo.toml")),
    ("Cargo.lock", template!("Cargo.lock")),
    ("README.md", template!("README.md")),
    (".gitignore", template!("gitignore")),
    ("rust-toolchain.toml", template!("rust-toolchain.toml")),
    ("src/service.rs", template!("src/service.rs")),
    (
        "examples/sample-service.rs",
        template!("examples/sample-service.rs"),
    ),
    ("tests/operations.rs", template!("tests/operations.rs")),
    ("src/lib.rs", frame!("lib.rs")),
    ("src/component.rs", frame!("component.rs")),
    ("src/connection.rs", frame!("connection.rs")),
    ("src/contract.rs", frame!("contract.rs")),
    ("src/exchange.rs", frame!("exchange.rs")),
    ("src/failure.rs", frame!("failure.rs")),
    ("src/settings.rs", frame!("settings.rs")),
    ("src/wish.rs", frame!("wish.rs")),
    ("src/writing.rs", frame!("writing.rs")),
    ("wit/accounts.wit", contract!("accounts.wit")),
    ("wit/http.wit", contract!("http.wit")),
    ("wit/log.wit", contract!("log.wit")),
    ("wit/manifest.wit", contract!("manifest.wit")),
    ("wit/types.wit", contract!("types.wit")),
    ("wit/world.wit", contract!("world.wit")),
];

pub(super) fn run(arguments: &Arguments, _options: &Options, output: Output) -> Result<(), Stop> {
    let name = &arguments.name;
    check(name).map_err(|why| Stop::Usage(format!("`{}` {why}.", name.escape_debug())))?;
    let folder = Path::new(name);
    let refuse = |error| Stop::Usage(format!("{name} cannot be written: {error}."));
    match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => {
            let message = format!("The folder {name} exists and is not empty: take another name.");
            return Err(Stop::Usage(message));
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(refuse(error)),
        _ => {}
    }
    for (file, text) in FILES {
        let path = folder.join(file);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, named(file, text, name)))
            .map_err(refuse)?;
    }
    let files: Vec<_> = FILES.iter().map(|(file, _)| file).collect();
    output.answer(
        || json!({ "folder": name, "files": files }),
        || {
            format!(
                "Wrote the crate {name}, a connector for a small address book. Next:\n  harness build \
                 {name}\n  cd {name} && cargo run --example sample-service\nWhat is the service's own \
                 stands in {name}/src/service.rs; {name}/README.md says more."
            )
        },
    );
    Ok(())
}

/// A file's text for a crate of this name.
fn named(file: &str, text: &str, name: &str) -> String {
    match file {
        // The contract stands beside the example, and within the crate.
        "src/contract.rs" => text.replace("\"../../wit\"", "\"wit\""),
        "Cargo.lock" => sorted(&text.replace(PLACEHOLDER, name)),
        _ => text
            .replace(PLACEHOLDER, name)
            .replace(&PLACEHOLDER.replace('-', "_"), &name.replace('-', "_")),
    }
}

/// A lockfile as cargo writes it, its packages by name: one in another order is not up to date.
fn sorted(lock: &str) -> String {
    let mut parts = lock.trim_end().split("\n\n[[package]]\n");
    let head = parts.next().unwrap_or_default();
    let mut packages: Vec<_> = parts.collect();
    packages.sort_by_key(|package| package.lines().next());
    let packages = packages.join("\n\n[[package]]\n");
    format!("{head}\n\n[[package]]\n{packages}\n")
}

/// Whether a crate, and a connector, may be called so.
fn check(name: &str) -> Result<(), String> {
    const LONGEST: usize = 64;
    // What Rust, cargo or this crate's own dependencies mean by it.
    const TAKEN: [&str; 17] = [
        "alloc",
        "build",
        "connector",
        "core",
        "deps",
        "examples",
        "fluent-uri",
        "incremental",
        "proc-macro",
        "serde",
        "serde-derive",
        "serde-json",
        "std",
        "test",
        "wasm",
        "wit-bindgen",
        "wit-component",
    ];
    const KEYWORDS: [&str; 38] = [
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
        "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
        "in", "let", "loop", "macro", "match", "mod", "move", "mut", "pub", "return", "self",
        "static", "struct", "super", "trait", "true",
    ];
    const MORE: [&str; 12] = [
        "override", "priv", "ref", "try", "type", "typeof", "union", "unsafe", "unsized", "use",
        "virtual", "where",
    ];

    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let says = |why: &str| Err(why.to_owned());
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(letters) {
        says(
            "is no name for a connector: it begins with a small letter, and holds small letters, digits and hyphens",
        )
    } else if name.ends_with('-') || name.contains("--") {
        says("is no name for a connector: a hyphen stands between two words")
    } else if name.len() > LONGEST {
        Err(format!("is longer than {LONGEST} characters"))
    } else if [&TAKEN[..], &KEYWORDS, &MORE].concat().contains(&name) {
        says("means something to Rust or cargo: take another name")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_a_crate_and_a_connector_can_have() {
        for good in ["acme", "acme-hr", "hr2"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let long = "x".repeat(65);
        for bad in [
            "", "Acme", "2hr", "a_b", "a b", "-a", "a-", "a--b", "../a", "ü", "a.b", "a\n", "self",
            "test", "serde", "typeof", &long,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_file_keeps_the_placeholder_or_the_examples_paths() {
        for (file, text) in FILES {
            let text = named(file, text, "acme-hr");
            for left in [PLACEHOLDER, "sample_connector", "staff", "../../wit"] {
                assert!(!text.contains(left), "{file}: {left}");
            }
        }
    }

    /// A machine that has built this program has what a new crate needs.
    #[test]
    fn a_new_crate_is_locked_to_the_versions_that_this_program_is() {
        let ours = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));
        let theirs = template!("Cargo.lock").split("[[package]]\n").skip(1);
        for package in theirs {
            let mut lines = package.lines();
            let name = lines.next().unwrap();
            let known = format!("{name}\n{}", lines.next().unwrap());
            assert!(
                name.contains(PLACEHOLDER) || ours.contains(&known),
                "{known}"
            );
        }
    }

    #[test]
    fn the_lockfile_is_in_order_whatever_the_name() {
        for name in ["aaa", "zzz", "serdf"] {
            let lock = named("Cargo.lock", template!("Cargo.lock"), name);
            let names: Vec<_> = lock
                .lines()
                .filter(|line| line.starts_with("name = "))
                .collect();
            assert!(names.is_sorted(), "{names:?}");
            assert!(lock.ends_with("]\n") || lock.ends_with("\"\n"), "{lock}");
        }
    }
}
