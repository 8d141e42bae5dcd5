//! Takes a secret out of what comes from outside, before the guest, a log or a trace sees it.
//!
//! A secret is looked for in the text as it is, and in the text decoded: without [escapes], and
//! inside [base64] and [hexadecimal]; what comes of that is looked at again, since encodings are
//! put into one another. Three quarters of it in a row are as good as all of it, since services
//! show what they got cut off; so is all of it in upper or lower case. What is replaced is the
//! spelling in the original text, whole escapes each, so that JSON stays JSON. [`lines`] are the
//! header lines, over which a secret may be spread.
//!
//! Not recognised: reversed, encrypted, cut into pieces inside a body, less than three quarters.

mod base64;
mod escapes;
mod hexadecimal;
mod lines;

use std::ops::Range;

use memchr::memmem;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use self::base64::Wanted;
use self::escapes::Kinds;
use self::lines::Grams;
use crate::mitigation::Mitigation;

const REDACTED: &[u8] = b"[redacted]";

/// Shorter secrets are looked for only as they are: in what is decoded they would be found by
/// accident.
const SHORTEST_ENCODED: usize = 4;

/// Shorter secrets are looked for only whole, and in the case that they have.
const SHORTEST_IN_PART: usize = 16;

/// Names of schemes that people copy together with the secret, which the host adds once more.
const SCHEMES: [&str; 6] = ["apikey", "basic", "bearer", "key", "ssws", "token"];

/// How often a text is decoded: twice is seen in practice (JSON in JSON, a URL in JSON, UTF-16 in
/// base64), and more costs nothing where nothing is left to decode.
const DECODINGS: usize = 4;

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
    if let Some((scheme, rest)) = plain.split_once(' ')
        && SCHEMES.contains(&scheme.to_ascii_lowercase().as_str())
    {
        texts.push(rest.trim_start().as_bytes());
    }
    texts.retain(|text| !text.is_empty());
    let own = texts.into_iter().map(|text| Zeroizing::new(text.to_vec()));
    own.collect()
}

struct Needle {
    text: Spelling,
    /// Whether only the whole of it counts: it is short, or there is another one in it.
    whole: bool,
}

/// Secrets, and what to look for.
#[derive(Default)]
pub(crate) struct Scrubber {
    /// Each secret, and each text that one was put into.
    texts: Vec<Spelling>,
    /// What is looked for: the texts, each once more in lower case and in upper case, and where
    /// they have blanks as forms encode them.
    needles: Vec<Needle>,
    /// Every needle, and every part of one that counts, holds one of these: in an answer without
    /// them, as nearly all are, no needle needs to be looked for.
    kernels: Vec<Spelling>,
    /// What is looked for in decoded text; `None` where every secret is too short.
    encoded: Option<Wanted>,
    /// Whether one of them may look like an escape itself, or make one with what stands beside it.
    unusual: bool,
    grams: Grams,
}

impl Scrubber {
    /// Looks for this secret too. `placed` is the header value or parameter it was put into.
    pub(crate) fn add(&mut self, secret: &SecretString, placed: Option<&[u8]>) {
        for text in texts_of(secret, placed) {
            self.add_text(text);
        }
    }

    /// Looks for this text too.
    pub(super) fn add_text(&mut self, text: Spelling) {
        if self.texts.contains(&text) {
            return;
        }
        for text in needles_of(&text) {
            let in_it =
                |kernel: &Spelling| kernel.len() >= SHORTEST_ENCODED && holds(&text, kernel);
            let whole = in_three(&text).is_none() || self.kernels.iter().any(in_it);
            if text.len() >= SHORTEST_ENCODED {
                let own = if whole { text.len() } else { least_of(&text) };
                let least = self.encoded.map_or(usize::MAX, |wanted| wanted.least);
                let ascii = self.encoded.is_none_or(|wanted| wanted.ascii);
                self.encoded = Some(Wanted {
                    least: least.min(own),
                    ascii: ascii && text.is_ascii(),
                });
            }
            self.add_kernel(if whole { &text } else { middle(&text) });
            self.needles.push(Needle { text, whole });
        }
        self.unusual |= escapes::is_unusual(&text);
        self.grams.add(&text);
        self.texts.push(text);
    }

