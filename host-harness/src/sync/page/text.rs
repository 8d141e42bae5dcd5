//! Text from outside, so that what is read is what is there.

use maud::{Markup, Render, html};

use crate::contract::Value;
use crate::text::is_unseen;

/// Text in which whatever has no shape of its own is shown by its number: control characters,
/// those that turn the reading direction, those without width. Around it the direction is
/// kept apart, so that a Hebrew name does not turn its neighbours around.
pub(super) struct Visible<'a>(pub(super) &'a str);

impl Render for Visible<'_> {
    fn render(&self) -> Markup {
        html! {
            bdi { @for part in self.0.split_inclusive(is_unseen) { (Part(part)) } }
        }
    }
}

/// Text that ends with an unseen character, or has none.
struct Part<'a>(&'a str);

impl Render for Part<'_> {
    fn render(&self) -> Markup {
        let (seen, unseen) = match self.0.char_indices().next_back() {
            Some((at, last)) if is_unseen(last) => {
                (self.0.get(..at).unwrap_or_default(), Some(last))
            }
            _ => (self.0, None),
        };
        html! {
            (seen)
            @if let Some(unseen) = unseen {
                span.unseen title="a character that cannot be seen" { (format!("U+{:04X}", u32::from(unseen))) }
            }
        }
    }
}

/// A moment as people write it, to the minute; the text itself where it is none.
pub(super) struct Moment<'a>(pub(super) &'a str);

impl Render for Moment<'_> {
    fn render(&self) -> Markup {
        let moment = self.0.parse::<jiff::Timestamp>();
        html! {
            @match moment {
                Ok(moment) => time datetime=(self.0) { (moment.strftime("%-d %B %Y, %H:%M UTC").to_string()) },
                Err(_) => (Visible(self.0)),
            }
        }
    }
}

/// An attribute's values; a dash where there are none.
pub(super) struct Values<'a>(pub(super) &'a [Value]);

impl Render for Values<'_> {
    fn render(&self) -> Markup {
        html! {
            @if self.0.is_empty() { span.none { "–" } }
            @for (position, value) in self.0.iter().enumerate() {
                @if position > 0 { ", " }
                span.value { @match value {
                    Value::Text(text) if text.is_empty() => "“”",
                    Value::Text(text) => (Visible(text)),
                    Value::Boolean(true) => "yes",
                    Value::Boolean(false) => "no",
                    Value::Integer(number) => (number),
                } }
            }
        }
    }
}
