//! The program `harness`: one file a command. The answer goes to stdout (with `--json` one
//! document and nothing else), everything else to stderr.
//!
//! Exit codes: 0 done · 1 the operation failed · 2 wrong usage, connection file or
//! settings · 3 done in part · 4 stopped by a guard.

mod account;
mod build;
mod check;
mod conform;
mod connect;
mod connection_new;
mod demo;
mod describe;
mod history;
mod inspect;
mod interruption;
mod new;
mod options;
mod output;
mod provision;
mod recording;
mod review;
mod rules;
mod stats;
mod sync;
mod tenant;
mod terminal;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Failure;
use options::{COMPILE, Options, Stop};
use output::Output;
use terminal::Text;

/// Provisions accounts through sandboxed connectors. Without --component it runs the
/// bundled 8x8 connector.
#[derive(Debug, Parser)]
#[command(name = "harness", bin_name = "harness", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
First steps:
  harness demo                                    everything once, on a simulated 8x8 tenant
  harness connection new acme.toml                writes a connection file to fill in
  harness --connection acme.toml check            tests it
  harness --connection acme.toml --dry-run provision userName=ada@example.com \\
    givenName=Ada familyName=Lovelace workEmail=ada@example.com externalId=E-17 site=London

Exit codes: 0 done, 1 the operation failed, 2 wrong usage, connection file or settings,
3 done in part, 4 stopped by a guard.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Walk one person through hire, change, leave and rehire on a simulated 8x8 tenant
    Demo(demo::Arguments),
    /// Connection files
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// A reviewer's report on a component: what it imports, exports and holds, what it claims
    /// and would be granted; exit 1 if it is not to be used
    Inspect(inspect::Arguments),
    /// What a connector says of itself: settings, credentials, attributes, operations, quirks
    Describe(describe::Arguments),
    /// Test the connection; changes nothing
    Check,
    /// Contract tests: whether a connector does what the contract says; makes up to two
    /// accounts, and deletes them
    Conform(conform::Arguments),
    /// One operation on accounts
    #[command(subcommand)]
    Account(account::Command),
    /// Give a person an account: create, update or reactivate whatever is needed
    Provision(provision::Arguments),
    /// Deactivate a person's account, if there is one
    Deprovision(provision::Arguments),
    /// Who gets an account, and what it holds: the rules of a sync
    #[command(subcommand)]
    Rules(rules::Command),
    /// Provision a whole company: joiners, movers, leavers, from a roster and rules
    Sync(sync::Arguments),
    /// Look at a plan in a browser: approve and reject what it would do, and save
    Review(review::Arguments),
    /// What runs of sync did, and what happened to one person
    History(history::Arguments),
    /// Write a crate for a new connector, which builds and runs against a small service of its own
    New(new::Arguments),
    /// Make a connector's crate into a component
    Build(build::Arguments),
    /// Compiles a component for a host that started this program for it; see
    /// [`crate::compiler`].
    #[command(hide = true, name = COMPILE)]
    Compile,
    /// Run a simulated 8x8 tenant on this machine, and print the connection file for it
    Tenant(tenant::Arguments),
}

#[derive(Debug, Subcommand)]
enum ConnectionCommand {
    /// Write a commented connection file, made from the connector's manifest
    New(connection_new::Arguments),
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    terminal::panics_are_calm();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misread(&error),
    };
    if let Command::Compile = cli.command {
        // Before there is anything else in this process.
        return crate::compiler::run();
    }
    log_to_stderr(cli.options.verbose);
    let output = Output::new(cli.options.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output.usage(&format!("No runtime: {error}."));
            return ExitCode::FAILURE;
        }
    };
    let measured = cli.options.stats.then(|| Arc::clone(&cli.options.measured));
    let tapes = Arc::clone(&cli.options.tapes);
    let result = runtime.block_on(run(cli, output));
    // What is still under way was given up by a cancelled command.
    runtime.shutdown_background();
    let whole = result.is_ok();
    let mut code = told(result, output);
    if let Some(worse) = tapes.end(output)
        && whole
    {
        code = ExitCode::from(worse);
    }
    if let Some(measured) = measured {
        measured.tell(output);
    }
    code
}

/// How the program ends, once it has said why.
fn told(result: Result<(), Stop>, output: Output) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Verdict) => ExitCode::from(1),
        Err(Stop::Unusable) => ExitCode::from(2),
        Err(Stop::Code(code)) => ExitCode::from(code),
        Err(Stop::Usage(message)) => {
            output.usage(&message);
            ExitCode::from(2)
        }
        Err(Stop::Failed(failure)) => {
            output.failure(&failure);
            ExitCode::from(exit_code(&failure))
        }
    }
}

