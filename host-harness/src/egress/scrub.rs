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

/// Texts of a connection that are remembered: a token that changes each hour has two an hour.
const MOST_REMEMBERED: usize = 64;

/// A secret, or what is made of one.
pub(super) type Spelling = Zeroizing<Vec<u8>>;

/// What must not be seen of a secret: itself, and what it was put into. `placed` is the header value
/// or parameter.
pub(super) fn texts_of(secret: &SecretString, placed: Option<&[u8]>) -> Vec<Spelling> {
    let plain = secret.expose_secret();
    let mut texts = vec![plain.as_bytes()];
    texts.extend(placed);
    // A basic credential is two secrets in one.
    if let Some((_, password)) = plain.split_once(':')
        && password.len() >= SHORTEST_ENCODED
    {
        texts.push(password.as_bytes());
    }
    texts.retain(|text| !text.is_empty());
    let own = texts.into_iter().map(|text| Zeroizing::new(text.to_vec()));
    own.collect()
}

/// Secrets, and what to look for.
#[derive(Default)]
pub(crate) struct Scrubber {
    /// Each secret, and each text that one was put into.
    texts: Vec<Spelling>,
    /// Every form of every text holds one of these: in an answer without them, as nearly all
    /// are, no form needs to be looked for.
    kernels: Vec<Spelling>,
}

impl Scrubber {
    /// Looks for this secret too. `placed` is the header value or parameter it was put into.
    pub(crate) fn add(&mut self, secret: &SecretString, placed: Option<&[u8]>) {
        for text in texts_of(secret, placed) {
            self.add_text(&text);
        }
    }

    /// Looks for these texts too. Of all the newest are kept.
    pub(super) fn learn(&mut self, texts: &[Spelling]) {
        for text in texts {
            if self.texts.len() >= MOST_REMEMBERED {
                let kept = self.texts.split_off(MOST_REMEMBERED / 2);
                *self = Self::default();
                kept.iter().for_each(|text| self.add_text(text));
            }
            if !self.texts.contains(text) {
                self.add_text(text);
            }
        }
    }

    /// Whether all of these are looked for.
    pub(super) fn knows(&self, texts: &[Spelling]) -> bool {
        texts.iter().all(|text| self.texts.contains(text))
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    fn add_text(&mut self, text: &[u8]) {
        // What holds a kernel already, such as a header value around the secret, needs no other.
        for kernel in kernels_of(text) {
            if !self.finds_in(&kernel) {
                self.kernels.push(kernel);
            }
        }
        self.texts.push(Zeroizing::new(text.to_vec()));
    }

    /// The longest first, so that no form is cut by a shorter one inside it.
    fn forms(&self) -> Vec<Spelling> {
        let mut forms: Vec<_> = self.texts.iter().flat_map(|text| forms_of(text)).collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        forms
    }

    /// Whether any form of any secret is in there.
    fn finds_in(&self, bytes: &[u8]) -> bool {
        self.kernels
            .iter()
            .any(|kernel| bytes.len() >= kernel.len() && memmem::find(bytes, kernel).is_some())
    }

    /// The text without any of the forms.
    pub(crate) fn scrub(&self, bytes: Vec<u8>) -> Vec<u8> {
        if !Mitigation::Scrubbing.is_on() || !self.finds_in(&bytes) {
            return bytes;
        }
        let forms = self.forms();
        forms
            .iter()
            .fold(bytes, |bytes, form| replaced(bytes, form))
    }

    /// Header lines without any of the forms, also one that was split over several lines: of
    /// such lines nothing is left.
    pub(crate) fn scrub_lines(&self, mut lines: Vec<Header>) -> Vec<Header> {
        if !Mitigation::Scrubbing.is_on() {
            return lines;
        }
        let found_in_name = lines.iter().any(|line| self.finds_in(line.name.as_bytes()));
        if !found_in_name && !self.finds_in(&joined(&lines)) {
            return lines;
        }
        for line in &mut lines {
            line.name = self.scrub_text(std::mem::take(&mut line.name));
            line.value = self.scrub_text(std::mem::take(&mut line.value));
        }
        let joined = joined(&lines);
        for form in self.forms() {
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
        if self.texts.is_empty() {
            return text;
        }
        String::from_utf8_lossy(&self.scrub(text.into_bytes())).into_owned()
    }
}

/// The values of all lines, one after the other.
fn joined(lines: &[Header]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.value.bytes()).collect()
}

/// Every form of a text.
fn forms_of(text: &[u8]) -> Vec<Spelling> {
    let mut forms = kernels_of(text);
    if text.len() >= SHORTEST_ENCODED {
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            forms.push(Zeroizing::new(engine.encode(text).into_bytes()));
        }
    }
    forms
}

