//! Stands in until rules and roster are merged.
#![allow(missing_docs)]

use crate::contract::Attribute;

#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    pub key: String,
    pub line: u64,
    pub standing: Standing,
    pub lookup: Option<Attribute>,
    pub identity: Option<Attribute>,
    pub attributes: Vec<Attribute>,
    pub cleared: Vec<String>,
    pub protected: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    Wanted { role: Option<String> },
    NotYet { from: jiff::civil::Date },
    NoLonger { reason: String },
}

#[derive(Debug, Clone, PartialEq)]
pub struct BadRow {
    pub line: u64,
    pub key: Option<String>,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leavers {
    Deactivate,
    Keep,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    Keep,
    Deactivate,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Joiners,
    Movers,
    Leavers,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    pub create: bool,
    pub update: bool,
    pub reactivate: bool,
    pub deactivate: bool,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub leavers: Leavers,
    pub unnamed: Unnamed,
    pub switches: Switches,
    pub order: Vec<Phase>,
    pub guards: Guards,
    pub identity_key: Option<String>,
    pub lookup_key: String,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Deactivations {
    pub percent: f64,
    pub at_least: u64,
    pub at_most: u64,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Guards {
    pub deactivations: Deactivations,
    pub shorter_roster: f64,
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
