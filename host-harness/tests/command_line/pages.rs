//! `harness sync` with `--html` and `--report`: which pages there are afterwards, and what they tell.

use std::path::Path;

use super::program::{Run, Tenant};

const RULES: &str = "[match]\nkey = \"person.id\"\n[provision]\neveryone = true\n[attributes]\n\
    userName = \"person.email\"\nworkEmail = \"person.email\"\ngivenName = \"person.given\"\n\
    familyName = \"person.family\"\nexternalId = \"person.id\"\n";
const HEADER: &str = "id,email,given,family\n";
const ADA: &str = "E1,ada@example.com,Ada,<b>Lovelace\n";

fn sync(tenant: &Tenant, rows: &str, more: &[&str]) -> Run {
    let rules = tenant.write("rules.toml", RULES);
    let roster = tenant.write("people.csv", format!("{HEADER}{rows}"));
    let mut arguments = vec!["sync", &roster, "--rules", &rules];
    arguments.extend(more);
    tenant.json(&arguments)
}

/// A page that its owner alone can read.
fn page(path: &Path) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_plan_and_a_report_are_written_as_pages() {
    let tenant = Tenant::start(&[]);
    let (plan, report) = (tenant.path("plan.html"), tenant.path("report.html"));
    let [plan_name, report_name] = [&plan, &report].map(|path| path.to_str().unwrap());
    assert_eq!(
        sync(&tenant, ADA, &["--dry-run", "--html", plan_name]).code,
        0
    );
    let told = page(&plan);
    assert!(
        told.contains("E1") && told.contains("&lt;b&gt;Lovelace"),
        "{told}"
    );
    assert!(!told.contains("<b>"), "{told}");
    let run = sync(&tenant, ADA, &["--yes", "--report", report_name]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(page(&report).contains("Everything was done"));
}

#[test]
fn a_run_that_a_guard_stops_has_a_report_too() {
    let tenant = Tenant::start(&[]);
    let report = tenant.path("report.html");
    let run = sync(
        &tenant,
        "",
        &["--yes", "--report", report.to_str().unwrap()],
    );
    assert_eq!(run.code, 4, "{run:?}");
    assert!(page(&report).contains("Stopped early"));
}

#[test]
fn a_report_that_cannot_be_written_stops_before_anything_is_done() {
    let tenant = Tenant::start(&[]);
    let nowhere = tenant.path("none/report.html");
    let run = sync(
        &tenant,
        ADA,
        &["--yes", "--report", nowhere.to_str().unwrap()],
    );
    assert!(run.code == 2 && run.is_civil(), "{run:?}");
    assert_eq!(tenant.everybody()["total"], 0);
    // And a plan alone has none.
    assert_eq!(
        sync(&tenant, ADA, &["--dry-run", "--report", "r.html"]).code,
        2
    );
}
