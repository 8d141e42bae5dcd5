//! Builds a connector crate into a component: cargo for `wasm32-unknown-unknown`, then
//! `wit-component`. Nothing else needs to be installed; where the target is missing and
//! rustup is there, it is added.
//!
//! The result depends on the sources, the lockfile and the toolchain alone: no path of
//! this machine, no environment variable and no git checkout gets into it.

mod package;
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use wasm_metadata::{AddMetadata, AddMetadataField, Description, Licenses, Source, Version};

pub use package::Package;
pub use tools::Tools;

const TARGET: &str = "wasm32-unknown-unknown";

/// The guest's stack. Bodies are parsed with a depth limit, so this is plenty: 127 values
/// in one another take a fifth of it. A megabyte, the linker's default, would be cleared
/// for each fresh sandbox.
const STACK_BYTES: u32 = 64 * 1024;

/// The guest's memory at its start. Half a megabyte is what a page of a hundred accounts takes;
/// what is not touched costs nothing, and asking for more costs a call of the system.
const MEMORY_BYTES: u32 = 512 * 1024;

/// What to build, and where the build may write.
#[derive(Debug, Clone)]
pub struct Guest<'a> {
    /// The folder of the crate's `Cargo.toml`.
    pub crate_dir: &'a Path,
    /// The folder of the workspace's `Cargo.lock`.
    pub workspace_dir: &'a Path,
    /// The package's name.
    pub package: &'a str,
    /// Features of the crate to build it with.
    pub features: &'a [&'a str],
    /// Whether it is for tests alone: compiled in a fraction of the time, larger and slower.
    pub quick: bool,
    /// Where the finished module is put, and nothing else. No two guests of one name may share it,
    /// lest one takes what the other has just built.
    pub target_dir: &'a Path,
    /// Where everything is compiled, apart from any outer build, so that neither waits for the
    /// other. Guests that share it compile wit-bindgen's macro once.
    pub build_dir: &'a Path,
    /// Which toolchain builds it.
    pub tools: Tools,
}

/// A build directory for build scripts: beside all others, so that what is built for one of them,
/// or for one set of a package's features, is there for the next.
#[must_use]
pub fn build_dir(out_dir: &Path) -> PathBuf {
    // <profile>/build/<package>-<hash>/out
    let profile = out_dir.ancestors().nth(3).unwrap_or(out_dir);
    profile.join("guest")
}

/// Builds the crate and returns the component's bytes.
///
/// # Errors
///
/// What cargo or the encoder said, in their words.
pub fn build(guest: &Guest<'_>) -> Result<Vec<u8>> {
    ensure_target(guest)?;
    let status = cargo_command(guest).status().map_err(tools::missing)?;
    if !status.success() {
        bail!("building {} for {TARGET} failed ({status})", guest.package);
    }
    let module = guest
        .target_dir
        .join(TARGET)
        .join("component")
        .join(format!("{}.wasm", guest.package.replace('-', "_")));
    let module =
        std::fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
    let component =
        encode(&module).with_context(|| format!("{} is no connector", guest.package))?;
    describe(guest, &component)
}

/// Adds what the package says of itself: name, version, licence and source. No commit id,
/// which would change the digest without a change of code.
fn describe(guest: &Guest<'_>, component: &[u8]) -> Result<Vec<u8>> {
    let metadata = guest.tools.metadata(guest.crate_dir, &["--locked"])?;
    let package = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == guest.package)
        .with_context(|| format!("cargo metadata does not know {}", guest.package))?;
    let text = |name: &str| package[name].as_str();
    let mut add = AddMetadata::default();
    add.name = AddMetadataField::Set(guest.package.to_owned());
    if let Some(version) = text("version") {
        add.version = AddMetadataField::Set(Version::new(version.to_owned()));
    }
    if let Some(description) = text("description") {
        add.description = AddMetadataField::Set(Description::new(description.to_owned()));
    }
    if let Some(license) = text("license") {
        add.licenses = AddMetadataField::Set(Licenses::new(license)?);
    }
    if let Some(repository) = text("repository") {
        add.source = AddMetadataField::Set(Source::new(repository)?);
    }
    add.to_wasm(component)
}

/// Wraps a core module that wit-bindgen made into a component.
fn encode(module: &[u8]) -> Result<Vec<u8>> {
    let component = wit_component::ComponentEncoder::default()
        .module(module)?
        .validate(true)
        .encode()?;
    without_debug_names(&component).context("the encoder made no component")
}

