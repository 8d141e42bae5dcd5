//! How URLs are spelled: what a parser would quietly repair, and what two programs could
//! read in two ways. Both are refused, since the policy reads a URL in one way and the
//! upstream may read it in the other.

use crate::text::is_wild;

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
        readings(segment)?;
    }
    Ok(segments)
}

/// How often a segment is decoded at most. A proxy, a framework and an application that each decode
/// once more than the one before are three.
const MOST_DECODINGS: usize = 4;

/// Reads a segment as servers may read it, decoded once, twice and so on, until nothing changes.
fn readings(segment: &str) -> Result<(), &'static str> {
    ends_in_itself(segment)?;
    let mut last = segment.to_owned();
    for count in 0..=MOST_DECODINGS {
        let Some(next) = decoded(&last, count == 0)? else {
            return Ok(());
        };
        ends_in_itself(&next)?;
        last = next;
    }
    Err("is percent-encoded too many times over")
}

/// With its escapes decoded once; `None` where it has none. What is encoded may be anything that a
/// name can hold, but nothing that a path is made of.
fn decoded(segment: &str, first: bool) -> Result<Option<String>, &'static str> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment;
    let mut any = false;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        rest = after;
        if let Some(code) = hexadecimal(after, 2) {
            match code {
                0x2e | 0x2f | 0x5c => return Err("has an encoded slash, backslash or dot"),
                0..=0x1f | 0x7f => return Err("has an encoded control character"),
                _ => {}
            }
            bytes.push(u8::try_from(code).unwrap_or_default());
            rest = after.get(2..).unwrap_or_default();
            any = true;
        } else if first {
            return Err("has a `%` that encodes nothing");
        } else if after.starts_with(['u', 'U'])
            && hexadecimal(after.get(1..).unwrap_or(""), 4).is_some()
        {
            // IIS reads it as the character.
            return Err("has an encoded character in a spelling that few servers know");
        } else {
            bytes.push(b'%');
        }
    }
    if !any {
        return Ok(None);
    }
    bytes.extend_from_slice(rest.as_bytes());
    // A slash or a dot in more bytes than it needs is one to lenient servers.
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err("has encoded bytes that are not UTF-8"),
    }
}

/// The number that a text's first digits are.
fn hexadecimal(text: &str, digits: usize) -> Option<u32> {
    let digits = text.get(..digits)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all.then(|| u32::from_str_radix(digits, 16).ok())?
}

/// Whether a segment is one name to every server: it holds nothing that one of them takes for a
/// slash, and is not `.` or `..`, also where something is cut off first.
fn ends_in_itself(segment: &str) -> Result<(), &'static str> {
    if segment.chars().any(is_slash) {
        return Err("holds what some servers read as a slash or backslash");
    }
    if segment.chars().any(char::is_control) {
        return Err("has an encoded control character");
    }
    let seen = |name: &str| -> Vec<char> {
        let kept = name.chars().filter(|c| !is_unseen(*c));
        kept.map(as_ascii).collect()
    };
    let name = seen(segment);
    if name.iter().all(|c| c.is_whitespace()) || name.first() == Some(&';') {
        return Err("has a segment without a name");
    }
    // Tomcat cuts off what follows a `;`, Windows what follows a `:`, and a server that decodes too
    // early what follows `?` or `#`.
    let cut = name.split(|c| matches!(c, ';' | ':' | '?' | '#' | ',' | '&'));
    // Windows takes off dots and blanks at the end; forms write a blank as `+`.
    let vanishes = |c: &char| matches!(c, '.' | '+') || c.is_whitespace();
    let mut dots = cut.map(|part| part.contains(&'.') && part.iter().all(vanishes));
    if dots.any(|dots| dots) {
        return Err("has a `.` or `..` segment");
    }
    Ok(())
}

/// What is a slash or a backslash to software that folds characters that look alike, or that writes
/// them in an older encoding.
fn is_slash(c: char) -> bool {
    matches!(
        c,
        '/' | '\\'
            // Fraction, division, big, fullwidth and small ones.
            | '\u{2044}' | '\u{2215}' | '\u{2216}' | '\u{29f5}' | '\u{29f8}' | '\u{29f9}'
            | '\u{ff0f}' | '\u{ff3c}' | '\u{fe68}' | '\u{2571}' | '\u{2572}'
            // Letters joined by one.
            | '\u{2100}' | '\u{2101}' | '\u{2105}' | '\u{2106}'
            // Yen and won, which stand where ASCII has the backslash.
            | '\u{a5}' | '\u{20a9}' | '\u{ffe5}' | '\u{ffe6}'
    )
}

/// The ASCII character that some servers make of it, of those that matter in a path.
fn as_ascii(c: char) -> char {
    match c {
        '\u{ff0e}' | '\u{fe52}' | '\u{2024}' | '\u{2025}' | '\u{2026}' | '\u{fe19}'
        | '\u{fe30}' | '\u{3002}' | '\u{ff61}' | '\u{fe12}' | '\u{b7}' | '\u{22c5}' => '.',
        '\u{ff1b}' | '\u{fe14}' | '\u{fe54}' | '\u{37e}' => ';',
        '\u{ff1a}' | '\u{fe13}' | '\u{fe55}' => ':',
        '\u{ff1f}' | '\u{fe16}' | '\u{fe56}' => '?',
        '\u{ff03}' | '\u{fe5f}' => '#',
        other => other,
    }
}

/// What is dropped by software that cleans up names.
fn is_unseen(c: char) -> bool {
    is_wild(c)
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
                | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
                | '\u{e0000}'..='\u{e0fff}'
        )
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
