//! Takes a secret out of what comes from outside, before the guest, a log or a trace sees it.
//!
//! A secret is looked for in the text as it is, and in the text decoded: without [`escapes`], and
//! inside [`base64`]; what comes of that is looked at again, since encodings are put into one
//! another. What is replaced is the spelling in the original text, whole escapes each, so that
//! JSON stays JSON. [`lines`] are the header lines, over which a secret may be spread.
//!
//! Not recognised: hexadecimal, reversed, encrypted, cut into pieces inside a body, a part alone.

mod base64;
mod escapes;
mod grams;
mod lines;
mod needles;
mod ranges;
mod scrubber;

pub(crate) use needles::{Spelling, texts_of};
pub(crate) use scrubber::Scrubber;

#[cfg(test)]
mod tests;
