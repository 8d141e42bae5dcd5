//! Builds the 8x8 connector.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

fn main() {
    let manifest_dir = PathBuf::from(env("CARGO_MANIFEST_DIR"));
    let workspace_dir = manifest_dir
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .unwrap_or_default();
    let out_dir = PathBuf::from(env("OUT_DIR"));
    for input in [
        "wit",
        "connector/src",
        "connector/Cargo.toml",
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
    ] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace_dir.join(input).display()
        );
    }
    let built = guest_build::build(&guest_build::Guest {
        crate_dir: &workspace_dir.join("connector"),
        workspace_dir: &workspace_dir,
        package: "connector-8x8",
        features: &[],
        quick: false,
        target_dir: &out_dir,
        build_dir: &guest_build::build_dir(&out_dir),
        tools: guest_build::Tools::Inherited,
    });
    match built.and_then(|bytes| Ok(std::fs::write(out_dir.join("connector-8x8.wasm"), bytes)?)) {
        Ok(()) => {}
        Err(error) => {
            println!("cargo::error=the 8x8 connector was not built: {error:#}");
        }
    }
}

fn env(name: &str) -> OsString {
    // Cargo sets these for every build script.
    std::env::var_os(name).unwrap_or_default()
}
