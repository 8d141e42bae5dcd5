//! Tells fast that a few characters are in none of the secrets.

use zeroize::Zeroizing;

use super::needles::Spelling;

/// Characters in common that are a piece. A name or value that lies in the secret as a whole is one
/// however short it is.
pub(super) const PIECE: usize = 4;

/// Shorter secrets are looked for in whole names and values, and in values one after the other.
pub(super) const SHORTEST_IN_PIECES: usize = 8;

/// Bits of the table of pieces, and how many words of 64 they take.
const BITS: u32 = 4096;
const WORDS: usize = 64;

/// Tells fast that a few characters are in none of the secrets.
#[derive(Default)]
pub(super) struct Grams {
    /// Each secret that is long enough, in lower case.
    pub(super) texts: Vec<Spelling>,
    /// A bit for every [`PIECE`] bytes of them, where they hash to.
    bits: Vec<u64>,
}

impl Grams {
    pub(super) fn add(&mut self, text: &[u8]) {
        if text.len() < SHORTEST_IN_PIECES {
            return;
        }
        let text = Zeroizing::new(text.to_ascii_lowercase());
        self.bits.resize(WORDS, 0);
        for gram in text.windows(PIECE) {
            let (word, bit) = place(gram);
            if let Some(word) = self.bits.get_mut(word) {
                *word |= bit;
            }
        }
        self.texts.push(text);
    }

    pub(super) fn may_have(&self, gram: &[u8]) -> bool {
        let (word, bit) = place(gram);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// In whatever case.
fn place(gram: &[u8]) -> (usize, u64) {
    let bytes = gram.iter().fold(0_u32, |bytes, byte| {
        bytes << 8 | u32::from(byte.to_ascii_lowercase())
    });
    let hash = bytes.wrapping_mul(0x9e37_79b1) >> 20;
    let bit = hash % BITS;
    ((bit / 64) as usize, 1 << (bit % 64))
}
