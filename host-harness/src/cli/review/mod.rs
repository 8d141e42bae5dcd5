//! `harness review`: a page on this machine on which somebody approves and rejects what a plan
//! would do. Only the plan is needed, no connection.

mod browser;
mod connections;
mod door;
mod server;
mod sitting;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;

use super::output::Output;
use super::sync::duration;
use crate::cli::options::Stop;
use crate::clock::SystemClock;
use crate::failure::Failure;
use crate::sync::SyncError;
use door::{Door, Token};
use server::Server;
use sitting::{Sitting, Tally};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The plan, as `harness sync --plan FILE` writes it
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// The port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Print the address, and open no browser
    #[arg(long)]
    no_open: bool,
    /// End without saving once nobody has looked or decided for so long
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60m")]
    idle: Duration,
}

/// How a review ends that is not saved.
enum Unsaved {
    Interrupted,
    Idle,
}

pub(super) async fn run(arguments: &Arguments, output: Output) -> Result<(), Stop> {
    let path = &arguments.plan;
    let sitting = Sitting::open(path).map_err(|error| told(&error, output))?;
    let tally = sitting.tally();
    if tally.writes() == 0 {
        output.answer(
            || json!({ "review": done(path, tally, false) }),
            || "The plan changes nothing: there is nothing to review.".to_owned(),
        );
        return Ok(());
    }
    let unusable = |error: std::io::Error| Stop::Usage(format!("No page can be served: {error}."));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port))
        .await
        .map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    let (door, token) = Door::new(address).map_err(unusable)?;
    let url = tell_address(&door, &token, arguments, output);
    let opened = (!arguments.no_open && !output.is_json()).then(|| browser::open(&url, path));
    let clock = Arc::new(SystemClock::new());
    let server = Server::start(listener, door, sitting, next_command(path), clock);
    let unsaved = tokio::select! {
        () = server.saved() => None,
        () = server.idle(arguments.idle) => Some(Unsaved::Idle),
        _ = tokio::signal::ctrl_c() => Some(Unsaved::Interrupted),
    };
    drop(opened);
    // It may have been saved while it was being interrupted.
    match (server.stop().await, unsaved) {
        (Some(tally), _) => {
            output.answer(
                || json!({ "review": done(path, tally, true) }),
                || {
                    format!(
                        "{} approved, {} rejected, {} open. To carry it out, with the same roster and \
                         rules:\n  {}",
                        tally.approved,
                        tally.rejected,
                        tally.open,
                        next_command(path)
                    )
                },
            );
            Ok(())
        }
        (None, unsaved) => Err(Stop::Failed(ended(unsaved.as_ref(), arguments.idle))),
    }
}

fn tell_address(door: &Door, token: &Token, arguments: &Arguments, output: Output) -> String {
    let url = door.address(token);
    if output.is_json() {
        output.json_line(&json!({ "url": url }).to_string());
    } else {
        output.line(&url);
    }
    output.note(format!(
        "This address works in the first browser that opens it. The review ends when it is saved, \
         by Ctrl-C, or after {} s without a request.",
        arguments.idle.as_secs()
    ));
    url
}

fn done(path: &Path, tally: Tally, saved: bool) -> serde_json::Value {
    json!({
        "plan-file": path.display().to_string(),
        "saved": saved,
        "approved": tally.approved,
        "rejected": tally.rejected,
        "open": tally.open,
    })
}

fn ended(why: Option<&Unsaved>, idle: Duration) -> Failure {
    let why = match why {
        Some(Unsaved::Idle) => format!("Nobody has looked for {} s.", idle.as_secs()),
        _ => "Interrupted.".to_owned(),
    };
    Failure::Cancelled {
        message: format!("{why} Nothing was saved: the plan is as it was."),
        unsettled: false,
    }
}

fn told(error: &SyncError, output: Output) -> Stop {
    output.sync_error(error);
    Stop::Code(error.exit_code())
}

/// What carries out the saved plan.
fn next_command(path: &Path) -> String {
    format!("harness sync ROSTER --rules RULES --apply {}", quoted(path))
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:\\".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
