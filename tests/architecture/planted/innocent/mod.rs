//! A facade, a child that stands on another one, and tests that may see everything.

mod high;
mod low;

pub(crate) use high::High;
