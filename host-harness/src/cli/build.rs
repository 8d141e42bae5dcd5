//! `harness build`: a connector's crate, made into a component by the code that builds the
//! bundled one, and looked at as `inspect` does.

use std::path::{Path, PathBuf};

use clap::Args;
use guest_build::{Guest, Package, Tools};
use serde_json::json;

use super::connect::{host, loaded};
use super::options::{Options, Stop};
use super::output::{Output, printable, sentence, wrapped};
use crate::component::Component;
use crate::failure::Failure;
use crate::inspection::Inspection;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder of the connector's crate
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Where to write the component [default: DIR/NAME.wasm]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(
    arguments: Arguments,
    options: &Options,
    output: Output,
) -> Result<(), Stop> {
    let dir = arguments.dir.clone();
    // Cargo takes its time, and its output goes to stderr as it comes.
    let built = tokio::task::spawn_blocking(move || build(&dir, output)).await;
    let (name, bytes) = built.map_err(|error| Stop::Usage(format!("{error}.")))??;
    let file = arguments
        .output
        .unwrap_or_else(|| arguments.dir.join(format!("{name}.wasm")));
    write(&file, &bytes)?;

    let inspection = Inspection::of_bytes(&bytes).map_err(Failure::from)?;
    // What may not be loaded is not run either.
    let manifest = match inspection.verdict() {
        Err(error) => Err(error.to_string()),
        Ok(()) => {
            let host = host(options)?;
            let loading = Component::from_bytes(&host, &bytes);
            loaded(&host, options, Some(&file), loading)
                .await
                .map(|component| component.manifest().clone())
                .map_err(|failure| failure.message())
        }
    };
    let shown = file.display().to_string();
    let document = || {
        let reasons: Vec<_> = manifest.as_ref().err().into_iter().collect();
        json!({
            "file": shown,
            "size": bytes.len(),
            "sha256": inspection.sha256,
            "connector": manifest.as_ref().ok().map(|manifest| json!({
                "id": manifest.id, "title": manifest.title, "version": manifest.version,
            })),
            "verdict": { "good": reasons.is_empty(), "reasons": reasons },
        })
    };
    let text = || {
        let sha256 = &inspection.sha256;
        let mut text = format!(
            "{shown}\n  size     {} bytes\n  sha256   {sha256}\n",
            bytes.len()
        );
        text.push_str(&match &manifest {
            Ok(manifest) => format!(
                "  is       {} {} ({})\n  verdict  a connector that imports nothing beyond the contract\n",
                manifest.title, manifest.version, manifest.id
            ),
            Err(reason) => wrapped("  verdict  not to be used: ", "           ", reason),
        });
        printable(&text)
    };
    output.answer(document, text);
    manifest.map(|_| ()).map_err(|_| Stop::Verdict)
}

/// The crate's name and the component's bytes.
fn build(dir: &Path, output: Output) -> Result<(String, Vec<u8>), Stop> {
    let tools = Tools::OfFolder;
    let package = Package::in_folder(dir, tools)
        .map_err(|error| Stop::Usage(sentence(format!("{error:#}"))))?;
    if package.locked_now {
        output.note("There was no Cargo.lock, and now there is: keep it, so that the next build is the same.");
    }
    let built = guest_build::build(&Guest {
        crate_dir: &package.dir,
        workspace_dir: &package.workspace_dir,
        package: &package.name,
        features: &[],
        quick: false,
        target_dir: &package.target_dir.join("guest"),
        build_dir: &package.target_dir.join("guest"),
        tools,
    });
    match built {
        Ok(bytes) => Ok((package.name, bytes)),
        Err(error) => Err(Stop::Failed(Failure::ConnectorFault {
            message: format!("{error:#}"),
        })),
    }
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(file, bytes))
        .map_err(|error| Stop::Usage(format!("{} cannot be written: {error}.", file.display())))
}
