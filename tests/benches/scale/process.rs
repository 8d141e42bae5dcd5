//! `harness account get` as a whole process, from its start to its end.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::child::Served;
use crate::figures::{Target, Unit, median, row};

const RUNS: usize = 40;

pub(crate) fn measure() {
    let Some(program) = harness() else {
        eprintln!("`process` needs the program itself: cargo build --profile bench");
        return;
    };
    let served = Served::start("answers", 1);
    let (address, id) = served.lines[0].split_once(' ').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let connection = folder.path().join("connection.toml");
    let file = format!(
        "[settings]\ninstance-url = \"http://{address}/udi/customers/0012J00042NkZQIQA3/scim/v2\"\n\
         [credentials]\napi-token = {{ env = \"API_TOKEN_OF_NOBODY\" }}\n\
         [network]\nallow-loopback-http = true\n"
    );
    std::fs::write(&connection, file).unwrap();
    let (mut walls, mut peaks) = (Vec::new(), Vec::new());
    // The first one compiles, and leaves the compiled code for the others.
    for run in 0..=RUNS {
        let begun = Instant::now();
        let output = Command::new("/usr/bin/time")
            .args(["-f", "%M"])
            .arg(&program)
            .arg("--connection")
            .arg(&connection)
            .args(["--json", "account", "get", id])
            .env("API_TOKEN_OF_NOBODY", "a-token-of-nobody")
            .env("XDG_CACHE_HOME", folder.path())
            .output()
            .expect("GNU time: apt-get install time");
        let took = begun.elapsed().as_secs_f64() * 1_000.0;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(id));
        if run > 0 {
            walls.push(took);
            peaks.push(said.trim().parse::<f64>().unwrap() / 1024.0);
        }
    }
    row(
        "`harness account get`, whole process, compiled code cached",
        Target::AtMost(30.0),
        median(walls),
        Unit::Millis,
    );
    row(
        "its memory at most",
        Target::AtMost(25.0),
        median(peaks),
        Unit::MiB,
    );
}

/// The program of the same build, beside this one's folder.
fn harness() -> Option<PathBuf> {
    let here = std::env::current_exe().ok()?;
    let program = here.parent()?.parent()?.join("harness");
    program.is_file().then_some(program)
}
