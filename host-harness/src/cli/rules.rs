//! `harness rules`: write rules to start from, and try them before anything runs.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::connect::{component, connection_file, host};
use super::options::{Options, Stop};
use super::output::{Output, joined, printable};
use crate::contract::Manifest;
use crate::json;
use crate::sync::{BadRow, Roster, RosterSource, Rules, Standing, Wish, starter};

/// Rows that cannot be read, as many as are named.
const MOST_TOLD: usize = 20;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write commented rules to start from, made from the connector's manifest
    New(NewArguments),
    /// Check rules; with a roster, show its first people as they would be sent
    Check(CheckArguments),
}

#[derive(Debug, Args)]
pub(super) struct NewArguments {
    /// Where to write them; must not exist yet [default: stdout]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The rules, TOML
    #[arg(value_name = "FILE")]
    rules: PathBuf,
    /// A roster to try them on, CSV or JSON Lines; - is stdin
    #[arg(long, value_name = "ROSTER")]
    sample: Option<PathBuf>,
    /// How many people to show
    #[arg(long, value_name = "N", default_value_t = 5, requires = "sample")]
    people: usize,
}

pub(super) async fn run(command: Command, options: &Options, output: Output) -> Result<(), Stop> {
    let host = host(options)?;
    let file = match &options.connection {
        Some(_) => Some(connection_file(options)?),
        None => None,
    };
    let component = component(&host, options, file.as_ref()).await?;
    match command {
        Command::New(arguments) => new(&arguments, component.manifest(), output),
        Command::Check(arguments) => check(&arguments, component.manifest(), output),
    }
}

fn new(arguments: &NewArguments, manifest: &Manifest, output: Output) -> Result<(), Stop> {
    let text = starter(manifest);
    let Some(path) = &arguments.file else {
        output.answer(|| json!({ "file": null, "text": text }), || text.clone());
        return Ok(());
    };
    // An existing file is somebody's work.
    File::create_new(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Stop::Usage(format!("{} cannot be written: {error}.", path.display())))?;
    let shown = path.display().to_string();
    output.answer(
        || json!({ "file": shown, "text": text }),
        || {
            format!(
                "Wrote {shown}. Say who gets an account and from which columns, then try:\n  \
                 harness rules check {shown} --sample ROSTER.csv"
            )
        },
    );
    Ok(())
}

/// What became of the rows of a sample.
#[derive(Default)]
struct Tried {
    first: Vec<Wish>,
    wanted: u64,
    not_yet: u64,
    no_longer: u64,
    protected: u64,
    unknown: u64,
    bad: Vec<BadRow>,
}

fn check(arguments: &CheckArguments, manifest: &Manifest, output: Output) -> Result<(), Stop> {
    let rules = Rules::read(&arguments.rules, manifest)?;
    let Some(sample) = &arguments.sample else {
        output.answer(
            || json!({ "ok": true }),
            || {
                format!(
                    "{} can be used. --sample ROSTER shows what becomes of people.",
                    arguments.rules.display()
                )
            },
        );
        return Ok(());
    };
    let tried = try_on(&rules, &RosterSource::new(sample), arguments.people)?;
    output.answer(|| document(manifest, &tried), || report(&tried));
    if tried.unknown > 0 {
        return Err(Stop::Verdict);
    }
    Ok(())
}

fn try_on(rules: &Rules, source: &RosterSource, people: usize) -> Result<Tried, Stop> {
    let mut roster = Roster::open(source, rules.roster_format())?;
    rules.fit(&roster.columns())?;
    let today = rules.today(SystemTime::now());
    let mut tried = Tried::default();
    while let Some(row) = roster.next()? {
        match row.and_then(|row| rules.wish(&row, today)) {
            Ok(wish) => {
                match wish.standing {
                    Standing::Wanted { .. } => tried.wanted += 1,
                    Standing::NotYet { .. } => tried.not_yet += 1,
                    Standing::NoLonger { .. } => tried.no_longer += 1,
                }
                tried.protected += u64::from(wish.protected.is_some());
                if tried.first.len() < people {
                    tried.first.push(wish);
                }
            }
            Err(bad) => {
                tried.unknown += 1;
                if tried.bad.len() < MOST_TOLD {
                    tried.bad.push(bad);
                }
            }
        }
    }
    rules.fit(&roster.columns())?;
    Ok(tried)
}

fn standing(wish: &Wish) -> String {
    match &wish.standing {
        Standing::Wanted { role: Some(role) } => format!("wanted: {role}"),
        Standing::Wanted { role: None } => "wanted".to_owned(),
        Standing::NotYet { from } => format!("not before {from}"),
        Standing::NoLonger { reason } => format!("not wanted: {reason}"),
    }
}

fn document(manifest: &Manifest, tried: &Tried) -> Json {
    let people = tried.first.iter().map(|wish| {
        json!({
            "person": wish.key,
            "line": wish.line,
            "standing": standing(wish),
            "protected": wish.protected,
            "attributes": json::attributes(manifest, &wish.attributes),
        })
    });
    let bad = tried
        .bad
        .iter()
        .map(|bad| json!({ "line": bad.line, "person": bad.key, "reason": bad.reason }));
    json!({
        "ok": tried.unknown == 0,
        "people": people.collect::<Vec<_>>(),
        "wanted": tried.wanted,
        "not-yet": tried.not_yet,
        "no-longer": tried.no_longer,
        "protected": tried.protected,
        "unknown": tried.unknown,
        "bad-rows": bad.collect::<Vec<_>>(),
    })
}

fn report(tried: &Tried) -> String {
    let mut text = String::new();
    for wish in &tried.first {
        let key = printable(&wish.key);
        text.push_str(&format!("{key} (line {}): {}\n", wish.line, standing(wish)));
        if let Some(rule) = &wish.protected {
            text.push_str(&format!("  protected by {rule}\n"));
        }
        for attribute in &wish.attributes {
            let value = printable(&joined(&attribute.values));
            text.push_str(&format!("  {:14} {value}\n", attribute.name));
        }
    }
    text.push_str(&format!(
        "{} wanted, {} not yet, {} not wanted, {} protected, {} unknown\n",
        tried.wanted, tried.not_yet, tried.no_longer, tried.protected, tried.unknown
    ));
    for bad in &tried.bad {
        let whom = bad
            .key
            .as_deref()
            .map_or(String::new(), |key| format!(" ({})", printable(key)));
        let reason = printable(&bad.reason);
        text.push_str(&format!("line {}{whom}: {reason}\n", bad.line));
    }
    let told = u64::try_from(tried.bad.len()).unwrap_or(u64::MAX);
    if tried.unknown > told {
        text.push_str(&format!("and {} more\n", tried.unknown - told));
    }
    text
}
