//! Texts that a service may stumble over: kept as they are, or refused.

use super::expect::done;
use super::first_state::edits;
use super::outcome::{Checked, Stop};
use super::trial::{Made, Trial};
use super::updating::{free, is_the_tenants, seen};
use super::values::is_plain_text;
use crate::attributes::values;
use crate::contract::{Account, Attribute, AttributeSpec, Change, Value};

/// Scripts of several directions, beyond the first plane, composed and not, and what markup and
/// queries stumble over.
const UNICODE: &str = "Zo\u{eb} \u{39f}\u{3c5}\u{3c1}\u{3b1}\u{3bd}\u{3af}\u{3b1} \u{5d3}\u{5d5}\u{5d3} \u{674e}\u{660e} \u{1f984} e\u{301} \"\\<&>'%+=?/ end";

/// Long, for a text without a known limit.
const LONG: usize = 300;

/// Attributes that hold any text.
fn texts(trial: &Trial, made: &Made) -> Vec<AttributeSpec> {
    let mut specs = free(trial, made);
    specs.retain(|spec| is_plain_text(spec) && !trial.values.is_given(&spec.name));
    specs
}

/// That a text is kept as it is, or refused. Says whether it was kept.
async fn kept_or_refused(
    trial: &mut Trial,
    made: &Made,
    spec: &AttributeSpec,
    text: String,
    what: &str,
) -> Result<bool, Stop> {
    let wanted = Attribute {
        name: spec.name.clone(),
        values: vec![Value::Text(text)],
    };
    let update = edits(vec![Change::Set(wanted.clone())]);
    let outcome = match trial.update(&made.account.id, &update).await {
        Err(failure) if is_the_tenants(trial, &failure, &spec.name) => return Ok(false),
        result => done(what, result)?,
    };
    if is_cut(&outcome.account, &wanted) {
        return Err(Stop::Fail(format!(
            "{what} was cut, where what the upstream drops a part of is `unsupported`"
        )));
    }
    let wanted = [wanted];
    trial.holds(what, &outcome.account, &wanted, &outcome.notices)?;
    let shown = seen(trial, &outcome).await?;
    trial.holds("`get`", &shown, &wanted, &outcome.notices)?;
    Ok(true)
}

/// Whether an account holds the beginning of a text only.
fn is_cut(account: &Account, wanted: &Attribute) -> bool {
    match (values(account, &wanted.name), wanted.values.as_slice()) {
        ([Value::Text(held)], [Value::Text(given)]) => {
            let held = held.trim();
            held.len() < given.trim().len() && given.starts_with(held)
        }
        _ => false,
    }
}

pub(super) async fn unicode_values(trial: &mut Trial) -> Checked {
    let made = trial.ready().await?;
    let mut kept = 0;
    for spec in texts(trial, &made) {
        let most = spec.max_length.map_or(usize::MAX, |most| most as usize);
        let text: String = UNICODE.chars().take(most).collect();
        let what = format!("a {} of many scripts", spec.name);
        let text = text.trim_end().to_owned();
        kept += usize::from(kept_or_refused(trial, &made, &spec, text, &what).await?);
    }
    any_kept(trial, kept)
}

fn any_kept(trial: &Trial, kept: usize) -> Checked {
    match (kept, trial.notes.first()) {
        (0, Some(note)) => Err(Stop::Skip(note.clone())),
        (0, None) => Err(Stop::skip("no attribute that can be changed is plain text")),
        _ => Ok(()),
    }
}

pub(super) async fn long_values(trial: &mut Trial) -> Checked {
    let made = trial.ready().await?;
    let mut kept = 0;
    for spec in texts(trial, &made) {
        let length = spec.max_length.map_or(LONG, |most| most as usize);
        // Of two bytes each, so that whoever counts bytes is found.
        let text: String = "\u{e9}".repeat(length);
        let what = format!("a {} of {length} characters", spec.name);
        let taken = kept_or_refused(trial, &made, &spec, text, &what).await?;
        if !taken && spec.max_length.is_some() {
            return Err(Stop::Fail(format!(
                "{what} is refused, where `max-length` says that it fits"
            )));
        }
        kept += usize::from(taken);
    }
    any_kept(trial, kept)
}
