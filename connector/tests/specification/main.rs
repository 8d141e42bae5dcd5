//! The connector's rules, natively: a script answers instead of a host.

mod failures;
mod finding;
mod golden;
mod listing;
mod script;
mod settings;
mod writing;
