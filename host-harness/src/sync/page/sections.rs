//! What pages are made of: counts, lists that stay usable however long they are, notices.

use std::collections::HashMap;

use maud::{Markup, html};

use super::text::Visible;
use crate::sync::plan::{Action, NoticeGroup};

/// So many entries are shown at once. Of a longer list each block is closed at first: what is
/// closed is not laid out.
const BLOCK: usize = 100;

/// So many reasons are counted above a list.
const MOST_REASONS: usize = 8;

/// A kind of entries, as a manager would say it.
pub(super) fn title(action: Action) -> &'static str {
    match action {
        Action::Create => "New accounts",
        Action::Update => "Changed accounts",
        Action::Reactivate => "Accounts switched on again",
        Action::Deactivate => "Accounts switched off",
        Action::Nothing => "Unchanged",
        Action::Skipped => "Left alone",
        Action::Conflict => "Somebody has to look",
    }
}

/// The word for what is done, for a tile or a button.
pub(super) fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "new",
        Action::Update => "changed",
        Action::Reactivate => "on again",
        Action::Deactivate => "switched off",
        Action::Nothing => "unchanged",
        Action::Skipped => "left alone",
        Action::Conflict => "to look at",
    }
}

/// Numbers with their words; those that are nought are pale.
pub(super) fn tiles(tiles: &[(u64, &str, &str)]) -> Markup {
    html! {
        ul.tiles {
            @for (count, word, class) in tiles {
                li.(class).nought[*count == 0] { strong { (grouped(*count)) } span { (word) } }
            }
        }
    }
}

/// `12 345`, with a space that does not break.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Whoever is in a list, in blocks.
pub(super) fn blocks<T>(
    all: &[T],
    who: impl Fn(&T) -> String,
    card: impl Fn(&T) -> Markup,
) -> Markup {
    let list = |some: &[T]| html! { ul.entries { @for one in some { li { (card(one)) } } } };
    html! {
        @if all.len() <= BLOCK {
            (list(all))
        } @else {
            @for (number, block) in all.chunks(BLOCK).enumerate() {
                details {
                    summary {
                        (number * BLOCK + 1) "–" (number * BLOCK + block.len()) ": "
                        @if let Some(first) = block.first() { (Visible(&who(first))) }
                        " … "
                        @if let Some(last) = block.last() { (Visible(&who(last))) }
                    }
                    (list(block))
                }
            }
        }
    }
}

/// A list under a title; nothing where there is nobody.
pub(super) fn section(id: &str, title: &str, about: &str, count: usize, list: &Markup) -> Markup {
    html! {
        @if count > 0 {
            section id=(id) {
                h2 { (title) " " span.count { (grouped(count as u64)) } }
                @if !about.is_empty() { p.quiet { (about) } }
                (list)
            }
        }
    }
}

/// How often each reason is given, where some are given more than once.
pub(super) fn reasons<'a>(reasons: impl Iterator<Item = &'a str>) -> Markup {
    let (mut counted, mut all) = (HashMap::<&str, u64>::new(), 0_u64);
    for reason in reasons {
        *counted.entry(reason).or_default() += 1;
        all += 1;
    }
    let different = counted.len() as u64;
    let mut counted: Vec<_> = counted.into_iter().collect();
    counted.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    html! {
        @if all > different {
            ul.reasons {
                @for (reason, count) in counted.iter().take(MOST_REASONS) {
                    li { strong { (grouped(*count)) } " " (Visible(reason)) }
                }
                @if counted.len() > MOST_REASONS {
                    li.quiet { "and " (counted.len() - MOST_REASONS) " further reasons, below" }
                }
            }
        }
    }
}

/// Notices, each with whom it is about.
pub(super) fn notices(groups: &[NoticeGroup]) -> Markup {
    let list = html! {
        ul.entries {
            @for group in groups {
                li {
                    div.who {
                        strong { (grouped(group.count)) @if group.count == 1 { " person" } @else { " people" } }
                        @if let Some(attribute) = &group.attribute { span { (Visible(attribute)) } }
                        small { (Visible(&group.code)) }
                    }
                    div.what {
                        p { (Visible(&group.message)) }
                        details {
                            summary { "Who" }
                            p {
                                @for (position, person) in group.people.iter().enumerate() {
                                    @if position > 0 { ", " }
                                    (Visible(person))
                                }
                                @let more = group.count.saturating_sub(group.people.len() as u64);
                                @if more > 0 { " and " (grouped(more)) " more" }
                            }
                        }
                    }
                }
            }
        }
    };
    section("notices", "Worth knowing", "", groups.len(), &list)
}

/// A field that narrows the lists, for a page whose script can. Shown by the script.
pub(super) fn filter() -> Markup {
    html! {
        p.filter hidden {
            label { "Find " input type="search" placeholder="a name, a number, a value"; }
            " " output {}
        }
    }
}
