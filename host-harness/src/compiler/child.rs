//! The process that compiles.

use std::io::{BufRead as _, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value as Json, json};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::protocol::{COMPILED, REFUSED};
use crate::engine::{Compiles, Spacing, Tuning, entry_name, key, opened};
use crate::limits::{COMPONENT_BYTES, MESSAGE_BYTES};

/// More than the host's first line has.
const MOST_HEADER: u64 = 4 << 10;

/// Compiles the one component that a host hands over on stdin, within the bounds that the host
/// names; see [`Compiler`](super::Compiler). To be called before the program does anything else,
/// and to end it with.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a host reads these, and no terminal"
)]
pub fn run() -> ExitCode {
    match compiled() {
        Ok(answer) => {
            // A host that has gone does not hear it.
            let _ = writeln!(std::io::stdout(), "{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn compiled() -> Result<Json, String> {
    let (header, component) = {
        let mut stdin = std::io::stdin().lock();
        let header = header(&mut stdin)?;
        if cfg!(unix) {
            bound(&header)?;
        }
        let size = header["size"].as_u64().unwrap_or(u64::MAX);
        if size > COMPONENT_BYTES {
            return Err("The component is too large.".to_owned());
        }
        let mut component = Vec::new();
        let read = stdin.by_ref().take(size).read_to_end(&mut component);
        let read = read.map_err(|error| format!("The component does not arrive: {error}."))?;
        if u64::try_from(read) != Ok(size) {
            return Err("The component does not arrive whole.".to_owned());
        }
        (header, component)
    };
    end_with_the_host()?;
    let tuning = Tuning {
        count_fuel: header["count-fuel"] == true,
        spacing: match header["addressable"] == true {
            true => Spacing::Addressable,
            false => Spacing::LargestMemory,
        },
        large: header["large"] == true,
    };
    let cache = opened(Path::new(".")).map_err(|error| error.to_string())?;
    let engine_of = |compiles| {
        let engine = Engine::new(&tuning.config(Some(cache.clone()), compiles));
        engine.map_err(|error| format!("{error:#}"))
    };
    let engine = engine_of(Compiles::Yes)?;
    // As the host does: nothing but WebAssembly is taken.
    if let Err(error) = Component::from_binary(&engine, &component) {
        let reason: String = format!("{error:#}").chars().take(MESSAGE_BYTES).collect();
        return Ok(json!({ REFUSED: reason }));
    }
    let hosts = engine_of(Compiles::No)?;
    let moved = move_entry(&engine, &hosts, &component);
    let moved = moved.map_err(|error| format!("The code cannot be kept: {error}."))?;
    if !moved || Component::from_binary(&hosts, &component).is_err() {
        return Err("The code cannot be kept: is there room for it?".to_owned());
    }
    Ok(json!({ COMPILED: key(&hosts) }))
}

/// The cache keeps code under a name of its own for each engine. What this process's engine
/// compiled goes where the host's engine looks for it, which cannot compile. Whether it was there.
fn move_entry(from: &Engine, to: &Engine, component: &[u8]) -> std::io::Result<bool> {
    let [from, to] = [from, to].map(|engine| entry_name(engine, component));
    // A folder for each version of wasmtime.
    for folder in std::fs::read_dir("modules")? {
        let folder = folder?.path();
        let entry = folder.join(&from);
        if entry.is_file() {
            std::fs::rename(entry, folder.join(to))?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// The host's first line.
fn header(stdin: &mut impl std::io::BufRead) -> Result<Json, String> {
    let mut line = Vec::new();
    let read = stdin.take(MOST_HEADER).read_until(b'\n', &mut line);
    read.map_err(|error| format!("No host says what to compile: {error}."))?;
    let header: Option<Json> = serde_json::from_slice(&line).ok();
    header.filter(Json::is_object).ok_or_else(|| {
        "This is for a host to start, which says on stdin what to compile.".to_owned()
    })
}

/// Limits this process, before it has seen anything of the component. All its threads share
/// what it may take.
#[cfg(unix)]
fn bound(header: &Json) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = |resource, most: u64, reserve: u64| {
        // Never more than there was.
        let hard = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit {
            current: Some(most.min(hard)),
            maximum: Some(most.saturating_add(reserve).min(hard)),
        };
        setrlimit(resource, limit).map_err(|error| format!("It cannot be limited: {error}."))
    };
    // It would hold the component, and all that there is of it.
    limit(Resource::Core, 0, 0)?;
    let bound = |name: &str| {
        let bound = header[name].as_u64();
        bound.ok_or_else(|| format!("The job has no bound `{name}`."))
    };
    // The first is announced by a signal of its own, and the second kills.
    limit(Resource::Cpu, bound("seconds")?, 2)?;
    // What can be written to, heap and stacks of threads, and not what is only reserved.
    limit(Resource::Data, bound("memory")?, 0)
}

#[cfg(not(unix))]
fn bound(_: &Json) -> Result<(), String> {
    Ok(())
}

/// The host keeps stdin open for as long as it waits.
fn end_with_the_host() -> Result<(), String> {
    std::thread::Builder::new()
        .name("compile-host".to_owned())
        .spawn(|| {
            let mut more = [0];
            let _ = std::io::stdin().read(&mut more);
            std::process::exit(1);
        })
        .map(drop)
        .map_err(|error| format!("No thread: {error}."))
}
