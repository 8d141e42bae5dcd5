//! Opening a connection: settings, reach, and the note of what was learned. The connector is
//! called directly, since the host finds most wrong settings before it would be asked.

use std::collections::BTreeSet;

use super::expect::done;
use super::outcome::told;
use super::outcome::{Checked, Stop};
use super::trial::Trial;
use crate::connection::ConnectionOptions;
use crate::contract::{self, FailureKind, SettingKind, SettingValue};
use crate::failure::Failure;
use crate::limits::LEARNED_BYTES;
use crate::settings;

/// The most that a note may hold is 1 KiB.
const FOREIGN_NOTES: [&str; 4] = [
    "",
    "conform: nobody's note",
    "{\"conform\": [1, {}]}",
    "\u{1f984}",
];

/// Opens with settings as they are, and gives the reach.
async fn open(trial: &Trial, settings: &[SettingValue]) -> Result<Vec<String>, Failure> {
    let limits = &trial.options.limits;
    let work = async {
        let mut sandbox = trial.component.sandbox(limits, None, None).await?;
        sandbox.open(settings, None).await?;
        sandbox.reach().await
    };
    let host = trial.component.host();
    host.within("open", limits.operation_time, work).await
}

fn good(options: &ConnectionOptions) -> Vec<SettingValue> {
    let settings = options.settings.iter();
    settings
        .map(|(name, value)| SettingValue {
            name: name.clone(),
            value: value.clone(),
        })
        .collect()
}

pub(super) async fn wrong_settings(trial: &mut Trial) -> Checked {
    let mut settings = good(&trial.options);
    let mut wrong = BTreeSet::new();
    for setting in &trial.manifest().settings {
        let value = match &setting.kind {
            SettingKind::BaseUrl(_) => "conform: no address",
            SettingKind::Choice(_) => "conform-no-choice",
            SettingKind::Boolean => "perhaps",
            SettingKind::Text => continue,
        };
        settings.retain(|known| known.name != setting.name);
        settings.push(SettingValue {
            name: setting.name.clone(),
            value: value.to_owned(),
        });
        wrong.insert(setting.name.clone());
    }
    if wrong.is_empty() {
        return Err(Stop::skip("no setting can be wrong: all of them are texts"));
    }
    let opened = open(trial, &settings).await;
    all_named(trial, "opening with wrong settings", opened, &wrong)
}

pub(super) async fn missing_settings(trial: &mut Trial) -> Checked {
    let settings = trial.manifest().settings.iter();
    let required = settings.filter(|setting| setting.required);
    let required: BTreeSet<_> = required.map(|setting| setting.name.clone()).collect();
    if required.is_empty() {
        return Err(Stop::skip("no setting is required"));
    }
    let opened = open(trial, &[]).await;
    all_named(trial, "opening without settings", opened, &required)
}

fn all_named(
    trial: &mut Trial,
    what: &str,
    opened: Result<Vec<String>, Failure>,
    due: &BTreeSet<String>,
) -> Checked {
    let failure = super::expect::refused(
        what,
        opened,
        &[(FailureKind::InvalidSettings, "invalid-settings")],
    )?;
    let problems = failure.problems.iter();
    let named: BTreeSet<_> = problems.map(|problem| problem.name.clone()).collect();
    trial.failures.push(failure);
    let unnamed: Vec<_> = due.difference(&named).cloned().collect();
    if unnamed.is_empty() {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "{what} did not name {} among its problems",
        unnamed.join(", ")
    )))
}

pub(super) async fn reach(trial: &mut Trial) -> Checked {
    let reach = done("opening", open(trial, &good(&trial.options)).await)?;
    if reach.is_empty() {
        return Err(Stop::fail(
            "`reach` is empty, so that not one request could be sent",
        ));
    }
    let options = &trial.options;
    let granted = settings::check(
        trial.manifest(),
        &options.settings,
        &*options.credentials,
        &options.network,
    )
    .grants;
    for prefix in reach {
        let lies = granted
            .iter()
            .any(|grant| grant.narrowed_to(&prefix).is_ok());
        if !lies {
            return Err(Stop::Fail(format!(
                "`reach` holds {}, which lies in nothing that the operator granted",
                prefix.escape_debug()
            )));
        }
    }
    // Whatever else kept the connection from being opened; nothing else can be tried without.
    done("opening a connection", trial.connection()).map(drop)
}

/// A connection like that of the trial, with a note.
async fn with_note(trial: &Trial, note: &str) -> Result<contract::CheckReport, Failure> {
    let mut options = trial.options.clone();
    options.learned = Some(note.to_owned());
    let connection = trial.component.connect(options).await?;
    connection.check().await
}

/// `check` as it is without a note of this check's.
async fn without_note(trial: &mut Trial) -> Result<contract::CheckReport, Stop> {
    trial.check().await.map_err(|failure| {
        Stop::Skip(format!(
            "`check` fails without a note, too: {}",
            told(&failure)
        ))
    })
}

pub(super) async fn foreign_note(trial: &mut Trial) -> Checked {
    let without = without_note(trial).await?;
    for note in FOREIGN_NOTES {
        let what = format!("`check` with the foreign note {note:?}");
        let with = done(&what, with_note(trial, note).await)?;
        if with.writable != without.writable {
            return Err(Stop::Fail(format!("{what} reports otherwise than without")));
        }
    }
    Ok(())
}

pub(super) async fn note(trial: &mut Trial) -> Checked {
    let connection = done("connecting", trial.connection())?;
    if let Some(bytes) = connection.overlong_note() {
        return Err(Stop::Fail(format!(
            "the note has {bytes} bytes, where {LEARNED_BYTES} are the most"
        )));
    }
    let Some(note) = connection.learned() else {
        return Err(Stop::skip("the connector learned nothing in this run"));
    };
    let telling = trial.values.telling();
    if telling.iter().any(|text| note.contains(text.as_str())) {
        return Err(Stop::fail("the note holds an attribute value of the run's"));
    }
    without_note(trial).await?;
    done(
        "`check` with the note of this run",
        with_note(trial, &note).await,
    )?;
    Ok(())
}
