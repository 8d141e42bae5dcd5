//! Bytes of a roster: hashed as they pass, their line ends noted, no more of them for one row
//! than a row may have, and less the byte-order mark.

use std::collections::VecDeque;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::format::MOST_ROW_BYTES;

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

pub(super) struct Bounded {
    input: Box<dyn Read + Send>,
    /// Read from the input and not handed on yet.
    begun: Vec<u8>,
    hash: Sha256,
    left: usize,
    /// Bytes handed on.
    passed: u64,
    /// Where carriage returns and line feeds were that [`line`](Self::line) has not counted.
    ends: VecDeque<(u64, u8)>,
    line: u64,
    notes_lines: bool,
}

impl Bounded {
    /// Line ends are noted where somebody asks for lines.
    pub(super) fn new(mut input: Box<dyn Read + Send>, notes_lines: bool) -> io::Result<Self> {
        let mut begun = Vec::new();
        let mut hash = Sha256::new();
        let mut first = (&mut *input).take(BYTE_ORDER_MARK.len() as u64);
        first.read_to_end(&mut begun)?;
        hash.update(&begun);
        if begun.starts_with(&[0xff, 0xfe]) || begun.starts_with(&[0xfe, 0xff]) {
            let message = "it is UTF-16; save it as UTF-8 (spreadsheets call that \"CSV UTF-8\")";
            return Err(io::Error::other(message));
        }
        if begun == BYTE_ORDER_MARK {
            begun.clear();
        }
        Ok(Self {
            input,
            begun,
            hash,
            left: MOST_ROW_BYTES,
            passed: 0,
            ends: VecDeque::new(),
            line: 1,
            notes_lines,
        })
    }

    /// The line, from 1, of the row that begins at a place or after the line ends there; places
    /// come in order.
    pub(super) fn line(&mut self, place: u64) -> u64 {
        let mut begin = place;
        while let Some((at, byte)) = self.ends.front().copied() {
            if at > begin {
                break;
            }
            self.ends.pop_front();
            self.line += u64::from(byte == b'\n');
            if at == begin {
                begin += 1;
            }
        }
        self.line
    }

    /// A new row may begin.
    pub(super) fn renew(&mut self) {
        self.left = MOST_ROW_BYTES;
    }

    /// Whether a row took all that it may have.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    pub(super) fn digest(mut self) -> String {
        // Empty lines at the end are a part of the file too.
        let mut rest = [0; 8_192];
        while let Ok(count @ 1..) = self.input.read(&mut rest) {
            self.hash.update(rest.get(..count).unwrap_or_default());
        }
        let digest = self.hash.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("the row is too long"));
        }
        let most = buffer.len().min(self.left);
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let count = if self.begun.is_empty() {
            let count = self.input.read(buffer)?;
            self.hash.update(buffer.get(..count).unwrap_or_default());
            count
        } else {
            let count = most.min(self.begun.len());
            for (to, from) in buffer.iter_mut().zip(self.begun.drain(..count)) {
                *to = from;
            }
            count
        };
        self.left -= count;
        let handed = buffer.get(..count).unwrap_or_default();
        for (place, byte) in (self.passed..).zip(handed) {
            if self.notes_lines && matches!(byte, b'\r' | b'\n') {
                self.ends.push_back((place, *byte));
            }
        }
        self.passed += count as u64;
        Ok(count)
    }
}
