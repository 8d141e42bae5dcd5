//! Plan and report as people read them.

use std::collections::BTreeMap;

use crate::cli::output::{printable, prose_table, shown, wrapped};
use crate::sync::plan::Left;
use crate::sync::plan::{Action, AttributeChange, Entry, NoticeGroup, Plan};
use crate::sync::report::{Report, Resolved};

/// So many rows of a kind say what there is to say; the rest is counted.
const MOST_ROWS: usize = 40;

pub(super) fn plan(plan: &Plan, resolved: &[Resolved]) -> String {
    let counts = &plan.counts;
    let mut text = String::new();
    text.push_str(&open_writes(resolved));
    text.push_str(&format!(
        "Plan for {}: {} rows\n  create {}  update {}  reactivate {}  deactivate {}  nothing {}  \
         skipped {}  conflicts {}\n",
        printable(&plan.tenant),
        counts.rows,
        counts.create,
        counts.update,
        counts.reactivate,
        counts.deactivate,
        counts.nothing,
        counts.skipped,
        counts.conflict,
    ));
    for action in [
        Action::Create,
        Action::Update,
        Action::Reactivate,
        Action::Deactivate,
        Action::Conflict,
    ] {
        let of_kind: Vec<&Entry> = plan
            .entries
            .iter()
            .filter(|entry| entry.action == action)
            .collect();
        text.push_str(&entries(action, &of_kind));
    }
    let skips = plan.entries.iter();
    let skips = skips.filter(|entry| entry.action == Action::Skipped);
    text.push_str(&skipped(
        skips.map(|entry| entry.reason.as_deref().unwrap_or_default()),
    ));
    let mut groups = plan.notices.clone();
    for entry in &plan.entries {
        for notice in &entry.notices {
            NoticeGroup::add(&mut groups, notice, entry.who());
        }
    }
    text.push_str(&notices(&groups));
    text
}

fn entries(action: Action, entries: &[&Entry]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut table = prose_table(&[action.name(), "name", "what"]);
    for entry in entries.iter().take(MOST_ROWS) {
        table.add_row(vec![
            printable(&who(entry.person.as_deref(), entry.line)),
            printable(entry.name.as_deref().unwrap_or("")),
            printable(&what(entry)),
        ]);
    }
    format!("\n{}{}", shown(&table), more(entries.len()))
}

fn who(person: Option<&str>, line: Option<u64>) -> String {
    match (person, line) {
        (Some(person), _) => person.to_owned(),
        (None, Some(line)) => format!("line {line}"),
        (None, None) => "–".to_owned(),
    }
}

fn what(entry: &Entry) -> String {
    let reason = entry.reason.as_deref().unwrap_or_default();
    match entry.action {
        Action::Update | Action::Reactivate if !entry.changes.is_empty() => {
            let changes: Vec<_> = entry.changes.iter().map(change).collect();
            changes.join(", ")
        }
        Action::Conflict => match entry.line {
            Some(line) => format!("{reason} (line {line})"),
            None => reason.to_owned(),
        },
        _ => reason.to_owned(),
    }
}

fn change(change: &AttributeChange) -> String {
    let shown = |values: &[crate::contract::Value]| match values {
        [] => "–".to_owned(),
        _ if change.hidden => "[hidden]".to_owned(),
        values => crate::cli::output::joined(values),
    };
    format!(
        "{}: {} → {}",
        change.attribute,
        shown(&change.old),
        shown(&change.new)
    )
}

/// Reasons why people are skipped, the most frequent first.
fn skipped<'a>(reasons: impl Iterator<Item = &'a str>) -> String {
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in reasons {
        *counted.entry(reason).or_default() += 1;
    }
    if counted.is_empty() {
        return String::new();
    }
    let mut counted: Vec<_> = counted.into_iter().collect();
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut text = "\nSkipped:\n".to_owned();
    for (reason, count) in counted.iter().take(MOST_ROWS) {
        text.push_str(&wrapped(
            &format!("  {count}  "),
            "     ",
            &printable(reason),
        ));
    }
    text
}

fn notices(groups: &[NoticeGroup]) -> String {
    let mut text = String::new();
    for group in groups {
        let attribute = group.attribute.as_ref().map(|name| format!(" ({name})"));
        let first = format!(
            "note {}{}, {}: ",
            group.code,
            attribute.unwrap_or_default(),
            group.count
        );
        text.push_str(&wrapped(&first, "     ", &printable(&group.message)));
        let named = group.people.join(", ");
        let rest = group.count - group.people.len() as u64;
        let rest = if rest == 0 {
            String::new()
        } else {
            format!(" and {rest} more")
        };
        text.push_str(&wrapped(
            "     ",
            "     ",
            &printable(&format!("{named}{rest}")),
        ));
    }
    if text.is_empty() {
        text
    } else {
        format!("\n{text}")
    }
}

fn open_writes(resolved: &[Resolved]) -> String {
    if resolved.is_empty() {
        return String::new();
    }
    let mut table = prose_table(&["open from before", "was to", "and was"]);
    for one in resolved.iter().take(MOST_ROWS) {
        let done = match one.done {
            Some(true) => "done",
            Some(false) => "not done",
            None => "not known",
        };
        table.add_row(vec![
            printable(&one.who),
            one.action.clone(),
            format!("{done}: {}", printable(&one.detail)),
        ]);
    }
    format!("{}{}\n", shown(&table), more(resolved.len()))
}

pub(super) fn report(report: &Report) -> String {
    let counts = &report.counts;
    let mut text = String::new();
    let mut failures = prose_table(&["failed", "was to", "why", "what to do"]);
    for failed in report.failures.iter().take(MOST_ROWS) {
        failures.add_row(vec![
            printable(&failed.left.who()),
            failed.left.action.name().to_owned(),
            printable(&failed.left.reason),
            failed.advice.to_owned(),
        ]);
    }
    if !report.failures.is_empty() {
        text.push_str(&shown(&failures));
        text.push_str(&more(report.failures.len()));
    }
    text.push_str(&left("conflict", &report.conflicts));
    text.push_str(&left("moved", &report.moved));
    text.push_str(&left("rejected", &report.rejected));
    text.push_str(&left("not begun", &report.not_begun));
    text.push_str(&notices(&report.notices));
    text.push_str(&format!(
        "\n{} people: {} unchanged, {} created, {} updated, {} reactivated, {} deactivated, {} \
         skipped, {} conflicts, {} failed",
        counts.total,
        counts.unchanged,
        counts.created,
        counts.updated,
        counts.reactivated,
        counts.deactivated,
        counts.skipped,
        counts.conflicts,
        counts.failed,
    ));
    for (count, what) in [
        (counts.moved, "moved since the plan"),
        (counts.rejected, "rejected"),
        (counts.not_begun, "not begun"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}

fn left(title: &str, left: &[Left]) -> String {
    if left.is_empty() {
        return String::new();
    }
    let mut table = prose_table(&[title, "name", "why"]);
    for one in left.iter().take(MOST_ROWS) {
        let line = one.line.map(|line| format!(" (line {line})"));
        table.add_row(vec![
            printable(&one.who()),
            printable(one.name.as_deref().unwrap_or("")),
            printable(&format!("{}{}", one.reason, line.unwrap_or_default())),
        ]);
    }
    format!("\n{}{}", shown(&table), more(left.len()))
}

fn more(count: usize) -> String {
    match count.checked_sub(MOST_ROWS) {
        None | Some(0) => String::new(),
        Some(more) => format!("… and {more} more; --json and --plan FILE name them all\n"),
    }
}
