//! The built component, in the real host, over real sockets, against a SCIM service that nobody
//! here wrote. `.ci/foreign` starts the service and runs this once for each.
//!
//! Nothing in here knows one service from another: what it is called and what it is expected to
//! announce come from the command line, and all the rest has to hold of any.
//!
//! ```text
//! foreign --name NAME --version VERSION --base URL --token TOKEN
//!         --etags yes|no --paging yes|no --report FILE
//! foreign --write-components FOLDER
//! ```
//!
//! The second writes `connector.wasm`, the component that is inside the program, and `hostile.wasm`,
//! one that attacks its host, for hosts that take a file.

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

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use arguments::Arguments;
use checks::Checks;
use component_8x8::CONNECTOR_8X8;
use service::Service;

/// A service that hangs is a failure, and not the end of CI's patience.
const AT_MOST: Duration = Duration::from_secs(240);

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [option, folder] = words.as_slice()
        && option == "--write-components"
    {
        return match write_components(Path::new(folder)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("The components cannot be written to {folder}: {error}.");
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

fn write_components(folder: &Path) -> std::io::Result<()> {
    const HOSTILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hostile.wasm"));
    std::fs::write(folder.join("connector.wasm"), CONNECTOR_8X8)?;
    std::fs::write(folder.join("hostile.wasm"), HOSTILE)
}
