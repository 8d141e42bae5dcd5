//! The rules: who gets an account, and what it holds. A TOML file with expressions in it; all
//! that can be known to be wrong is told before anything runs, at its line.

mod check;
mod checked;
mod parts;
mod policy;
mod read;
mod starter;
mod tables;
#[cfg(test)]
mod tests;
mod wish;

pub use self::checked::Rules;
pub use self::policy::{Deactivations, Guards, Leavers, Phase, Policy, Switches, Unnamed};
pub use self::starter::starter;
