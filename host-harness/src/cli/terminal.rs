//! The one way to stdout and stderr. A terminal obeys what is written to it: it moves the cursor,
//! hides text, turns the reading direction, sets the clipboard. So nothing but [`Text`] is
//! written here, and only this module makes it: whatever it is given, it keeps what can be seen.
//!
//! Everything else in the program that would write there is refused by clippy: the macros
//! `println!` and `eprintln!` by the lints of the crate, the functions by `clippy.toml`.

#![expect(
    clippy::disallowed_methods,
    reason = "the one place where they are used"
)]

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::text::is_unseen;

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const NEWS: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const QUIET: Style = Style::new().dimmed();

/// What stands in the place of a character that cannot be seen.
const UNSEEN: char = '\u{fffd}';

/// Lines for people: characters that can be seen, and styles of our own.
#[derive(Debug, Clone, Default)]
pub(super) struct Text(String);

impl Text {
    /// Text from anywhere. Its lines stay lines.
    pub(super) fn push(&mut self, text: &str) {
        self.0.extend(text.chars().map(|character| match character {
            '\n' => character,
            '\t' => ' ',
            character if is_unseen(character) => UNSEEN,
            character => character,
        }));
    }

    /// Text from anywhere whose further lines begin below its first, so that none of them can
    /// be taken for a line of the program's own.
    pub(super) fn push_hanging(&mut self, text: &str, blanks: usize) {
        for (position, line) in text.trim_end_matches('\n').split('\n').enumerate() {
            if position > 0 {
                self.push("\n");
            }
            if position > 0 && !line.is_empty() {
                self.push(&" ".repeat(blanks));
            }
            self.push(line);
        }
    }

    pub(super) fn push_styled(&mut self, style: Style, text: &str) {
        // Nothing can fail in writing to a text.
        let _ = write!(self.0, "{style}");
        self.push(text);
        let _ = write!(self.0, "{style:#}");
    }

    pub(super) fn push_text(&mut self, text: &Self) {
        self.0.push_str(&text.0);
    }

    /// With so much of its styles as the colours and weights of terminals are: what clap made.
    pub(super) fn with_styles_of(ansi: &str) -> Self {
        let mut text = Self::default();
        let mut rest = ansi;
        while let Some((before, after)) = rest.split_once("\x1b[") {
            text.push(before);
            let end = after.find(|c: char| !c.is_ascii_digit() && c != ';');
            match end.and_then(|end| after.split_at_checked(end)) {
                Some((style, after)) if after.starts_with('m') => {
                    let _ = write!(text.0, "\x1b[{style}m");
                    rest = after.get(1..).unwrap_or_default();
                }
                _ => {
                    text.push("\x1b[");
                    rest = after;
                }
            }
        }
        text.push(rest);
        text
    }
}

impl<T: AsRef<str>> From<T> for Text {
    fn from(text: T) -> Self {
        let mut made = Self::default();
        made.push(text.as_ref());
        made
    }
}

/// Lines on stdout. A reader that went away (`| head`) ends the output, not the program.
pub(super) fn print(text: &Text) {
    let _ = writeln!(anstream::stdout(), "{}", text.0.trim_end_matches('\n'));
}

/// Lines on stderr.
pub(super) fn note(text: &Text) {
    let mut stderr = anstream::stderr();
    let _ = writeln!(stderr, "{}", text.0);
    let _ = stderr.flush();
}

/// JSON on stdout, exactly as it is where a program reads it. On a terminal the same document,
/// with the characters that cannot be seen spelled out.
pub(super) fn document(json: &str) {
    let _ = writeln!(documents(), "{json}");
}

/// The same for a document that is written piece by piece.
pub(super) fn documents() -> impl io::Write {
    let stdout = io::stdout();
    match stdout.is_terminal() {
        true => Documents::Spelled(stdout.lock()),
        false => Documents::Exact(stdout.lock()),
    }
}

