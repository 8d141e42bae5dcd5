//! `compose CONNECTOR OUT [TARGET]`: adapter → connector → command, as one component that any host
//! of WASI 0.2 with `wasi:http` runs. The connector goes in as it is. TARGET is a folder for what
//! is built on the way.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use guest_build::Guest;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (connector, out, target) = match arguments.as_slice() {
        [connector, out] => (connector, out, None),
        [connector, out, target] => (connector, out, Some(target.clone())),
        _ => bail!("usage: compose CONNECTOR OUT [TARGET]"),
    };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()?;
    let target = target.unwrap_or_else(|| workspace.join("target/guest"));
    let connector =
        std::fs::read(connector).with_context(|| format!("cannot read {}", connector.display()))?;
    let built = |folder: &str, package: &str| {
        guest_build::build(&Guest {
            crate_dir: &workspace.join(folder),
            workspace_dir: &workspace,
            package,
            features: &[],
            target_dir: &target,
        })
    };
    let connected = plugged(
        "adapter",
        built("adapter", "wasi-adapter")?,
        "connector",
        connector,
    )?;
    let command = built("command", "wasi-command")?;
    let whole = plugged("connected", connected, "command", command)?;
    std::fs::write(out, whole).with_context(|| format!("cannot write {}", out.display()))?;
    Ok(())
}

/// What `plug` exports, given to `socket` for what it imports; all else is still to be imported.
fn plugged(plug_name: &str, plug: Vec<u8>, socket_name: &str, socket: Vec<u8>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut register = |name: &str, bytes: Vec<u8>| {
        let package = Package::from_bytes(name, None, bytes, graph.types_mut())?;
        anyhow::Ok(graph.register_package(package)?)
    };
    let plug_id = register(plug_name, plug)?;
    let socket_id = register(socket_name, socket)?;
    wac_graph::plug(&mut graph, vec![plug_id], socket_id)
        .with_context(|| format!("{plug_name} does not fit {socket_name}"))?;
    Ok(graph.encode(EncodeOptions::default())?)
}
