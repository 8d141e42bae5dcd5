//! Takes a secret out of what comes from outside, before the guest, a log or a trace sees it.
//!
//! A secret is looked for in the text as it is, and in the text decoded: without [`escapes`], and
//! inside [`base64`] and [`hexadecimal`]; what comes of that is looked at again, since encodings are
//! put into one another. Three quarters of it in a row are as good as all of it, since services
//! show what they got cut off; so is all of it in upper or lower case. What is replaced is the
//! spelling in the original text, whole escapes each, so that JSON stays JSON. [`lines`] are the
//! header lines, over which a secret may be spread.
//!
//! Not recognised: reversed, encrypted, cut into pieces inside a body, less than three quarters.

mod base64;
mod escapes;
mod grams;
mod hexadecimal;
mod lines;
mod needles;
mod ranges;
mod scrubber;

pub(crate) use needles::{Spelling, texts_of};
pub(crate) use scrubber::Scrubber;

#[cfg(test)]
mod tests;
