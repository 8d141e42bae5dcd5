//! A whole company: what a sync does to a tenant, and above all what it does not.

mod company;
mod guards;
mod lifecycle;
mod moved;
mod private;
mod reading;
mod reviewed;
mod town;
mod trouble;
