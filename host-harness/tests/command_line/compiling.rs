//! Compiling has bounds in time and memory, whatever comes in: it is done by a process that limits
//! itself, here the program `harness`, for the program itself and for whoever embeds the host.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use component_8x8::CONNECTOR_8X8;
use host_harness::compiler::Compiler;
use host_harness::{CompiledCode, Component, Failure, Host, HostOptions, LoadError};

use crate::hurtful::{self, Hurtful};
use crate::program::{Tenant, harness, program, run};

fn compiler() -> Compiler {
    Compiler::new(env!("CARGO_BIN_EXE_harness")).argument("compile-for-host")
}

/// A program that compiles nothing, and does this instead.
#[cfg(unix)]
fn script(text: &str) -> Compiler {
    Compiler::new("/bin/sh").argument("-c").argument(text)
}

fn host(compiler: Compiler, cache: Option<&Path>) -> Host {
    let mut options = HostOptions::default();
    options.compiled_code = cache.map_or(CompiledCode::NotKept, |cache| {
        CompiledCode::In(cache.to_owned())
    });
    options.compiler = Some(compiler);
    options.max_instances = 2;
    Host::new(options).unwrap()
}

async fn load(compiler: Compiler, cache: Option<&Path>, bytes: &[u8]) -> Result<(), LoadError> {
    match Component::from_bytes(&host(compiler, cache), bytes).await {
        Ok(_) => Ok(()),
        Err(Failure::Component(error)) => Err(error),
        Err(failure) => panic!("{failure:?}"),
    }
}

/// It takes the compiler some seconds, and nothing tells so beforehand.
fn long() -> Vec<u8> {
    hurtful::long()
}

#[cfg(unix)]
#[tokio::test]
async fn compiling_ends_at_its_processor_time() {
    let begun = Instant::now();
    let compiler = compiler().processor_time(Duration::from_secs(1));
    let error = load(compiler, None, &long()).await.unwrap_err();
    assert_eq!(error, LoadError::CompileTime { seconds: 1 });
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn compiling_ends_at_its_memory() {
    let bytes = 64 << 20;
    let error = load(compiler().memory(bytes), None, &long())
        .await
        .unwrap_err();
    assert_eq!(error, LoadError::CompileMemory { bytes });
}

#[cfg(unix)]
#[tokio::test]
async fn compiling_ends_in_wall_time_where_the_program_only_sleeps() {
    let compiler = script("exec sleep 60").processor_time(Duration::from_secs(1));
    let error = load(compiler, None, CONNECTOR_8X8).await.unwrap_err();
    assert_eq!(error, LoadError::CompileTime { seconds: 1 });
}

#[tokio::test]
async fn what_was_compiled_once_is_loaded_without_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = || Compiler::new("/no/such/program");
    let error = load(nothing(), Some(folder.path()), CONNECTOR_8X8).await;
    let error = error.unwrap_err();
    assert!(matches!(error, LoadError::NotCompiled { .. }), "{error:?}");
    load(compiler(), Some(folder.path()), CONNECTOR_8X8)
        .await
        .unwrap();
    load(nothing(), Some(folder.path()), CONNECTOR_8X8)
        .await
        .unwrap();
}

/// What is kept below a folder.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

/// By somebody who tidies up, by a full disk, by wasmtime itself.
#[tokio::test]
async fn code_that_was_removed_or_damaged_is_compiled_by_the_program_and_not_by_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let load = |compiler| load(compiler, Some(folder.path()), CONNECTOR_8X8);
    for what_becomes_of in [
        |file: &Path| std::fs::remove_file(file).unwrap(),
        |file: &Path| std::fs::write(file, b"").unwrap(),
        |file: &Path| std::fs::write(file, b"neither code nor compressed").unwrap(),
    ] {
        load(compiler()).await.unwrap();
        let files = kept(folder.path());
        assert!(!files.is_empty());
        files.iter().for_each(|file| what_becomes_of(file));
        let error = load(Compiler::new("/no/such/program")).await.unwrap_err();
        assert!(error.to_string().contains("cannot be run"), "{error}");
    }
    load(compiler()).await.unwrap();
}

