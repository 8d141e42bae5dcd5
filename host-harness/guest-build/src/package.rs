//! A connector's crate, found by its folder.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::tools::Tools;

/// A crate that can be built.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The folder of its `Cargo.toml`, without links and `..`.
    pub dir: PathBuf,
    /// The folder of its workspace's `Cargo.toml` and `Cargo.lock`.
    pub workspace_dir: PathBuf,
    /// Where cargo builds it.
    pub target_dir: PathBuf,
    /// Whether there was no `Cargo.lock`, and it was made.
    pub locked_now: bool,
}

impl Package {
    /// Looks at the crate in a folder; where its workspace has no `Cargo.lock`, makes one.
    ///
    /// # Errors
    ///
    /// A sentence, or what cargo says: no such folder, no crate, no library, no cargo.
    pub fn in_folder(folder: &Path, tools: Tools) -> Result<Self> {
        let shown = folder.display();
        let dir = folder
            .canonicalize()
            .with_context(|| format!("there is no folder {shown}"))?;
        let manifest = dir.join("Cargo.toml");
        if !manifest.is_file() {
            bail!("{shown} holds no Cargo.toml: name the folder of a connector's crate");
        }
        let metadata = tools.metadata(&dir, &[])?;
        let path = |name: &str| metadata[name].as_str().map(PathBuf::from);
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let mut own = packages.filter(|package| {
            let path = package["manifest_path"].as_str().map(Path::new);
            path.is_some_and(|path| path.canonicalize().is_ok_and(|path| path == manifest))
        });
        let package = own.next().with_context(|| {
            format!("{shown} is a workspace and no crate: name the folder of one of its members")
        })?;
        let targets = package["targets"].as_array().into_iter().flatten();
        let kinds = targets.filter_map(|target| target["kind"].as_array());
        let library =
            |kind: &serde_json::Value| matches!(kind.as_str(), Some("lib" | "cdylib" | "rlib"));
        if !kinds.flatten().any(library) {
            bail!("the crate in {shown} has no library, which a connector is");
        }
        let name = package["name"]
            .as_str()
            .context("cargo metadata names no package")?;
        let workspace_dir = path("workspace_root").context("cargo metadata names no workspace")?;
        let target_dir =
            path("target_directory").context("cargo metadata names no target folder")?;
        let locked_now = !workspace_dir.join("Cargo.lock").is_file();
        if locked_now {
            tools.run(&dir, &["generate-lockfile"])?;
        }
        Ok(Self {
            name: name.to_owned(),
            dir,
            workspace_dir,
            target_dir,
            locked_now,
        })
    }
}
