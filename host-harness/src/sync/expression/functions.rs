//! The functions that HR data needs, beside those of CEL and of its strings extension. Dates are
//! texts in the form `2026-03-01`, so that comparing them as texts compares them as days.

use std::sync::Arc;

use cel::extractors::This;
use cel::{Context, DeclarationError, ExecutionError, Value};
use jiff::Span;
use jiff::civil::Date;

/// Functions of CEL that rules may call, the strings extension's included; operators have names
/// that no function can have.
pub(super) const KNOWN: [&str; 33] = [
    "bool",
    "charAt",
    "contains",
    "date",
    "dateFrom",
    "double",
    "endsWith",
    "format",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lower",
    "lowerAscii",
    "digits",
    "orElse",
    "plusDays",
    "replace",
    "reverse",
    "size",
    "split",
    "startsWith",
    "string",
    "substring",
    "title",
    "trim",
    "uint",
    "upper",
    "upperAscii",
    "has",
    "exists",
    "all",
    "dyn",
];

/// Adds ours to a context.
pub(super) fn declare(context: &mut Context<'_, '_>) -> Result<(), DeclarationError> {
    context.add_function("lower", |This(text): This<Arc<String>>| text.to_lowercase())?;
    context.add_function("upper", |This(text): This<Arc<String>>| text.to_uppercase())?;
    context.add_function("title", |This(text): This<Arc<String>>| title(&text))?;
    context.add_function("digits", |This(text): This<Arc<String>>| digits(&text))?;
    context.add_function(
        "orElse",
        |This(value): This<Value>, other: Value| {
            if is_nothing(&value) { other } else { value }
        },
    )?;
    context.add_function("date", |This(text): This<Arc<String>>| date(&text))?;
    context.add_function(
        "dateFrom",
        |This(text): This<Arc<String>>, format: Arc<String>| date_from(&text, &format),
    )?;
    context.add_function("plusDays", |This(text): This<Arc<String>>, days: i64| {
        plus_days(&text, days)
    })
}

/// No value, as rosters spell it: a blank cell, null, an empty list.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::List(items) => items.is_empty(),
        _ => false,
    }
}

/// Each word with a capital: `ada KING-noel` is `Ada King-Noel`.
fn title(text: &str) -> String {
    let mut within = false;
    text.chars()
        .flat_map(|letter| {
            let cased: Vec<char> = if within {
                letter.to_lowercase().collect()
            } else {
                letter.to_uppercase().collect()
            };
            within = letter.is_alphanumeric() || (within && letter == '\u{2019}');
            cased
        })
        .collect()
}

/// A phone number's digits, and the plus before them.
fn digits(text: &str) -> String {
    let plus = if text.trim_start().starts_with('+') {
        "+"
    } else {
        ""
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    format!("{plus}{digits}")
}

fn failed(function: &str, message: String) -> ExecutionError {
    ExecutionError::FunctionError {
        function: function.to_owned(),
        message,
    }
}

/// A day, from a date or from the date of a time.
fn date(text: &str) -> Result<Value, ExecutionError> {
    read_date(text)
        .map(|date| date.to_string().into())
        .ok_or_else(|| failed("date", not_a_date(text)))
}

/// `dateFrom("31/12/2026", "%d/%m/%Y")`.
fn date_from(text: &str, format: &str) -> Result<Value, ExecutionError> {
    Date::strptime(format, text.trim())
        .map(|date| date.to_string().into())
        .map_err(|_| {
            let message = format!(
                "`{}` is no date of the form {}",
                shortened(text),
                shortened(format)
            );
            failed("dateFrom", message)
        })
}

fn plus_days(text: &str, days: i64) -> Result<Value, ExecutionError> {
    let day = read_date(text).ok_or_else(|| failed("plusDays", not_a_date(text)))?;
    let span = Span::new().try_days(days).ok();
    span.and_then(|span| day.checked_add(span).ok())
        .map(|date| date.to_string().into())
        .ok_or_else(|| failed("plusDays", "the day is too far away".to_owned()))
}

/// A day in the form `2026-03-01`, alone or before the time of a date-time.
pub(super) fn read_date(text: &str) -> Option<Date> {
    let text = text.trim();
    let day = text.get(..10)?;
    match text.as_bytes().get(10) {
        None | Some(b'T' | b' ') => day.parse().ok(),
        Some(_) => None,
    }
}

pub(super) fn not_a_date(text: &str) -> String {
    format!(
        "`{}` is no date of the form 2026-12-31; `dateFrom(text, \"%d/%m/%Y\")` reads others",
        shortened(text)
    )
}

/// As much of a text from a roster as belongs into a message.
pub(super) fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(60).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_their_capitals() {
        assert_eq!(title("ada KING-noel o’brien"), "Ada King-Noel O’brien");
        assert_eq!(title("élodie"), "Élodie");
    }

    #[test]
    fn dates_are_days() {
        assert_eq!(date(" 2026-03-01T09:00:00Z "), Ok("2026-03-01".into()));
        assert_eq!(date_from("31/12/2026", "%d/%m/%Y"), Ok("2026-12-31".into()));
        assert_eq!(plus_days("2024-02-28", 2), Ok("2024-03-01".into()));
        for wrong in ["", "2026-02-30", "1.3.2026", "2026-03-01x", "ééééé"] {
            assert!(date(wrong).is_err(), "{wrong}");
        }
        assert!(plus_days("2026-01-01", i64::MAX).is_err());
    }

    #[test]
    fn phone_numbers_keep_their_plus() {
        assert_eq!(digits(" +44 (20) 7946-0018"), "+442079460018");
        assert_eq!(digits("020 7946"), "0207946");
    }
}