/// A command line that cannot be read, or asks for help or the version. A program gets its
/// document also for one that cannot be read.
fn misread(error: &clap::Error) -> ExitCode {
    let rendered = error.render();
    if !error.use_stderr() {
        // Words of our own, in clap's styles.
        terminal::print(&Text::with_styles_of(&rendered.ansi().to_string()));
        return ExitCode::SUCCESS;
    }
    // It repeats what was typed, which may hold anything, so clap's styles are left out.
    let text = rendered.to_string();
    let (message, usage) = text.rsplit_once("\n\nUsage: ").unwrap_or((&text, ""));
    let mut shown = output::error(message.strip_prefix("error: ").unwrap_or(message));
    if !usage.is_empty() {
        shown.push(&format!("\n\nUsage: {}", usage.trim_end()));
    }
    terminal::note(&shown);
    let said = text.lines().take_while(|line| !line.starts_with("Usage:"));
    let said: Vec<_> = said
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let said = said.join(" ");
    let asked = std::env::args_os().any(|argument| argument == "--json");
    Output::new(asked).usage_document(said.strip_prefix("error: ").unwrap_or(&said));
    ExitCode::from(2)
}

async fn run(cli: Cli, output: Output) -> Result<(), Stop> {
    let writes = Arc::clone(&cli.options.writes);
    let interruption = Arc::clone(&cli.options.interruption);
    let options = &cli.options;
    recordable(options, &cli.command)?;
    if let Command::Tenant(arguments) = cli.command {
        // Ends by Ctrl-C, which is its usual end.
        return tenant::run(arguments, output).await;
    }
    if let Command::Sync(arguments) = cli.command {
        return sync::run(arguments, options, output).await;
    }
    if let Command::Review(arguments) = cli.command {
        return review::run(&arguments, output).await;
    }
    let work = async {
        match cli.command {
            Command::Demo(arguments) => demo::run(arguments, options, output).await,
            Command::Connection(ConnectionCommand::New(arguments)) => {
                connection_new::run(arguments, options, output).await
            }
            Command::Inspect(arguments) => inspect::run(arguments, options, output).await,
            Command::Describe(arguments) => describe::run(arguments, options, output).await,
            Command::Check => check::run(options, output).await,
            Command::Conform(arguments) => conform::run(arguments, options, output).await,
            Command::Account(command) => account::run(command, options, output).await,
            Command::Provision(arguments) => provision::provision(arguments, options, output).await,
            Command::Deprovision(arguments) => {
                provision::deprovision(arguments, options, output).await
            }
            Command::Rules(command) => rules::run(command, options, output).await,
            Command::New(arguments) => new::run(&arguments, options, output),
            Command::Build(arguments) => build::run(arguments, options, output).await,
            Command::History(arguments) => history::run(&arguments, options, output),
            Command::Tenant(_) | Command::Sync(_) | Command::Review(_) | Command::Compile => Ok(()),
        }
    };
    // By value, so that what is given up has ended, and told so, before it is summed up.
    let result = tokio::select! {
        // A listing hears of it too, and closes its document first.
        biased;
        result = work => Some(result),
        () = interruption.pressed() => None,
    };
    result.unwrap_or_else(|| Err(Stop::Failed(writes.interrupted())))
}

/// 2 for what the operator can mend on this side, 1 for the rest; a dry run that shows its
/// request did what it was asked for.
fn exit_code(failure: &Failure) -> u8 {
    match failure.kind() {
        "dry-run" => 0,
        "invalid-settings" => 2,
        _ => 1,
    }
}

/// What is logged: our own words and the connector's, which the sandbox cleans. The libraries of the
/// network log what the other side sends, secrets that it echoes among it, and are never heard.
fn log_to_stderr(verbose: u8) {
    let (ours, connectors) = match verbose {
        0 => (LevelFilter::WARN, LevelFilter::WARN),
        // What a connector logs below `debug` is for its authors.
        1 => (LevelFilter::DEBUG, LevelFilter::INFO),
        _ => (LevelFilter::TRACE, LevelFilter::TRACE),
    };
    let targets = Targets::new()
        .with_target("host_harness", ours)
        .with_target("connector", connectors);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(terminal::Log)
        // The writer has styles of its own, which no event can bring along.
        .with_ansi(false);
    // Fails only where a subscriber is set already.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .try_init();
}

/// Whether the command is one that sends anything.
fn recordable(options: &Options, command: &Command) -> Result<(), Stop> {
    let silent = matches!(
        command,
        Command::Connection(_)
            | Command::Inspect(_)
            | Command::Describe(_)
            | Command::Rules(_)
            | Command::Review(_)
            | Command::History(_)
            | Command::Tenant(_)
    );
    if silent && (options.record.is_some() || options.replay.is_some()) {
        return Err(Stop::Usage(
            "This command sends nothing that could be recorded: --record and --replay go with \
             check, account, provision, deprovision and sync."
                .to_owned(),
        ));
    }
    if matches!(command, Command::Demo(_)) && options.replay.is_some() {
        return Err(Stop::Usage(
            "The demo has a tenant of its own, at another address each time: it can be recorded \
             and not replayed."
                .to_owned(),
        ));
    }
    Ok(())
}
