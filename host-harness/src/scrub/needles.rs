//! What is looked for: a secret in each form in which it is as it is, and how much of it counts.

use std::ops::Range;

use memchr::memmem;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Shorter secrets are looked for only as they are: in what is decoded they would be found by
/// accident.
pub(super) const SHORTEST_ENCODED: usize = 4;

/// Shorter secrets are looked for only whole, and in the case that they have.
const SHORTEST_IN_PART: usize = 16;

/// Names of schemes that people copy together with the secret, which the host adds once more.
const SCHEMES: [&str; 6] = ["apikey", "basic", "bearer", "key", "ssws", "token"];

/// How often a text is decoded: twice is seen in practice (JSON in JSON, a URL in JSON, UTF-16 in
/// base64), and more costs nothing where nothing is left to decode.
pub(super) const DECODINGS: usize = 4;

/// A secret, or what is made of one.
pub(crate) type Spelling = Zeroizing<Vec<u8>>;

/// What must not be seen of a secret: itself, and what it was put into. `placed` is the header value
/// or parameter.
pub(crate) fn texts_of(secret: &SecretString, placed: Option<&[u8]>) -> Vec<Spelling> {
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

pub(super) struct Needle {
    pub(super) text: Spelling,
    /// Whether only the whole of it counts: it is short, or there is another one in it.
    pub(super) whole: bool,
}

/// The text, in lower case and in upper case, and where it has blanks, with `+` for each, as forms
/// encode them.
pub(super) fn needles_of(text: &Spelling) -> Vec<Spelling> {
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
pub(super) fn least_of(needle: &[u8]) -> usize {
    match needle.len() < SHORTEST_IN_PART || needle.contains(&b':') {
        true => needle.len(),
        false => needle.len() - needle.len() / 4,
    }
}

/// What every three quarters of it in a row hold: all of it, where it is short.
pub(super) fn middle(needle: &[u8]) -> &[u8] {
    in_three(needle).map_or(needle, |[_, middle, _]| middle)
}

/// The first quarter, the half in the middle, and the last quarter; nothing of one that counts only
/// as a whole.
pub(super) fn in_three(needle: &[u8]) -> Option<[&[u8]; 3]> {
    let quarter = needle.len() / 4;
    if least_of(needle) == needle.len() {
        return None;
    }
    let (before, rest) = needle.split_at_checked(quarter)?;
    let (middle, after) = rest.split_at_checked(rest.len().checked_sub(quarter)?)?;
    Some([before, middle, after])
}

/// Where three quarters of it stand in a row, or more.
pub(super) fn parts_of(needle: &[u8], text: &[u8]) -> Vec<Range<usize>> {
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

pub(super) fn holds(text: &[u8], part: &[u8]) -> bool {
    text.len() >= part.len() && memmem::find(text, part).is_some()
}
