//! What the journal promises.

use serde_json::json;

use super::*;
use crate::contract::Value;

const AT: &str = "2026-03-01T09:00:00Z";

fn tenant(address: &str) -> Tenant {
    Tenant::named("acme", address)
}

fn run(journal: &Journal, rows: u64, whole: bool) -> RunId {
    let start = RunStart {
        at: AT.to_owned(),
        rows,
        whole,
        ..RunStart::default()
    };
    journal.begin_run(&start).unwrap()
}

fn intent(person: &str, at: &str) -> Intent {
    Intent {
        at: at.to_owned(),
        person: Some(person.to_owned()),
        name: Some(format!("{person}@example.com")),
        action: "create".to_owned(),
        account: None,
        wanted: json!({"attributes": {"userName": [format!("{person}@example.com")]}}),
    }
}

fn done(person: &str, account: &str) -> Conclusion {
    Conclusion {
        at: AT.to_owned(),
        outcome: Outcome::Done,
        detail: None,
        account: Some(account.to_owned()),
        link: Some((person.to_owned(), account.to_owned())),
        spellings: Vec::new(),
    }
}

#[test]
fn an_intent_stays_open_until_its_outcome_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.journal");
    let journal = Journal::open(&path, &tenant("a")).unwrap();
    let first = run(&journal, 2, true);
    let ada = journal.intend(first, &intent("ada", AT)).unwrap();
    let bob = journal.intend(first, &intent("bob", AT)).unwrap();
    journal.conclude(ada, &done("ada", "1")).unwrap();
    let unknown = Conclusion {
        outcome: Outcome::Unknown,
        account: None,
        link: None,
        ..done("", "")
    };
    journal.conclude(bob, &unknown).unwrap();
    journal.intend(first, &intent("eve", AT)).unwrap();
    drop(journal);

    let journal = Journal::open(&path, &tenant("a")).unwrap();
    let open = journal.open_steps().unwrap();
    let people: Vec<_> = open
        .iter()
        .map(|step| (step.intent.person.as_deref().unwrap(), step.unknown))
        .collect();
    assert_eq!(people, [("bob", true), ("eve", false)]);
    assert_eq!(open[0].intent.wanted, intent("bob", AT).wanted);
    assert_eq!(journal.account_of("ada").unwrap().as_deref(), Some("1"));
    journal.conclude(open[0].id, &done("bob", "2")).unwrap();
    assert_eq!(journal.open_steps().unwrap().len(), 1);
}

#[test]
fn a_journal_serves_one_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.journal");
    drop(Journal::open(&path, &tenant("a")).unwrap());
    let refused = Journal::open(&path, &tenant("b")).unwrap_err();
    assert!(matches!(refused, JournalError::OtherTenant { .. }));
    assert!(refused.to_string().contains("acme at a"), "{refused}");
    Journal::open(&path, &tenant("a")).unwrap();
}

#[test]
fn a_journal_of_a_newer_version_and_a_file_that_is_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.journal");
    let journal = Journal::open(&path, &tenant("a")).unwrap();
    journal
        .with(|database| database.pragma_update(None, "user_version", 99))
        .unwrap();
    drop(journal);
    let refused = Journal::open(&path, &tenant("a")).unwrap_err();
    assert!(matches!(refused, JournalError::Newer { .. }));

    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "not a database, and longer than a header of one would be".repeat(40),
    )
    .unwrap();
    let refused = Journal::open(&text, &tenant("a")).unwrap_err();
    assert!(
        matches!(refused, JournalError::Unusable { .. }),
        "{refused}"
    );
    assert!(matches!(
        Journal::look_into(&folder.path().join("none")).unwrap_err(),
        JournalError::Missing { .. }
    ));
}

#[test]
fn the_last_run_about_everybody_is_the_measure() {
    let journal = Journal::in_memory().unwrap();
    assert_eq!(journal.rows_of_last_run().unwrap(), None);
    run(&journal, 500, true);
    run(&journal, 1, false);
    assert_eq!(journal.rows_of_last_run().unwrap(), Some(500));
}

#[test]
fn a_link_keeps_its_date_until_it_changes() {
    let journal = Journal::in_memory().unwrap();
    journal
        .link_all("2026-01-01T00:00:00Z", [("ada", "1")])
        .unwrap();
    journal
        .link_all("2026-02-01T00:00:00Z", [("ada", "1")])
        .unwrap();
    let since = || {
        journal
            .with(|database| {
                database.query_row("SELECT since FROM link", [], |row| row.get::<_, String>(0))
            })
            .unwrap()
    };
    assert_eq!(since(), "2026-01-01T00:00:00Z");
    journal
        .link_all("2026-03-01T00:00:00Z", [("ada", "2")])
        .unwrap();
    assert_eq!(since(), "2026-03-01T00:00:00Z");
}

