//! A plan as a page.

use maud::{Markup, html};

use super::entry::{what, who};
use super::frame::{FILE, page};
use super::sections::{blocks, filter, notices, reasons, section, tiles, title, word};
use super::text::{Moment, Visible};
use crate::sync::plan::{Action, Entry, NoticeGroup, Plan};

/// In the order in which they are of interest: what cannot be taken back easily comes first.
pub(super) const WRITES: [Action; 4] = [
    Action::Deactivate,
    Action::Create,
    Action::Reactivate,
    Action::Update,
];

/// The plan, for somebody who is to agree to it.
pub(crate) fn plan(plan: &Plan) -> String {
    let body = html! {
        (heading(plan))
        (counts(plan))
        (filter())
        @for action in [Action::Conflict].into_iter().chain(WRITES).chain([Action::Skipped]) {
            (kind(plan, action))
        }
        (notices(&all_notices(plan)))
        (provenance(plan))
    };
    page(FILE, &format!("Plan for {}", plan.tenant), &body)
}

fn heading(plan: &Plan) -> Markup {
    let writes = plan.counts.writes();
    html! {
        header {
            h1 { "Plan" }
            p.tenant { (Visible(&plan.tenant)) }
            p.quiet { "Made " (Moment(&plan.made_at)) ", from " (plan.counts.rows) " rows. Nothing has been done yet." }
            @if writes == 0 { p { strong { "Nothing is to be changed." } } }
            @if plan.counts.bad_rows > 0 {
                p.alert {
                    strong { (plan.counts.bad_rows) } " of the rows cannot be read. Nothing is done \
                    to whomever they are about."
                }
            }
        }
    }
}

fn counts(plan: &Plan) -> Markup {
    let counts = &plan.counts;
    let tile = |count, action: Action| (count, word(action), action.name());
    tiles(&[
        tile(counts.create, Action::Create),
        tile(counts.update, Action::Update),
        tile(counts.reactivate, Action::Reactivate),
        tile(counts.deactivate, Action::Deactivate),
        tile(counts.conflict, Action::Conflict),
        tile(counts.skipped, Action::Skipped),
        tile(counts.nothing, Action::Nothing),
    ])
}

fn kind(plan: &Plan, action: Action) -> Markup {
    let of_kind: Vec<&Entry> = plan
        .entries
        .iter()
        .filter(|entry| entry.action == action)
        .collect();
    let about = match action {
        Action::Conflict => "Nothing is done to them until somebody has looked.",
        Action::Skipped => "Nothing is done to them, as the rules or the command say.",
        Action::Deactivate => "They can no longer use it. Nothing is deleted.",
        _ => "",
    };
    let list = html! {
        @if !action.writes() {
            (reasons(of_kind.iter().filter_map(|entry| entry.reason.as_deref())))
        }
        (blocks(&of_kind, |entry| entry.who().to_owned(), |entry| card(entry)))
    };
    section(action.name(), title(action), about, of_kind.len(), &list)
}

fn card(entry: &Entry) -> Markup {
    html! {
        (person(entry))
        (what(entry))
        @match entry.approved {
            Some(true) => p.verdict.approved { "approved" },
            Some(false) => p.verdict.rejected { "rejected" },
            None => {},
        }
    }
}

pub(super) fn person(entry: &Entry) -> Markup {
    who(
        entry.person.as_deref(),
        entry.name.as_deref(),
        entry.account.as_deref(),
        entry.line,
    )
}

/// The plan's own and those of its entries.
fn all_notices(plan: &Plan) -> Vec<NoticeGroup> {
    let mut groups = plan.notices.clone();
    for entry in &plan.entries {
        for notice in &entry.notices {
            NoticeGroup::add(&mut groups, notice, entry.who());
        }
    }
    groups
}

fn provenance(plan: &Plan) -> Markup {
    html! {
        footer {
            dl {
                div { dt { "Roster, SHA-256" } dd { code { (Visible(&plan.roster)) } } }
                div { dt { "Rules, SHA-256" } dd { code { (Visible(&plan.rules)) } } }
            }
        }
    }
}
