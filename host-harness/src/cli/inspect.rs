//! `harness inspect`: what a component is from the outside, without running it.

use std::path::PathBuf;

use clap::Args;

use super::output::{Output, printable};
use super::{Options, Stop};
use crate::bundled::CONNECTOR_8X8;
use crate::failure::Failure;
use crate::inspection::Inspection;
use crate::json;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The component [default: --component, else the bundled 8x8 connector]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments, options: &Options, output: Output) -> Result<(), Stop> {
    let inspection = match arguments.file.as_ref().or(options.component.as_ref()) {
        Some(file) => Inspection::of_file(file),
        None => Inspection::of_bytes(CONNECTOR_8X8),
    }
    .map_err(Failure::from)?;
    output.answer(|| json::inspection(&inspection), || report(&inspection));
    if inspection.contract_only {
        Ok(())
    } else {
        Err(Stop::Verdict)
    }
}

fn report(inspection: &Inspection) -> String {
    let lines = |title: &str, names: &[String]| {
        let names: String = names
            .iter()
            .map(|name| format!("  {}\n", printable(name)))
            .collect();
        format!("{title}\n{names}")
    };
    let mut text = lines("imports", &inspection.imports);
    text.push_str(&lines("exports", &inspection.exports));
    text.push_str(&format!(
        "size    {} bytes\nsha256  {}\n",
        inspection.size, inspection.sha256
    ));
    if !inspection.contract_only {
        text.push_str(&lines(
            "verdict: it imports more than the contract has:",
            &inspection.beyond,
        ));
    } else if !inspection.missing.is_empty() {
        text.push_str(&lines(
            "verdict: it is no connector, since it lacks:",
            &inspection.missing,
        ));
    } else {
        text.push_str("verdict: a connector that imports nothing beyond the contract\n");
    }
    text
}
