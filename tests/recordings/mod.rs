//! A recording answers as the upstream did, with no network, and says where what is sent is not
//! what was recorded.

mod hidden;
mod time;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use host_harness::contract::AccountStatus;
use host_harness::recording::{Recorder, Replay};
use host_harness::{Component, Connection, ConnectionOptions, Failure, json};
use simulated_8x8::{SimulatedTenant, TenantOptions};
use tempfile::TempDir;

use crate::stage::{ADA, but, connector, draft, edits, options, set_status, text};

/// A folder for a recording, and what to do with it.
pub(crate) struct Tape {
    _parent: TempDir,
    pub(crate) folder: PathBuf,
}

impl Tape {
    pub(crate) fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("recording");
        Self {
            _parent: parent,
            folder,
        }
    }

    /// A connection whose exchanges are recorded here.
    pub(crate) async fn record(
        &self,
        connector: &Component,
        mut options: ConnectionOptions,
    ) -> Connection {
        options.wire = Some(Arc::new(Recorder::create(&self.folder).unwrap()));
        connector.connect(options).await.unwrap()
    }

    /// A connection that is answered from here, without any credential.
    pub(crate) async fn replay(&self, connector: &Component) -> (Connection, Arc<Replay>) {
        let replay = Arc::new(Replay::open(&self.folder).unwrap());
        let connection = connector.connect(replay.options()).await.unwrap();
        (connection, replay)
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    pub(crate) fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.join(file)).unwrap()
    }

    /// As if it had been recorded at another origin.
    fn move_to(&self, origin: &str) {
        let head = self.text("recording.toml");
        let from = head
            .split('"')
            .find(|part| part.starts_with("http://127.0.0.1:"));
        let path = from.unwrap().find("/udi").unwrap();
        let from = from.unwrap()[..path].to_owned();
        self.edit("", &from, origin);
    }

    /// Writes `to` for `from` in every file whose name holds `name`.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let files = self.files();
        let files: Vec<_> = files.iter().filter(|file| file.contains(name)).collect();
        assert!(!files.is_empty(), "{name}");
        for file in files {
            let edited = self.text(file).replace(from, to);
            std::fs::write(self.folder.join(file), edited).unwrap();
        }
    }
}

async fn tenant() -> SimulatedTenant {
    SimulatedTenant::start(TenantOptions {
        people: 120,
        ..TenantOptions::default()
    })
    .await
    .unwrap()
}

/// One of each operation, one after the other, and what they come to.
async fn live(connection: &Connection) -> Vec<String> {
    let mut said = Vec::new();
    let mut note = |thing: &dyn Debug| said.push(format!("{thing:?}"));
    note(&connection.check().await);
    note(&connection.find("userName", &text(ADA[0].1)).await);
    let made = connection.create(&draft(&ADA)).await;
    note(&made);
    let id = made.map_or_else(|_| "nobody".to_owned(), |made| made.account.id);
    note(&connection.find("userName", &text(ADA[0].1)).await);
    let title = edits(&[("title", "Countess"), ("department", "")]);
    note(&connection.update(&id, &title).await);
    note(&connection.update(&id, &title).await);
    note(&connection.create(&draft(&ADA)).await);
    note(
        &connection
            .update(&id, &set_status(AccountStatus::Inactive))
            .await,
    );
    note(&connection.delete(&id).await);
    note(&connection.get(&id).await);
    note(&connection.get("nobody").await);
    let mut listing = connection.listing();
    while let Some(account) = listing.next().await {
        note(&account);
    }
    said
}

/// What was recorded while the tenant was there.
async fn recorded(tape: &Tape) -> Vec<String> {
    let tenant = tenant().await;
    let connection = tape.record(&connector().await, options(&tenant)).await;
    live(&connection).await
}

fn message(failure: &Failure) -> String {
    assert_eq!(failure.kind(), "other-than-recorded", "{failure:?}");
    failure.message()
}

#[tokio::test]
async fn a_recording_answers_as_the_tenant_did_with_no_network_and_no_token() {
    let tape = Tape::new();
    let then = recorded(&tape).await;
    assert!(then.len() > 120, "everybody is listed");
    // A name that leads nowhere: whoever asked for it would notice.
    tape.move_to("https://scim.invalid");
    let (connection, replay) = tape.replay(&connector().await).await;
    let now = live(&connection).await;
    assert_eq!(then, now);
    assert!(replay.left_over().is_empty(), "{:?}", replay.left_over());
}

