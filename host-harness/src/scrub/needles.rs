//! What is looked for: a secret in each form in which it is as it is.

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Shorter secrets are looked for only as they are: in what is decoded they would be found by
/// accident.
pub(super) const SHORTEST_ENCODED: usize = 4;

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
    texts.retain(|text| !text.is_empty());
    let own = texts.into_iter().map(|text| Zeroizing::new(text.to_vec()));
    own.collect()
}

/// The text, and where it has blanks, with `+` for each, as forms encode them.
pub(super) fn needles_of(text: &Spelling) -> Vec<Spelling> {
    let mut needles = vec![text.clone()];
    if text.contains(&b' ') && text.len() >= SHORTEST_ENCODED {
        let mut plus = text.clone();
        plus.iter_mut()
            .filter(|byte| **byte == b' ')
            .for_each(|byte| *byte = b'+');
        needles.push(plus);
    }
    needles
}
