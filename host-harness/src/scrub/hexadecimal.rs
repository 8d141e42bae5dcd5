//! Hexadecimal inside a text: runs of digits of either case, each decoded from its first and from
//! its second digit on.
//!
//! Most runs are ids and digests. That they hold nothing is seen at once, because what is looked
//! for is text.

use super::base64::{Wanted, holds_text};

/// Calls `each` with every decoded run that could hold what is wanted, and with where it begins.
/// Each byte stands for two characters there.
pub(super) fn decoded(text: &[u8], wanted: Wanted, mut each: impl FnMut(&[u8], usize)) {
    let least = wanted.least.max(1).saturating_mul(2);
    let mut bytes = Vec::new();
    let mut from = 0_usize;
    // Of shorter runs only every `least`-th byte is looked at.
    while let Some(window) = from.checked_add(least).and_then(|to| text.get(from..to)) {
        if let Some(last) = window.iter().rposition(|byte| !byte.is_ascii_hexdigit()) {
            from += last + 1;
            continue;
        }
        let rest = text.get(from..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_hexdigit());
        let run = rest.get(..length.count()).unwrap_or_default();
        for skipped in 0..2 {
            let digits = run.get(skipped..).unwrap_or_default();
            let decoded = digits.chunks_exact(2).map(byte);
            if holds_text(decoded.clone(), wanted) {
                bytes.clear();
                bytes.extend(decoded);
                each(&bytes, from + skipped);
            }
        }
        from += run.len();
    }
}

fn byte(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |byte, digit| {
        let digit = char::from(*digit).to_digit(16).unwrap_or(0);
        byte << 4 | u8::try_from(digit).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_from_either_digit_on_and_leads_back() {
        let wanted = Wanted {
            least: 5,
            ascii: true,
        };
        for text in [
            "<68656c6c6f>",
            "a68656C6C6F",
            "0xf68656c6c6f0",
            "-68656c6c6f",
        ] {
            let mut found = Vec::new();
            decoded(text.as_bytes(), wanted, |bytes, start| {
                let bytes = String::from_utf8_lossy(bytes).into_owned();
                if let Some(at) = bytes.find("hello") {
                    found.push(&text[start + 2 * at..start + 2 * (at + 5)]);
                }
            });
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].to_lowercase(), "68656c6c6f", "{text}");
        }
        decoded(b"68656c6c", wanted, |_, _| panic!("too short"));
        let wanted = Wanted {
            least: 12,
            ascii: true,
        };
        let digest = b"da39a3ee5e6b4b0d3255bfef95601890afd80709";
        decoded(digest, wanted, |_, _| panic!("a digest is not text"));
    }
}
