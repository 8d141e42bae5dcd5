//! One run of the program, as it ships.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// Longer than any run takes on a busy machine; a guard against one that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Run {
    child: Child,
    /// Where it notes each answer that it has read.
    trace: PathBuf,
}

impl Run {
    pub(crate) fn new(child: Child, trace: PathBuf) -> Self {
        Self { child, trace }
    }

    /// Waits for what has to happen while it runs.
    pub(crate) async fn until<T>(&mut self, mut happened: impl FnMut() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(it) = happened() {
                return it;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended first, {status}: {}", self.stderr());
            }
            assert!(started.elapsed() < PATIENCE, "it hangs");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until it has read the answer to a request, `POST /path`, that was its last one.
    pub(crate) async fn until_it_has_read_the_answer_to(&mut self, line: &str) {
        let trace = self.trace.clone();
        self.until(|| last_answered(&trace).filter(|last| last == line))
            .await;
    }

    /// `kill -9`. The last request that it had read the answer to.
    pub(crate) fn kill(mut self) -> Option<String> {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it ended by itself, {status}");
        last_answered(&self.trace)
    }

    /// Waits for its end: its report.
    pub(crate) async fn report(self) -> Json {
        let (code, stdout, stderr) = self.end().await;
        assert_eq!(code, Some(0), "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }

    /// Waits for its end: why it could not be carried out.
    pub(crate) async fn error(self) -> String {
        let (code, stdout, stderr) = self.end().await;
        assert_eq!(code, Some(1), "{stdout}");
        stderr
    }

    async fn end(mut self) -> (Option<i32>, String, String) {
        let stdout = self.child.stdout.take().unwrap();
        let said = tokio::task::spawn_blocking(|| std::io::read_to_string(stdout));
        let said = tokio::time::timeout(PATIENCE, said).await;
        let said = said.expect("it hangs").unwrap().unwrap();
        let status = self.child.wait().unwrap();
        (status.code(), said, self.stderr())
    }

    fn stderr(&mut self) -> String {
        std::io::read_to_string(self.child.stderr.take().unwrap()).unwrap()
    }
}

/// A test that fails leaves no program behind.
impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last request in a trace; none while its last entry is being written.
fn last_answered(trace: &Path) -> Option<String> {
    let trace: Json = serde_json::from_slice(&std::fs::read(trace).ok()?).ok()?;
    let last = trace["log"]["entries"].as_array()?.last()?;
    // 0 where no answer came.
    last["response"]["status"]
        .as_u64()
        .filter(|status| *status > 0)?;
    let request = &last["request"];
    let url = request["url"].as_str()?;
    let path = url.split_once("://")?.1.split_once('/')?.1;
    Some(format!("{} /{path}", request["method"].as_str()?))
}
