//! `harness sync`: a whole company from a roster and rules.

mod progress;
mod shown;

use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::connect::{component, connect_with, connection_file, host_with};
use super::output::Output;
use super::terminal;
use crate::cli::options::{Options, Stop};
use crate::clock::SystemClock;
use crate::connection::Connection;
use crate::connection_file::ConnectionFile;
use crate::sync::guard::{Guard, Stopped};
use crate::sync::page::PageFile;
use crate::sync::plan::{Action, Plan};
use crate::sync::report::{self, Report};
use crate::sync::{
    Halt, Prepared, Progress, Roster, RosterSource, Rules, SyncError, SyncOptions, plan_for,
};
use progress::Bars;

#[derive(Debug, Args)]
#[command(after_help = GUARDS)]
pub(super) struct Arguments {
    /// The people: CSV or JSON Lines; `-` reads stdin
    #[arg(value_name = "ROSTER")]
    roster: PathBuf,
    /// The rules: who gets an account, and with what
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Write the plan here, its owner's alone to read, and end
    #[arg(long, value_name = "FILE", conflicts_with_all = ["apply", "yes"])]
    plan: Option<PathBuf>,
    /// Write the plan as a page for a browser too, its owner's alone to read
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,
    /// Carry out what this plan and one made now have in common
    #[arg(long, value_name = "FILE")]
    apply: Option<PathBuf>,
    /// At the end write the report as a page for a browser, its owner's alone to read
    #[arg(long, value_name = "FILE.html", conflicts_with = "plan")]
    report: Option<PathBuf>,
    /// Go on without asking
    #[arg(long)]
    yes: bool,
    /// These actions alone: create, update, reactivate, deactivate
    #[arg(long, value_name = "ACTION", value_delimiter = ',', value_parser = action)]
    only: Vec<Action>,
    /// This person alone, by the key that the rules name
    #[arg(long, value_name = "KEY")]
    person: Option<String>,
    /// Override a guard for this run; may be given several times, see below
    #[arg(long, value_name = "GUARD")]
    allow: Vec<Guard>,
    #[command(flatten)]
    journal: JournalArguments,
    /// At the end, forget runs and steps that are older than this, such as 90d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    retain: Option<Duration>,
    /// How long after a run was killed its last write may still come to pass
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    settle: Duration,
}

/// Where the journal is.
#[derive(Debug, Args)]
pub(super) struct JournalArguments {
    /// The journal [default: the connection file's name with .journal]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

impl JournalArguments {
    pub(super) fn path_given(&self) -> Option<PathBuf> {
        self.journal.clone()
    }