#[tokio::test]
async fn code_that_is_not_kept_is_compiled_all_the_same() {
    load(compiler(), None, CONNECTOR_8X8).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_program_that_compiles_inherits_nothing_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let error = load(
        script("env > environment"),
        Some(folder.path()),
        CONNECTOR_8X8,
    )
    .await;
    assert!(
        matches!(error, Err(LoadError::NotCompiled { .. })),
        "{error:?}"
    );
    let environment = std::fs::read_to_string(folder.path().join("environment")).unwrap();
    let mut names: Vec<_> = environment
        .lines()
        .filter_map(|line| line.split_once('=').map(|(name, _)| name))
        // The shell's own.
        .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["RAYON_NUM_THREADS"]);
}

#[cfg(unix)]
#[tokio::test]
async fn what_the_program_that_compiles_says_reaches_people_calm_and_short() {
    let says = r#"printf 'no\033]0;title\007\342\200\256 way' >&2; exit 1"#;
    let error = load(script(says), None, CONNECTOR_8X8).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("ended with: no") && text.contains("way"),
        "{text}"
    );
    assert!(!text.contains(['\x1b', '\x07', '\u{202e}']), "{text:?}");
    let says = "head -c 10000000 /dev/zero | tr '\\0' x >&2; exit 1";
    let error = load(script(says), None, CONNECTOR_8X8).await.unwrap_err();
    assert!(error.to_string().len() < 10_000);
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_says_something_else_is_another_build() {
    let says = r#"cat > /dev/null & echo '{"compiled-for": "something else"}'"#;
    let error = load(script(says), None, CONNECTOR_8X8).await.unwrap_err();
    assert!(error.to_string().contains("another build"), "{error}");
    let says = r#"echo 'not json'"#;
    let error = load(script(says), None, CONNECTOR_8X8).await.unwrap_err();
    assert!(matches!(error, LoadError::NotCompiled { .. }), "{error}");
}

/// The process of this number, if it is still there.
#[cfg(target_os = "linux")]
fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[cfg(target_os = "linux")]
fn wait_for<T>(what: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(target_os = "linux")]
fn pid_in(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    text.ends_with('\n').then(|| text.trim().to_owned())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_gives_up_waiting_ends_the_process_that_compiles() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(script("echo $$ > pid; exec sleep 100"), Some(folder.path()));
    let loading = tokio::spawn(async move { Component::from_bytes(&host, CONNECTOR_8X8).await });
    let file = folder.path().join("pid");
    let pid = tokio::task::spawn_blocking(move || wait_for(|| pid_in(&file)));
    let pid = pid.await.unwrap();
    assert!(is_running(&pid));
    loading.abort();
    tokio::task::spawn_blocking(move || wait_for(|| (!is_running(&pid)).then_some(())))
        .await
        .unwrap();
}

/// However it ends.
#[cfg(target_os = "linux")]
#[test]
fn the_process_that_compiles_ends_with_the_one_that_it_compiles_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "long.wasm", &long());
    let mut parent = program(&["inspect", &file])
        .env("XDG_CACHE_HOME", folder.path().join("cache"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let children = |of: u32| {
        let tasks = std::fs::read_dir(format!("/proc/{of}/task")).ok()?;
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
            .find_map(|children| children.split_whitespace().next().map(str::to_owned))
    };
    let child = wait_for(|| children(parent.id()));
    assert!(is_running(&child));
    parent.kill().unwrap();
    parent.wait().unwrap();
    wait_for(|| (!is_running(&child)).then_some(()));
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[test]
fn compiling_that_takes_longer_than_a_moment_is_told_on_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "long\u{202e}.wasm", &long());
    let mut command = program(&["inspect", &file, "--json"]);
    command.env("XDG_CACHE_HOME", folder.path().join("cache"));
    let told = run(command);
    assert_eq!(told.code, 1, "{told:?}");
    let lines: Vec<_> = told.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("compiling "), "{lines:?}");
    assert!(
        lines[0].ends_with(".wasm … (once: its code is kept)"),
        "{lines:?}"
    );
    assert!(!lines[0].contains('\u{202e}'), "{lines:?}");
    told.json();
}

