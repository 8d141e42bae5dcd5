//! `harness account`: one operation of the contract on one account, or a listing.

use clap::Subcommand;

use super::connect::{Connected, connect};
use super::options::{Options, Stop, pair};
use super::output::{Output, joined, printable, sentence, shown, status, table};
use super::terminal::Bar;
use crate::attributes::{self, Pair, values};
use crate::connection::Connection;
use crate::contract::{AccountStatus, Edits, Manifest, Outcome};
use crate::failure::Failure;
use crate::json;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Everybody
    List {
        /// Stop after so many
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
    },
    /// One account by its id
    Get {
        /// The upstream's id
        id: String,
    },
    /// The account with a value, such as userName=ada@example.com
    Find {
        /// A lookup key and its value; `harness describe` lists the keys
        #[arg(value_name = "NAME=VALUE", value_parser = pair)]
        key: Pair,
    },
    /// Make an account
    Create {
        /// Attributes; `harness describe` lists them. A name given twice gives two values
        #[arg(value_name = "NAME=VALUE", value_parser = pair, required = true)]
        attributes: Vec<Pair>,
    },
    /// Change an account
    Update {
        /// The upstream's id
        id: String,
        /// Attributes to set; `NAME=` clears
        #[arg(value_name = "NAME=VALUE", value_parser = pair, required = true)]
        attributes: Vec<Pair>,
    },
    /// Let the person use the account
    Activate {
        /// The upstream's id
        id: String,
    },
    /// Keep the person from using the account
    Deactivate {
        /// The upstream's id
        id: String,
    },
    /// Delete an account, in the upstream's sense: 8x8 keeps it, deactivated
    Delete {
        /// The upstream's id
        id: String,
    },
}

pub(super) async fn run(command: Command, options: &Options, output: Output) -> Result<(), Stop> {
    let connected = connect(options).await?;
    let result = operate(command, &connected, options, output).await;
    connected.finish()?;
    result
}

async fn operate(
    command: Command,
    connected: &Connected,
    options: &Options,
    output: Output,
) -> Result<(), Stop> {
    let connection = &connected.connection;
    let manifest = connection.manifest();
    match command {
        Command::List { limit } => return list(connection, limit, options, output).await,
        Command::Get { id } => output.account(manifest, &connection.get(&id).await?),
        Command::Find { key } => {
            let key = attributes::lookup(manifest, &key)?;
            let found = match key.values.as_slice() {
                [value] => connection.find(&key.name, value).await?,
                _ => None,
            };
            match found {
                Some(account) => output.account(manifest, &account),
                None => output.answer(|| serde_json::Value::Null, || "nobody".to_owned()),
            }
        }
        Command::Create { attributes } => {
            let draft = attributes::draft(manifest, &attributes)?;
            written(manifest, &connection.create(&draft).await?, options, output);
        }
        Command::Update { id, attributes } => {
            let edits = attributes::edits(manifest, &attributes)?;
            written(
                manifest,
                &connection.update(&id, &edits).await?,
                options,
                output,
            );
        }
        Command::Activate { id } => {
            let outcome = set_status(connection, &id, AccountStatus::Active).await?;
            written(manifest, &outcome, options, output);
        }
        Command::Deactivate { id } => {
            let outcome = set_status(connection, &id, AccountStatus::Inactive).await?;
            written(manifest, &outcome, options, output);
        }
        Command::Delete { id } => {
            let deletion = connection.delete(&id).await?;
            if options.dry_run {
                output.nothing_planned();
            } else {
                output.deletion(manifest, &deletion);
            }
        }
    }
    Ok(())
}

/// What a write came to. A dry run that gets here had nothing to send.
pub(super) fn written(manifest: &Manifest, outcome: &Outcome, options: &Options, output: Output) {
    if options.dry_run {
        output.nothing_planned();
    } else {
        output.outcome(manifest, outcome);
    }
}

async fn set_status(
    connection: &Connection,
    id: &str,
    status: AccountStatus,
) -> Result<Outcome, Failure> {
    let edits = Edits {
        status: Some(status),
        changes: Vec::new(),
        expected_version: None,
    };
    connection.update(id, &edits).await
}

/// Written as it arrives with `--json`; a table at the end, with a count until then, for
/// people.
async fn list(
    connection: &Connection,
    limit: Option<u64>,
    options: &Options,
    output: Output,
) -> Result<(), Stop> {
    let manifest = connection.manifest();
    let mut listing = connection.listing();
    if let Some(limit) = limit {
        listing.at_most(limit);
    }
    let columns = columns(manifest);
    let mut header = vec!["id", "status"];
    header.extend(&columns);
    let mut rows = table(&header);
    let progress = Bar::new(None, "{spinner} {pos} accounts, {per_sec}");
    let mut count = 0;
    let mut failure = None;
    if output.is_json() {
        output.json_line("{\"accounts\": [");
    }
    while limit.is_none_or(|limit| count < limit) {
        let next = tokio::select! {
            next = listing.next() => next,
            () = options.interruption.pressed() => Some(Err(options.writes.interrupted())),
        };
        match next {
            None => break,
            Some(Err(failed)) => {
                failure = Some(failed);
                break;
            }
            Some(Ok(account)) if output.is_json() => {
                let comma = if count == 0 { "" } else { "," };
                output.json_line(&format!("{comma}{}", json::account(manifest, &account)));
            }
            Some(Ok(account)) => {
                let mut row = vec![printable(&account.id), status(account.status).to_owned()];
                let cells = columns
                    .iter()
                    .map(|name| printable(&joined(values(&account, name))));
                row.extend(cells);
                rows.add_row(row);
            }
        }
        count += 1;
        progress.at(count);
    }
    progress.clear();
    if output.is_json() {
        let total = serde_json::json!(listing.total());
        match &failure {
            None => output.json_line(&format!("], \"total\": {total}}}")),
            Some(failed) => {
                let document = json::failure(failed);
                output.json_line(&format!(
                    "], \"total\": {total}, \"failure\": {}}}",
                    document["failure"]
                ));
            }
        }
    } else {
        if count > 0 {
            output.line(shown(&rows));
        }
        match listing.total() {
            Some(total) => output.note(format!("{count} of {total}")),
            None => output.note(format!("{count}")),
        }
    }
    match failure {
        None => Ok(()),
        Some(failed) if output.is_json() => {
            output.error(&sentence(failed.message()));
            Err(Stop::Verdict)
        }
        Some(failed) => Err(failed.into()),
    }
}

/// What tells accounts apart: the lookup keys and whatever every account has.
fn columns(manifest: &Manifest) -> Vec<&str> {
    manifest
        .attributes
        .iter()
        .filter(|spec| spec.required || manifest.lookup_keys.contains(&spec.name))
        .map(|spec| spec.name.as_str())
        .collect()
}