#[test]
fn spellings_are_kept_with_the_outcome() {
    let journal = Journal::in_memory().unwrap();
    let step = journal
        .intend(run(&journal, 1, true), &intent("ada", AT))
        .unwrap();
    let phone = Spelling {
        attribute: "mobilePhone".to_owned(),
        sent: vec![Value::Text("+44 7700".to_owned())],
        stored: vec![Value::Text("tel:+447700".to_owned())],
    };
    let conclusion = Conclusion {
        spellings: vec![phone.clone()],
        ..done("ada", "1")
    };
    journal.conclude(step, &conclusion).unwrap();
    assert_eq!(journal.spellings("ada").unwrap(), [phone]);
    assert_eq!(journal.spellings("bob").unwrap(), []);
}

#[test]
fn forgetting_spares_what_is_open_and_the_last_measure() {
    let journal = Journal::in_memory().unwrap();
    let first = run(&journal, 10, true);
    let old = journal
        .intend(first, &intent("ada", "2025-01-01T00:00:00Z"))
        .unwrap();
    journal.conclude(old, &done("ada", "1")).unwrap();
    journal
        .intend(first, &intent("bob", "2025-01-01T00:00:00Z"))
        .unwrap();
    let second = run(&journal, 12, true);
    assert_eq!(journal.forget_before("2026-06-01T00:00:00Z").unwrap(), 1);
    assert_eq!(journal.open_steps().unwrap().len(), 1);
    assert_eq!(journal.rows_of_last_run().unwrap(), Some(12));
    let left: Vec<_> = journal.runs(9).unwrap().iter().map(|run| run.id).collect();
    assert_eq!(left, [second, first]);
    assert_eq!(journal.account_of("ada").unwrap().as_deref(), Some("1"));
}

#[test]
fn history_finds_a_person_by_key_name_and_account() {
    let journal = Journal::in_memory().unwrap();
    let first = run(&journal, 10, true);
    let step = journal.intend(first, &intent("ada", AT)).unwrap();
    journal.conclude(step, &done("ada", "1")).unwrap();
    let unnamed = Intent {
        person: None,
        action: "deactivate".to_owned(),
        account: Some("1".to_owned()),
        ..intent("ada", AT)
    };
    journal.intend(first, &unnamed).unwrap();
    for asked in ["ada", "1", "ada@example.com"] {
        let actions: Vec<_> = journal
            .steps_of(asked)
            .unwrap()
            .into_iter()
            .map(|step| (step.action, step.outcome))
            .collect();
        let expected = [
            ("create".to_owned(), Some("done".to_owned())),
            ("deactivate".to_owned(), None),
        ];
        assert_eq!(actions, expected, "{asked}");
    }
}

#[cfg(unix)]
#[test]
fn every_file_of_the_journal_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("acme.journal"), &tenant("a")).unwrap();
    run(&journal, 1, true);
    let mut files = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        files += 1;
    }
    assert!(files >= 2, "{files}");
}

/// Where others can write to the folder of the connection file.
#[cfg(unix)]
mod in_a_folder_that_others_can_write_to {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::PathBuf;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// A folder, the journal's path in it, and a file that is precious.
    fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        std::fs::write(&precious, "precious").unwrap();
        std::fs::set_permissions(&precious, std::fs::Permissions::from_mode(0o644)).unwrap();
        let journal = folder.path().join("acme.journal");
        (folder, journal, precious)
    }

    #[test]
    fn a_journal_is_not_opened_through_a_link() {
        let (folder, journal, precious) = place();
        symlink(&precious, &journal).unwrap();
        let refused = Journal::open(&journal, &tenant("a")).unwrap_err();
        assert!(refused.to_string().contains("is a link"), "{refused}");
        std::fs::remove_file(&journal).unwrap();
        std::fs::hard_link(&precious, &journal).unwrap();
        let refused = Journal::open(&journal, &tenant("a")).unwrap_err();
        assert!(refused.to_string().contains("another name"), "{refused}");
        assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
        assert_eq!(mode(&precious), 0o644, "nor is it made private");

        std::fs::remove_file(&journal).unwrap();
        let elsewhere = folder.path().join("elsewhere");
        symlink(&elsewhere, &journal).unwrap();
        assert!(Journal::open(&journal, &tenant("a")).is_err());
        assert!(!elsewhere.exists(), "no file is made where a link leads");
    }

    #[test]
    fn what_stands_beside_a_journal_is_no_link_either() {
        let (_folder, journal, precious) = place();
        for beside in [
            "acme.journal-journal",
            "acme.journal-wal",
            "acme.journal-shm",
        ] {
            let beside = journal.with_file_name(beside);
            symlink(&precious, &beside).unwrap();
            assert!(Journal::open(&journal, &tenant("a")).is_err());
            std::fs::remove_file(&beside).unwrap();
        }
        Journal::open(&journal, &tenant("a")).unwrap();
    }
}
