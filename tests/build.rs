//! Builds the hostile connector, the one for the staff directory, the mutant, and the 8x8 connector
//! with faults that can be switched on, as any connector is built.

use std::ffi::OsString;
use std::path::PathBuf;

fn main() {
    let tests = PathBuf::from(env("CARGO_MANIFEST_DIR"));
    let workspace = tests.parent().unwrap_or(&tests).to_path_buf();
    let out_dir = PathBuf::from(env("OUT_DIR"));
    for input in [
        "wit",
        "tests/hostile",
        "tests/mutant",
        "examples/staff-directory/src",
        "examples/staff-directory/Cargo.toml",
        "connector/src",
        "connector/Cargo.toml",
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
    ] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(input).display()
        );
    }
    for (package, folder, features, file, quick) in [
        (
            "hostile-connector",
            "tests/hostile",
            &[][..],
            "hostile.wasm",
            false,
        ),
        (
            "mutant-connector",
            "tests/mutant",
            &["component"][..],
            "mutant.wasm",
            true,
        ),
        (
            "connector-8x8",
            "connector",
            &["planted-faults"][..],
            "planted.wasm",
            true,
        ),
        (
            "staff-directory",
            "examples/staff-directory",
            &[][..],
            "staff-directory.wasm",
            true,
        ),
    ] {
        let built = guest_build::build(&guest_build::Guest {
            crate_dir: &workspace.join(folder),
            workspace_dir: &workspace,
            package,
            features,
            quick,
            target_dir: &out_dir,
            build_dir: &guest_build::build_dir(&out_dir),
            tools: guest_build::Tools::Inherited,
        });
        match built.and_then(|bytes| Ok(std::fs::write(out_dir.join(file), bytes)?)) {
            Ok(()) => {}
            Err(error) => println!("cargo::error={package} was not built: {error:#}"),
        }
    }
}

fn env(name: &str) -> OsString {
    // Cargo sets these for every build script.
    std::env::var_os(name).unwrap_or_default()
}
