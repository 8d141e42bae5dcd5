//! `harness inspect`: what a component is from the outside, without running it.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;

use super::output::{Output, printable};
use super::{Options, Stop};
use crate::bundled::CONNECTOR_8X8;
use crate::component;
use crate::failure::Failure;
use crate::inspection::{Inside, Inspection};
use crate::json;
use crate::provenance::Provenance;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The component [default: --component, else the bundled 8x8 connector]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The public key of minisign that it must be signed with
    #[arg(long, value_name = "KEY")]
    public_key: Option<String>,
    /// The signature's file [default: FILE.minisig]
    #[arg(long, value_name = "FILE", requires = "public_key")]
    signature: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments, options: &Options, output: Output) -> Result<(), Stop> {
    let file = arguments.file.as_ref().or(options.component.as_ref());
    let bytes = match file {
        Some(file) => Cow::Owned(component::read(file).map_err(Failure::from)?),
        None => Cow::Borrowed(CONNECTOR_8X8),
    };
    let inspection = Inspection::of_bytes(&bytes).map_err(|error| match file {
        Some(file) => Failure::from(error.in_file(file)),
        None => error.into(),
    })?;
    let signed = arguments.public_key.is_some();
    let provenance = Provenance {
        sha256: None,
        public_key: arguments.public_key,
        signature: arguments.signature,
    };
    let unsigned = provenance.verify(&bytes, file.map(PathBuf::as_path)).err();
    let signature = match (&unsigned, signed) {
        (_, false) => None,
        (None, true) => Some(true),
        (Some(_), true) => Some(false),
    };
    output.answer(
        || {
            let mut document = json::inspection(&inspection);
            document["signature-valid"] = signature.into();
            document
        },
        || {
            let mut text = report(&inspection);
            match &unsigned {
                None if signed => text.push_str("The signature is the public key's.\n"),
                None => {}
                Some(error) => text.push_str(&format!("{}\n", printable(&error.to_string()))),
            }
            text
        },
    );
    if inspection.contract_only && unsigned.is_none() {
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
    text.push_str(&inside(&inspection.inside));
    text.push_str(&format!(
        "size\n  {} bytes\npin it with this line under [component] in the connection file\n  \
         sha256 = \"{}\"\n",
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

fn inside(inside: &Inside) -> String {
    let range = |(from, to): &(u64, Option<u64>), what: &str| match to {
        Some(to) => format!("{from} {what} at first, {to} at most"),
        None => format!("{from} {what} at first, no maximum of its own"),
    };
    let mut text = format!(
        "inside\n  {} core modules, {} bytes of code, {} bytes of data\n",
        inside.modules, inside.code_bytes, inside.data_bytes
    );
    for memory in &inside.memories {
        text.push_str(&format!("  memory: {}\n", range(memory, "bytes")));
    }
    for table in &inside.tables {
        text.push_str(&format!("  table: {}\n", range(table, "elements")));
    }
    for (name, value) in &inside.annotations {
        text.push_str(&format!("  {}: {}\n", printable(name), printable(value)));
    }
    for (field, name, version) in &inside.producers {
        text.push_str(&format!(
            "  {} {} {}\n",
            printable(field),
            printable(name),
            printable(version)
        ));
    }
    text
}
