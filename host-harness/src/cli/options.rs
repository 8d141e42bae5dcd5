//! Options of every command, and what each may end in.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ArgAction;

use super::interruption::{Interruption, Writes};
use super::recording::Tapes;
use super::stats::Stats;
use crate::attributes::Pair;
use crate::failure::Failure;

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Options {
    /// The connector to run, a WebAssembly component [default: the bundled 8x8 connector]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) component: Option<PathBuf>,
    /// The connection file: settings, where the secrets are, network
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "HARNESS_CONNECTION",
        hide_env_values = true
    )]
    pub(super) connection: Option<PathBuf>,
    /// Answer with one JSON document on stdout
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Send reads, and show the first write instead of sending it
    #[arg(long, global = true)]
    pub(super) dry_run: bool,
    /// Write every exchange into an HTTP Archive, secrets redacted
    #[arg(long, global = true, value_name = "FILE.har")]
    pub(super) trace: Option<PathBuf>,
    /// Leave bodies and query strings out of the HTTP Archive
    #[arg(long, global = true, requires = "trace")]
    pub(super) trace_without_values: bool,
    /// Write every exchange into a new folder, a readable file each, secrets left out
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "replay")]
    pub(super) record: Option<PathBuf>,
    /// Answer from such a folder instead of from the network: no token and no --connection
    /// needed; exit 1 where what is sent is not what was recorded
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) replay: Option<PathBuf>,
    #[arg(skip)]
    pub(super) tapes: Arc<Tapes>,
    /// Afterwards, on stderr, what each operation used up: requests, bytes, instructions
    /// (fuel), memory and time; with --json as one document in one line
    #[arg(long, global = true)]
    pub(super) stats: bool,
    #[arg(skip)]
    pub(super) measured: Arc<Stats>,
    #[arg(skip)]
    pub(super) writes: Arc<Writes>,
    #[arg(skip)]
    pub(super) interruption: Arc<Interruption>,
    /// Say more on stderr; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

/// The command by which the program starts itself.
pub(super) const COMPILE: &str = "compile-for-host";

/// Why a command ends without its answer.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something failed.
    Failed(Failure),
    /// The answer was given, and is not a good one: exit 1.
    Verdict,
    /// The answer was given, and shows that the connection file is of no use: exit 2.
    Unusable,
    /// The answer was given; the program ends with this code.
    Code(u8),
    /// The program's own surroundings: a file that cannot be written, for example.
    Usage(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// `NAME=VALUE`; the value may be empty, and may hold further `=`.
pub(super) fn pair(text: &str) -> Result<Pair, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE, such as title=Analyst".to_owned()),
    }
}
