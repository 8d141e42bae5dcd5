//! `harness conform` as its users meet it.

use crate::program::{Tenant, harness};

#[test]
fn without_a_yes_nothing_is_made_that_would_stay() {
    let tenant = Tenant::start(&["--people", "3"]);
    let before = tenant.everybody();
    let run = tenant.json(&["conform", "--value", "site=London"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stdout.contains("will stay"), "{run:?}");
    assert!(run.is_civil());
    assert_eq!(tenant.everybody(), before);
}

#[test]
fn every_check_has_a_verdict_in_each_form() {
    let tenant = Tenant::start(&["--people", "3"]);
    let junit = tenant.path("junit.xml").display().to_string();
    let arguments = [
        "conform",
        "--value",
        "site=London",
        "--yes",
        "--junit",
        &junit,
    ];
    let document = tenant.json(&arguments).done();
    let all = harness(&["--json", "conform", "--list"]).done();
    let checks = all["checks"].as_array().unwrap();
    for check in checks {
        let name = check["name"].as_str().unwrap();
        assert!(document.to_string().contains(name), "{name}");
        assert!(
            check["contract"].as_str().unwrap().contains(".wit"),
            "{name}"
        );
    }
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert_eq!(xml.matches("<testcase").count(), checks.len());
    // And again, with the accounts of the first run, for a person to read.
    let run = tenant.run(&["conform", "--value", "site=London"]);
    assert!(run.text().contains("0 failed"), "{run:?}");
}

#[test]
fn what_cannot_be_a_value_is_refused_before_anything_is_sent() {
    let tenant = Tenant::start(&[]);
    for wrong in [["--value", "siet=London"], ["--prefix", ""]] {
        let run = tenant.json(&["conform", "--yes", wrong[0], wrong[1]]);
        assert_eq!(run.code, 2, "{wrong:?}: {run:?}");
        assert!(run.is_civil(), "{run:?}");
    }
    assert_eq!(tenant.everybody()["accounts"].as_array().unwrap().len(), 0);
}
