//! Rules: written to start from, and tried on a roster before anything runs.

use super::program::harness;

const HEADER: &str = "employee_id,email,given_name,family_name\n";

#[test]
fn the_rules_to_start_from_can_be_used_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    let rules = rules.to_str().unwrap();
    assert!(
        harness(&["rules", "new", rules])
            .text()
            .contains("rules check")
    );
    assert_eq!(
        harness(&["rules", "new", rules]).code,
        2,
        "it is somebody's work"
    );
    harness(&["rules", "check", rules]).text();

    let roster = folder.path().join("a.csv");
    let roster = roster.to_str().unwrap();
    std::fs::write(roster, format!("{HEADER}1,ada@example.com,Ada,Lin\n")).unwrap();
    let shown = harness(&["--json", "rules", "check", rules, "--sample", roster]).done();
    assert_eq!(shown["wanted"], 1);
    assert_eq!(
        shown["people"][0]["attributes"]["userName"],
        "ada@example.com"
    );

    std::fs::write(
        roster,
        format!("{HEADER}1,ada@example.com,Ada,Lin\n2,,Bob\n"),
    )
    .unwrap();
    let run = harness(&["rules", "check", rules, "--sample", roster]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("line 3: it has 3 cells"), "{run:?}");
}

#[test]
fn wrong_rules_are_refused_at_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    let text = harness(&["rules", "new"]).text().to_owned();
    std::fs::write(
        &rules,
        text.replace("person.given_name", "person.given_name.lowr()"),
    )
    .unwrap();
    let run = harness(&["rules", "check", rules.to_str().unwrap()]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("did you mean `lower`?") && run.is_civil(),
        "{run:?}"
    );

    std::fs::write(
        &rules,
        text.replace("person.given_name", "person.first_name"),
    )
    .unwrap();
    let roster = folder.path().join("a.csv");
    std::fs::write(&roster, HEADER).unwrap();
    let sample = roster.to_str().unwrap();
    let run = harness(&[
        "rules",
        "check",
        rules.to_str().unwrap(),
        "--sample",
        sample,
    ]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no column `first_name`"), "{run:?}");
}
