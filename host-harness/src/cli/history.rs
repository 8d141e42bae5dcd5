//! `harness history`: what runs of sync did, and what happened to one person.

use clap::Args;
use serde_json::{Value as Json, json};

use super::options::{Options, Stop};
use super::output::{Output, printable, prose_table, shown, table};
use super::sync::JournalArguments;
use crate::sync::SyncError;
use crate::sync::journal::{Journal, RunRecord, StepRecord};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A person's key, or an account's name or id [default: the latest runs]
    #[arg(value_name = "PERSON")]
    person: Option<String>,
    /// Show so many runs
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    journal: JournalArguments,
}

pub(super) fn run(arguments: &Arguments, options: &Options, output: Output) -> Result<(), Stop> {
    let path = match (&arguments.journal.path_given(), &options.connection) {
        (Some(path), _) => path.clone(),
        (None, Some(file)) => arguments.journal.path(file),
        (None, None) => {
            return Err(Stop::Usage(
                "Whose history? Name the connection with --connection FILE, or the journal with \
                 --journal FILE."
                    .to_owned(),
            ));
        }
    };
    let told = Journal::look_into(&path).and_then(|journal| match &arguments.person {
        Some(person) => {
            let account = journal.account_of(person)?;
            let steps = journal.steps_of(person)?;
            output.answer(
                || {
                    json!({
                        "person": person,
                        "account": account,
                        "steps": steps.iter().map(step).collect::<Json>(),
                    })
                },
                || person_shown(person, account.as_deref(), &steps),
            );
            Ok(())
        }
        None => {
            let runs = journal.runs(arguments.limit)?;
            output.answer(
                || json!({ "runs": runs.iter().map(run_json).collect::<Json>() }),
                || runs_shown(&runs),
            );
            Ok(())
        }
    });
    told.map_err(|error| {
        let error = SyncError::from(error);
        output.sync_error(&error);
        Stop::Code(error.exit_code())
    })
}

fn run_json(run: &RunRecord) -> Json {
    json!({
        "run": run.id,
        "began": run.began,
        "ended": run.ended,
        "state": run.state,
        "rows": run.rows,
        "counts": run.counts,
    })
}

fn step(step: &StepRecord) -> Json {
    json!({
        "step": step.id,
        "run": step.run,
        "person": step.person,
        "name": step.name,
        "action": step.action,
        "account": step.account,
        "began": step.began,
        "ended": step.ended,
        "outcome": step.outcome,
        "detail": step.detail,
        "wanted": step.wanted,
    })
}

fn runs_shown(runs: &[RunRecord]) -> String {
    if runs.is_empty() {
        return "No run yet.".to_owned();
    }
    let mut rows = table(&[
        "run",
        "began",
        "state",
        "rows",
        "created",
        "updated",
        "back",
        "out",
        "conflicts",
        "failed",
    ]);
    for run in runs {
        let count = |name: &str| match &run.counts[name] {
            Json::Number(number) => number.to_string(),
            _ => "–".to_owned(),
        };
        rows.add_row(vec![
            run.id.to_string(),
            printable(&run.began),
            run.state.as_deref().unwrap_or("not ended").to_owned(),
            run.rows.to_string(),
            count("created"),
            count("updated"),
            count("reactivated"),
            count("deactivated"),
            count("conflicts"),
            count("failed"),
        ]);
    }
    shown(&rows)
}

fn person_shown(person: &str, account: Option<&str>, steps: &[StepRecord]) -> String {
    let mut text = match account {
        Some(account) => format!(
            "{} has the account {}\n",
            printable(person),
            printable(account)
        ),
        None => String::new(),
    };
    if steps.is_empty() {
        text.push_str("Nothing was ever sent about them.");
        return text;
    }
    let mut rows = prose_table(&["when", "run", "what", "account", "outcome", ""]);
    for step in steps {
        let changed = step.wanted["attributes"].as_object();
        let changed: Vec<_> = changed
            .into_iter()
            .flatten()
            .map(|(name, values)| {
                let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
                let values: Vec<_> = values.iter().map(in_words).collect();
                format!("{name}={}", values.join(", "))
            })
            .collect();
        let mut about = changed.join(" · ");
        if let Some(detail) = &step.detail {
            about = format!("{detail} {about}");
        }
        rows.add_row(vec![
            step.began.clone(),
            step.run.to_string(),
            step.action.clone(),
            printable(step.account.as_deref().unwrap_or("–")),
            step.outcome.as_deref().unwrap_or("open").to_owned(),
            printable(about.trim()),
        ]);
    }
    text.push_str(&shown(&rows));
    text
}

fn in_words(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
