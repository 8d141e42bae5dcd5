//! `harness sync` and `harness history`, as a person and a program use them.

use serde_json::json;

use crate::program::Tenant;

const RULES: &str = r#"
[match]
key = "person.id"

[provision]
everyone = true

[dates]
disabled = 'person.status == "left"'

[attributes]
userName = "person.email"
workEmail = "person.email"
givenName = "person.given"
familyName = "person.family"
externalId = "person.id"
"#;

/// So many people; the first few of them have left.
fn roster(count: usize, left: usize) -> String {
    let mut roster = "id,email,given,family,status\n".to_owned();
    for n in 0..count {
        let status = if n < left { "left" } else { "active" };
        roster.push_str(&format!("E{n},p{n}@example.com,Given,Family,{status}\n"));
    }
    roster
}

/// A tenant with rules, and the arguments of a sync over a roster.
fn town(count: usize) -> (Tenant, [String; 4]) {
    let tenant = Tenant::start(&[]);
    let rules = tenant.write("rules.toml", RULES);
    let roster = tenant.write("roster.csv", roster(count, 0));
    (
        tenant,
        ["sync".to_owned(), roster, "--rules".to_owned(), rules],
    )
}

fn with<'a>(arguments: &'a [String; 4], more: &[&'a str]) -> Vec<&'a str> {
    let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
    all.extend(more);
    all
}

#[test]
fn a_company_is_provisioned_and_again_without_a_write_and_history_tells() {
    let (tenant, sync) = town(8);
    let first = tenant.json(&with(&sync, &["--yes"])).done();
    assert_eq!(first["report"]["counts"]["created"], 8);
    let second = tenant.run(&with(&sync, &["--yes"]));
    assert!(
        second.text().contains("8 unchanged, 0 created"),
        "{second:?}"
    );
    let history = tenant.json(&["history"]).done();
    let created: Vec<_> = history["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["counts"]["created"])
        .collect();
    assert_eq!(created, [&json!(0), &json!(8)]);
    let person = tenant.json(&["history", "E3"]).done();
    assert_eq!(person["steps"][0]["action"], "create");
    assert_eq!(person["steps"][0]["outcome"], "done");
    assert!(
        tenant
            .run(&["history", "E3"])
            .text()
            .contains("userName=p3@example.com")
    );
}

#[test]
fn a_dry_run_shows_the_plan_and_leaves_nothing_behind() {
    let (tenant, sync) = town(3);
    let plan = tenant.json(&with(&sync, &["--dry-run"])).done();
    assert_eq!(plan["counts"]["create"], 3);
    assert_eq!(plan["entries"][0]["action"], "create");
    assert!(!tenant.path("tenant.journal").exists());
    assert_eq!(tenant.everybody()["total"], 0);
}

#[test]
fn without_a_terminal_nothing_goes_on_unless_told_to() {
    let (tenant, sync) = town(3);
    let refused = tenant.json(&sync.each_ref().map(String::as_str));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--yes"), "{refused:?}");
    assert_eq!(tenant.everybody()["total"], 0);
}

#[test]
fn a_written_plan_is_carried_out_by_name() {
    let (tenant, sync) = town(3);
    let plan = tenant.path("plan.json").display().to_string();
    let written = tenant.json(&with(&sync, &["--plan", &plan])).done();
    assert_eq!(written["plan-file"], plan.as_str());
    let report = tenant
        .json(&with(&sync, &["--apply", &plan, "--yes"]))
        .done();
    assert_eq!(report["report"]["counts"]["created"], 3);
}

#[test]
fn a_guard_ends_with_4_and_is_overridden_by_name() {
    let (tenant, sync) = town(20);
    tenant.json(&with(&sync, &["--yes"])).done();
    tenant.write("roster.csv", roster(20, 6));
    let stopped = tenant.json(&with(&sync, &["--yes"]));
    assert_eq!(stopped.code, 4);
    assert_eq!(
        stopped.json()["failure"]["guards"][0]["guard"],
        "deactivations"
    );
    assert!(
        stopped.stderr.contains("--allow deactivations"),
        "{stopped:?}"
    );
    let allowed = tenant
        .json(&with(&sync, &["--yes", "--allow", "deactivations"]))
        .done();
    assert_eq!(allowed["report"]["counts"]["deactivated"], 6);
}

#[test]
fn a_conflict_ends_with_3_and_wrong_rules_roster_and_journal_with_2() {
    let (tenant, sync) = town(3);
    let broken = roster(3, 0).replace("E1,p1@example.com", "E1,");
    tenant.write("roster.csv", broken);
    let report = tenant.json(&with(&sync, &["--yes"]));
    assert_eq!(report.code, 3, "{report:?}");
    assert_eq!(report.json()["report"]["conflicts"][0]["person"], "E1");
    tenant.write(
        "roster.csv",
        roster(3, 0) + "E1,again@example.com,Given,Family,active\n",
    );
    let twice = tenant.json(&with(&sync, &["--yes"]));
    assert_eq!(
        (twice.code, &twice.json()["failure"]["kind"]),
        (2, &json!("duplicate-keys"))
    );
    tenant.write("roster.csv", roster(3, 0).replace("given", "first"));
    let column = tenant.json(&with(&sync, &["--yes"]));
    assert_eq!(column.code, 2, "{column:?}");
    assert!(
        column.is_civil() && column.stderr.contains("given"),
        "{column:?}"
    );
    let other = Tenant::start(&[]);
    let journal = tenant.path("tenant.journal").display().to_string();
    tenant.write("roster.csv", roster(3, 0));
    let foreign = other.json(&with(&sync, &["--yes", "--journal", &journal]));
    assert_eq!(foreign.code, 2, "{foreign:?}");
    assert!(foreign.stderr.contains("is the journal of"), "{foreign:?}");
}