#[tokio::test]
async fn what_stands_there_can_be_read_and_edited() {
    let tape = Tape::new();
    recorded(&tape).await;
    let files = tape.files();
    let create = files
        .iter()
        .find(|file| file.ends_with("-create-POST.http"));
    let create = create.unwrap();
    let text = tape.text(create);
    for line in [
        "operation: 3 create",
        "> authorization: Bearer [redacted]",
        "  \"title\": \"Analyst\",",
        "< 201",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}: {text}");
    }

    tape.edit(create, "< 201", "< 403");
    let connector = connector().await;
    let (connection, _) = tape.replay(&connector).await;
    connection.check().await.unwrap();
    connection
        .find("userName", &crate::stage::text(ADA[0].1))
        .await
        .unwrap();
    let refused = connection.create(&draft(&ADA)).await.unwrap_err();
    assert_eq!(refused.kind(), "forbidden", "{refused:?}");
}

#[tokio::test]
async fn a_request_that_differs_is_told_with_both_values_and_gets_no_answer() {
    let tape = Tape::new();
    recorded(&tape).await;
    let connector = connector().await;
    let (connection, replay) = tape.replay(&connector).await;
    connection.check().await.unwrap();
    connection.find("userName", &text(ADA[0].1)).await.unwrap();
    let other = draft(&but(&ADA, &[("givenName", "Adam"), ("title", "")]));
    let failure = connection.create(&other).await.unwrap_err();
    let told = message(&failure);
    for words in [
        "-create-POST.http",
        "/name/givenName in the body: recorded `\"Ada\"`, sent `\"Adam\"`",
        "/title in the body: recorded `\"Analyst\"`, sent none",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(
        json::failure(&failure)["failure"]["kind"],
        "other-than-recorded"
    );
    // It was not taken: the right request still gets its answer.
    connection.create(&draft(&ADA)).await.unwrap();

    let failure = connection
        .find("userName", &text("babbage@example.com"))
        .await;
    let told = message(&failure.unwrap_err());
    assert!(
        told.contains("the URL: recorded `…") && told.contains("babbage"),
        "{told}"
    );
    assert!(!replay.left_over().is_empty());
}

#[tokio::test]
async fn one_after_the_other_means_in_this_order() {
    let tape = Tape::new();
    recorded(&tape).await;
    let connector = connector().await;
    let (connection, replay) = tape.replay(&connector).await;
    // The second operation first.
    let early = connection.find("userName", &text(ADA[0].1)).await;
    let told = message(&early.unwrap_err());
    assert!(told.contains("next is 0001-check-GET.http"), "{told}");
    connection.check().await.unwrap();
    connection.find("userName", &text(ADA[0].1)).await.unwrap();
    let again = connection.find("userName", &text(ADA[0].1)).await;
    let told = message(&again.unwrap_err());
    assert!(told.contains("-create-POST.http"), "{told}");

    let left = replay.left_over();
    assert!(
        left[0].contains("-create-POST.http: POST http://"),
        "{left:?}"
    );
    assert_eq!(left.len(), tape.files().len() - 1 - 2);
}

#[tokio::test]
async fn a_request_too_many_is_told() {
    let tape = Tape::new();
    let tenant = tenant().await;
    let connector = connector().await;
    let connection = tape.record(&connector, options(&tenant)).await;
    connection.check().await.unwrap();
    let (connection, replay) = tape.replay(&connector).await;
    connection.check().await.unwrap();
    assert!(replay.left_over().is_empty());
    let told = message(&connection.check().await.unwrap_err());
    assert!(told.contains("there is nothing more"), "{told}");
}

#[tokio::test]
async fn operations_at_once_are_told_apart_by_what_they_begin_with() {
    let tape = Tape::new();
    let tenant = tenant().await;
    let connector = connector().await;
    let mut at_once = options(&tenant);
    at_once.network.max_concurrency = 4;
    let connection = tape.record(&connector, at_once).await;
    let people: Vec<(String, String)> = (0..12)
        .map(|number| (format!("p{number}@example.com"), format!("E-{number}")))
        .collect();
    let hire = |connection: Connection, (name, id): (String, String)| async move {
        let person = draft(&but(&ADA, &[("userName", &name), ("externalId", &id)]));
        let before = connection.find("userName", &text(&name)).await;
        let made = connection.create(&person).await;
        let after = connection.find("userName", &text(&name)).await;
        format!("{before:?} {made:?} {after:?}")
    };
    let all = people
        .iter()
        .map(|person| hire(connection.clone(), person.clone()));
    let then = join_all(all).await;
    let (connection, replay) = tape.replay(&connector).await;
    // One after the other, and the other way round.
    for (person, then) in people.iter().zip(&then).rev() {
        assert_eq!(&hire(connection.clone(), person.clone()).await, then);
    }
    assert!(replay.left_over().is_empty(), "{:?}", replay.left_over());
    let told = message(
        &connection
            .find("userName", &text("p1@example.com"))
            .await
            .unwrap_err(),
    );
    assert!(told.contains("no such operation is left"), "{told}");
}

#[tokio::test]
async fn a_dry_run_ends_before_the_first_write_in_both() {
    let tape = Tape::new();
    let tenant = tenant().await;
    let connector = connector().await;
    let mut dry = options(&tenant);
    dry.dry_run = true;
    let connection = tape.record(&connector, dry).await;
    let title = edits(&[("title", "Countess")]);
    let id = tenant.users()[0]["id"].as_str().unwrap().to_owned();
    let then = connection.update(&id, &title).await.unwrap_err();
    assert_eq!(then.kind(), "dry-run");

    let replay = Arc::new(Replay::open(&tape.folder).unwrap());
    let mut dry = replay.options();
    dry.dry_run = true;
    let connection = connector.connect(dry).await.unwrap();
    let now = connection.update(&id, &title).await.unwrap_err();
    assert_eq!(format!("{now:?}"), format!("{then:?}"));
    assert!(replay.left_over().is_empty());
}

#[tokio::test]
async fn a_folder_that_is_of_no_use_is_refused_in_a_sentence() {
    let tape = Tape::new();
    recorded(&tape).await;
    let refused = |result: Result<(), Failure>, words: &str| {
        let failure = result.unwrap_err();
        assert_eq!(failure.kind(), "invalid-settings");
        assert!(failure.message().contains(words), "{words}: {failure}");
    };
    refused(Recorder::create(&tape.folder).map(drop), "is not empty");
    let nowhere = tape.folder.join("nowhere");
    refused(Replay::open(&nowhere).map(drop), "it has no recording.toml");
    let file = tape.folder.join("recording.toml");
    refused(Recorder::create(&file).map(drop), "cannot be written");

    let open = |folder: &Path| Replay::open(folder).map(drop);
    let first = "0001-check-GET.http";
    let good = tape.text(first);
    tape.edit(first, "attempt: 1", "attempt: one");
    refused(
        open(&tape.folder),
        "0001-check-GET.http: line 2: `one` is no value",
    );
    std::fs::write(tape.folder.join(first), good).unwrap();
    tape.edit("recording.toml", "contract = \"0.1\"", "contract = \"0.2\"");
    refused(
        open(&tape.folder),
        "it is of contract 0.2, and this host has contract 0.1",
    );
    tape.edit("recording.toml", "contract = \"0.2\"", "contract = \"0.1\"");
    tape.edit("recording.toml", "id = \"8x8\"", "id = \"another\"");
    let replay = Arc::new(Replay::open(&tape.folder).unwrap());
    let connected = connector().await.connect(replay.options()).await;
    refused(connected.map(drop), "of the connector `another`");
}

#[tokio::test]
async fn a_recording_is_of_one_connection() {
    let tape = Tape::new();
    let tenant = tenant().await;
    let recorder = Arc::new(Recorder::create(&tape.folder).unwrap());
    let mut options = options(&tenant);
    options.wire = Some(recorder);
    let connector = connector().await;
    connector.connect(options.clone()).await.unwrap();
    let second = connector.connect(options).await.unwrap_err();
    assert!(second.message().contains("another connection"), "{second}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_owner_alone_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let tape = Tape::new();
    recorded(&tape).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&tape.folder), 0o700);
    for file in tape.files() {
        assert_eq!(mode(&tape.folder.join(&file)), 0o600, "{file}");
    }
}