/// The forms of a text that hold no other of its forms: itself, itself escaped, where that is
/// another, and the inner part of its base64.
fn kernels_of(text: &[u8]) -> Vec<Spelling> {
    let mut kernels = Vec::with_capacity(8);
    let mut add = |form: Vec<u8>| {
        let form = Zeroizing::new(form);
        if !form.is_empty() && !kernels.contains(&form) {
            kernels.push(form);
        }
    };
    add(text.to_vec());
    if text.len() < SHORTEST_ENCODED {
        return kernels;
    }
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    // A text of these alone is the same however it is escaped.
    if !text.iter().all(is_plain) {
        for upper in [true, false] {
            add(percent_encoded(text, upper));
        }
        add(form_encoded(text));
        let text = String::from_utf8_lossy(text);
        for escape_slash in [true, false] {
            add(json_escaped(&text, escape_slash));
        }
    }
    // Whole groups of three bytes are the same whatever follows; of a text that is too short
    // to be told by them, all of it.
    let whole = text
        .get(..text.len() - text.len() % 3)
        .filter(|whole| whole.len() > 3)
        .unwrap_or(text);
    // Base64 of something longer that holds the text: its inner characters are the same in one
    // of three alignments.
    let mut padded = Zeroizing::new(Vec::with_capacity(text.len() + 2));
    padded.extend_from_slice(&[0; 2]);
    padded.extend_from_slice(text);
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        add(engine.encode(whole).into_bytes());
        for skipped in 1..=2 {
            let padded = padded.get(2 - skipped..).unwrap_or_default();
            let encoded = Zeroizing::new(engine.encode(padded));
            let inner = encoded.get(skipped + 1..encoded.len().saturating_sub(1));
            if let Some(inner) = inner.filter(|inner| inner.len() >= 8) {
                add(inner.as_bytes().to_vec());
            }
        }
    }
    kernels
}

fn replaced(bytes: Vec<u8>, form: &[u8]) -> Vec<u8> {
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
    fn every_form_of_every_text_holds_one_of_the_kernels() {
        let characters = "aZ9-._~ /+\"\\%é?>=:\u{7f}";
        let secrets = (1..40).map(|length| -> String {
            let from = characters.chars().cycle().skip(length * 7);
            from.take(length).collect()
        });
        for secret in secrets.chain(["user:password".to_owned(), "0123456789abcdef".to_owned()]) {
            for before in ["", "Bearer ", "Token", "é/"] {
                let mut scrubber = Scrubber::default();
                let placed = format!("{before}{secret}");
                scrubber.add(&secret.clone().into(), Some(placed.as_bytes()));
                for form in scrubber.forms() {
                    let form = String::from_utf8_lossy(&form).into_owned();
                    assert!(scrubber.finds_in(form.as_bytes()), "{placed}: {form}");
                }
            }
        }
    }

    #[test]
    fn an_answer_without_it_stays_as_it_is() {
        assert_eq!(scrubbed(r#"{"id":"1"}"#), r#"{"id":"1"}"#);
    }
}
