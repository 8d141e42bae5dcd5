//! The values of a TOML file that people write: text, numbers, durations, each refused with its
//! line where it is something else.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::contract::Problem;
use crate::nearest::nearest;

/// A key and its value, with their places.
pub(crate) type Entry<'a, 'i> = (
    &'a Spanned<std::borrow::Cow<'i, str>>,
    &'a Spanned<DeValue<'i>>,
);

pub(crate) struct Reader<'f> {
    path: &'f Path,
    text: &'f str,
    pub(crate) problems: Vec<Problem>,
}

impl<'f> Reader<'f> {
    pub(crate) fn new(path: &'f Path, text: &'f str) -> Self {
        Self {
            path,
            text,
            problems: Vec::new(),
        }
    }

    pub(crate) fn take<T>(
        &mut self,
        entry: Entry<'_, '_>,
        wanted: &str,
        read: impl FnOnce(&DeValue<'_>) -> Option<T>,
        target: &mut T,
    ) {
        match read(entry.1.get_ref()) {
            Some(value) => *target = value,
            None => self.wrong_value(entry, wanted),
        }
    }

    pub(crate) fn duration(&mut self, entry: Entry<'_, '_>, target: &mut Duration) {
        let read = |value: &DeValue<'_>| duration(value.as_str()?);
        self.take(
            entry,
            "a duration such as \"30s\", \"2m\" or \"500ms\"",
            read,
            target,
        );
    }

    pub(crate) fn number<T: TryFrom<i64> + Copy>(&mut self, entry: Entry<'_, '_>, target: &mut T) {
        self.take(entry, "a whole number above 0", number, target);
    }

    pub(crate) fn number_option<T: TryFrom<i64>>(
        &mut self,
        entry: Entry<'_, '_>,
        target: &mut Option<T>,
    ) {
        let read = |value: &DeValue<'_>| number(value).map(Some);
        self.take(entry, "a whole number above 0", read, target);
    }

    pub(crate) fn number_up_to(&mut self, entry: Entry<'_, '_>, most: usize, target: &mut usize) {
        let read = |value: &DeValue<'_>| number(value).filter(|number| *number <= most);
        self.take(
            entry,
            &format!("a whole number from 1 to {most}"),
            read,
            target,
        );
    }

    pub(crate) fn text(&mut self, entry: Entry<'_, '_>) -> Option<String> {
        match entry.1.get_ref().as_str() {
            Some(text) if !text.is_empty() => Some(text.to_owned()),
            _ => {
                self.wrong_value(entry, "text in quotes");
                None
            }
        }
    }

    pub(crate) fn path_value(&mut self, entry: Entry<'_, '_>) -> Option<PathBuf> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        self.text(entry).map(|text| folder.join(text))
    }

    pub(crate) fn wrong_value(&mut self, (key, value): Entry<'_, '_>, wanted: &str) {
        let message = format!("`{}` is {wanted}", key.get_ref());
        self.problem(key.get_ref(), "wrong-value", Some(value.span()), message);
    }

    pub(crate) fn unknown_key(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        table: Option<&str>,
        known: &[&str],
    ) {
        let name = key.get_ref();
        let place = table.map_or_else(String::new, |table| format!(" in [{table}]"));
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are: {}", known.join(", ")),
        };
        let message = format!("there is no `{name}`{place}; {hint}");
        self.problem(name, "unknown", Some(key.span()), message);
    }

    /// The line of a place, from 1.
    pub(crate) fn line(&self, place: usize) -> usize {
        let before = self.text.get(..place).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }

    pub(crate) fn problem(
        &mut self,
        name: &str,
        code: &str,
        span: Option<Range<usize>>,
        message: String,
    ) {
        let line = span.map(|span| self.line(span.start));
        let place = match line {
            Some(line) => format!("{}:{line}", self.path.display()),
            None => self.path.display().to_string(),
        };
        let end = if message.ends_with(['.', '?']) {
            ""
        } else {
            "."
        };
        self.problems.push(Problem {
            name: name.to_owned(),
            code: code.to_owned(),
            message: format!("{place}: {message}{end}"),
        });
    }
}

pub(crate) fn boolean(value: &DeValue<'_>) -> Option<bool> {
    value.as_bool()
}

pub(crate) fn number<T: TryFrom<i64>>(value: &DeValue<'_>) -> Option<T> {
    let integer = value.as_integer()?;
    let digits = integer.as_str().replace('_', "");
    i64::from_str_radix(&digits, integer.radix())
        .ok()
        .filter(|number| *number > 0)
        .and_then(|number| T::try_from(number).ok())
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (count, unit) = text.split_at_checked(digits)?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(count)),
        "s" => Some(Duration::from_secs(count)),
        "m" | "min" => count.checked_mul(60).map(Duration::from_secs),
        "h" => count.checked_mul(3_600).map(Duration::from_secs),
        _ => None,
    }
}
