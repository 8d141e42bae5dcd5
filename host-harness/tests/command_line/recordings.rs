//! `--record` and `--replay`: a folder that answers as the tenant did.

use std::path::Path;

use crate::program::{Run, Tenant, harness};

const TOKEN: &str = "simulated-tenant-token";

const ADA: [&str; 4] = [
    "userName=ada@example.com",
    "givenName=Ada",
    "familyName=Lovelace",
    "workEmail=ada@example.com",
];

fn files(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Recorded with a tenant that is gone afterwards; the folder.
fn recorded(folder: &Path, more: &[&str], arguments: &[&str]) -> (String, Run) {
    let tenant = Tenant::start(more);
    let folder = folder.join("recording").display().to_string();
    let run = tenant.json(&[&["--record", &folder], arguments].concat());
    (folder, run)
}

fn provision() -> Vec<&'static str> {
    [&["provision"], &ADA[..]].concat()
}

#[test]
fn what_was_recorded_comes_again_with_no_tenant_no_token_and_no_connection_file() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, then) = recorded(parent.path(), &["--people", "2"], &provision());
    let then = then.done();
    assert_eq!(
        files(&folder),
        [
            "0001-find-GET.http",
            "0002-create-POST.http",
            "recording.toml"
        ]
    );
    for file in files(&folder) {
        let text = std::fs::read_to_string(Path::new(&folder).join(file)).unwrap();
        assert!(!text.contains(TOKEN), "{text}");
    }
    let arguments = [&["--json", "--replay", &folder], &provision()[..]].concat();
    let now = harness(&arguments);
    assert_eq!(now.done(), then);
    assert!(now.stderr.is_empty(), "{now:?}");
}

#[test]
fn a_failure_comes_again_with_its_retries_and_without_their_waits() {
    let parent = tempfile::tempdir().unwrap();
    let arguments = ["account", "list"];
    let (folder, then) = recorded(parent.path(), &[], &arguments);
    assert_eq!(then.done()["total"], 0);
    let first = Path::new(&folder).join("0001-list-GET.http");
    let text = std::fs::read_to_string(&first).unwrap();
    // An author makes up what the tenant does not do: busy for a minute, and then well.
    let busy = text.split_once("< 200").unwrap().0.to_owned() + "< 503\n< retry-after: 60\n";
    std::fs::write(&first, busy).unwrap();
    let second = text.replace("attempt: 1", "attempt: 2");
    std::fs::write(Path::new(&folder).join("0002-list-GET.http"), second).unwrap();
    let replayed = harness(&[&["--json", "--replay", &folder], &arguments[..]].concat());
    assert_eq!(replayed.done()["total"], 0);
}

#[test]
fn a_request_that_differs_is_shown_with_file_place_and_both_values() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = recorded(parent.path(), &["--people", "2"], &provision());
    let other = provision()
        .join(" ")
        .replace("givenName=Ada", "givenName=Adam");
    let other: Vec<&str> = other.split(' ').collect();
    let run = harness(&[&["--replay", &folder], &other[..]].concat());
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.is_civil());
    for words in [
        "0002-create-POST.http",
        "/name/givenName in the body: recorded `\"Ada\"`, sent `\"Adam\"`",
    ] {
        assert!(run.stderr.contains(words), "{words}: {run:?}");
    }
    let json = harness(&[&["--json", "--replay", &folder], &other[..]].concat());
    assert_eq!(json.code, 1);
    assert_eq!(json.json()["failure"]["kind"], "other-than-recorded");
}

#[test]
fn what_is_left_over_is_told_and_makes_the_exit_code_1() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = recorded(parent.path(), &["--people", "2"], &provision());
    let find = ["--json", "--replay", &folder, "account", "find", ADA[0]];
    let run = harness(&find);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(run.json(), serde_json::Value::Null, "the answer is whole");
    assert!(
        run.stderr
            .contains("One recorded exchange was not asked for:\n  0002-create-POST.http: POST"),
        "{run:?}"
    );
    // A dry run ends before it.
    let dry = [
        &["--json", "--dry-run", "--replay", &folder],
        &provision()[..],
    ]
    .concat();
    let dry = harness(&dry).done();
    assert_eq!(dry["dry-run"]["request"]["method"], "POST");
}

#[test]
fn a_dry_run_can_be_recorded_and_a_replay_traced() {
    let parent = tempfile::tempdir().unwrap();
    let dry = [&["--dry-run"], &provision()[..]].concat();
    let (folder, then) = recorded(parent.path(), &["--people", "2"], &dry);
    let then = then.done();
    assert_eq!(files(&folder), ["0001-find-GET.http", "recording.toml"]);
    let har = parent.path().join("t.har").display().to_string();
    let replay = [&["--json", "--replay", &folder, "--trace", &har], &dry[..]].concat();
    assert_eq!(harness(&replay).done(), then);
    let trace: serde_json::Value = serde_json::from_slice(&std::fs::read(har).unwrap()).unwrap();
    assert_eq!(trace["log"]["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn a_whole_company_comes_again_and_its_journal_is_its_own() {
    let parent = tempfile::tempdir().unwrap();
    let tenant = Tenant::start(&[]);
    let company = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/company");
    let (roster, rules) = (
        format!("{company}/2026-01.csv"),
        format!("{company}/rules.toml"),
    );
    let sync = ["--json", "sync", &roster, "--rules", &rules, "--yes"];
    let folder = parent.path().join("recording").display().to_string();
    let then = tenant.run(&[&["--record", &folder], &sync[..]].concat());
    let counts = then.json()["counts"].clone();
    assert!(files(&folder).len() > 20, "{then:?}");
    drop(tenant);

    let replay = [&["--replay", &folder], &sync[..]].concat();
    let refused = harness(&replay);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("--journal FILE"), "{refused:?}");
    let journal = parent.path().join("replayed.journal").display().to_string();
    let now = harness(&[&replay[..], &["--journal", &journal]].concat());
    assert_eq!(now.code, then.code, "{now:?}");
    assert_eq!(now.json()["counts"], counts);
}

#[test]
fn folders_and_commands_that_do_not_fit_are_refused_in_a_sentence() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = recorded(parent.path(), &["--people", "2"], &provision());
    let nowhere = parent.path().join("nowhere").display().to_string();
    let tenant = Tenant::start(&[]);
    let broken = parent.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("recording.toml"), "format = 9").unwrap();
    let broken = broken.display().to_string();
    for (arguments, words) in [
        (
            &["--record", &folder, "check"][..],
            "the folder is not empty",
        ),
        (&["--replay", &nowhere, "check"], "it has no recording.toml"),
        (&["--replay", &broken, "check"], "it has format 9"),
        (&["--replay", &folder, "describe"], "sends nothing"),
        (&["--record", &nowhere, "tenant"], "sends nothing"),
        (
            &["--replay", &folder, "demo"],
            "can be recorded and not replayed",
        ),
        (
            &["--record", &nowhere, "--replay", &folder, "check"],
            "cannot be used with",
        ),
    ] {
        for run in [tenant.run(arguments), tenant.json(arguments)] {
            assert_eq!(run.code, 2, "{run:?}");
            assert!(run.stderr.contains(words), "{words}: {run:?}");
            assert!(run.is_civil(), "{run:?}");
        }
        assert!(!Path::new(&nowhere).exists(), "{arguments:?}");
    }
    let demo = parent.path().join("demo").display().to_string();
    assert_eq!(harness(&["--json", "--record", &demo, "demo"]).code, 0);
    assert!(files(&demo).len() > 5);
}
