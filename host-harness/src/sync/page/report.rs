//! A report as a page.

use maud::{Markup, html};

use super::entry::who;
use super::frame::{FILE, page};
use super::sections::{blocks, filter, notices, reasons, section, tiles, word};
use super::text::{Moment, Visible};
use crate::sync::plan::Action;
use crate::sync::plan::Left;
use crate::sync::report::{Failed, Report, Resolved};

/// The report, for somebody who is to know what became of a run.
pub(crate) fn report(report: &Report) -> String {
    let body = html! {
        (heading(report))
        (counts(report))
        (filter())
        (failures(&report.failures))
        (left("conflicts", "Somebody has to look", "Nothing was done to them.", &report.conflicts))
        (left("moved", "Not as in the plan any more", "Left as they are. A new plan has them as they are now.", &report.moved))
        (left("not-begun", "Not begun", "The run was stopped before their turn.", &report.not_begun))
        (left("rejected", "Rejected in review", "", &report.rejected))
        (resolved(&report.resolved))
        (notices(&report.notices))
        (left("skipped", "Left alone", "As the rules or the command say.", &report.skipped))
    };
    page(FILE, &format!("Report for {}", report.tenant), &body)
}

fn heading(report: &Report) -> Markup {
    let trouble = report.counts.failed + report.counts.conflicts + report.counts.moved;
    html! {
        header {
            h1 { "Report" }
            p.tenant { (Visible(&report.tenant)) }
            p.quiet {
                "From " (Moment(&report.began)) " to " (Moment(&report.ended))
                @if let Some(run) = &report.run { ", run " (run.to_string()) }
            }
            @match &report.stopped {
                Some(stop) => p.alert { strong { "Stopped early. " } (Visible(&stop.message())) },
                None if trouble == 0 => p.good { strong { "Everything was done." } },
                None => p.alert {
                    strong { "Done in part. " } "What follows names everybody who needs attention."
                },
            }
        }
    }
}

fn counts(report: &Report) -> Markup {
    let counts = &report.counts;
    let always = [
        (counts.total, "in all", "total"),
        (counts.created, word(Action::Create), "create"),
        (counts.updated, word(Action::Update), "update"),
        (counts.reactivated, word(Action::Reactivate), "reactivate"),
        (counts.deactivated, word(Action::Deactivate), "deactivate"),
        (counts.unchanged, word(Action::Nothing), "nothing"),
        (counts.skipped, word(Action::Skipped), "skipped"),
        (counts.conflicts, word(Action::Conflict), "conflict"),
        (counts.failed, "failed", "failed"),
    ];
    let seldom = [
        (counts.moved, "moved", "conflict"),
        (counts.rejected, "rejected", "skipped"),
        (counts.not_begun, "not begun", "conflict"),
    ];
    let seldom = seldom.into_iter().filter(|(count, ..)| *count > 0);
    tiles(&always.into_iter().chain(seldom).collect::<Vec<_>>())
}

fn failures(failures: &[Failed]) -> Markup {
    let list = html! {
        (reasons(failures.iter().map(|failed| failed.advice)))
        (blocks(failures, |failed| failed.left.who(), |failed| html! {
            (person(&failed.left))
            div.what {
                p.quiet { "was to be: " (word(failed.left.action)) " · " (failed.kind) }
                p { (Visible(&failed.left.reason)) }
                p.advice { (failed.advice) }
            }
        }))
    };
    section("failed", "Failed", "", failures.len(), &list)
}

fn left(id: &str, title: &str, about: &str, left: &[Left]) -> Markup {
    let list = html! {
        (reasons(left.iter().map(|one| one.reason.as_str())))
        (blocks(left, Left::who, |one| html! {
            (person(one))
            div.what {
                @if one.action.writes() { p.quiet { "was to be: " (word(one.action)) } }
                p { (Visible(&one.reason)) }
            }
        }))
    };
    section(id, title, about, left.len(), &list)
}

fn person(left: &Left) -> Markup {
    who(
        left.person.as_deref(),
        left.name.as_deref(),
        left.account.as_deref(),
        left.line,
    )
}

fn resolved(resolved: &[Resolved]) -> Markup {
    let list = blocks(
        resolved,
        |one| one.who.clone(),
        |one| {
            html! {
                div.who {
                    strong { (Visible(&one.who)) }
                    small { (Visible(&one.action)) }
                }
                div.what {
                    p { strong { @match one.done {
                        Some(true) => "done",
                        Some(false) => "not done",
                        None => "not known",
                    } } }
                    p { (Visible(&one.detail)) }
                }
            }
        },
    );
    let about = "An earlier run was stopped while it wrote. This one looked what became of that.";
    section("resolved", "Open from before", about, resolved.len(), &list)
}
