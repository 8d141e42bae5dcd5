//! `harness provision` and `harness deprovision`.

use clap::Args;

use super::account::written;
use super::connect::connect;
use super::options::{Options, Stop, pair};
use super::output::Output;
use crate::attributes::{self, Pair};
use crate::provision::{self as steps, Matching};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The person's attributes; `harness describe` lists them
    #[arg(value_name = "NAME=VALUE", value_parser = pair, required = true)]
    attributes: Vec<Pair>,
    /// The attribute to find the account by [default: the first lookup key that is given]
    #[arg(long = "match", value_name = "NAME")]
    match_on: Option<String>,
    /// The attribute that tells two people of one name apart [default: the connector's]
    #[arg(long, value_name = "NAME")]
    identity_key: Option<String>,
}

impl Arguments {
    fn matching(&self) -> Matching {
        Matching {
            key: self.match_on.clone(),
            identity_key: self.identity_key.clone(),
        }
    }
}

pub(super) async fn provision(
    arguments: Arguments,
    options: &Options,
    output: Output,
) -> Result<(), Stop> {
    let connected = connect(options).await?;
    let connection = &connected.connection;
    let wanted = attributes::draft(connection.manifest(), &arguments.attributes)?;
    let outcome = steps::provision(connection, &wanted, &arguments.matching()).await;
    connected.finish()?;
    written(connection.manifest(), &outcome?, options, output);
    Ok(())
}

pub(super) async fn deprovision(
    arguments: Arguments,
    options: &Options,
    output: Output,
) -> Result<(), Stop> {
    let connected = connect(options).await?;
    let connection = &connected.connection;
    let manifest = connection.manifest();
    let mut person = Vec::new();
    for pair in &arguments.attributes {
        person.push(attributes::lookup(manifest, pair)?);
    }
    let outcome = steps::deprovision(connection, &person, &arguments.matching()).await;
    connected.finish()?;
    match outcome? {
        Some(outcome) => written(manifest, &outcome, options, output),
        None if options.dry_run => output.nothing_planned(),
        None => output.answer(|| serde_json::Value::Null, || "nobody there".to_owned()),
    }
    Ok(())
}
