//! Takes a secret out of an answer that echoes it, before the guest sees the answer.
//!
//! Recognised are the forms in which software echoes a header or a URL: as it is,
//! percent-encoded, JSON-escaped, and base64 (alone, and as the whole header value). An
//! upstream that encodes it in some other way (hexadecimal, reversed) is not recognised.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use memchr::memmem;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::contract::Header;
use crate::mitigation::Mitigation;

const REDACTED: &[u8] = b"[redacted]";

/// Shorter secrets are searched for only as they are: their encoded forms would match
/// ordinary text.
const SHORTEST_ENCODED: usize = 4;

/// The forms of the secrets of one request.
#[derive(Default)]
pub(crate) struct Scrubber {
    forms: Vec<Zeroizing<Vec<u8>>>,
}

impl Scrubber {
    /// Looks for this secret too. `placed` is the header value or parameter it was put into.
    pub(crate) fn add(&mut self, secret: &SecretString, placed: Option<&[u8]>) {
        let plain = secret.expose_secret().as_bytes();
        self.add_forms_of(plain);
        if let Some(placed) = placed {
            self.add_forms_of(placed);
        }
        // A basic credential is two secrets in one.
        if let Some((_, password)) = secret.expose_secret().split_once(':')
            && password.len() >= SHORTEST_ENCODED
        {
            self.add_forms_of(password.as_bytes());
        }
        // The longest first, so that no form is cut by a shorter one inside it.
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        self.forms.dedup();
    }

    fn add_forms_of(&mut self, plain: &[u8]) {
        let mut add = |form: Vec<u8>| {
            if !form.is_empty() {
                self.forms.push(Zeroizing::new(form));
            }
        };
        add(plain.to_vec());
        if plain.len() < SHORTEST_ENCODED {
            return;
        }
        for upper in [true, false] {
            add(percent_encoded(plain, upper));
        }
        add(form_encoded(plain));
        let text = String::from_utf8_lossy(plain);
        for escape_slash in [true, false] {
            add(json_escaped(&text, escape_slash));
        }
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            add(engine.encode(plain).into_bytes());
        }
        // Base64 of something longer that holds the secret: its inner characters are the
        // same in one of three alignments.
        for skipped in 1..=2 {
            let mut padded = vec![0; skipped];
            padded.extend_from_slice(plain);
            let encoded = STANDARD_NO_PAD.encode(&padded);
            let inner = encoded.get(skipped + 1..encoded.len().saturating_sub(1));
            if let Some(inner) = inner.filter(|inner| inner.len() >= 8) {
                add(inner.as_bytes().to_vec());
            }
        }
        let whole = plain
            .get(..plain.len() - plain.len() % 3)
            .unwrap_or_default();
        if whole.len() >= 6 {
            add(STANDARD_NO_PAD.encode(whole).into_bytes());
        }
    }

    /// The text without any of the forms.
    pub(crate) fn scrub(&self, bytes: Vec<u8>) -> Vec<u8> {
        if !Mitigation::Scrubbing.is_on() {
            return bytes;
        }
        let mut bytes = bytes;
        for form in &self.forms {
            bytes = replaced(bytes, form);
        }
        bytes
    }

    /// Header lines without any of the forms, also one that was split over several lines: of
    /// such lines nothing is left.
    pub(crate) fn scrub_lines(&self, lines: Vec<Header>) -> Vec<Header> {
        let mut lines: Vec<Header> = lines
            .into_iter()
            .map(|line| Header {
                name: self.scrub_text(line.name),
                value: self.scrub_text(line.value),
            })
            .collect();
        if !Mitigation::Scrubbing.is_on() {
            return lines;
        }
        let joined: Vec<u8> = lines.iter().flat_map(|line| line.value.bytes()).collect();
        let fitting = self.forms.iter().filter(|form| form.len() <= joined.len());
        for form in fitting {
            for at in memmem::find_iter(&joined, form.as_slice()) {
                let (mut start, end) = (0, at + form.len());
                for line in &mut lines {
                    let length = line.value.len();
                    // Those of the same length as before: what follows is found again.
                    if start < end && at < start + length {
                        line.value = "*".repeat(length);
                    }
                    start += length;
                }
            }
        }
        lines
    }

    /// Likewise for text.
    pub(crate) fn scrub_text(&self, text: String) -> String {
        if self.forms.is_empty() {
            return text;
        }
        String::from_utf8_lossy(&self.scrub(text.into_bytes())).into_owned()
    }
}