/// Leaves out what the encoder calls each part of its own plumbing: a few kilobytes, which
/// only its authors read.
fn without_debug_names(component: &[u8]) -> Option<Vec<u8>> {
    const CUSTOM: u8 = 0;
    const NAMES: &[u8] = b"\x0ecomponent-name";

    let (preamble, mut rest) = component.split_at_checked(8)?;
    let mut kept = preamble.to_vec();
    while let Some((&id, after)) = rest.split_first() {
        let (size, content) = leb128(after)?;
        let (content, next) = content.split_at_checked(size)?;
        if id != CUSTOM || !content.starts_with(NAMES) {
            kept.extend_from_slice(rest.get(..rest.len() - next.len())?);
        }
        rest = next;
    }
    Some(kept)
}

/// A section's size, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

fn cargo_command(guest: &Guest<'_>) -> Command {
    let mut command = guest.tools.command(&guest.tools.cargo(), guest.crate_dir);
    command
        // With an rlib beside the cdylib cargo would leave link-time optimisation out.
        .args(["rustc", "--lib", "--crate-type", "cdylib", "--locked"])
        .args(["--profile", "component", "--target", TARGET])
        .args(["--package", guest.package])
        .args(guest.features.iter().flat_map(|name| ["--features", name]))
        .arg("--target-dir")
        .arg(guest.target_dir)
        .args(profile(guest))
        .env("CARGO_BUILD_BUILD_DIR", guest.build_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(guest).join("\u{1f}"));
    for inherited in [
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_TARGET",
        "CARGO_BUILD_RUSTFLAGS",
        "CLIPPY_ARGS",
    ] {
        command.env_remove(inherited);
    }
    command
}

/// The profile `component`, where the workspace has none of this name or another one is wanted.
fn profile(guest: &Guest<'_>) -> Vec<String> {
    let config = |lines: &[&str]| {
        let pairs = lines
            .iter()
            .map(|line| ["--config".to_owned(), format!("profile.component.{line}")]);
        pairs.into_iter().flatten().collect()
    };
    if guest.quick {
        // With other settings for linking, macros would be compiled once more.
        return config(&["opt-level = 1", "codegen-units = 16"]);
    }
    let manifest = std::fs::read_to_string(guest.workspace_dir.join("Cargo.toml"));
    let manifest = manifest.unwrap_or_default();
    if manifest
        .lines()
        .any(|line| line.trim() == "[profile.component]")
    {
        return Vec::new();
    }
    config(&[
        "inherits = \"release\"",
        "opt-level = \"z\"",
        "lto = \"fat\"",
        "codegen-units = 1",
        "panic = \"abort\"",
        "strip = true",
    ])
}

fn rustflags(guest: &Guest<'_>) -> Vec<String> {
    let mut flags = vec![
        format!("-Clink-arg=-zstack-size={STACK_BYTES}"),
        format!("-Clink-arg=--initial-memory={MEMORY_BYTES}"),
        // The linker leaves five bytes for each address, however small it turns out.
        "-Clink-arg=--compress-relocations".to_owned(),
    ];
    let mut remap = |from: &Path, to: &str| {
        flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    };
    if let Some(home) = cargo_home() {
        remap(&home, "/cargo");
        // Each registry's folder has its index's name and a hash in its own.
        let registries = std::fs::read_dir(home.join("registry/src"));
        for registry in registries.into_iter().flatten().flatten() {
            remap(&registry.path(), "/crates");
        }
    }
    remap(guest.build_dir, "/target");
    remap(guest.workspace_dir, "/source");
    if let Some((sysroot, commit)) = guest.tools.toolchain(guest.crate_dir) {
        // The longer prefix last: of several that match, rustc takes the last one.
        remap(&sysroot, "/rust");
        remap(
            &sysroot.join("lib/rustlib/src/rust"),
            &format!("/rustc/{commit}"),
        );
    }
    flags
}

fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}

/// Adds the target where rustup's automatic install is switched off.
fn ensure_target(guest: &Guest<'_>) -> Result<()> {
    let Some((sysroot, _)) = guest.tools.toolchain(guest.crate_dir) else {
        return Ok(());
    };
    if sysroot.join("lib/rustlib").join(TARGET).is_dir() {
        return Ok(());
    }
    let mut rustup = guest.tools.command(&"rustup".into(), guest.crate_dir);
    match rustup.args(["target", "add", TARGET]).status() {
        Ok(status) if status.success() => Ok(()),
        _ => bail!("the Rust target {TARGET} is missing: run `rustup target add {TARGET}`"),
    }
}
