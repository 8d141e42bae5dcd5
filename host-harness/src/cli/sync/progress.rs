//! What a run is doing, for a person at a terminal.

use std::sync::{Mutex, PoisonError};

use crate::cli::terminal::Bar;
use crate::sync::Progress;

/// One bar at a time: rows, then accounts, then writes.
#[derive(Default)]
pub(super) struct Bars {
    current: Mutex<Option<(&'static str, Bar)>>,
}

impl Bars {
    pub(super) fn show(&self, progress: Progress) {
        let (what, position, total) = match progress {
            Progress::Rows(rows) => ("rows read", rows, None),
            Progress::Accounts(read, total) => ("accounts read", read, total),
            Progress::Writes(ended, total) => ("done", ended, Some(total)),
        };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|(known, _)| *known != what) {
            if let Some((_, bar)) = current.take() {
                bar.clear();
            }
            *current = Some((what, bar(what, total)));
        }
        if let Some((_, bar)) = current.as_ref() {
            if let Some(total) = total {
                bar.of(total.max(position));
            }
            bar.at(position);
        }
    }

    pub(super) fn clear(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bar)) = current.take() {
            bar.clear();
        }
    }
}

fn bar(what: &'static str, total: Option<u64>) -> Bar {
    let template = match total {
        Some(_) => "{bar:30} {pos}/{len} {msg}, {per_sec}, {eta} left",
        None => "{spinner} {pos} {msg}, {per_sec}",
    };
    let bar = Bar::new(total, template);
    bar.say(what);
    bar
}
