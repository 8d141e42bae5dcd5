//! A report as JUnit XML, which build servers show.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::cli::options::Stop;
use crate::conform::{Finding, Report, Verdict};
use crate::private_file;

/// A file that can be written to.
pub(super) struct JunitFile {
    path: PathBuf,
    file: File,
}

impl JunitFile {
    pub(super) fn create(path: PathBuf) -> Result<Self, Stop> {
        match private_file::create(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(error) => Err(Stop::Usage(format!(
                "The JUnit file {} cannot be written: {error}.",
                path.display()
            ))),
        }
    }

    pub(super) fn write(self, report: &Report) -> Result<(), Stop> {
        let Self { path, file } = self;
        let write = || {
            let mut writer = Writer::new_with_indent(BufWriter::new(file), b' ', 4);
            writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
            write_suites(&mut writer, report)?;
            writer.into_inner().flush()
        };
        write().map_err(|error: std::io::Error| {
            Stop::Usage(format!(
                "The JUnit file {} could not be written: {error}.",
                path.display()
            ))
        })
    }
}

/// The format has no standard; this is what build servers agree on.
fn write_suites(writer: &mut Writer<impl Write>, report: &Report) -> std::io::Result<()> {
    let failed = count(report, |verdict| matches!(verdict, Verdict::Failed(_)));
    let skipped = count(report, |verdict| matches!(verdict, Verdict::Skipped(_)));
    let tests = report.findings.len().to_string();
    let totals = [
        ("tests", tests.as_str()),
        ("failures", failed.as_str()),
        ("errors", "0"),
    ];
    writer
        .create_element("testsuites")
        .with_attribute(("name", "conform"))
        .with_attributes(totals)
        .write_inner_content(|writer| {
            writer
                .create_element("testsuite")
                .with_attribute(("name", &*plain(&report.connector)))
                .with_attributes(totals)
                .with_attribute(("skipped", skipped.as_str()))
                .write_inner_content(|writer| {
                    writer
                        .create_element("properties")
                        .write_inner_content(|writer| {
                            write_property(writer, "version", &report.version)?;
                            write_property(writer, "sha256", &report.sha256)
                        })?;
                    report
                        .findings
                        .iter()
                        .try_for_each(|finding| write_case(writer, finding))
                })
                .map(drop)
        })
        .map(drop)
}

fn count(report: &Report, of: impl Fn(&Verdict) -> bool) -> String {
    let findings = report.findings.iter();
    findings
        .filter(|finding| of(&finding.verdict))
        .count()
        .to_string()
}

fn write_property(writer: &mut Writer<impl Write>, name: &str, value: &str) -> std::io::Result<()> {
    writer
        .create_element("property")
        .with_attributes([("name", name), ("value", &*plain(value))])
        .write_empty()
        .map(drop)
}

fn write_case(writer: &mut Writer<impl Write>, finding: &Finding) -> std::io::Result<()> {
    let check = finding.check;
    let time = format!("{:.3}", finding.time.as_secs_f64());
    writer
        .create_element("testcase")
        .with_attributes([
            ("name", check.name),
            ("classname", "conform"),
            ("time", time.as_str()),
        ])
        .write_inner_content(|writer| {
            match &finding.verdict {
                Verdict::Passed => {}
                Verdict::Skipped(why) => {
                    writer
                        .create_element("skipped")
                        .with_attribute(("message", &*plain(why)))
                        .write_empty()?;
                }
                Verdict::Failed(what) => {
                    let description = format!("{}\n{}", check.reason, check.contract);
                    writer
                        .create_element("failure")
                        .with_attribute(("message", &*plain(what)))
                        .write_text_content(BytesText::new(&plain(&description)))?;
                }
            }
            if !finding.notes.is_empty() {
                let notes = finding.notes.join("\n");
                writer
                    .create_element("system-out")
                    .write_text_content(BytesText::new(&plain(&notes)))?;
            }
            Ok(())
        })
        .map(drop)
}

/// Without the control characters that XML 1.0 cannot hold, not even escaped.
fn plain(text: &str) -> Cow<'_, str> {
    let held = |c: char| !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    if text.chars().all(held) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| held(*c)).collect())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_link_gives_way_to_the_report_and_the_file_behind_it_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        std::fs::write(&precious, "precious").unwrap();
        let path = folder.path().join("junit.xml");
        std::os::unix::fs::symlink(&precious, &path).unwrap();
        assert!(JunitFile::create(path.clone()).is_ok());
        assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
        assert!(!path.symlink_metadata().unwrap().is_symlink());
    }
}
