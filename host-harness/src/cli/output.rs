//! What people and programs read: tables and sentences, or one JSON document.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value as Json;

use super::terminal::{self, BAD, GOOD, NEWS, QUIET, Text};
use crate::attributes::values;
use crate::contract::{
    Account, AccountStatus, Deletion, Effect, Manifest, Notice, Outcome, RetryAdvice, Value,
};
use crate::failure::Failure;
use crate::json;
use crate::sync::SyncError;
use crate::text::is_unseen;
use crate::trace::SentRequest;

/// Where a command's answer goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// One JSON document, or else what a person reads.
    pub(super) fn answer<T: Into<Text>>(
        self,
        document: impl FnOnce() -> Json,
        text: impl FnOnce() -> T,
    ) {
        if self.json {
            self.document(&document());
        } else {
            self.line(text());
        }
    }

    /// Lines for a person on stdout.
    pub(super) fn line(self, text: impl Into<Text>) {
        terminal::print(&text.into());
    }

    /// One JSON document on stdout.
    pub(super) fn document(self, document: &Json) {
        self.json_line(&format!("{document:#}"));
    }

    /// A line of JSON on stdout: a document, or a part of one that is written as it arrives.
    pub(super) fn json_line(self, json: &str) {
        terminal::document(json);
    }

    /// Lines for a person on stderr.
    pub(super) fn note(self, text: impl Into<Text>) {
        terminal::note(&text.into());
    }

    /// Wrong usage, in a sentence.
    pub(super) fn usage(self, message: &str) {
        self.usage_document(message);
        self.error(message);
    }

    /// What went wrong, for a person on stderr.
    pub(super) fn error(self, message: &str) {
        self.note(error(message));
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
            self.document(&json::failure(&failure));
        }
    }

    /// A failure, or the request that a dry run shows.
    pub(super) fn failure(self, failure: &Failure) {
        if self.json {
            self.document(&json::failure(failure));
        }
        if let Failure::DryRun(request) = failure {
            if !self.json {
                self.line(planned(Some(request)));
            }
            return;
        }
        self.error(&sentence(failure.message()));
        let mut text = Text::default();
        text.push_styled(QUIET, &circumstances(failure));
        self.note(text);
    }

    /// Why a sync ended without a report.
    pub(super) fn sync_error(self, error: &SyncError) {
        if let SyncError::Failed(failure) = error {
            return self.failure(failure);
        }
        if self.json {
            self.document(&error.to_json());
        }
        self.error(&sentence(error.to_string()));
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
                let (style, word) = effect(outcome.effect);
                let mut text = Text::default();
                text.push_styled(style, word);
                text.push("\n");
                text.push_text(&state(manifest, outcome));
                text
            },
        );
    }

    pub(super) fn deletion(self, manifest: &Manifest, deletion: &Deletion) {
        self.answer(
            || json::deletion(manifest, deletion),
            || {
                let mut text = Text::default();
                match deletion {
                    Deletion::Gone => {
                        text.push_styled(GOOD, "gone");
                        text.push(": there is no such account");
                    }
                    Deletion::Kept(outcome) => {
                        text.push_styled(NEWS, "kept");
                        text.push("\n");
                        text.push_text(&state(manifest, outcome));
                    }
                }
                text
            },
        );
    }

    /// A dry run in which nothing would have been sent.
    pub(super) fn nothing_planned(self) {
        self.answer(|| json::dry_run(None), || planned(None));
    }
}

/// The message, each of its lines beside the first.
pub(super) fn error(message: &str) -> Text {
    const BEFORE: &str = "error: ";

    let mut text = Text::default();
    text.push_styled(BAD, BEFORE.trim_end());
    text.push(" ");
    text.push_hanging(message, BEFORE.len());
    text
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

fn planned(request: Option<&SentRequest>) -> Text {
    let mut text = Text::default();
    let Some(request) = request else {
        text.push_styled(GOOD, "dry run:");
        text.push(" nothing would be sent");
        return text;
    };
    text.push_styled(NEWS, "dry run:");
    text.push(&format!(
        " this would be sent\n{} {}\n",
        printable(&request.method),
        printable(&request.url)
    ));
    for line in &request.headers {
        let (name, value) = (printable(&line.name), printable(&line.value));
        text.push(&format!("{name}: {value}\n"));
    }
    if let Some(body) = &request.body {
        let body = match serde_json::from_slice::<Json>(body) {
            Ok(body) => terminal::spelled(&format!("{body:#}")),
            Err(_) => printable(&String::from_utf8_lossy(body)),
        };
        text.push(&format!("\n{body}\n"));
    }
    text
}

fn effect(effect: Effect) -> (anstyle::Style, &'static str) {
    match effect {
        Effect::Created => (NEWS, "created"),
        Effect::Updated => (NEWS, "updated"),
        Effect::Unchanged => (GOOD, "unchanged"),
    }
}

/// What an account is after an operation, and what a person should know of it.
fn state(manifest: &Manifest, outcome: &Outcome) -> Text {
    let mut text = account(manifest, &outcome.account);
    text.push_text(&notices(&outcome.notices));
    text
}

/// Name and value, a line each.
fn account(manifest: &Manifest, account: &Account) -> Text {
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
    let mut text = Text::default();
    for (name, value) in &rows {
        text.push("  ");
        text.push_styled(QUIET, &format!("{:width$}", printable(name)));
        text.push(&format!("  {}\n", printable(value)));
    }
    text
}

pub(super) fn notices(notices: &[Notice]) -> Text {
    let mut text = Text::default();
    for notice in notices {
        let attribute = notice.attribute.as_ref().map(|name| format!(" ({name})"));
        let attribute = attribute.unwrap_or_default();
        text.push_styled(NEWS, "note");
        text.push(&printable(&format!(
            " {}{attribute}: {}",
            notice.code, notice.message
        )));
        text.push("\n");
    }
    text
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

/// Text from elsewhere in one line, without what cannot be seen. Whatever is printed loses that
/// ([`Text`]); this is for what has its place in a table or a line.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => ' ',
            character if is_unseen(character) => '\u{fffd}',
            character => character,
        })
        .collect()
}
