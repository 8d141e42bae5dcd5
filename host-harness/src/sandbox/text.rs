//! What a guest says in words, as people may see it: short, on one line, and without
//! anything that a terminal obeys. Whatever leaves the sandbox as text for people goes
//! through here, so that nobody further out has to think of it.

use std::borrow::Cow;

use crate::contract::{CheckReport, Failure, Notice};
use crate::limits::{CODE_BYTES, ID_BYTES, LOG_FIELDS, MESSAGE_BYTES, MOST_NOTICES, MOST_PROBLEMS};
use crate::text::{clean, is_unseen, is_wild, push_clean};

/// One line of log.
pub(super) fn log_line(message: &str, fields: &[(Cow<'_, str>, Cow<'_, str>)]) -> String {
    let mut line = String::new();
    push_clean(&mut line, message, MESSAGE_BYTES);
    for (name, value) in fields.iter().take(LOG_FIELDS) {
        for part in [" ", name, "=", value] {
            push_clean(&mut line, part, MESSAGE_BYTES);
        }
    }
    line
}

/// The connector's failure, fit for people.
pub(super) fn failure(mut failure: Failure) -> Failure {
    clean_in_place(&mut failure.message, MESSAGE_BYTES);
    clean_option(&mut failure.code);
    failure.problems.truncate(MOST_PROBLEMS);
    for problem in &mut failure.problems {
        clean_in_place(&mut problem.name, CODE_BYTES);
        clean_in_place(&mut problem.code, CODE_BYTES);
        clean_in_place(&mut problem.message, MESSAGE_BYTES);
    }
    // An id that was changed would be another account's.
    failure.account = failure
        .account
        .filter(|id| !id.is_empty() && id.len() <= ID_BYTES && !id.contains(is_wild));
    if let Some(upstream) = &mut failure.upstream {
        clean_option(&mut upstream.code);
        clean_option(&mut upstream.request_id);
    }
    failure
}

/// What a person should know, fit for people.
pub(super) fn notices(notices: &mut Vec<Notice>) {
    notices.truncate(MOST_NOTICES);
    for notice in notices {
        clean_in_place(&mut notice.code, CODE_BYTES);
        clean_option(&mut notice.attribute);
        clean_in_place(&mut notice.message, MESSAGE_BYTES);
    }
}

/// The report of a check, fit for people.
pub(super) fn report(mut report: CheckReport) -> CheckReport {
    clean_option(&mut report.upstream);
    notices(&mut report.notices);
    report
}

fn clean_option(text: &mut Option<String>) {
    if let Some(text) = text {
        clean_in_place(text, CODE_BYTES);
    }
}

fn clean_in_place(text: &mut String, most: usize) {
    if text.len() > most || text.contains(is_unseen) {
        *text = clean(text, most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_hold_nothing_that_a_terminal_obeys_and_are_cut() {
        let field = (
            "st\u{1b}[31matus".into(),
            "a\r\nb\u{202e}\u{200b}\u{61c}".into(),
        );
        assert_eq!(
            log_line("one\ntwo", &[field]),
            "one two st\u{fffd}[31matus=a\u{fffd} b\u{fffd}\u{fffd}\u{fffd}"
        );
        assert!(log_line(&"x".repeat(100_000), &[]).len() <= MESSAGE_BYTES);
    }
}
