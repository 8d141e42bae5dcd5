//! Which cargo, rustc and rustup do the work.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The toolchain to build with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tools {
    /// That of the cargo that runs this, as in a build script.
    Inherited,
    /// That of the crate's folder, by its `rust-toolchain.toml` and rustup's settings, even
    /// where this was started by a cargo of another.
    OfFolder,
}

impl Tools {
    pub(crate) fn cargo(self) -> OsString {
        self.program("CARGO", "cargo")
    }

    fn program(self, variable: &str, name: &str) -> OsString {
        match self {
            Self::Inherited => std::env::var_os(variable).unwrap_or_else(|| name.into()),
            Self::OfFolder => name.into(),
        }
    }

    /// A program that works in a folder.
    pub(crate) fn command(self, program: &OsString, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if self == Self::OfFolder && std::env::var_os("CARGO").is_some() {
            // Nobody's word, but what the outer cargo was started with.
            for inherited in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC"] {
                command.env_remove(inherited);
            }
        }
        command
    }

    /// What cargo knows of the package or workspace in a folder.
    pub(crate) fn metadata(self, folder: &Path, more: &[&str]) -> Result<serde_json::Value> {
        let output = self
            .command(&self.cargo(), folder)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .args(more)
            .output()
            .map_err(missing)?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")
    }

    /// Runs cargo, which says itself what goes wrong.
    pub(crate) fn run(self, folder: &Path, arguments: &[&str]) -> Result<()> {
        let status = self
            .command(&self.cargo(), folder)
            .args(arguments)
            .status()
            .map_err(missing)?;
        if !status.success() {
            bail!("cargo {} failed ({status})", arguments.join(" "));
        }
        Ok(())
    }

    /// Where the toolchain is, and the commit that its standard library was built from.
    pub(crate) fn toolchain(self, folder: &Path) -> Option<(PathBuf, String)> {
        let rustc = self.program("RUSTC", "rustc");
        let output = |args: &[&str]| {
            let output = self.command(&rustc, folder).args(args).output().ok()?;
            output.status.success().then_some(())?;
            String::from_utf8(output.stdout).ok()
        };
        let sysroot = output(&["--print", "sysroot"])?;
        let version = output(&["-vV"])?;
        let commit = version
            .lines()
            .find_map(|line| line.strip_prefix("commit-hash: "))?;
        Some((PathBuf::from(sysroot.trim()), commit.to_owned()))
    }
}

/// Cargo could not be started.
pub(crate) fn missing(error: std::io::Error) -> anyhow::Error {
    if error.kind() == std::io::ErrorKind::NotFound {
        anyhow::anyhow!(
            "cargo was not found: install Rust from https://rustup.rs, or put it on PATH"
        )
    } else {
        anyhow::anyhow!("cargo cannot be run: {error}")
    }
}
