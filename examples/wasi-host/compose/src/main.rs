//! `compose CONNECTOR OUT [TARGET]`: adapter → connector → command, as one component that any host
//! of WASI 0.2 with `wasi:http` runs. The connector goes in as it is. TARGET is a folder for what
//! is built on the way.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use guest_build::{Guest, Tools};
use wac_graph::types::{Package, Types};
use wac_graph::{CompositionGraph, EncodeOptions};

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (file, out, target) = match arguments.as_slice() {
        [file, out] => (file, out, None),
        [file, out, target] => (file, out, Some(target.clone())),
        _ => bail!("usage: compose CONNECTOR OUT [TARGET]"),
    };
    let connector =
        std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    // Before anything is built for it.
    Package::from_bytes(
        "connector",
        None,
        connector.as_slice(),
        &mut Types::default(),
    )
    .with_context(|| format!("{} is no component", file.display()))?;

    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let workspace = workspace.canonicalize()?;
    let target = target.unwrap_or_else(|| workspace.join("target/guest"));
    let built = |folder: &str, package: &str| {
        guest_build::build(&Guest {
            crate_dir: &workspace.join(folder),
            workspace_dir: &workspace,
            package,
            features: &[],
            quick: false,
            target_dir: &target,
            build_dir: &target,
            tools: Tools::Inherited,
        })
    };
    let adapter = built("adapter", "wasi-adapter")?;
    let connected = plugged(("the adapter", adapter), ("the connector", connector))?;
    let command = built("command", "wasi-command")?;
    let whole = plugged(("the connector", connected), ("the command", command))?;
    std::fs::write(out, whole).with_context(|| format!("cannot write {}", out.display()))?;
    Ok(())
}

/// What one component exports, given to the other for what it imports; all else is still to be
/// imported.
fn plugged(plug: (&str, Vec<u8>), socket: (&str, Vec<u8>)) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut register = |(name, bytes): (&str, Vec<u8>)| {
        let package = Package::from_bytes(name, None, bytes, graph.types_mut())?;
        anyhow::Ok(graph.register_package(package)?)
    };
    let misfit = format!("{} does not fit {}", plug.0, socket.0);
    let (plug, socket) = (register(plug)?, register(socket)?);
    wac_graph::plug(&mut graph, vec![plug], socket).context(misfit)?;
    Ok(graph.encode(EncodeOptions::default())?)
}
