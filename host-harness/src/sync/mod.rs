//! A whole company: who is in the roster gets, keeps or loses an account, as the rules say.
//!
//! A [`Roster`] is read row by row; the [`Rules`] make of each row a [`Wish`], or say why that
//! cannot be told: unknown is not *no*. [`plan_for`] reads the tenant once and decides for
//! each person what would be done ([`plan`]); [`guard`]s look at the whole; and what was
//! agreed to is carried out, each write between an intent and an outcome in the [`journal`],
//! so that a run that is killed at any moment is taken up by the next.
//!
//! Never the wrong person: whatever leaves a doubt about whose account it is is a conflict,
//! for somebody to look at, and an account that is not any more as it was read is left alone.
//! Never twice: nobody is made without a look right before, and an intent without an outcome
//! is resolved by reading before anything is planned.

mod apply;
mod clocked;
mod company;
mod directory;
mod error;
mod expression;
pub mod guard;
pub mod journal;
pub mod lock;
pub(crate) mod page;
mod person;
pub mod plan;
pub mod report;
mod roster;
mod rules;
mod run;
mod scratch;
mod tenant;
mod values;

pub use self::apply::Halt;
pub use self::company::plan_for;
pub use self::error::{Duplicate, SyncError};
pub use self::person::{BadRow, Standing, Wish};
pub use self::roster::{Columns, Roster, RosterFormat, RosterSource, Row};
pub use self::rules::{
    Deactivations, Guards, Leavers, Phase, Policy, Rules, Switches, Unnamed, starter,
};
pub use self::run::{OnProgress, Prepared, Progress, SyncOptions};
pub use self::tenant::Tenant;
