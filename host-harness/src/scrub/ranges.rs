//! Places in a text, and the text without them.

use std::ops::Range;

const REDACTED: &[u8] = b"[redacted]";

/// In order, and those that overlap as one.
pub(super) fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
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

pub(super) fn replaced(bytes: Vec<u8>, ranges: &[Range<usize>]) -> Vec<u8> {
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
