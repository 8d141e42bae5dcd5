//! Bodies as text that people read and edit, from which the same bytes come back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Columns of base64.
const COLUMNS: usize = 76;

/// A body, as it stands in a file: its kind, and the text after the line that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Laid {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// Lays a body out. `reserved` is how no line of a text may begin, since the file has a meaning
/// for it.
pub(super) fn lay_out(body: &[u8], reserved: &[&str]) -> Laid {
    let laid = |kind, text| Laid { kind, text };
    if body.is_empty() {
        return laid("empty", String::new());
    }
    let text = std::str::from_utf8(body).ok().filter(|text| {
        !text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
    });
    match text {
        Some(text) if is_compact_json(text) => laid("json", spread(text)),
        Some(text) if !text.split('\n').any(|line| begins_with_any(line, reserved)) => {
            laid("text", text.to_owned())
        }
        _ => {
            let encoded = BASE64.encode(body);
            let lines = encoded.as_bytes().chunks(COLUMNS);
            let lines = lines.map(String::from_utf8_lossy).collect::<Vec<_>>();
            laid("base64", lines.join("\n"))
        }
    }
}

/// The bytes of a body of this kind, or what is wrong with it.
pub(super) fn bytes(kind: &str, text: &str) -> Result<Vec<u8>, String> {
    match kind {
        "empty" if text.trim().is_empty() => Ok(Vec::new()),
        "empty" => Err("`= empty` is followed by a body".to_owned()),
        "text" => Ok(text.as_bytes().to_vec()),
        "json" => {
            let compact = compact(text);
            serde_json::from_str::<serde_json::Value>(&compact)
                .map_err(|error| format!("the body is no JSON: {error}"))?;
            Ok(compact.into_bytes())
        }
        "base64" => {
            let text: String = text.split_whitespace().collect();
            BASE64
                .decode(text)
                .map_err(|error| format!("the body is no base64: {error}"))
        }
        other => Err(format!(
            "`= {other}` is no kind of body; there are json, text, base64 and empty"
        )),
    }
}

fn begins_with_any(line: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|with| line.starts_with(with))
}

/// Whether it is JSON that has no blanks but in its texts, so that [`compact`] gives it back.
fn is_compact_json(text: &str) -> bool {
    text.starts_with(['{', '['])
        && compact(text) == text
        && serde_json::from_str::<serde_json::Value>(text).is_ok()
}

/// JSON without the blanks outside its texts; order, doubles and the spelling of numbers stay.
fn compact(text: &str) -> String {
    let mut strings = Strings::default();
    let kept = |c: &char| strings.holds(*c) || !matches!(c, ' ' | '\t' | '\r' | '\n');
    text.chars().filter(kept).collect()
}

/// Compact JSON over several lines.
fn spread(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut strings, mut depth) = (Strings::default(), 0_usize);
    let mut characters = text.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(c) = characters.next() {
        if strings.holds(c) {
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if matches!(characters.peek(), Some('}' | ']')) {
                    out.extend(characters.next());
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => out.push(c),
        }
    }
    out
}

/// Follows JSON's texts, character by character.
#[derive(Default)]
struct Strings {
    inside: bool,
    escaped: bool,
}

impl Strings {
    /// Whether this next character belongs to a text, its quotes included.
    fn holds(&mut self, c: char) -> bool {
        if !self.inside {
            self.inside = c == '"';
            return self.inside;
        }
        match c {
            _ if self.escaped => self.escaped = false,
            '\\' => self.escaped = true,
            '"' => self.inside = false,
            _ => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RESERVED: [&str; 2] = ["< ", "! "];

    fn kind(body: &[u8]) -> &'static str {
        let laid = lay_out(body, &RESERVED);
        assert_eq!(bytes(laid.kind, &laid.text).unwrap(), body, "{laid:?}");
        laid.kind
    }

    #[test]
    fn each_body_has_the_most_readable_form_that_gives_its_bytes_back() {
        assert_eq!(
            kind(br#"{"b":[1.0e5,{"a":"x\" : {","a":[]}],"c":{}}"#),
            "json"
        );
        assert_eq!(kind(br#"{"a": 1}"#), "text");
        assert_eq!(kind(b"{\"a\":1}\n"), "text");
        assert_eq!(kind("<html>\n\u{e4}\t\n".as_bytes()), "text");
        assert_eq!(kind(b"one\n< 200"), "base64");
        assert_eq!(kind(b"line\r\n"), "base64");
        assert_eq!(kind(&[0xff, 0, 1]), "base64");
        assert_eq!(kind(b""), "empty");
        assert_eq!(kind(b"\n"), "text");
    }

    #[test]
    fn json_is_laid_out_as_people_write_it() {
        let laid = lay_out(br#"{"a":[1,"b, c"],"d":{}}"#, &RESERVED);
        assert_eq!(
            laid.text,
            "{\n  \"a\": [\n    1,\n    \"b, c\"\n  ],\n  \"d\": {}\n}"
        );
    }

    #[test]
    fn what_an_editor_spoiled_is_told() {
        assert!(bytes("json", "{\"a\": }").unwrap_err().contains("no JSON"));
        assert!(bytes("base64", "###").unwrap_err().contains("no base64"));
        assert!(bytes("yaml", "").unwrap_err().contains("no kind of body"));
        assert!(bytes("empty", "x").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            kind(&body);
        }

        #[test]
        fn any_text_comes_back(body in "[\\PC\n<! \"{}:,\\\\\\[\\]]{0,80}") {
            kind(body.as_bytes());
        }
    }
}
