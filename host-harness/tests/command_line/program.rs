//! The built program, run with a time limit, and a simulated tenant that it serves itself.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Once, mpsc};
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;

/// Longer than any command takes on a busy machine; a guard against one that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The one document on stdout.
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The answer of a command that succeeded.
    pub(crate) fn done(&self) -> Json {
        assert_eq!(self.code, 0, "{self:?}");
        self.json()
    }

    /// What a person read of a command that succeeded.
    pub(crate) fn text(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.stdout
    }

    /// That nothing in it is a panic, a backtrace or somebody's insides.
    pub(crate) fn is_civil(&self) -> bool {
        let both = format!("{}{}", self.stdout, self.stderr);
        ["panicked", "backtrace", "RUST_", "src/", "Some(", "Err("]
            .iter()
            .all(|word| !both.contains(word))
    }
}

/// A command line, without what the surroundings of the test would add.
pub(crate) fn program(arguments: &[&str]) -> Command {
    static COMPILED: Once = Once::new();

    // Once for all tests: the first run to do so says that it takes a while, at a moment of its own.
    COMPILED.call_once(|| drop(within_the_test(&["describe"]).output()));
    within_the_test(arguments)
}

fn within_the_test(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    for variable in [
        "HARNESS_CONNECTION",
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "RUST_LOG",
    ] {
        command.env_remove(variable);
    }
    command
        .args(arguments)
        .env("XDG_CACHE_HOME", cache)
        .env(
            "XDG_STATE_HOME",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("state"),
        )
        .stdin(Stdio::null());
    command
}

pub(crate) fn harness(arguments: &[&str]) -> Run {
    run(program(arguments))
}

pub(crate) fn run(command: Command) -> Run {
    run_within(PATIENCE, command)
}

pub(crate) fn run_within(patience: Duration, mut command: Command) -> Run {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = receiver.recv_timeout(patience).expect("it ends").unwrap();
    Run {
        code: output.status.code().expect("it was not killed"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `harness tenant`, until this is dropped, and a folder with its connection file.
pub(crate) struct Tenant {
    child: Child,
    folder: TempDir,
    pub(crate) facts: Json,
}

impl Tenant {
    pub(crate) fn start(more: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), more, "tenant.toml")
    }

    /// In a folder that has something in it, with a connection file of another name.
    pub(crate) fn start_in(folder: TempDir, more: &[&str], connection: &str) -> Self {
        let connection = folder.path().join(connection);
        let connection = connection.to_str().unwrap();
        let ca = folder.path().join("ca.pem");
        let mut arguments = vec!["tenant", "--json", "--write-connection", connection];
        if more.contains(&"--tls") {
            arguments.extend(["--write-ca", ca.to_str().unwrap()]);
        }
        arguments.extend(more);
        let mut child = program(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut documents = serde_json::Deserializer::from_reader(stdout).into_iter();
        let facts = documents.next().expect("it starts").unwrap();
        Self {
            child,
            folder,
            facts,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn url(&self) -> &str {
        self.facts["instance-url"].as_str().unwrap()
    }

    pub(crate) fn connection_file(&self) -> String {
        self.path("tenant.toml").display().to_string()
    }

    /// Runs a command with the tenant's connection file.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let file = self.connection_file();
        let mut all = vec!["--connection", &file];
        all.extend(arguments);
        harness(&all)
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["--json"];
        all.extend(arguments);
        self.run(&all)
    }

    /// Everybody, to compare before and after.
    pub(crate) fn everybody(&self) -> Json {
        self.json(&["account", "list"]).done()
    }

    /// The connection file, edited.
    pub(crate) fn edited(&self, name: &str, from: &str, to: &str) -> String {
        let text = std::fs::read_to_string(self.connection_file()).unwrap();
        assert!(text.contains(from), "{text}");
        self.write(name, text.replace(from, to))
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        // The host takes a secret from no file that others can read.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;

            let owner_alone = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&path, owner_alone).unwrap();
        }
        path.display().to_string()
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
