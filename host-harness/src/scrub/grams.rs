//! Tells fast that a few characters are in none of the secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::needles::{Spelling, holds};
use crate::provenance::hexadecimal as digits_of;

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
    /// Each secret that is long enough; and, since a spelling may be cut into pieces too, each in
    /// base64 and in hexadecimal.
    pub(super) texts: Vec<Text>,
    /// A bit for every [`PIECE`] bytes of them, where they hash to.
    bits: Vec<u64>,
}

pub(super) struct Text {
    pub(super) spelled: Spelling,
    /// Names are handed over in lower case.
    pub(super) lower: Spelling,
}

impl Grams {
    pub(super) fn add(&mut self, text: &[u8]) {
        if text.len() < SHORTEST_IN_PIECES {
            return;
        }
        self.bits.resize(WORDS, 0);
        // Of a header's value the secret in it is enough.
        let holds_another = self.texts.iter().any(|own| holds(text, &own.spelled));
        let encoded = match holds_another {
            true => Vec::new(),
            false => vec![STANDARD_NO_PAD.encode(text), digits_of(text)],
        };
        let encoded = encoded
            .into_iter()
            .map(|text| Zeroizing::new(text.into_bytes()));
        for spelled in encoded.chain([Zeroizing::new(text.to_vec())]) {
            let lower = Zeroizing::new(spelled.to_ascii_lowercase());
            for gram in lower.windows(PIECE) {
                let (word, bit) = place(gram);
                if let Some(word) = self.bits.get_mut(word) {
                    *word |= bit;
                }
            }
            self.texts.push(Text { spelled, lower });
        }
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
