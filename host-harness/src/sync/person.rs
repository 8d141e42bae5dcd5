//! One person, as the rules make them of a row.

use jiff::civil::Date;

use crate::contract::Attribute;

/// What the rules want of one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Names the person in journal and reports; unique in the roster, and never reused.
    pub key: String,
    /// The line of the roster, from 1.
    pub line: u64,
    /// Whether the person is to have an account.
    pub standing: Standing,
    /// What their account is found by.
    pub lookup: Option<Attribute>,
    /// Who they are, where the roster says so.
    pub identity: Option<Attribute>,
    /// What the account is to hold; empty unless [`Standing::Wanted`].
    pub attributes: Vec<Attribute>,
    /// Attributes of the rules that this person has no value for: to be cleared where there is
    /// one, and left out of a new account.
    pub cleared: Vec<String>,
    /// The rule that protects the person, if one does.
    pub protected: Option<String>,
}

/// Whether a person is to have an account.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Now.
    Wanted {
        /// The role that says so; `None` where everyone is wanted.
        role: Option<String>,
    },
    /// Not before a day.
    NotYet {
        /// The first day.
        from: Date,
    },
    /// No more, or never.
    NoLonger {
        /// Why, for a person.
        reason: String,
    },
}

/// A row of which it is not known what it wants. Nothing is done to whom it may be about.
#[derive(Debug, Clone, PartialEq)]
pub struct BadRow {
    /// The line of the roster, from 1.
    pub line: u64,
    /// Whom it is about, where that could be read.
    pub key: Option<String>,
    /// What is wrong, and what to do.
    pub reason: String,
}
