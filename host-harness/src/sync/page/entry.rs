//! One person's entry in a plan.

use maud::{Markup, html};

use super::text::{Values, Visible};
use crate::sync::plan::{Action, AttributeChange, Entry};

/// Who it is about: the person's key, the account's name, the roster's line.
pub(super) fn who(
    person: Option<&str>,
    name: Option<&str>,
    account: Option<&str>,
    line: Option<u64>,
) -> Markup {
    let first = person.or(name).or(account);
    html! {
        div.who {
            strong { @match (first, line) {
                (Some(first), _) => (Visible(first)),
                (None, Some(line)) => { "line " (line) },
                (None, None) => "–",
            } }
            @if let Some(name) = name.filter(|name| first != Some(name)) { span { (Visible(name)) } }
            @if let Some(line) = line.filter(|_| first.is_some()) { small { "line " (line) } }
        }
    }
}

/// What would be done, and what there is to know.
pub(super) fn what(entry: &Entry) -> Markup {
    html! {
        div.what {
            @if !entry.changes.is_empty() {
                dl.changes { @for one in &entry.changes { (change(entry.action, one)) } }
            }
            @if let Some(reason) = &entry.reason { p { (Visible(reason)) } }
            @if let Some(after) = &entry.after {
                p.quiet { "After the change of " (Visible(after)) ", who gives up the name." }
            }
            @if entry.changes.is_empty() && entry.reason.is_none() {
                p.quiet { (silent(entry.action)) }
            }
            @for notice in &entry.notices { p.notice { (Visible(&notice.message)) } }
        }
    }
}

/// Where nothing else says what happens.
fn silent(action: Action) -> &'static str {
    match action {
        Action::Create => "A new account.",
        Action::Reactivate => "The account is switched on again as it is.",
        Action::Deactivate => "The account is switched off. It is not deleted.",
        _ => "",
    }
}

fn change(action: Action, change: &AttributeChange) -> Markup {
    html! {
        div {
            dt { (Visible(&change.attribute)) }
            dd {
                @if change.hidden {
                    span.none { @if action == Action::Create { "set, not shown" } @else { "changed, not shown" } }
                } @else if action == Action::Create && change.old.is_empty() {
                    ins { (Values(&change.new)) }
                } @else {
                    del { (Values(&change.old)) } " → " ins { (Values(&change.new)) }
                }
            }
        }
    }
}
