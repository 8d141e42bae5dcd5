//! The built component, in the real host, over real sockets, against a SCIM service that nobody
//! here wrote. `.ci/foreign` starts the service and runs this once for each.
//!
//! Nothing in here knows one service from another: what it is called and what it is expected to
//! announce come from the command line, and all the rest has to hold of any.
//!
//! ```text
//! foreign --name NAME --version VERSION --base URL --token TOKEN
//!         --etags yes|no --paging yes|no --report FILE
//! foreign --write-component FILE
//! ```
//!
//! The second writes the component that is inside the program, for hosts that take a file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod arguments;
mod checks;
mod plain_client;
mod proxy;
mod scenarios;
mod service;
#[path = "../stage.rs"]
#[allow(dead_code, reason = "the stage of all tests; these use a part of it")]
mod stage;

use std::process::ExitCode;
use std::time::Duration;

use arguments::Arguments;
use checks::Checks;
use service::Service;

/// A service that hangs is a failure, and not the end of CI's patience.
const AT_MOST: Duration = Duration::from_secs(240);

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [option, file] = words.as_slice()
        && option == "--write-component"
    {
        return match std::fs::write(file, host_harness::bundled::CONNECTOR_8X8) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{file} cannot be written: {error}.");
                ExitCode::from(2)
            }
        };
    }
    let arguments = match Arguments::read(words.into_iter()) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let checks = Checks::new(&arguments.name);
    let run = async {
        match Service::meet(&arguments).await {
            Ok(service) => scenarios::all(&service, &checks).await,
            Err(problem) => checks.fail("the service can be met", &problem),
        }
    };
    if tokio::time::timeout(AT_MOST, run).await.is_err() {
        checks.fail("everything ends in time", "it did not");
    }
    match checks.report(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}
