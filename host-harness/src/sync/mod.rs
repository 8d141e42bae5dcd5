//! A whole company: who is in the roster gets, keeps or loses an account, as the rules say.
//!
//! A [`Roster`] is read row by row; the [`Rules`] make of each row a [`Wish`], or say why that
//! cannot be told: unknown is not *no*.

mod expression;
mod person;
mod roster;
mod rules;

pub use self::person::{BadRow, Standing, Wish};
pub use self::roster::{Roster, RosterFormat, RosterSource, Row};
pub use self::rules::{
    Deactivations, Guards, Leavers, Phase, Policy, Rules, Switches, Unnamed, starter,
};