fn replaced(bytes: Vec<u8>, form: &[u8]) -> Vec<u8> {
    // Most header lines: preparing the search would cost more than it.
    if bytes.len() < form.len() {
        return bytes;
    }
    let finder = memmem::Finder::new(form);
    let Some(first) = finder.find(&bytes) else {
        return bytes;
    };
    let mut clean = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    let mut next = Some(first);
    while let Some(at) = next {
        let (before, after) = rest.split_at(at);
        clean.extend_from_slice(before);
        clean.extend_from_slice(REDACTED);
        rest = after.get(form.len()..).unwrap_or_default();
        next = finder.find(rest);
    }
    clean.extend_from_slice(rest);
    clean
}

fn percent_encoded(plain: &[u8], upper: bool) -> Vec<u8> {
    let mut text = String::new();
    for byte in plain {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else if upper {
            text.push_str(&format!("%{byte:02X}"));
        } else {
            text.push_str(&format!("%{byte:02x}"));
        }
    }
    text.into_bytes()
}

fn form_encoded(plain: &[u8]) -> Vec<u8> {
    url::form_urlencoded::byte_serialize(plain)
        .collect::<String>()
        .into_bytes()
}

fn json_escaped(text: &str, escape_slash: bool) -> Vec<u8> {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted
        .trim_start_matches('"')
        .strip_suffix('"')
        .unwrap_or(&quoted);
    if escape_slash {
        inner.replace('/', "\\/").into_bytes()
    } else {
        inner.as_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "ca/na\"ry+8.t0ken==";

    fn scrubbed(text: &str) -> String {
        let mut scrubber = Scrubber::default();
        scrubber.add(&SECRET.into(), Some(format!("Bearer {SECRET}").as_bytes()));
        scrubber.scrub_text(text.to_owned())
    }

    #[test]
    fn every_usual_form_of_a_secret_is_taken_out() {
        for form in [
            SECRET.to_owned(),
            "ca%2Fna%22ry%2B8.t0ken%3D%3D".to_owned(),
            "ca%2fna%22ry%2b8.t0ken%3d%3d".to_owned(),
            r#"ca/na\"ry+8.t0ken=="#.to_owned(),
            r#"ca\/na\"ry+8.t0ken=="#.to_owned(),
            STANDARD.encode(SECRET),
            URL_SAFE_NO_PAD.encode(SECRET),
            STANDARD.encode(format!("Bearer {SECRET}")),
        ] {
            assert_eq!(scrubbed(&format!("<{form}>")), "<[redacted]>", "{form}");
        }
    }

    #[test]
    fn base64_of_something_around_the_secret_loses_its_middle() {
        for before in ["", "a", "ab", "abc", "user:"] {
            let whole = STANDARD.encode(format!("{before}{SECRET}tail"));
            assert!(scrubbed(&whole).contains("[redacted]"), "{before}");
        }
    }

    #[test]
    fn a_secret_split_over_header_lines_is_taken_out() {
        let mut scrubber = Scrubber::default();
        scrubber.add(&SecretString::from(SECRET), None);
        let lines = [&SECRET[..9], &SECRET[9..], "harmless", SECRET].map(|value| Header {
            name: "x-a".to_owned(),
            value: value.to_owned(),
        });
        let values: Vec<String> = scrubber
            .scrub_lines(lines.into())
            .into_iter()
            .map(|line| line.value)
            .collect();
        let stars = |text: &str| "*".repeat(text.len());
        assert_eq!(
            values,
            [
                stars(&SECRET[..9]),
                stars(&SECRET[9..]),
                "harmless".to_owned(),
                "[redacted]".to_owned()
            ]
        );
    }

    #[test]
    fn an_answer_without_it_stays_as_it_is() {
        assert_eq!(scrubbed(r#"{"id":"1"}"#), r#"{"id":"1"}"#);
    }
}
