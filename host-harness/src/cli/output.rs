//! What people and programs read: tables and sentences, or one JSON document.

use std::io::{IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value as Json;

use crate::attributes::values;
use crate::contract::{
    Account, AccountStatus, Deletion, Effect, Manifest, Notice, Outcome, RetryAdvice, Value,
};
use crate::failure::{Failure, PlannedRequest};
use crate::json;
use crate::sync::SyncError;

/// Where a command's answer goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

const GOOD: Style = AnsiColor::Green.on_default();
const NEWS: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// Whether stderr takes colours: a terminal, and `NO_COLOR` and `TERM=dumb` say nothing.
pub(super) fn stderr_has_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Whether a person watches stderr, who wants to see progress.
    pub(super) fn shows_progress(self) -> bool {
        std::io::stderr().is_terminal()
    }

    /// One JSON document, or else what a person reads.
    pub(super) fn answer(self, document: impl FnOnce() -> Json, text: impl FnOnce() -> String) {
        let text = if self.json {
            format!("{:#}", document())
        } else {
            text()
        };
        self.line(&text);
    }

    /// A line on stdout. A reader that went away (`| head`) ends the output, not the
    /// program.
    pub(super) fn line(self, text: &str) {
        let _ = writeln!(anstream::stdout(), "{}", text.trim_end_matches('\n'));
    }

    /// A line for a person on stderr.
    pub(super) fn note(self, text: &str) {
        let _ = writeln!(anstream::stderr(), "{text}");
    }

    /// Wrong usage, in a sentence.
    pub(super) fn usage(self, message: &str) {
        self.usage_document(message);
        self.note(&format!("{BAD}error:{BAD:#} {message}"));
    }

    /// Wrong usage, for a program.
    pub(super) fn usage_document(self, message: &str) {
        if self.json {
            let problem = crate::contract::Problem {
                name: "command".to_owned(),
                code: "usage".to_owned(),
                message: message.to_owned(),
            };
            let failure = Failure::InvalidSettings {
                problems: vec![problem],
            };
            self.line(&format!("{:#}", json::failure(&failure)));
        }
    }

    /// A failure, or the request that a dry run shows.
    pub(super) fn failure(self, failure: &Failure) {
        if self.json {
            self.line(&format!("{:#}", json::failure(failure)));
        }
        if let Failure::DryRun(request) = failure {
            if !self.json {
                self.line(&planned(Some(request)));
            }
            return;
        }
        self.note(&format!(
            "{BAD}error:{BAD:#} {}",
            sentence(failure.message())
        ));
        self.note(&format!("{QUIET}{}{QUIET:#}", circumstances(failure)));
    }

    /// Why a sync ended without a report.
    pub(super) fn sync_error(self, error: &SyncError) {
        if let SyncError::Failed(failure) = error {
            return self.failure(failure);
        }
        if self.json {
            self.line(&format!("{:#}", error.to_json()));
        }
        self.note(&format!(
            "{BAD}error:{BAD:#} {}",
            sentence(error.to_string())
        ));
    }

    pub(super) fn account(self, manifest: &Manifest, account: &Account) {
        self.answer(
            || json::account(manifest, account),
            || self::account(manifest, account),
        );
    }

    pub(super) fn outcome(self, manifest: &Manifest, outcome: &Outcome) {
        self.answer(
            || json::outcome(manifest, outcome),
            || {
                format!(
                    "{}\n{}{}",
                    effect(outcome.effect),
                    self::account(manifest, &outcome.account),
                    notices(&outcome.notices)
                )
            },
        );
    }

    pub(super) fn deletion(self, manifest: &Manifest, deletion: &Deletion) {
        self.answer(
            || json::deletion(manifest, deletion),
            || match deletion {
                Deletion::Gone => format!("{GOOD}gone{GOOD:#}: there is no such account"),
                Deletion::Kept(outcome) => format!(
                    "{NEWS}kept{NEWS:#}\n{}{}",
                    self::account(manifest, &outcome.account),
                    notices(&outcome.notices)
                ),
            },
        );
    }

    /// A dry run in which nothing would have been sent.
    pub(super) fn nothing_planned(self) {
        self.answer(|| json::dry_run(None), || planned(None));
    }
}

/// With a full stop, which connectors may forget.
pub(super) fn sentence(mut text: String) -> String {
    if text.ends_with(char::is_alphanumeric) {
        text.push('.');
    }
    text
}

