//! The program that compiles, as its host uses it.

use std::ffi::OsString;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::leash::Leash;
use super::protocol::{COMPILED, REFUSED};
use crate::engine::{Spacing, Tuning};
use crate::limits::MESSAGE_BYTES;
use crate::load_error::LoadError;
use crate::text::clean;

/// What compiling may take where the embedder says nothing else: some four times as much as the
/// largest engine of another language that is known takes in a slow build of this host.
const PROCESSOR_TIME: Duration = Duration::from_secs(60);
const MEMORY: u64 = 1 << 30;
/// Of the processor time, what a component without code gets, and what each MiB of its code
/// adds: a few kilobytes that would take a minute are stopped long before.
const FIRST_SECONDS: u64 = 10;
const SECONDS_PER_MIB: u64 = 5;
/// Wall time for each second of processor time, and some more to start with: the machine has
/// other things to do as well.
const PATIENCE: u32 = 5;
/// Threads that compile: each has a stack and an arena, which count as memory.
const MOST_THREADS: usize = 4;
/// What is read of what the process says.
const MOST_SAID: u64 = 64 << 10;
/// A program that compiles components for a host
/// ([`HostOptions::compiler`](crate::HostOptions::compiler)). It is started for each component
/// whose compiled code is not there yet, and does nothing but call [`run`](super::run). The embedding
/// program itself can be that program, if it looks at its arguments first:
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use host_harness::compiler::{self, Compiler};
/// use host_harness::{Host, HostOptions};
///
/// fn main() -> ExitCode {
///     // Before anything else: threads, a log, a connection to a database.
///     if std::env::args().nth(1).as_deref() == Some("compile-a-component") {
///         return compiler::run();
///     }
///     let this = std::env::current_exe().unwrap();
///     let mut options = HostOptions::default();
///     options.compiler = Some(Compiler::new(this).argument("compile-a-component"));
///     let host = Host::new(options);
///     // …
///     # drop(host);
///     ExitCode::SUCCESS
/// }
/// ```
///
/// Its bounds hold on Unix; on macOS that of memory does not, and on Windows only the one of
/// wall time does. The process inherits nothing of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    program: PathBuf,
    arguments: Vec<OsString>,
    processor_time: Duration,
    memory: u64,
}

