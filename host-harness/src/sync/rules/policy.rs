//! What a run may do, and how much of it.

/// What becomes of somebody who no longer qualifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leavers {
    /// Their account is deactivated.
    Deactivate,
    /// Their account stays as it is.
    Keep,
}

/// What becomes of an account that no row names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    /// It stays as it is.
    Keep,
    /// It is deactivated.
    Deactivate,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// New and reactivated accounts.
    Joiners,
    /// Changed accounts.
    Movers,
    /// Deactivated accounts.
    Leavers,
}

/// Which actions are switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four switches, as the rules file has them"
)]
pub struct Switches {
    /// New accounts.
    pub create: bool,
    /// Changes of attributes.
    pub update: bool,
    /// Inactive accounts made active.
    pub reactivate: bool,
    /// Active accounts made inactive.
    pub deactivate: bool,
}

/// What a run may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Somebody who no longer qualifies.
    pub leavers: Leavers,
    /// An account that no row names.
    pub unnamed: Unnamed,
    /// Which actions are switched on.
    pub switches: Switches,
    /// What comes first.
    pub order: Vec<Phase>,
    /// When a run stops before it writes.
    pub guards: Guards,
    /// The attribute that says who somebody is.
    pub identity_key: Option<String>,
    /// The attribute that accounts are found by.
    pub lookup_key: String,
}

/// How many deactivations a run may hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Deactivations {
    /// Of the active accounts.
    pub percent: f64,
    /// So many are always allowed.
    pub at_least: u64,
    /// More are never allowed.
    pub at_most: u64,
}

/// When a run stops before it writes, or while it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Guards {
    /// How many deactivations are allowed.
    pub deactivations: Deactivations,
    /// By how many percent the roster may be shorter than the last time.
    pub shorter_roster: f64,
    /// How many percent of the latest operations may fail.
    pub failures: f64,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            deactivations: Deactivations {
                percent: 10.0,
                at_least: 5,
                at_most: 100,
            },
            shorter_roster: 20.0,
            failures: 50.0,
        }
    }
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            create: true,
            update: true,
            reactivate: true,
            deactivate: true,
        }
    }
}
