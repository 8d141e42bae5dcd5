//! A program for WASI hosts that drives a connector:
//!
//! ```text
//! SETTING=VALUE… + OPERATION [+ OPERATION]…
//! ```
//!
//! An OPERATION is `check`, `list`, `find KEY=VALUE`, `create NAME=VALUE…`,
//! `update KEY=VALUE NAME=VALUE…`, `activate KEY=VALUE`, `deactivate KEY=VALUE` or
//! `delete KEY=VALUE`; `KEY=VALUE` is a lookup key of the connector's. Each answers with one line
//! of JSON. The first that fails ends it, with exit code 1.

mod json;
mod operation;

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package provisioning:wasi-command;
        world driver {
            import provisioning:connector/manifest@0.1.0;
            import provisioning:connector/accounts@0.1.0;
        }
    ",
    world: "provisioning:wasi-command/driver",
    generate_all,
});

use operation::{Operation, Settings};
use provisioning::connector::accounts::Connection;
use provisioning::connector::manifest;

struct Command;

wasip2::cli::command::export!(Command);

impl wasip2::exports::cli::run::Guest for Command {
    fn run() -> Result<(), ()> {
        let words = wasip2::cli::environment::get_arguments();
        let done = operation::read(words.get(1..).unwrap_or_default())
            .map_err(|problem| say(true, &problem))
            .and_then(|(settings, operations)| {
                drive(&settings, &operations).map_err(|failure| say(false, &failure))
            });
        if done.is_err() {
            // Some hosts show an error that is returned as a fault of the program.
            wasip2::cli::exit::exit(Err(()));
        }
        done
    }
}

fn drive(settings: &Settings, operations: &[Operation]) -> Result<(), String> {
    let manifest = manifest::describe();
    let failed = |failure| json::failure(&failure).to_string();
    let connection = Connection::open(settings, None).map_err(failed)?;
    for operation in operations {
        let answer = operation.run(&manifest, &connection).map_err(failed)?;
        say(false, &answer.to_string());
    }
    Ok(())
}

/// Writes a line. Nobody is left to tell where it cannot be written.
fn say(problem: bool, line: &str) {
    let stream = if problem {
        wasip2::cli::stderr::get_stderr()
    } else {
        wasip2::cli::stdout::get_stdout()
    };
    for piece in format!("{line}\n").as_bytes().chunks(4096) {
        if stream.blocking_write_and_flush(piece).is_err() {
            return;
        }
    }
}
