//! What a run is doing, for a person at a terminal.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output::Output;
use crate::sync::Progress;

/// One bar at a time: rows, then accounts, then writes.
pub(super) struct Bars {
    shown: bool,
    current: Mutex<Option<(&'static str, ProgressBar)>>,
}

impl Bars {
    pub(super) fn new(output: Output) -> Self {
        Self {
            shown: output.shows_progress(),
            current: Mutex::new(None),
        }
    }

    pub(super) fn show(&self, progress: Progress) {
        if !self.shown {
            return;
        }
        let (what, position, total) = match progress {
            Progress::Rows(rows) => ("rows read", rows, None),
            Progress::Accounts(read, total) => ("accounts read", read, total),
            Progress::Writes(ended, total) => ("done", ended, Some(total)),
        };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|(known, _)| *known != what) {
            if let Some((_, bar)) = current.take() {
                bar.finish_and_clear();
            }
            *current = Some((what, bar(what, total)));
        }
        if let Some((_, bar)) = current.as_ref() {
            if let Some(total) = total {
                bar.set_length(total.max(position));
            }
            bar.set_position(position);
        }
    }

    pub(super) fn clear(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bar)) = current.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &'static str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{bar:30} {pos}/{len} {msg}, {per_sec}, {eta} left",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {pos} {msg}, {per_sec}",
        ),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