    pub(super) fn path(&self, connection_file: &Path) -> PathBuf {
        self.journal
            .clone()
            .unwrap_or_else(|| connection_file.with_extension("journal"))
    }
}

const GUARDS: &str = "\
Guards stop a run before its first write, exit 4; --allow overrides one for this run:
  deactivations   more accounts would be deactivated than the rules let pass
  empty-roster    the roster has no row
  shorter-roster  the roster has far fewer rows than at the last run
  failures        most of the latest operations failed
  bad-rows        rows cannot be read: accounts without a row are left alone

Exit codes: 0 all done, 1 the run could not be carried out, 2 wrong usage, rules or roster,
3 somebody failed, is a conflict or has a row that cannot be read, 4 stopped by a guard or
by another run.";

pub(super) async fn run(
    arguments: Arguments,
    options: &Options,
    output: Output,
) -> Result<(), Stop> {
    // Ctrl-C ends a run between two writes, and so is listened to from inside.
    let halt = Halt::new();
    if options.replay.is_some() && arguments.journal.path_given().is_none() {
        return Err(Stop::Usage(
            "A replay changes no tenant, and so belongs in no tenant's journal: --journal FILE \
             names one of its own."
                .to_owned(),
        ));
    }
    let file = connection_file(options)?;
    let host = host_with(options, file.host_options())?;
    let component = component(&host, options, Some(&file)).await?;
    let connected = connect_with(options, &component, file.options()).await?;
    let carried_out = carry_out(
        &arguments,
        &file,
        &connected.connection,
        &halt,
        options,
        output,
    );
    let result = carried_out.await;
    connected.finish()?;
    match result {
        Ok(0) => Ok(()),
        Ok(code) => Err(Stop::Code(code)),
        Err(Ended::Stop(stop)) => Err(stop),
        Err(Ended::Sync(error)) => {
            let code = error.exit_code();
            output.sync_error(&error);
            Err(Stop::Code(code))
        }
    }
}

/// Why there is no report.
enum Ended {
    Stop(Stop),
    Sync(SyncError),
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<SyncError> for Ended {
    fn from(error: SyncError) -> Self {
        Self::Sync(error)
    }
}

async fn carry_out(
    arguments: &Arguments,
    file: &ConnectionFile,
    connection: &Connection,
    halt: &Halt,
    options: &Options,
    output: Output,
) -> Result<u8, Ended> {
    let plan_alone = options.dry_run || arguments.plan.is_some();
    let approved = arguments.apply.as_deref().map(Plan::read).transpose()?;
    let reads_stdin = arguments.roster == Path::new("-");
    let asks = !plan_alone && !arguments.yes;
    if asks && (reads_stdin || !std::io::stdin().is_terminal()) {
        return Err(Ended::Stop(Stop::Usage(
            "Nobody is there to be asked: --yes carries the plan out, --plan FILE writes it, and \
             --dry-run shows it."
                .to_owned(),
        )));
    }
    if options.dry_run && arguments.report.is_some() {
        return Err(Ended::Stop(Stop::Usage(
            "There is no report of what is not carried out: --html FILE has the plan.".to_owned(),
        )));
    }
    // Before anything is done, lest it be done without a report.
    let report_page = arguments.report.as_deref().map(PageFile::begin);
    let mut report_page = report_page.transpose()?;
    let rules = Rules::read(&arguments.rules, connection.manifest()).map_err(SyncError::Failed)?;
    let source = RosterSource::new(&arguments.roster);
    let roster = Roster::open(&source, rules.roster_format()).map_err(SyncError::Failed)?;
    let bars = Bars::default();
    let on_progress = |progress: Progress| bars.show(progress);
    let sync_options = sync_options(arguments, file, plan_alone);
    let planning = plan_for(connection, roster, &rules, sync_options, &on_progress);
    let planned = tokio::select! {
        planned = planning => planned,
        _ = tokio::signal::ctrl_c() => return Err(Ended::Stop(Stop::Failed(options.writes.interrupted()))),
    };
    bars.clear();
    let mut prepared = planned?;
    if let Some(approved) = &approved {
        prepared.restrict_to(approved)?;
    }
    if let Some(path) = &arguments.html {
        prepared.plan().write_page(path)?;
    }
    if plan_alone {
        return Ok(tell_plan(&prepared, arguments.plan.as_deref(), output)?);
    }
    if !output.is_json() {
        output.line(shown::plan(prepared.plan(), prepared.resolved()));
    }
    let stopped = prepared.guards()?;
    let writes = prepared
        .plan()
        .entries
        .iter()
        .filter(|entry| entry.action.writes());
    let writes = writes.count();
    if stopped.is_empty() && asks && writes > 0 && !agreed(writes, output) {
        output.note("Nothing was done.");
        return Ok(0);
    }
    if let Some(first) = stopped.first()
        && let Some(page) = report_page.take()
    {
        page.report(&stopped_before(prepared.plan(), first))?;
    }
    let report = apply(prepared, halt, &on_progress, options, output).await?;
    bars.clear();
    tell_report(&report, output);
    if let Some(page) = report_page {
        page.report(&report)?;
    }
    Ok(report.exit_code())
}

/// What a page says of a run that a guard stops before its first write.
fn stopped_before(plan: &Plan, guard: &Stopped) -> Report {
    let mut report = Report {
        tenant: plan.tenant.clone(),
        began: plan.made_at.clone(),
        ended: plan.made_at.clone(),
        stopped: Some(report::Stop::Guard(guard.clone())),
        ..Report::default()
    };
    report.counts.unchanged = plan.counts.nothing;
    report.counts.not_begun = plan.counts.writes();
    report.counts.total = plan.counts.nothing + plan.entries.len() as u64;
    for entry in &plan.entries {
        report.left(entry);
    }
    report
}

/// Carries the plan out. The first Ctrl-C lets what is under way end; the second does not.
async fn apply(
    prepared: Prepared<'_>,
    halt: &Halt,
    on_progress: &(dyn Fn(Progress) + Sync),
    options: &Options,
    output: Output,
) -> Result<Report, Ended> {
    let mut applying = std::pin::pin!(prepared.apply(halt, on_progress));
    let mut interrupted = false;
    loop {
        tokio::select! {
            report = &mut applying => return Ok(report?),
            _ = tokio::signal::ctrl_c() => {
                if interrupted {
                    return Err(Ended::Stop(Stop::Failed(options.writes.interrupted())));
                }
                interrupted = true;
                halt.interrupt();
                output.note(
                    "Interrupted: what is under way ends, nothing new begins. Ctrl-C again leaves \
                     it, and the next run finds out what became of it.",
                );
            }
        }
    }
}

fn sync_options(arguments: &Arguments, file: &ConnectionFile, plan_alone: bool) -> SyncOptions {
    let journal = arguments.journal.path(&file.path);
    let mut options = SyncOptions::new(journal, Arc::new(SystemClock::new()));
    options.plan_alone = plan_alone;
    let only: BTreeSet<Action> = arguments.only.iter().copied().collect();
    options.only = (!only.is_empty()).then_some(only);
    options.person.clone_from(&arguments.person);
    options.allowed = arguments.allow.iter().copied().collect();
    options.concurrency = file.network.max_concurrency;
    options.settle = arguments.settle;
    options.retain = arguments.retain;
    options
}

/// Shows or writes a plan that is not carried out now. 3 where it has conflicts, 4 where a guard
/// would stop it that was to be shown alone.
fn tell_plan(
    prepared: &Prepared<'_>,
    file: Option<&Path>,
    output: Output,
) -> Result<u8, SyncError> {
    let plan = prepared.plan();
    let stopped = prepared.guards()?;
    match file {
        Some(path) => {
            plan.write(path)?;
            output.answer(
                || {
                    serde_json::json!({
                        "plan-file": path.display().to_string(),
                        "counts": plan.counts,
                        "notices": plan.notices,
                    })
                },
                || shown::plan(plan, prepared.resolved()),
            );
            output.note(format!(
                "The plan is in {0}. `harness review {0}` is for approving and rejecting, and `--apply \
                 {0}` with the same roster and rules carries it out.",
                path.display()
            ));
        }
        None if output.is_json() => {
            // A reader that went away ends the output, not the program.
            let _ = plan.write_to(&mut terminal::documents());
        }
        None => output.line(shown::plan(plan, prepared.resolved())),
    }
    for one in &stopped {
        output.note(format!("guard {}: {}", one.guard, one.message()));
    }
    Ok(match (stopped.is_empty(), file) {
        (false, None) => 4,
        _ if plan.counts.conflict > 0 => 3,
        _ => 0,
    })
}

fn tell_report(report: &Report, output: Output) {
    output.answer(|| report.to_json(), || shown::report(report));
    if let Some(stop) = &report.stopped {
        output.note(format!("stopped: {}", stop.message()));
    }
}

/// Asks the person at the terminal.
fn agreed(writes: usize, output: Output) -> bool {
    let accounts = if writes == 1 { "account" } else { "accounts" };
    output.note(format!("Carry this out for {writes} {accounts}? [y/N]"));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

fn action(text: &str) -> Result<Action, String> {
    [
        Action::Create,
        Action::Update,
        Action::Reactivate,
        Action::Deactivate,
    ]
    .into_iter()
    .find(|action| action.name() == text)
    .ok_or_else(|| "expected create, update, reactivate or deactivate".to_owned())
}

/// `30s`, `5m`, `12h`, `90d`, `12w`; zero too.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let read = text.split_at_checked(digits).and_then(|(count, unit)| {
        let count: u64 = count.parse().ok()?;
        let seconds = match unit.trim() {
            "ms" => return Some(Duration::from_millis(count)),
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return None,
        };
        count.checked_mul(seconds).map(Duration::from_secs)
    });
    read.ok_or_else(|| "expected a time such as 30s, 5m, 12h, 90d or 12w".to_owned())
}
