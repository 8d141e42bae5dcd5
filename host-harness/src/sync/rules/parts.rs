//! What rules are made of.

use crate::contract::Value;
use crate::sync::expression::Expression;

/// An expression of the file, and where it stands.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) line: usize,
    pub(crate) expression: Expression,
}

/// What an attribute is to be.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) value: Placed,
}

/// Who gets an account.
#[derive(Debug)]
pub(crate) enum Provision {
    Everyone,
    Roles(Vec<(String, Placed)>),
}

/// Accounts and people that are left alone.
#[derive(Debug, Default)]
pub(crate) struct Protect {
    pub(crate) accounts: Vec<(String, Vec<Value>)>,
    pub(crate) when: Vec<Placed>,
    pub(crate) people: Vec<Placed>,
}

/// When somebody comes and goes.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    pub(crate) start: Option<Placed>,
    pub(crate) end: Option<Placed>,
    pub(crate) disabled: Option<Placed>,
}
