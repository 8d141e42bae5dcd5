//! The workspace's tests as programs, run with one protection off.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// The programs that test the host.
const PROGRAMS: [&str; 3] = ["end_to_end", "host_harness", "command_line"];
/// Tests that show something else, and take long: all switches of a simulated tenant, and
/// all attacks at once.
const APART: [&str; 3] = ["switches::", "lost_answers::", "together::"];
/// Tests that take a second or more: they run where they are named, and with every protection on.
const LONG: [&str; 18] = [
    "compiling::",
    "peers::",
    "registry::a_folder_of_more",
    "registry::layout::a_component_is_read_once",
    "registry::layout::a_layout_of_more",
    "review::connections_that_say_nothing",
    "sandbox::computing::a_guest_that_loops",
    "sandbox::computing::an_endless_loop",
    "sandbox::computing::an_operation_ends_at_its_deadline",
    "sandbox::computing::calls_that_keep_the_host_busy",
    "sandbox::computing::waiting_for_the_network",
    "sandbox::http2::",
    "sandbox::memory::an_answer_larger",
    "sandbox::memory::lists_handed_to_the_host",
    "secrets::an_upstream_that_echoes",
    "secrets::no_failure_gives_the_token",
    "secrets::the_token_is_in_one_header",
    "stats::",
];
/// A test that does not end within this time fails: most limits are there so that it ends. Long enough
/// for those that compile 18 components, beside others that do: with `wasm-features` off no code that was
/// compiled before can be used.
const LONGEST: Duration = Duration::from_secs(300);

#[derive(Clone)]
pub(crate) struct Executable {
    path: PathBuf,
    /// Where cargo would run it.
    folder: PathBuf,
}

/// Builds the tests as `cargo test --workspace` does.
pub(crate) fn build(workspace: &Path) -> Result<Vec<Executable>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // What `cargo run` says of this program would make some build scripts run anew.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    let output = command
        .current_dir(workspace)
        .args([
            "test",
            "--workspace",
            "--locked",
            "--lib",
            "--test=end_to_end",
            "--test=command_line",
            "--no-run",
            "--message-format=json",
        ])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the tests do not build");
    }
    let mut executables = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<serde_json::Value>(line) else {
            continue;
        };
        let name = message["target"]["name"].as_str().unwrap_or_default();
        if message["profile"]["test"] == true
            && PROGRAMS.contains(&name)
            && let Some(path) = message["executable"].as_str()
        {
            let manifest = Path::new(message["manifest_path"].as_str().unwrap_or_default());
            executables.push(Executable {
                path: path.into(),
                folder: manifest.parent().unwrap_or(workspace).to_owned(),
            });
        }
    }
    if executables.len() < PROGRAMS.len() {
        bail!(
            "cargo built {} test programs of {}",
            executables.len(),
            PROGRAMS.len()
        );
    }
    Ok(executables)
}

/// The tests of each program: those named, or all but a few.
pub(crate) fn choose(
    executables: &[Executable],
    named: Option<&BTreeSet<&str>>,
) -> Result<Vec<(Executable, Vec<String>)>> {
    let mut found = BTreeSet::new();
    let mut chosen = Vec::new();
    for executable in executables {
        let output = Command::new(&executable.path)
            .args(["--list", "--format=terse"])
            .output()?;
        let list = String::from_utf8_lossy(&output.stdout).into_owned();
        let tests: Vec<String> = list
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .filter(|test| match named {
                Some(named) => named.contains(test),
                None => !APART.iter().any(|apart| test.contains(apart)),
            })
            .map(str::to_owned)
            .collect();
        found.extend(tests.iter().cloned());
        chosen.push((executable.clone(), tests));
    }
    for name in named.into_iter().flatten() {
        if !found.contains(*name) {
            bail!("SECURITY.md names the test `{name}`, and there is none");
        }
    }
    Ok(chosen)
}

/// The tests that fail, or do not end, with this protection off, each with what it said; long
/// ones only if it is theirs.
pub(crate) fn failing(
    tests: &[(Executable, Vec<String>)],
    without: Option<(&str, &[String])>,
) -> Result<BTreeMap<String, String>> {
    let runs = |test: &String| {
        without.is_none_or(|(_, named)| {
            named.contains(test) || !LONG.iter().any(|long| test.starts_with(long))
        })
    };
    let mut failing = BTreeMap::new();
    for (executable, tests) in tests {
        let tests: Vec<String> = tests.iter().filter(|test| runs(test)).cloned().collect();
        if !tests.is_empty() {
            let output = output(executable, &tests, without.map(|(name, _)| name))?;
            let passed: BTreeSet<&str> = output.lines().filter_map(passes).collect();
            for test in tests {
                if !passed.contains(&*test) {
                    let said = said(&output, &test);
                    failing.insert(test, said);
                }
            }
        }
    }
    Ok(failing)
}

/// The test that this line of the harness's says has passed.
fn passes(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... ok")
}

/// What a program of tests says of one that did not pass.
fn said(output: &str, test: &str) -> String {
    let heading = format!("---- {test} stdout ----");
    let own = output.lines().skip_while(|line| **line != heading).skip(1);
    let own: Vec<&str> = own
        .take_while(|line| !line.starts_with("---- ") && *line != "failures:")
        .collect();
    if !own.is_empty() {
        return own.join("\n");
    }
    let named: Vec<&str> = output.lines().filter(|line| line.contains(test)).collect();
    let last: Vec<&str> = output.lines().rev().take(10).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    format!(
        "it did not say how it ended. Lines that name it:\n{}\nThe last lines:\n{}",
        named.join("\n"),
        last.join("\n")
    )
}

/// What these tests print until they end, or have had long enough.
fn output(executable: &Executable, tests: &[String], without: Option<&str>) -> Result<String> {
    let mut command = Command::new(&executable.path);
    // More threads than processors: some tests now wait for what does not come.
    command
        .current_dir(&executable.folder)
        .args(["--exact", "--test-threads=8"])
        .args(tests)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    match without {
        Some(name) => command.env("PROTECTION_OFF", name),
        None => command.env_remove("PROTECTION_OFF"),
    };
    let mut child = command.spawn().context("cannot run the tests")?;
    let output = child.stdout.take().context("the tests' output")?;
    let (lines, read) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    let end = Instant::now() + LONGEST;
    let mut text = String::new();
    while let Ok(line) = read.recv_timeout(end.saturating_duration_since(Instant::now())) {
        text.push_str(&String::from_utf8_lossy(&line));
        text.push('\n');
    }
    // It has ended, or it never will.
    let _ended = child.kill();
    child.wait()?;
    Ok(text)
}
