//! How URLs are spelled: what a parser would quietly repair, and what two programs could
//! read in two ways. Both are refused, since the policy reads a URL in one way and the
//! upstream may read it in the other.

use crate::sandbox::is_wild;

/// What a URL parser would quietly repair in a URL that a person typed.
pub(super) fn spelling_problem(typed: &str) -> Option<(&'static str, String)> {
    if typed.is_empty() {
        return Some(("missing", "is empty.".to_owned()));
    }
    if typed.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some((
            "invalid-url",
            "holds a blank or a control character.".to_owned(),
        ));
    }
    let after_scheme = typed.split_once("://").map_or(typed, |(_, rest)| rest);
    let host = after_scheme
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default();
    if !host.is_ascii() {
        return Some((
            "host-not-ascii",
            format!(
                "the host `{}` holds characters that are not ASCII; write it as xn--….",
                shown(host)
            ),
        ));
    }
    if !typed.is_ascii() {
        return Some((
            "invalid-url",
            "holds characters that are not ASCII; write them percent-encoded.".to_owned(),
        ));
    }
    if typed.contains('\\') {
        return Some(("invalid-url", "holds a backslash; write `/`.".to_owned()));
    }
    let path = after_scheme.find('/').and_then(|at| after_scheme.get(at..));
    // Looked at before parsing, since parsing resolves dots.
    if let Some(path) = path
        && let Err(what) = path_segments(path.split(['?', '#']).next().unwrap_or_default())
    {
        return Some(("ambiguous-path", format!("the path {what}.")));
    }
    None
}

/// The segments of a path, without the empty one after a slash at the end; or why the
/// path can be read in two ways.
pub(super) fn path_segments(path: &str) -> Result<Vec<&str>, &'static str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let mut segments: Vec<&str> = path.split('/').collect();
    if segments.last().is_some_and(|last| last.is_empty()) {
        segments.pop();
    }
    for segment in &segments {
        if segment.is_empty() {
            return Err("has two slashes in a row");
        }
        // Some servers take off what follows a `;` before they look for dots.
        if matches!(segment.split(';').next(), Some("." | "..")) {
            return Err("has a `.` or `..` segment");
        }
        let mut decoded = Vec::with_capacity(segment.len());
        let mut rest = *segment;
        while let Some((before, after)) = rest.split_once('%') {
            let Some(code) = after
                .get(..2)
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            else {
                return Err("has a `%` that encodes nothing");
            };
            rest = after.get(2..).unwrap_or_default();
            let doubled = code == b'%'
                && ["2e", "2f", "5c"].iter().any(|hidden| {
                    rest.get(..2)
                        .is_some_and(|r| r.eq_ignore_ascii_case(hidden))
                });
            if matches!(code, b'/' | b'\\' | b'.') || doubled {
                return Err("has an encoded slash, backslash or dot");
            }
            if code.is_ascii_control() {
                return Err("has an encoded control character");
            }
            decoded.extend_from_slice(before.as_bytes());
            decoded.push(code);
        }
        // A slash or a dot in more bytes than it needs is one to lenient servers.
        if std::str::from_utf8(&decoded).is_err() {
            return Err("has encoded bytes that are no UTF-8");
        }
    }
    Ok(segments)
}

/// A piece of outside text, short and on one line, for a message.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(200)
        .map(|c| if is_wild(c) { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(200).is_some() {
        short.push('…');
    }
    short
}