enum Documents {
    Exact(io::StdoutLock<'static>),
    Spelled(io::StdoutLock<'static>),
}

impl io::Write for Documents {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Exact(stdout) => stdout.write_all(bytes)?,
            // Pieces end between characters: serde_json writes whole ones.
            Self::Spelled(stdout) => {
                stdout.write_all(spelled(&String::from_utf8_lossy(bytes)).as_bytes())?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Exact(stdout) | Self::Spelled(stdout) => stdout.flush(),
        }
    }
}

/// The same JSON, whose texts spell out what cannot be seen. Between texts there is nothing but
/// line ends of the kind.
pub(super) fn spelled(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || !is_unseen(character) {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

/// Whether a person watches stderr, who wants to see progress.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// How far something is, for whoever watches stderr.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar of so many steps, or a spinner where their number is not known. The template is
    /// indicatif's.
    pub(super) fn new(steps: Option<u64>, template: &'static str) -> Self {
        if !is_watched() {
            return Self(ProgressBar::hidden());
        }
        let bar = steps.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        Self(bar)
    }

    pub(super) fn of(&self, steps: u64) {
        self.0.set_length(steps);
    }

    pub(super) fn at(&self, position: u64) {
        self.0.set_position(position);
    }

    pub(super) fn step(&self) {
        self.0.inc(1);
    }

    pub(super) fn say(&self, what: &str) {
        self.0.set_message(Text::from(what).0);
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// Where log lines go: to stderr, an event a line.
pub(super) struct Log;

impl MakeWriter<'_> for Log {
    type Writer = LogLine;

    fn make_writer(&self) -> LogLine {
        LogLine(Level::INFO)
    }

    fn make_writer_for(&self, event: &Metadata<'_>) -> LogLine {
        LogLine(*event.level())
    }
}

/// One event, which is written at once.
pub(super) struct LogLine(Level);

impl io::Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let line = line.trim_end_matches('\n').replace('\n', " ");
        let style = match self.0 {
            Level::ERROR => BAD,
            Level::WARN => NEWS,
            Level::INFO => GOOD,
            _ => QUIET,
        };
        let mut text = Text::default();
        // The level is the first word in capitals: before it stands the time alone.
        match line.split_once(self.0.as_str()) {
            Some((before, after)) => {
                text.push(before);
                text.push_styled(style, self.0.as_str());
                text.push(after);
            }
            None => text.push(&line),
        }
        note(&text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A panic says what it says here, too.
pub(super) fn panics_are_calm() {
    std::panic::set_hook(Box::new(|panic| {
        let mut text = Text::from(panic.to_string());
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            text.push(&format!("\n{trace}"));
        }
        note(&text);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_its_lines_and_nothing_that_a_terminal_obeys() {
        let text = Text::from("a\tb\nc\r\u{1b}[31md\u{9b}31me\u{202e}f\u{200b}g\u{7f}h");
        assert_eq!(
            text.0,
            "a b\nc\u{fffd}\u{fffd}[31md\u{fffd}31me\u{fffd}f\u{fffd}g\u{fffd}h"
        );
        let mut text = Text::default();
        text.push_styled(BAD, "x\u{1b}[0my");
        assert_eq!(text.0, format!("{BAD}x\u{fffd}[0my{BAD:#}"));
    }

    #[test]
    fn a_further_line_of_a_message_cannot_be_taken_for_one_of_the_programs() {
        let mut text = Text::from("error: ");
        text.push_hanging("one\nok: all is well\n", 7);
        assert_eq!(text.0, "error: one\n       ok: all is well");
    }

    #[test]
    fn of_styled_text_the_styles_alone_are_kept() {
        let text =
            Text::with_styles_of("\x1b[1m\x1b[4mUsage:\x1b[0m \x1b[2Jx\x1b]52;c;AA\x07\x1b[31;1");
        assert_eq!(
            text.0,
            "\x1b[1m\x1b[4mUsage:\x1b[0m \u{fffd}[2Jx\u{fffd}]52;c;AA\u{fffd}\u{fffd}[31;1"
        );
    }

    #[test]
    fn a_document_says_the_same_with_its_unseen_characters_spelled_out() {
        let value =
            serde_json::json!({ "a\u{202e}": ["\u{9b}31m", "\u{e0041}", "\u{1b}\n\t", "Zoë"] });
        for json in [format!("{value}"), format!("{value:#}")] {
            let spelled = spelled(&json);
            assert!(
                !spelled.contains(|c| is_unseen(c) && c != '\n'),
                "{spelled}"
            );
            assert!(spelled.contains("\\u202e") && spelled.contains("\\udb40\\udc41"));
            let read: serde_json::Value = serde_json::from_str(&spelled).unwrap();
            assert_eq!(read, value);
        }
    }
}
