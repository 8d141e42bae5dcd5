//! Opens the review in the browser of whoever sits at this machine.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::private_file::Replacement;

/// A file that leads to the page, until it is dropped.
///
/// A program's arguments can be read by every user of the machine, and the address holds what
/// lets somebody in: so the browser is given a file that only its owner can read.
pub(super) struct Way(PathBuf);

impl Drop for Way {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Opens it, where there is a browser to be opened; the address is printed in any case.
pub(super) fn open(url: &str, plan: &Path) -> Option<Way> {
    let program = opener()?;
    let mut name = plan.file_name()?.to_owned();
    name.push(".open.html");
    let path = std::path::absolute(plan.with_file_name(name)).ok()?;
    let mut file = Replacement::of(&path).ok()?;
    let text = format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <title>Review</title><meta http-equiv=\"refresh\" content=\"0; url={url}\">\
         <a href=\"{url}\">Review</a>\n"
    );
    file.file().write_all(text.as_bytes()).ok()?;
    file.finish().ok()?;
    let way = Way(path);
    let mut command = Command::new(program);
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.arg(&way.0).spawn().ok()?;
    Some(way)
}

fn opener() -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        Some("open")
    } else if cfg!(windows) {
        Some("explorer")
    } else {
        // Without a screen it would be a browser in the terminal that this program runs in.
        let screen = ["DISPLAY", "WAYLAND_DISPLAY"];
        let has = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        screen.into_iter().any(has).then_some("xdg-open")
    }
}