#[test]
fn what_is_compiled_already_is_not_told() {
    harness(&["describe"]);
    let told = harness(&["describe"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
}

/// Its engine takes its instances from no pool, and so more of them.
#[test]
fn a_component_with_much_code_runs_as_any_other() {
    let tenant = Tenant::start(&["--people", "3"]);
    let bytes = hurtful::enlarged(CONNECTOR_8X8, 50);
    let file = written(tenant.path("").as_path(), "large.wasm", &bytes);
    let everybody = tenant
        .json(&["account", "list", "--component", &file])
        .done();
    assert_eq!(everybody, tenant.everybody());
}

#[test]
fn a_component_with_much_code_has_only_so_many_instances() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = hurtful::enlarged(CONNECTOR_8X8, 200);
    let file = written(folder.path(), "large.wasm", &bytes);
    let told = harness(&["describe", &file]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stderr.contains("instance"), "{told:?}");
}

#[test]
fn the_command_that_compiles_is_for_hosts_alone() {
    let told = harness(&["compile-for-host"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stderr.contains("for a host to start"), "{told:?}");
    let help = harness(&["--help"]);
    assert!(!help.stdout.contains("compile-for-host"), "{help:?}");
}

/// What `inspect` of a file took, itself and the process that compiles for it.
struct Taken {
    time: Duration,
    /// In bytes, of both.
    memory: u64,
}

/// The most memory that a process has had, in bytes.
fn peak(pid: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}

fn inspected(folder: &Path, hurtful: &Hurtful) -> Taken {
    let file = written(folder, "hurtful.wasm", &hurtful.bytes);
    let begun = Instant::now();
    let mut child = program(&["inspect", &file, "--json"])
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .stdout(std::fs::File::create(folder.join("stdout")).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut own, mut its) = (0, 0);
    let status = loop {
        own = own.max(peak(&child.id().to_string()));
        let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id()));
        for task in tasks.into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(task.path().join("children"));
            for process in children.unwrap_or_default().split_whitespace() {
                its = its.max(peak(process));
            }
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(300) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let stdout = std::fs::read_to_string(folder.join("stdout")).unwrap_or_default();
    let said: serde_json::Value = serde_json::from_str(&stdout).unwrap_or_default();
    let reasons = match &said["verdict"]["reasons"] {
        serde_json::Value::Null => said["failure"]["message"].to_string(),
        reasons => reasons.to_string(),
    };
    assert!(status.code().is_some(), "{}: {status}", hurtful.name);
    assert_ne!(status.code(), Some(0), "{}", hurtful.name);
    assert!(reasons != "null", "{}: {stdout}", hurtful.name);
    // One that is only malformed measures nothing.
    for malformed in [
        "not a WebAssembly component",
        "failed to parse",
        "at offset",
    ] {
        assert!(!reasons.contains(malformed), "{}: {reasons}", hurtful.name);
    }
    let taken = Taken {
        time: begun.elapsed(),
        memory: own + its,
    };
    println!(
        "{:>6.2} s {:>5} MiB  {}  {}",
        taken.time.as_secs_f64(),
        taken.memory >> 20,
        hurtful.name,
        reasons.chars().take(110).collect::<String>(),
    );
    taken
}

fn most(all: &[Taken]) -> (Duration, u64) {
    let time = all.iter().map(|taken| taken.time).max().unwrap_or_default();
    let memory = all.iter().map(|taken| taken.memory).max().unwrap_or(0);
    println!(
        "{} files; at most {:.1} s and {} MiB",
        all.len(),
        time.as_secs_f64(),
        memory >> 20
    );
    (time, memory)
}

#[test]
fn a_reviewer_hears_soon_of_components_that_are_made_to_hurt() {
    let folder = tempfile::tempdir().unwrap();
    let all = hurtful::few();
    let taken: Vec<_> = all
        .iter()
        .map(|one| inspected(folder.path(), one))
        .collect();
    let (time, memory) = most(&taken);
    // On a machine that does other things as well; most are over in a tenth of a second.
    assert!(time < Duration::from_secs(60), "{time:?}");
    assert!(memory < 1_200 << 20, "{memory}");
}

/// `cargo test --release -p host-harness --test command_line hurt -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes: all of them, and a table"]
fn whatever_is_made_to_hurt_ends_within_the_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let all = hurtful::all();
    assert!(all.len() >= 50);
    let taken: Vec<_> = all
        .iter()
        .map(|one| inspected(folder.path(), one))
        .collect();
    let (time, memory) = most(&taken);
    assert!(time < Duration::from_secs(200), "{time:?}");
    assert!(memory < 1_500 << 20, "{memory}");
}
