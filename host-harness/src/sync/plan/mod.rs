//! The plan: for each person what would be done, to which account, in which state, and why.
//! Nothing is written while it is made.

mod compare;
mod decide;
mod document;
mod file;
mod left;
mod make;
mod order;
#[cfg(test)]
mod tests;

pub(crate) use self::compare::compare;
pub use self::document::{
    Action, AttributeChange, Counts, Entry, NoticeGroup, Plan, PlanNotice, Seen, VERSION,
};
pub use self::left::Left;
pub(crate) use self::make::{Asked, Making, Protects, make};
pub(crate) use self::order::waves;
