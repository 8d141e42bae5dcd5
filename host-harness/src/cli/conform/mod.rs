//! `harness conform`: the contract tests on any connector, as a table, JSON or JUnit XML.

mod junit;

use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use self::junit::JunitFile;
use super::connect::{closed, component, connection_file, host_with, watched};
use super::output::{Output, printable, prose_table, sentence, shown, wrapped};
use super::terminal::Bar;
use crate::attributes::Pair;
use crate::cli::options::{Options, Stop, pair};
use crate::conform::{self, Conformance, Finding, Report, Verdict, checks};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The component [default: --component, else the connection file's, else the bundled 8x8
    /// connector]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Say what each check demands, and where the contract says so; needs no connection
    #[arg(long)]
    list: bool,
    /// A value that the tenant decides, such as the name of a site that exists; {} in it stands
    /// for the account's name, and a second one is what the attribute is changed to
    #[arg(long = "value", value_name = "NAME=VALUE", value_parser = pair)]
    values: Vec<Pair>,
    /// The accounts are named PREFIX-1 and PREFIX-2; accounts of that name that an earlier run
    /// left are taken up again
    #[arg(long, value_name = "PREFIX", default_value = "conform")]
    prefix: String,
    /// Also write the report as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Go on without asking where accounts will stay, since the connector deletes none
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(
    arguments: Arguments,
    options: &Options,
    output: Output,
) -> Result<(), Stop> {
    if arguments.list {
        list(output);
        return Ok(());
    }
    let mut options = options.clone();
    options.component = arguments.file.or(options.component);
    let file = connection_file(&options)?;
    let host = host_with(&options, file.host_options())?;
    let component = component(&host, &options, Some(&file)).await?;
    let (mut connection, trace) = watched(&options, component.manifest(), file.options())?;
    // The reading checks alone, rather than a failure at the first write.
    connection.network.read_only |= options.dry_run;
    let how = conform::Options {
        prefix: arguments.prefix,
        values: arguments.values,
    };
    let conformance = Conformance::prepare(&component, connection, how).await?;
    if !agreed(&conformance, arguments.yes, output)? {
        output.note("Nothing was done.");
        return closed(trace.as_deref());
    }
    // Before anything is done, lest it be done without a report.
    let junit = arguments.junit.map(JunitFile::create).transpose()?;
    let bar = Bar::new(Some(checks().len() as u64), "{bar:30} {pos}/{len} {msg}");
    let shown = |finding: &Finding| {
        bar.step();
        bar.say(finding.check.name);
    };
    let report = conformance.run(shown).await;
    bar.clear();
    closed(trace.as_deref())?;
    output.answer(|| report.to_json(), || text(&report));
    for left in &report.left {
        output.note(printable(left));
    }
    if let Some(junit) = junit {
        junit.write(&report)?;
    }
    if report.passed() {
        Ok(())
    } else {
        Err(Stop::Verdict)
    }
}

/// Says how many accounts will stay, and asks. Nobody is asked where none will.
fn agreed(conformance: &Conformance, yes: bool, output: Output) -> Result<bool, Stop> {
    let stays = conformance.will_stay();
    if stays == 0 {
        return Ok(true);
    }
    let names = conformance.account_names().join(" and ");
    let accounts = if stays == 1 {
        "1 account"
    } else {
        "2 accounts"
    };
    let said = format!(
        "This connector deletes no account for good: {accounts} of {names} will be made and will \
         stay in the tenant."
    );
    if yes {
        output.note(&said);
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Stop::Usage(format!(
            "{said} Nobody is there to be asked: --yes goes on, and read-only = true under \
             [network] in the connection file runs the reading checks alone."
        )));
    }
    output.note(format!("{said} Go on? [y/N]"));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    Ok(read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn list(output: Output) {
    output.answer(
        || {
            let all = checks().iter().map(|check| {
                json!({
                    "name": check.name,
                    "reason": check.reason,
                    "contract": check.contract,
                    "writes": check.writes(),
                })
            });
            json!({ "checks": all.collect::<Vec<_>>() })
        },
        || {
            let mut table = prose_table(&["check", "demands", "contract"]);
            for check in checks() {
                table.add_row([check.name, check.reason, check.contract]);
            }
            shown(&table)
        },
    );
}

/// A line for each check, then what failed, and why it matters.
fn text(report: &Report) -> String {
    let mut table = prose_table(&["check", "verdict", ""]);
    for finding in &report.findings {
        let said = finding.verdict.message().map(str::to_owned);
        let said: Vec<_> = said.into_iter().chain(finding.notes.clone()).collect();
        let said = match &finding.verdict {
            // Below, in full.
            Verdict::Failed(_) => String::new(),
            _ => printable(&said.join("; ")),
        };
        table.add_row([finding.check.name, finding.verdict.word(), &said]);
    }
    let mut text = shown(&table);
    for finding in report.failed() {
        let what = finding.verdict.message().unwrap_or_default();
        text.push_str(&format!("\n{}\n", finding.check.name));
        let what = printable(&sentence(what.to_owned()));
        text.push_str(&wrapped("  failed:   ", "            ", &what));
        text.push_str(&wrapped(
            "  demanded: ",
            "            ",
            finding.check.reason,
        ));
        text.push_str(&format!("  contract: {}\n", finding.check.contract));
        for note in &finding.notes {
            text.push_str(&wrapped("  note:     ", "            ", &printable(note)));
        }
    }
    text.push_str(&format!(
        "\n{} {}: {} passed, {} skipped, {} failed\n",
        report.connector,
        report.version,
        report.count("passed"),
        report.count("skipped"),
        report.count("failed"),
    ));
    text
}
