//! What is demanded of results.

use super::outcome::{Checked, Stop, told};
use super::trial::Trial;
use crate::attributes::{same, spec, values};
use crate::contract::{self, Account, Attribute, Effect, FailureKind, Mutability, Notice};
use crate::failure::Failure;
use crate::json;

/// The result of something that has to succeed.
pub(super) fn done<T>(what: &str, result: Result<T, Failure>) -> Result<T, Stop> {
    result.map_err(|failure| Stop::Fail(format!("{what} failed: {}", told(&failure))))
}

/// The failure of something that has to fail in one of these ways.
pub(super) fn refused<T>(
    what: &str,
    result: Result<T, Failure>,
    due: &[(FailureKind, &str)],
) -> Result<contract::Failure, Stop> {
    let names: Vec<_> = due.iter().map(|(_, name)| format!("`{name}`")).collect();
    let due_names = names.join(" or ");
    match result {
        Ok(_) => Err(Stop::Fail(format!(
            "{what} succeeded, where {due_names} is due"
        ))),
        Err(Failure::Connector(failure)) if due.iter().any(|(kind, _)| *kind == failure.kind) => {
            Ok(*failure)
        }
        Err(failure) => Err(Stop::Fail(format!(
            "{what} ended in {}, where {due_names} is due",
            told(&failure)
        ))),
    }
}

pub(super) const INVALID_ACCOUNT: (FailureKind, &str) =
    (FailureKind::InvalidAccount, "invalid-account");
pub(super) const NOT_FOUND: (FailureKind, &str) = (FailureKind::NotFound, "not-found");
pub(super) const UNSUPPORTED: (FailureKind, &str) = (FailureKind::Unsupported, "unsupported");
pub(super) const ALREADY_EXISTS: (FailureKind, &str) =
    (FailureKind::AlreadyExists, "already-exists");

/// A success that says it did something else.
pub(super) fn other_effect(effect: Effect, due: &str) -> Stop {
    Stop::Fail(format!(
        "the outcome says `{}`, where `{due}` is due; --trace FILE.har shows what was sent",
        json::effect(effect)
    ))
}

/// That one of the failure's problems is of this name.
pub(super) fn names(what: &str, failure: &contract::Failure, name: &str) -> Checked {
    if failure.problems.iter().any(|problem| problem.name == name) {
        return Ok(());
    }
    let named: Vec<_> = failure.problems.iter().map(|p| p.name.as_str()).collect();
    let named = if named.is_empty() {
        "no problem is named".to_owned()
    } else {
        format!("only {} is named", named.join(", "))
    };
    Err(Stop::Fail(format!(
        "{what} was refused, and `{name}` is not among its problems: {named}"
    )))
}

impl Trial {
    /// That the last operation sent nothing at all.
    pub(super) fn sent_nothing(&self, what: &str) -> Checked {
        match self.requests() {
            0 => Ok(()),
            sent => Err(Stop::Fail(format!(
                "{what} sent {}, where nothing may be sent",
                count(sent, "request")
            ))),
        }
    }

    /// That the last operation sent no write.
    pub(super) fn wrote_nothing(&self, what: &str) -> Checked {
        match self.written() {
            0 => Ok(()),
            sent => Err(Stop::Fail(format!(
                "{what} sent {}, where nothing may be written",
                count(sent, "write")
            ))),
        }
    }

    /// That an account holds what was asked for. What is spelled otherwise needs a notice.
    pub(super) fn holds(
        &self,
        what: &str,
        account: &Account,
        wanted: &[Attribute],
        notices: &[Notice],
    ) -> Checked {
        for attribute in wanted {
            let name = attribute.name.as_str();
            let Some(spec) = spec(self.manifest(), name) else {
                continue;
            };
            if spec.mutability == Mutability::WriteOnly || self.left_out.contains(name) {
                continue;
            }
            let held = values(account, name);
            if held.is_empty() {
                return Err(Stop::Fail(format!(
                    "{what} shows no {name}, which was given, and no failure says so"
                )));
            }
            let noticed = notices
                .iter()
                .any(|notice| notice.attribute.as_deref() == Some(name));
            if !same(spec, held, &attribute.values) && !noticed {
                return Err(Stop::Fail(format!(
                    "{what} shows another {name} than was given, and no notice says so"
                )));
            }
        }
        Ok(())
    }

    /// That two looks at one account show the same.
    pub(super) fn alike(&self, what: &str, one: &Account, other: &Account) -> Checked {
        if one.id != other.id {
            return Err(Stop::fail(format!("{what} shows another account")));
        }
        if one.status != other.status {
            return Err(Stop::fail(format!("{what} shows another status")));
        }
        for spec in &self.manifest().attributes {
            let (a, b) = (values(one, &spec.name), values(other, &spec.name));
            if !same(spec, a, b) {
                return Err(Stop::Fail(format!("{what} shows another {}", spec.name)));
            }
        }
        Ok(())
    }
}

pub(super) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
