//! A report as JUnit XML, which build servers show.

use std::fs::File;
use std::path::PathBuf;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::cli::Stop;
use crate::conform::{Finding, Report, Verdict};

/// A file that can be written to.
pub(super) struct JunitFile {
    path: PathBuf,
    file: File,
}

impl JunitFile {
    pub(super) fn create(path: PathBuf) -> Result<Self, Stop> {
        match File::create(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(error) => Err(Stop::Usage(format!(
                "The JUnit file {} cannot be written: {error}.",
                path.display()
            ))),
        }
    }

    pub(super) fn write(self, report: &Report) -> Result<(), Stop> {
        let Self { path, file } = self;
        junit(report).serialize(file).map_err(|error| {
            Stop::Usage(format!(
                "The JUnit file {} could not be written: {error}.",
                path.display()
            ))
        })
    }
}

fn junit(report: &Report) -> Junit {
    let mut suite = TestSuite::new(report.connector.as_str());
    suite.add_property(("version", report.version.as_str()));
    suite.add_property(("sha256", report.sha256.as_str()));
    suite.add_test_cases(report.findings.iter().map(case));
    let mut junit = Junit::new("conform");
    junit.add_test_suite(suite);
    junit
}

fn case(finding: &Finding) -> TestCase {
    let check = finding.check;
    let status = match &finding.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Skipped(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.as_str());
            status
        }
        Verdict::Failed(what) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(what.as_str());
            status.set_description(format!("{}\n{}", check.reason, check.contract));
            status
        }
    };
    let mut case = TestCase::new(check.name, status);
    case.set_classname("conform");
    case.set_time(finding.time);
    if !finding.notes.is_empty() {
        case.set_system_out(finding.notes.join("\n"));
    }
    case
}