/// Kind, code, answer and advice, in one line below the sentence.
fn circumstances(failure: &Failure) -> String {
    let mut parts = vec![failure.kind().to_owned()];
    parts.extend(failure.code().map(str::to_owned));
    if let Some(answer) = failure.upstream() {
        let code = answer.code.as_deref().unwrap_or_default();
        parts.push(
            format!("answered {} {code}", answer.status)
                .trim_end()
                .to_owned(),
        );
        parts.extend(answer.request_id.as_ref().map(|id| format!("request {id}")));
    }
    parts.extend(failure.account().map(|id| format!("account {id}")));
    match failure.retry() {
        RetryAdvice::Never => {}
        RetryAdvice::AfterRepair => parts.push("try again once that is mended".to_owned()),
        RetryAdvice::AfterMs(0) => parts.push("try again".to_owned()),
        RetryAdvice::AfterMs(ms) => {
            parts.push(format!("try again in {:.1} s", f64::from(ms) / 1e3))
        }
    }
    format!("       {}", parts.join(" · "))
}

fn planned(request: Option<&PlannedRequest>) -> String {
    let Some(request) = request else {
        return format!("{GOOD}dry run:{GOOD:#} nothing would be sent");
    };
    let mut text = format!(
        "{NEWS}dry run:{NEWS:#} this would be sent\n{} {}\n",
        request.method, request.url
    );
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    if let Some(body) = &request.body {
        match serde_json::from_slice::<Json>(body) {
            Ok(body) => text.push_str(&format!("\n{body:#}\n")),
            Err(_) => text.push_str(&format!(
                "\n{}\n",
                printable(&String::from_utf8_lossy(body))
            )),
        }
    }
    text
}

fn effect(effect: Effect) -> String {
    let (style, word) = match effect {
        Effect::Created => (NEWS, "created"),
        Effect::Updated => (NEWS, "updated"),
        Effect::Unchanged => (GOOD, "unchanged"),
    };
    format!("{style}{word}{style:#}")
}

/// Name and value, a line each.
pub(super) fn account(manifest: &Manifest, account: &Account) -> String {
    let mut rows = vec![
        ("id".to_owned(), account.id.clone()),
        ("status".to_owned(), status(account.status).to_owned()),
    ];
    for spec in &manifest.attributes {
        let held = values(account, &spec.name);
        if !held.is_empty() {
            rows.push((spec.name.clone(), joined(held)));
        }
    }
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    rows.iter()
        .map(|(name, value)| format!("  {QUIET}{name:width$}{QUIET:#}  {}\n", printable(value)))
        .collect()
}

pub(super) fn notices(notices: &[Notice]) -> String {
    notices
        .iter()
        .map(|notice| {
            let attribute = notice.attribute.as_ref().map(|name| format!(" ({name})"));
            format!(
                "{NEWS}note{NEWS:#} {}{}: {}\n",
                notice.code,
                attribute.unwrap_or_default(),
                printable(&notice.message)
            )
        })
        .collect()
}

pub(super) fn status(status: AccountStatus) -> &'static str {
    json::status(status)
}

pub(super) fn joined(values: &[Value]) -> String {
    let texts: Vec<_> = values
        .iter()
        .map(|value| match value {
            Value::Text(text) => text.clone(),
            Value::Boolean(flag) => flag.to_string(),
            Value::Integer(number) => number.to_string(),
        })
        .collect();
    texts.join(", ")
}

/// A table that fits the terminal, without lines. Where there is no terminal a row is one
/// line, for the programs that read it.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().map(|title| title.to_uppercase()));
    if let Some((_, width)) = console::Term::stdout().size_checked() {
        table.set_width(width);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// A table with sentences in it, which people read wherever it goes.
pub(super) fn prose_table(header: &[&str]) -> Table {
    let mut table = table(header);
    if table.width().is_none_or(|width| usize::from(width) > WIDTH) {
        table.set_width(u16::try_from(WIDTH).unwrap_or(u16::MAX));
    }
    table
}

/// The lines of a table, without the blanks that fill them up.
pub(super) fn shown(table: &Table) -> String {
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// How wide text is that people read.
const WIDTH: usize = 100;

/// Lines of at most so many characters: the first begins with one text, those after it with
/// another. A word that is longer has its own line.
pub(super) fn wrapped(first: &str, further: &str, text: &str) -> String {
    let (mut lines, mut line, mut empty) = (String::new(), first.to_owned(), true);
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            (line, empty) = (further.to_owned(), true);
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push_str(line.trim_end());
    lines.push('\n');
    lines
}

/// Text from elsewhere, without what would steer a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}
