//! [`Scrubber`]: what to look for, and where it stands.

use std::ops::Range;

use memchr::memmem;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::base64::{self, Wanted};
use super::escapes::{self, Kinds};
use super::grams::Grams;
use super::hexadecimal;
use super::needles::{
    DECODINGS, Needle, SHORTEST_ENCODED, Spelling, holds, in_three, least_of, middle, needles_of,
    parts_of, texts_of,
};
use super::ranges::{merged, replaced};

/// Secrets, and what to look for.
#[derive(Default)]
pub(crate) struct Scrubber {
    /// Each secret, and each text that one was put into.
    pub(super) texts: Vec<Spelling>,
    /// What is looked for: the texts, each once more in lower case and in upper case, and where
    /// they have blanks as forms encode them.
    pub(super) needles: Vec<Needle>,
    /// Every needle, and every part of one that counts, holds one of these: in an answer without
    /// them, as nearly all are, no needle needs to be looked for.
    kernels: Vec<Spelling>,
    /// What is looked for in decoded text; `None` where every secret is too short.
    pub(super) encoded: Option<Wanted>,
    /// Whether one of them may look like an escape itself, or make one with what stands beside it.
    pub(super) unusual: bool,
    pub(super) grams: Grams,
}

impl Scrubber {
    /// Looks for this secret too. `placed` is the header value or parameter it was put into.
    pub(crate) fn add(&mut self, secret: &SecretString, placed: Option<&[u8]>) {
        for text in texts_of(secret, placed) {
            self.add_text(text);
        }
    }

    /// Looks for this text too.
    pub(crate) fn add_text(&mut self, text: Spelling) {
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
    pub(super) fn spelled(&self, text: &[u8]) -> Vec<Range<usize>> {
        if self.texts.is_empty() {
            return Vec::new();
        }
        self.spelled_in(text, DECODINGS)
    }

    pub(super) fn spelled_in(&self, text: &[u8], decodings: usize) -> Vec<Range<usize>> {
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
    pub(super) fn plain(&self, text: &[u8], shortest: usize) -> Vec<Range<usize>> {
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
