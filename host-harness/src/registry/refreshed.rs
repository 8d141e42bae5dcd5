//! What a look at a registry came to.

use std::fmt;

use super::shelf::Release;

/// What a [refresh](super::Registry::refresh) came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refreshed {
    /// Offered from now on.
    pub added: Vec<Release>,
    /// Not offered any more.
    pub removed: Vec<Release>,
    /// Found anew or changed, and not taken.
    pub refused: Vec<Refused>,
}

/// Something that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The file's name; in a layout the tag, or the digest where there is none.
    pub place: String,
    /// What is wrong, in a sentence.
    pub reason: String,
    /// What goes on being offered from this place.
    pub kept: Option<Release>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)?;
        match &self.kept {
            Some(kept) => write!(f, " {kept} goes on."),
            None => Ok(()),
        }
    }
}