impl Compiler {
    /// This program, by its absolute path. It must be built with the same version of this
    /// library; where it is not, components are not loaded.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            processor_time: PROCESSOR_TIME,
            memory: MEMORY,
        }
    }

    /// With a further argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The processor time that one component may take at most, in whole seconds. Default 60 s. A
    /// component gets 10 s, and 5 s more for each MiB of its code, up to this. In wall time it
    /// may take five times as long.
    #[must_use]
    pub fn processor_time(mut self, most: Duration) -> Self {
        self.processor_time = most;
        self
    }

    /// The memory that one component may take, in bytes. Default 1 GiB.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    fn seconds(&self, code_bytes: u64) -> u64 {
        let by_size = FIRST_SECONDS + SECONDS_PER_MIB.saturating_mul(code_bytes.div_ceil(1 << 20));
        by_size.min(self.processor_time.as_secs()).max(1)
    }

    /// Compiles a component, so that its code is in the directory afterwards.
    pub(crate) fn compile(&self, job: &Job<'_>, leash: &Leash) -> Result<(), LoadError> {
        let seconds = self.seconds(job.code_bytes);
        let wall = Duration::from_secs(seconds) * PATIENCE;
        let header = json!({
            "size": job.component.len(),
            "seconds": seconds,
            "memory": self.memory,
            "count-fuel": job.tuning.count_fuel,
            "addressable": job.tuning.spacing == Spacing::Addressable,
            "large": job.tuning.large,
        });
        let said = self.converse(job, &header, wall, leash)?;
        if let Some(answer) = said.answer() {
            if let Some(reason) = answer.get(REFUSED).and_then(Json::as_str) {
                if is_of_memory(reason) {
                    return Err(LoadError::CompileMemory { bytes: self.memory });
                }
                let reason = clean(reason, MESSAGE_BYTES);
                return Err(LoadError::Mismatch { reason });
            }
            return match answer.get(COMPILED).and_then(Json::as_str) {
                Some(key) if key == job.key => Ok(()),
                _ => Err(LoadError::NotCompiled {
                    reason: "the program that compiles is another build than this host".to_owned(),
                }),
            };
        }
        Err(self.end(&said, seconds))
    }

    /// Why there is no answer.
    fn end(&self, said: &Said, seconds: u64) -> LoadError {
        let complaint = said.complaint.trim();
        if said.out_of_time || said.out_of_processor_time() {
            return LoadError::CompileTime { seconds };
        }
        if is_of_memory(complaint) || said.was_killed() {
            return LoadError::CompileMemory { bytes: self.memory };
        }
        let status = said.status.map(|status| status.to_string());
        let status = status.unwrap_or_else(|| "it did not end".to_owned());
        LoadError::NotCompiled {
            reason: match complaint {
                "" => format!("the program that compiles ended without an answer ({status})"),
                complaint => {
                    let complaint = clean(complaint, MESSAGE_BYTES);
                    format!("the program that compiles ended with: {complaint} ({status})")
                }
            },
        }
    }

    /// Starts the process, hands it the component, and hears what it says.
    fn converse(
        &self,
        job: &Job<'_>,
        header: &Json,
        wall: Duration,
        leash: &Leash,
    ) -> Result<Said, LoadError> {
        let not_started = |error: std::io::Error| LoadError::NotCompiled {
            reason: format!(
                "the program that compiles, {}, cannot be run: {error}",
                self.program.display()
            ),
        };
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        let mut child = command
            .env("RAYON_NUM_THREADS", threads.min(MOST_THREADS).to_string())
            // It works where the code is to be, and is told nothing of where that is.
            .current_dir(job.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(not_started)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        leash.hold(child);
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            leash.cut();
            return Err(not_started(std::io::ErrorKind::BrokenPipe.into()));
        };
        let (heard, hear) = mpsc::channel();
        let (ended, end) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // Where the process has ended early, what it said tells why.
                let _ = stdin
                    .write_all(format!("{header}\n").as_bytes())
                    .and_then(|()| stdin.write_all(job.component));
                // Open until the process has ended: where this one ends first, it sees that.
                let _ = end.recv();
            });
            let complaint = scope.spawn(move || said(stderr));
            scope.spawn(move || heard.send(said(stdout)));
            let answer = hear.recv_timeout(wall);
            let out_of_time = answer.is_err();
            if out_of_time {
                leash.cut();
            }
            let status = leash.ended();
            drop(ended);
            Ok(Said {
                answer: answer.unwrap_or_default(),
                complaint: complaint.join().unwrap_or_default(),
                status,
                out_of_time,
            })
        })
    }
}

/// What is to be compiled, and how.
pub(crate) struct Job<'a> {
    pub(crate) component: &'a [u8],
    pub(crate) code_bytes: u64,
    pub(crate) tuning: Tuning,
    /// Where the code goes.
    pub(crate) directory: &'a Path,
    /// What the host's engine calls itself, [`crate::engine::key`]: code that another one made
    /// would be of no use.
    pub(crate) key: &'a str,
}

/// What the process said, and how it ended.
struct Said {
    answer: String,
    complaint: String,
    status: Option<ExitStatus>,
    out_of_time: bool,
}

impl Said {
    /// The answer of a process that ended well.
    fn answer(&self) -> Option<Json> {
        if !self.status.is_some_and(|status| status.success()) {
            return None;
        }
        serde_json::from_str(&self.answer).ok()
    }

    #[cfg(unix)]
    fn signal(&self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt as _;

        self.status?.signal()
    }

    #[cfg(not(unix))]
    fn signal(&self) -> Option<i32> {
        None
    }

    /// The system's own signal for it.
    fn out_of_processor_time(&self) -> bool {
        #[cfg(unix)]
        return self.signal() == Some(rustix::process::Signal::XCPU.as_raw());
        #[cfg(not(unix))]
        return false;
    }

    /// Not by this host, but by a system that has no memory left.
    fn was_killed(&self) -> bool {
        #[cfg(unix)]
        return self.signal() == Some(rustix::process::Signal::KILL.as_raw());
        #[cfg(not(unix))]
        return false;
    }
}

/// What Rust, and what the system say where there is no memory left: for a value, for a file
/// that is mapped, for a thread.
fn is_of_memory(text: &str) -> bool {
    const WORDS: [&str; 3] = [
        "memory allocation of",
        "Cannot allocate memory",
        "Resource temporarily unavailable",
    ];
    WORDS.iter().any(|words| text.contains(words))
}

fn said(stream: impl Read) -> String {
    let mut bytes = Vec::new();
    // Whatever came before an error is what there is.
    let _ = stream.take(MOST_SAID).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
