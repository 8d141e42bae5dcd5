//! The page on which somebody approves and rejects what a plan would do. All of it works by
//! links and forms; the script only saves the page from being loaded anew for each decision.

use maud::{Markup, html};
use url::form_urlencoded;

use super::entry::what;
use super::frame::page;
use super::plan::{WRITES, person};
use super::sections::{grouped, title, word};
use super::served::SERVED;
use super::text::{Moment, Visible};
use crate::sync::plan::{Action, Entry, Plan};
use crate::sync::values;

/// Entries on one page.
const PER_PAGE: usize = 50;

/// What was decided about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Approved,
    Rejected,
}

impl State {
    pub(crate) fn of(entry: &Entry) -> Self {
        match entry.approved {
            None => Self::Open,
            Some(true) => Self::Approved,
            Some(false) => Self::Rejected,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// Which entries are looked at: a kind, a state, a text, a page of those.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) kind: Option<Action>,
    pub(crate) state: Option<State>,
    pub(crate) find: String,
    pub(crate) page: usize,
}

impl View {
    /// Reads it from an address or a form; what it does not know it leaves out.
    pub(crate) fn read(query: &[u8]) -> Self {
        let mut view = Self::default();
        for (name, value) in form_urlencoded::parse(query) {
            match &*name {
                "kind" => {
                    let mut kinds = WRITES.into_iter().chain(LEFT);
                    view.kind = kinds.find(|kind| kind.name() == value);
                }
                "state" => {
                    let states = [State::Open, State::Approved, State::Rejected];
                    view.state = states.into_iter().find(|state| state.name() == value);
                }
                "find" => view.find = value.trim().to_owned(),
                "page" => view.page = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        view
    }

    /// The address, beside the page's own.
    pub(crate) fn address(&self) -> String {
        let mut query = form_urlencoded::Serializer::new("./?".to_owned());
        for (name, value) in self.fields() {
            query.append_pair(name, &value);
        }
        query.finish()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        fields.extend(self.kind.map(|kind| ("kind", kind.name().to_owned())));
        fields.extend(self.state.map(|state| ("state", state.name().to_owned())));
        if !self.find.is_empty() {
            fields.push(("find", self.find.clone()));
        }
        if self.page > 0 {
            fields.push(("page", self.page.to_string()));
        }
        fields
    }

    /// The positions of those it shows, on all its pages.
    pub(crate) fn positions(&self, plan: &Plan) -> Vec<usize> {
        let words: Vec<String> = self
            .find
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let entries = plan.entries.iter().enumerate();
        entries
            .filter(|(_, entry)| match self.kind {
                Some(kind) => entry.action == kind,
                None => entry.action.writes(),
            })
            .filter(|(_, entry)| self.state.is_none_or(|state| State::of(entry) == state))
            .filter(|(_, entry)| {
                words.is_empty() || {
                    let text = text(entry);
                    words.iter().all(|word| text.contains(word))
                }
            })
            .map(|(position, _)| position)
            .collect()
    }
}

/// Those to whom nothing is done: to be seen, not to be decided.
const LEFT: [Action; 2] = [Action::Conflict, Action::Skipped];

/// What may be found of an entry: what is shown of it.
fn text(entry: &Entry) -> String {
    let named = [&entry.person, &entry.name, &entry.account, &entry.reason];
    let mut text: Vec<String> = named.into_iter().flatten().cloned().collect();
    for change in &entry.changes {
        text.push(change.attribute.clone());
        if !change.hidden {
            text.extend([values::shown(&change.old), values::shown(&change.new)]);
        }
    }
    text.join("\n").to_lowercase()
}

/// How much is decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Decided {
    open: u64,
    approved: u64,
    rejected: u64,
}

impl Decided {
    fn in_plan(plan: &Plan) -> Self {
        let mut decided = Self::default();
        let entries = plan.entries.iter().filter(|entry| entry.action.writes());
        for entry in entries {
            *match State::of(entry) {
                State::Open => &mut decided.open,
                State::Approved => &mut decided.approved,
                State::Rejected => &mut decided.rejected,
            } += 1;
        }
        decided
    }
}

/// The page.
pub(crate) fn review(plan: &Plan, view: &View) -> String {
    let positions = view.positions(plan);
    let last_page = positions.len().saturating_sub(1) / PER_PAGE;
    let view = View {
        page: view.page.min(last_page),
        ..view.clone()
    };
    let shown = positions.iter().skip(view.page * PER_PAGE).take(PER_PAGE);
    let decidable = view.kind.is_none_or(Action::writes);
    let body = html! {
        h1 { "Review of a plan" }
        p.tenant { (Visible(&plan.tenant)) }
        p.quiet { "Made " (Moment(&plan.made_at)) ". Nothing is done from here: what you save is carried out by whoever applies the plan." }
        (bar(plan))
        (tabs(plan, &view))
        (search(&view))
        form.list method="post" action="decide" {
            @for (name, value) in view.fields() { input type="hidden" name=(name) value=(value); }
            @if positions.is_empty() { p { "Nobody here." } }
            @if decidable && positions.len() > 1 { (all_of_these(positions.len(), &view)) }
            ul.entries {
                @for position in shown {
                    @if let Some(entry) = plan.entries.get(*position) { (card(*position, entry, &view)) }
                }
            }
        }
        (pages(&view, positions.len(), last_page))
    };
    page(SERVED, &format!("Review: {}", plan.tenant), &body)
}

fn bar(plan: &Plan) -> Markup {
    let Decided {
        open,
        approved,
        rejected,
    } = Decided::in_plan(plan);
    html! {
        form.bar method="post" action="save" {
            span #decided {
                strong { (grouped(approved)) " approved, " (grouped(rejected)) " rejected" }
                @if open > 0 {
                    ", " (grouped(open)) " open" @if approved + rejected > 0 { ": those would be left as they are" }
                }
            }
            button.primary disabled[approved + rejected == 0] { "Save and finish" }
        }
    }
}

fn tabs(plan: &Plan, view: &View) -> Markup {
    let link = |kind: Option<Action>, name: &str, count: u64| {
        let to = View {
            kind,
            ..View::default()
        };
        html! {
            a href=(to.address()) aria-current=[(view.kind == kind).then_some("page")] { (name) " " (grouped(count)) }
        }
    };
    let count = |kind: Action| {
        plan.entries
            .iter()
            .filter(|entry| entry.action == kind)
            .count() as u64
    };
    let all: u64 = WRITES.into_iter().map(count).sum();
    html! {
        nav.tabs aria-label="Kinds of changes" {
            (link(None, "All changes", all))
            @for kind in WRITES.into_iter().chain(LEFT) {
                @if count(kind) > 0 { (link(Some(kind), title(kind), count(kind))) }
            }
        }
    }
}

fn search(view: &View) -> Markup {
    html! {
        form.tools method="get" action="./" role="search" {
            @if let Some(kind) = view.kind { input type="hidden" name="kind" value=(kind.name()); }
            label { "Find " input type="search" name="find" value=(view.find) placeholder="a name, a number, a value"; }
            @if view.kind.is_none_or(Action::writes) {
                label { "Show " select name="state" {
                    option value="" { "all" }
                    @for (state, name) in [(State::Open, "open"), (State::Approved, "approved"), (State::Rejected, "rejected")] {
                        option value=(state.name()) selected[view.state == Some(state)] { (name) }
                    }
                } }
            }
            button { "Show" }
        }
    }
}

fn all_of_these(count: usize, view: &View) -> Markup {
    let what = view.kind.map_or("changes", word);
    let count = grouped(count as u64);
    html! {
        div.tools {
            button name="all" value="approve" { "Approve all " (count) " " (what) }
            button name="all" value="reject" { "Reject all " (count) " " (what) }
            button name="all" value="open" { "Take back" }
        }
    }
}

fn card(position: usize, entry: &Entry, view: &View) -> Markup {
    let state = State::of(entry);
    html! {
        li.{ "state-" (state.name()) } id={ "e" (position) } {
            div {
                (person(entry))
                @if view.kind.is_none() { small { (word(entry.action)) } }
            }
            (what(entry))
            @if entry.action.writes() {
                div.decide {
                    button name="approve" value=(position) disabled[state == State::Approved] { "Approve" }
                    button name="reject" value=(position) disabled[state == State::Rejected] { "Reject" }
                    p.verdict role="status" { @if state != State::Open { (state.name()) } }
                    button name="open" value=(position) hidden[state == State::Open] { "Take back" }
                }
            }
        }
    }
}

fn pages(view: &View, count: usize, last: usize) -> Markup {
    let to = |page: usize| {
        View {
            page,
            ..view.clone()
        }
        .address()
    };
    html! {
        @if last > 0 {
            nav.tools aria-label="Pages" {
                @if view.page > 0 { a href=(to(view.page - 1)) rel="prev" { "← before" } }
                span { (view.page * PER_PAGE + 1) "–" (count.min((view.page + 1) * PER_PAGE)) " of " (grouped(count as u64)) }
                @if view.page < last { a href=(to(view.page + 1)) rel="next" { "next →" } }
            }
        }
    }
}

/// What is shown once it is saved; the program has ended by then.
pub(crate) fn saved(plan: &Plan, command: &str) -> String {
    let Decided {
        open,
        approved,
        rejected,
    } = Decided::in_plan(plan);
    let body = html! {
        h1 { "Saved" }
        p.good {
            strong { (grouped(approved)) " approved, " (grouped(rejected)) " rejected" }
            @if open > 0 { ", " (grouped(open)) " open: those are left as they are" }
            "."
        }
        p { "To carry it out, with the same roster and rules:" }
        pre { (Visible(command)) }
        p.quiet { "The review has ended; this page can be closed. To decide otherwise, review the plan again." }
    };
    page(SERVED, "Saved", &body)
}
