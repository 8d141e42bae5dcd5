//! Header lines, over which a secret may be spread: in pieces, in any order, in names too, with the
//! rest of it in the body.
//!
//! Pieces are what a secret and a name or value have in common, in whatever case, since names are
//! handed over in lower case. A few characters in common mean nothing. Most of the secret together,
//! over the lines of one answer, does: then nothing is left of any line with a piece.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memmem;
use zeroize::Zeroizing;

use super::base64::{self, Wanted};
use super::escapes::Kinds;
use super::grams::{PIECE, SHORTEST_IN_PIECES, Text};
use super::needles::DECODINGS;
use super::ranges::{merged, replaced};
use super::scrubber::Scrubber;
use super::{escapes, hexadecimal};
use crate::contract::Header;

/// What of one secret was found in names and values.
struct Pieces<'a> {
    text: &'a Text,
    found: Vec<bool>,
    /// Twice the line's number, and one more for its value.
    places: BTreeSet<usize>,
}

impl<'a> Pieces<'a> {
    fn of(text: &'a Text) -> Self {
        Self {
            text,
            found: Vec::new(),
            places: BTreeSet::new(),
        }
    }

    fn add(&mut self, part: Range<usize>, place: usize) {
        self.found.resize(self.text.lower.len(), false);
        if let Some(found) = self.found.get_mut(part) {
            found.fill(true);
            self.places.insert(place);
        }
    }

    /// Whether three quarters are there.
    fn are_most(&self) -> bool {
        self.count() * 4 >= self.text.lower.len() * 3
    }

    fn count(&self) -> usize {
        self.found.iter().filter(|found| **found).count()
    }

    /// What is not there, where it is long enough to be a piece.
    fn missing(&self) -> Vec<Range<usize>> {
        let (mut missing, mut from) = (Vec::new(), 0);
        for (at, found) in self.found.iter().chain([&true]).enumerate() {
            if *found {
                if at - from >= PIECE {
                    missing.push(from..at);
                }
                from = at + 1;
            }
        }
        missing
    }
}

impl Scrubber {
    /// Header lines without any of the texts, also one that was spread over several of them.
    pub(crate) fn scrub_lines(&self, lines: Vec<Header>) -> Vec<Header> {
        self.scrub_answer(lines, Vec::new()).0
    }

    /// Likewise with the body that they came with, which may hold what they lack.
    pub(crate) fn scrub_answer(
        &self,
        mut lines: Vec<Header>,
        body: Vec<u8>,
    ) -> (Vec<Header>, Vec<u8>) {
        if self.texts.is_empty() {
            return (lines, body);
        }
        let mut in_body = self.spelled(&body);
        for line in &mut lines {
            let found = self.spelled(line.value.as_bytes());
            if !found.is_empty() {
                let value = replaced(std::mem::take(&mut line.value).into_bytes(), &found);
                line.value = String::from_utf8_lossy(&value).into_owned();
            }
        }
        self.take_out_of_neighbours(&mut lines);
        in_body.extend(self.take_out_pieces(&mut lines, &body));
        (lines, replaced(body, &merged(in_body)))
    }

    /// Values one after the other, for pieces of any length.
    fn take_out_of_neighbours(&self, lines: &mut [Header]) {
        let joined: Vec<u8> = lines.iter().flat_map(|line| line.value.bytes()).collect();
        for found in self.spelled(&joined) {
            let mut start = 0;
            for line in &mut *lines {
                let length = line.value.len();
                // Those of the same length as before: what follows is found where it was.
                if start < found.end && found.start < start + length {
                    line.value = "*".repeat(length);
                }
                start += length;
            }
        }
    }

    /// Pieces in any order; what of them stands in the body.
    fn take_out_pieces(&self, lines: &mut [Header], body: &[u8]) -> Vec<Range<usize>> {
        if self.grams.texts.is_empty() {
            return Vec::new();
        }
        let mut pieces: Vec<Pieces<'_>> = self.grams.texts.iter().map(Pieces::of).collect();
        for (number, line) in lines.iter().enumerate() {
            self.collect(line.name.as_bytes(), 2 * number, &mut pieces);
            self.collect(line.value.as_bytes(), 2 * number + 1, &mut pieces);
        }
        let mut in_body = Vec::new();
        for mut pieces in pieces {
            // From a quarter on the rest of it is looked for.
            if !pieces.are_most() && pieces.count() * 4 >= pieces.text.lower.len() {
                in_body.extend(self.rest_in(body, &mut pieces));
            }
            if !pieces.are_most() {
                continue;
            }
            for place in pieces.places {
                if let Some(line) = lines.get_mut(place / 2) {
                    let part = if place % 2 == 0 {
                        &mut line.name
                    } else {
                        &mut line.value
                    };
                    *part = "*".repeat(part.len());
                }
            }
        }
        in_body
    }

    fn collect(&self, part: &[u8], place: usize, pieces: &mut [Pieces<'_>]) {
        self.collect_plain(part, place, pieces);
        if let Some((clear, _)) = escapes::unescaped(part, Kinds::QUOTED_PRINTABLE) {
            self.collect_plain(&clear, place, pieces);
        }
        let mut last = Cow::Borrowed(part);
        for _ in 0..DECODINGS {
            let Some((clear, _)) = escapes::unescaped(&last, Kinds::ALL) else {
                break;
            };
            self.collect_plain(&clear, place, pieces);
            last = Cow::Owned(clear);
        }
        let wanted = Wanted {
            least: SHORTEST_IN_PIECES,
            ascii: true,
        };
        base64::decoded(&last, wanted, |bytes, _| {
            self.collect_plain(bytes, place, pieces);
        });
        hexadecimal::decoded(&last, wanted, |bytes, _| {
            self.collect_plain(bytes, place, pieces);
        });
    }

    fn collect_plain(&self, part: &[u8], place: usize, pieces: &mut [Pieces<'_>]) {
        if (1..PIECE).contains(&part.len()) {
            let part = part.to_ascii_lowercase();
            for pieces in pieces {
                let text = &pieces.text.lower;
                for at in memmem::find_iter(text.as_slice(), &part) {
                    pieces.add(at..at + part.len(), place);
                }
            }
            return;
        }
        let mut from = 0;
        while let Some(gram) = part.get(from..from + PIECE) {
            let mut longest = PIECE;
            if self.grams.may_have(gram) {
                let gram = gram.to_ascii_lowercase();
                for pieces in &mut *pieces {
                    let text = &pieces.text.lower;
                    for at in memmem::find_iter(text.as_slice(), &gram) {
                        let both = text.iter().skip(at).zip(part.iter().skip(from));
                        let same = both.take_while(|(a, b)| **a == b.to_ascii_lowercase());
                        let length = same.count();
                        pieces.add(at..at + length, place);
                        longest = longest.max(length);
                    }
                }
            }
            from += longest + 1 - PIECE;
        }
    }

    /// Where the body holds what is missing.
    fn rest_in(&self, body: &[u8], pieces: &mut Pieces<'_>) -> Vec<Range<usize>> {
        let mut in_body = Vec::new();
        for missing in pieces.missing() {
            let Some(spelled) = pieces.text.spelled.get(missing.clone()) else {
                continue;
            };
            let mut one = Self::default();
            one.add_text(Zeroizing::new(spelled.to_vec()));
            let found = one.spelled(body);
            if !found.is_empty() {
                if let Some(flags) = pieces.found.get_mut(missing) {
                    flags.fill(true);
                }
                in_body.extend(found);
            }
        }
        if pieces.are_most() {
            in_body
        } else {
            Vec::new()
        }
    }
}
