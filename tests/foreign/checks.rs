//! What holds and what does not, counted: one expectation is one check.

use std::cell::{Cell, RefCell};
use std::fmt::{Debug, Display};
use std::io::Write as _;

use crate::arguments::Arguments;

/// The checks of one service.
pub(crate) struct Checks {
    service: String,
    scenario: RefCell<String>,
    passed: Cell<usize>,
    failed: Cell<usize>,
}

impl Checks {
    pub(crate) fn new(service: &str) -> Self {
        Self {
            service: service.to_owned(),
            scenario: RefCell::default(),
            passed: Cell::new(0),
            failed: Cell::new(0),
        }
    }

    /// What the checks from here on are about.
    pub(crate) fn begin(&self, scenario: &str) {
        scenario.clone_into(&mut self.scenario.borrow_mut());
    }

    /// As a scenario ended; how many checks it had is shown, so that one without any shows.
    pub(crate) fn end(&self, before: usize) {
        let count = self.count() - before;
        println!(
            "{}: {} ({count} checks)",
            self.service,
            self.scenario.borrow()
        );
        if count == 0 {
            self.fail("there is something to check", "nothing was checked");
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.passed.get() + self.failed.get()
    }

    /// Expects it to hold.
    pub(crate) fn that(&self, what: impl Display, holds: bool, seen: &impl Debug) {
        if holds {
            self.passed.set(self.passed.get() + 1);
        } else {
            self.fail(what, &format!("{seen:#?}"));
        }
    }

    /// Expects two to be the same.
    pub(crate) fn same<T: PartialEq + Debug>(&self, what: impl Display, seen: T, wanted: T) {
        let holds = seen == wanted;
        self.that(
            what,
            holds,
            &format_args!("seen {seen:#?}\nwanted {wanted:#?}"),
        );
    }

    /// Expects success, which what follows needs.
    pub(crate) fn done<T, E: Debug>(&self, what: impl Display, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.passed.set(self.passed.get() + 1);
                Some(value)
            }
            Err(error) => {
                self.fail(what, &format!("{error:#?}"));
                None
            }
        }
    }

    pub(crate) fn fail(&self, what: impl Display, seen: &str) {
        self.failed.set(self.failed.get() + 1);
        eprintln!(
            "FAILED on {}: {}: {what}\n{seen}",
            self.service,
            self.scenario.borrow()
        );
    }

    /// Adds a line to the report: name, version, passed, failed. Whether all held.
    pub(crate) fn report(&self, arguments: &Arguments) -> Result<bool, String> {
        let (passed, failed) = (self.passed.get(), self.failed.get());
        println!("{}: {passed} passed, {failed} failed", self.service);
        let line = format!(
            "{}\t{}\t{passed}\t{failed}\n",
            arguments.name, arguments.version
        );
        std::fs::File::options()
            .append(true)
            .create(true)
            .open(&arguments.report)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|error| {
                format!("{} cannot be written: {error}.", arguments.report.display())
            })?;
        Ok(failed == 0 && passed > 0)
    }
}
