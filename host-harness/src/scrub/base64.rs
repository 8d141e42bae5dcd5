//! Base64 inside a text: runs of characters of either of its alphabets, each decoded at all four
//! offsets, since what stands before a run may look like a part of it.
//!
//! Most runs are words and ids. That they hold nothing is seen from a few groups of four
//! characters, because what is looked for is text, and a run decoded at a wrong offset is not.

use std::ops::Range;

/// Characters for three bytes.
const GROUP: usize = 4;

/// What no character of the alphabets stands for.
const OTHER: u8 = 0xff;
/// A line end, at which encoders for mail break a run.
const BREAK: u8 = 0xfe;

/// What each byte stands for in the alphabets of RFC 4648, §4 and §5.
static VALUES: [u8; 256] = {
    let mut values = [OTHER; 256];
    let mut value = 0;
    while value < 26 {
        values[b'A' as usize + value] = value as u8;
        values[b'a' as usize + value] = value as u8 + 26;
        value += 1;
    }
    let mut digit = 0;
    while digit < 10 {
        values[b'0' as usize + digit] = digit as u8 + 52;
        digit += 1;
    }
    values[b'+' as usize] = 62;
    values[b'-' as usize] = 62;
    values[b'/' as usize] = 63;
    values[b'_' as usize] = 63;
    values[b'\n' as usize] = BREAK;
    values[b'\r' as usize] = BREAK;
    values
};

fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(OTHER)
}

/// What is looked for inside.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    /// Bytes that it has at least, in whatever encoding.
    pub(super) least: usize,
    /// Whether all of it is ASCII.
    pub(super) ascii: bool,
}

impl Wanted {
    /// Characters that it takes at least.
    fn characters(self) -> usize {
        (self.least * 4 / 3).max(1)
    }

    fn is_text(self, byte: u8) -> bool {
        // 0 for text that was UTF-16 before it was encoded.
        matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0) || !self.ascii
    }
}

/// Calls `each` with every decoded run that could hold what is wanted, and with how its parts lead
/// back to the text.
pub(super) fn decoded(text: &[u8], wanted: Wanted, mut each: impl FnMut(&[u8], &Origin<'_>)) {
    let (mut values, mut bytes) = (Vec::new(), Vec::new());
    let mut from = 0;
    while let Some(run) = next_run(text, from, wanted.characters()) {
        from = run.end;
        values.clear();
        let characters = text.get(run.clone()).unwrap_or_default();
        values.extend(characters.iter().map(|byte| value(*byte)));
        let broken = values.contains(&BREAK);
        if broken {
            values.retain(|value| *value != BREAK);
        }
        for skipped in 0..GROUP {
            let values = values.get(skipped..).unwrap_or_default();
            if !may_hold(values, wanted) {
                continue;
            }
            bytes.clear();
            decode(values, &mut bytes);
            if holds_text(bytes.iter().copied(), wanted) {
                let origin = Origin {
                    text,
                    run: &run,
                    skipped,
                    broken,
                };
                each(&bytes, &origin);
            }
        }
    }
}

/// How a decoded run leads back.
pub(super) struct Origin<'a> {
    text: &'a [u8],
    run: &'a Range<usize>,
    skipped: usize,
    broken: bool,
}

impl Origin<'_> {
    /// Every character that holds a bit of this part, and the padding after it.
    pub(super) fn of(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.position(self.skipped + range.start * 4 / 3);
        let last = range.end.saturating_sub(1);
        let mut end = self.position(self.skipped + (last * 8 + 7) / 6) + 1;
        if end >= self.run.end {
            let rest = self.text.get(end..).unwrap_or_default();
            end += rest
                .iter()
                .take(2)
                .take_while(|byte| **byte == b'=')
                .count();
        }
        start..end
    }

    /// Where the n-th character of the run stands.
    fn position(&self, nth: usize) -> usize {
        if !self.broken {
            return self.run.start + nth;
        }
        let characters = self.text.get(self.run.clone()).unwrap_or_default();
        let mut positions = characters.iter().enumerate();
        let nth = positions
            .by_ref()
            .filter(|(_, byte)| value(**byte) != BREAK)
            .nth(nth);
        nth.map_or(self.run.end.saturating_sub(1), |(at, _)| {
            self.run.start + at
        })
    }
}

