//! `guest-build PACKAGE DIR OUT`: builds the connector crate in the folder DIR into the
//! component OUT, as the host's own build does, and prints its SHA-256. The workspace is the
//! one that DIR belongs to, so that a copy of the sources can be built anywhere.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [package, dir, out] = arguments.as_slice() else {
        bail!("usage: guest-build PACKAGE DIR OUT");
    };
    let crate_dir = Path::new(dir)
        .canonicalize()
        .with_context(|| format!("no folder {dir}"))?;
    let workspace_dir =
        workspace(&crate_dir).with_context(|| format!("no Cargo.lock in {dir} or above it"))?;
    let target = workspace_dir.join("target/guest");
    let component = guest_build::build(&guest_build::Guest {
        crate_dir: &crate_dir,
        workspace_dir: &workspace_dir,
        package,
        features: &[],
        target_dir: &target,
        tools: guest_build::Tools::Inherited,
    })?;
    std::fs::write(out, &component).with_context(|| format!("cannot write {out}"))?;
    for byte in Sha256::digest(&component) {
        print!("{byte:02x}");
    }
    println!("  {out}");
    Ok(())
}

fn workspace(crate_dir: &Path) -> Option<PathBuf> {
    crate_dir
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .map(Path::to_path_buf)
}