    fn add_kernel(&mut self, middle: &[u8]) {
        // Short ones stand for no other, since they are not looked for everywhere.
        let stands = |kernel: &[u8], middle: &[u8]| {
            (kernel.len() >= SHORTEST_ENCODED || kernel == middle) && holds(middle, kernel)
        };
        if !self.kernels.iter().any(|kernel| stands(kernel, middle)) {
            self.kernels.retain(|kernel| !stands(middle, kernel));
            self.kernels.push(Zeroizing::new(middle.to_vec()));
        }
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Where one of the texts is spelled, in whatever way: in order, and apart from one another.
    fn spelled(&self, text: &[u8]) -> Vec<Range<usize>> {
        if self.texts.is_empty() {
            return Vec::new();
        }
        self.spelled_in(text, DECODINGS)
    }

    fn spelled_in(&self, text: &[u8], decodings: usize) -> Vec<Range<usize>> {
        let shortest = if decodings == DECODINGS {
            0
        } else {
            SHORTEST_ENCODED
        };
        let mut found = self.plain(text, shortest);
        let (Some(wanted), Some(left)) = (self.encoded, decodings.checked_sub(1)) else {
            return merged(found);
        };
        let mut unescape = |kinds: Kinds| {
            let (clear, there) = escapes::unescaped(text, kinds)?;
            let inside = self.spelled_in(&clear, left);
            if !inside.is_empty() {
                found.extend(escapes::origins(text, kinds, &inside));
            }
            Some(there)
        };
        unescape(Kinds::QUOTED_PRINTABLE);
        if let Some(there) = unescape(Kinds::ALL)
            && self.unusual
        {
            // `\%41` in a secret is `\\%41` in JSON: decoded all at once nothing is left of it.
            for kind in there.others() {
                unescape(kind);
            }
        }
        base64::decoded(text, wanted, |bytes, origin| {
            let inside = self.spelled_in(bytes, left);
            found.extend(inside.iter().map(|range| origin.of(range)));
        });
        hexadecimal::decoded(text, wanted, |bytes, start| {
            let inside = self.spelled_in(bytes, left);
            let origin = |range: &Range<usize>| start + 2 * range.start..start + 2 * range.end;
            found.extend(inside.iter().map(origin));
        });
        merged(found)
    }

    /// Where needles of at least so many bytes stand as they are, or three quarters of one.
    fn plain(&self, text: &[u8], shortest: usize) -> Vec<Range<usize>> {
        let long_enough =
            |kernel: &&Spelling| (shortest.max(1)..=text.len()).contains(&kernel.len());
        let mut kernels = self.kernels.iter().filter(long_enough);
        let is_there = kernels.any(|kernel| memmem::find(text, kernel).is_some());
        if !is_there {
            return Vec::new();
        }
        let needles = self.needles.iter();
        let needles = needles.filter(|needle| needle.text.len() >= shortest);
        let found = needles.flat_map(|needle| {
            let needed = needle.text.as_slice();
            let whole = memmem::find_iter(text, needed).map(|at| at..at + needed.len());
            let parts = match needle.whole {
                true => Vec::new(),
                false => parts_of(needed, text),
            };
            whole.chain(parts)
        });
        found.collect()
    }

    /// The text without any of them.
    pub(crate) fn scrub(&self, bytes: Vec<u8>) -> Vec<u8> {
        if !Mitigation::Scrubbing.is_on() {
            return bytes;
        }
        let found = self.spelled(&bytes);
        replaced(bytes, &found)
    }

    /// Likewise for text.
    pub(crate) fn scrub_text(&self, text: String) -> String {
        if self.texts.is_empty() {
            return text;
        }
        String::from_utf8_lossy(&self.scrub(text.into_bytes())).into_owned()
    }
}

/// Never written out, since it holds secrets.
impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubber").finish_non_exhaustive()
    }
}

/// The text, in lower case and in upper case, and where it has blanks, with `+` for each, as forms
/// encode them.
fn needles_of(text: &Spelling) -> Vec<Spelling> {
    let mut needles = vec![text.clone()];
    let mut add = |needle: Vec<u8>| {
        let needle = Zeroizing::new(needle);
        if !needles.contains(&needle) {
            needles.push(needle);
        }
    };
    if text.len() >= SHORTEST_IN_PART {
        add(text.to_ascii_lowercase());
        add(text.to_ascii_uppercase());
    }
    if text.len() >= SHORTEST_ENCODED {
        let plus = |byte: &u8| if *byte == b' ' { b'+' } else { *byte };
        add(text.iter().map(plus).collect());
    }
    needles
}

/// How much of it there must be. What has a colon may be a user's name for the most part, which
/// stands in answers rightly; the password behind it is a text of its own.
fn least_of(needle: &[u8]) -> usize {
    match needle.len() < SHORTEST_IN_PART || needle.contains(&b':') {
        true => needle.len(),
        false => needle.len() - needle.len() / 4,
    }
}

/// What every three quarters of it in a row hold: all of it, where it is short.
fn middle(needle: &[u8]) -> &[u8] {
    in_three(needle).map_or(needle, |[_, middle, _]| middle)
}

/// The first quarter, the half in the middle, and the last quarter; nothing of one that counts only
/// as a whole.
fn in_three(needle: &[u8]) -> Option<[&[u8]; 3]> {
    let quarter = needle.len() / 4;
    if least_of(needle) == needle.len() {
        return None;
    }
    let (before, rest) = needle.split_at_checked(quarter)?;
    let (middle, after) = rest.split_at_checked(rest.len().checked_sub(quarter)?)?;
    Some([before, middle, after])
}

/// Where three quarters of it stand in a row, or more.
fn parts_of(needle: &[u8], text: &[u8]) -> Vec<Range<usize>> {
    let Some([before, middle, after]) = in_three(needle) else {
        return Vec::new();
    };
    let part = |at: usize| {
        let (left, rest) = text.split_at_checked(at)?;
        let right = rest.get(middle.len()..)?;
        let left = before.iter().rev().zip(left.iter().rev());
        let right = after.iter().zip(right);
        let start = at - left.take_while(|(a, b)| a == b).count();
        let end = at + middle.len() + right.take_while(|(a, b)| a == b).count();
        // A blank before it is the one behind the scheme's name, or any other.
        let blank = usize::from(text.get(start) == Some(&b' '));
        (end - start >= least_of(needle)).then_some(start + blank..end)
    };
    memmem::find_iter(text, middle).filter_map(part).collect()
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.len() >= part.len() && memmem::find(text, part).is_some()
}

/// In order, and those that overlap as one.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

fn replaced(bytes: Vec<u8>, ranges: &[Range<usize>]) -> Vec<u8> {
    if ranges.is_empty() {
        return bytes;
    }
    let mut clean = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for range in ranges {
        clean.extend_from_slice(bytes.get(from..range.start).unwrap_or_default());
        clean.extend_from_slice(REDACTED);
        from = range.end;
    }
    clean.extend_from_slice(bytes.get(from..).unwrap_or_default());
    clean
}

#[cfg(test)]
mod tests;