/// The next run of at least so many characters. Of shorter ones only every `least`-th byte is
/// looked at.
fn next_run(text: &[u8], mut from: usize, least: usize) -> Option<Range<usize>> {
    let is_in = |byte: &u8| value(*byte) != OTHER;
    loop {
        let window = text.get(from..from.checked_add(least)?)?;
        let Some(last) = window.iter().rposition(|byte| !is_in(byte)) else {
            let rest = text.get(from + least..).unwrap_or_default();
            let more = rest.iter().take_while(|byte| is_in(byte)).count();
            return Some(from..from + least + more);
        };
        from += last + 1;
    }
}

fn triple(group: &[u8]) -> [u8; 3] {
    let mut bits = 0_u32;
    for index in 0..GROUP {
        bits = bits << 6 | u32::from(group.get(index).copied().unwrap_or(0));
    }
    let [_, first, second, third] = bits.to_be_bytes();
    [first, second, third]
}

/// Whether as many groups in a row are text as what is wanted fills wholly. Of others about every
/// such one is looked at.
fn may_hold(values: &[u8], wanted: Wanted) -> bool {
    let whole = wanted.least.saturating_sub(2) / 3;
    if whole == 0 || !wanted.ascii {
        return values.len() >= wanted.characters();
    }
    let is_text = |group: &[u8]| triple(group).iter().all(|byte| wanted.is_text(*byte));
    let mut rest = values;
    while let Some(window) = rest.get(..whole * GROUP) {
        let other = window
            .chunks_exact(GROUP)
            .rposition(|group| !is_text(group));
        let skipped = match other {
            Some(last) => last + 1,
            None => match rest.iter().take_while(|value| **value == 0).count() / GROUP {
                // Nothing but zeros is no text.
                zeros if zeros >= whole => zeros - whole + 1,
                _ => return true,
            },
        };
        rest = rest.get(skipped * GROUP..).unwrap_or_default();
    }
    false
}

fn decode(values: &[u8], bytes: &mut Vec<u8>) {
    let groups = values.chunks_exact(GROUP);
    let rest = groups.remainder();
    for group in groups {
        bytes.extend_from_slice(&triple(group));
    }
    // Two characters are a byte, three are two.
    let left = rest.len() * 6 / 8;
    bytes.extend(triple(rest).into_iter().take(left));
}

/// Whether there is as much text in a row as is wanted.
pub(super) fn holds_text(bytes: impl IntoIterator<Item = u8>, wanted: Wanted) -> bool {
    let mut row = 0;
    bytes.into_iter().any(|byte| {
        row = if wanted.is_text(byte) { row + 1 } else { 0 };
        row >= wanted.least
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    const SECRET: &str = "ca/na\"ry+8.t0ken==";

    /// What of the text is found to be the secret.
    fn found(text: &str) -> Vec<&str> {
        let wanted = Wanted {
            least: SECRET.len(),
            ascii: true,
        };
        let mut found = Vec::new();
        decoded(text.as_bytes(), wanted, |bytes, origin| {
            for at in memchr::memmem::find_iter(bytes, SECRET) {
                found.push(&text[origin.of(&(at..at + SECRET.len()))]);
            }
        });
        found
    }

    #[test]
    fn a_run_is_found_at_every_offset_and_in_either_alphabet() {
        for before in ["", "a", "ab", "abc", "abcd"] {
            for around in ["", "x", "xy"] {
                let standard = STANDARD.encode(format!("{around}{SECRET}{around}"));
                let safe = URL_SAFE_NO_PAD.encode(format!("{around}{SECRET}{around}"));
                assert_eq!(
                    found(&format!("<{before}{standard}>")).len(),
                    1,
                    "{standard}"
                );
                assert_eq!(found(&format!("<{before}{safe}>")).len(), 1, "{safe}");
            }
        }
        let whole = STANDARD.encode(SECRET);
        assert_eq!(found(&format!("a {whole} b")), [whole]);
    }

    #[test]
    fn line_ends_inside_a_run_do_not_hide_it() {
        let mut whole = STANDARD.encode(format!("some text before {SECRET} and some after it"));
        whole.insert_str(30, "\r\n");
        assert_eq!(found(&whole).len(), 1);
        assert!(found(&whole)[0].contains("\r\n"));
    }

    #[test]
    fn words_and_numbers_are_nothing() {
        let text =
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User internationalisation";
        assert!(found(text).is_empty());
    }
}
