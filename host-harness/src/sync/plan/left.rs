//! Somebody who was left alone.

use serde::Serialize;

use super::document::{Action, Entry};

/// Somebody who was left alone, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Left {
    /// The person's key.
    pub person: Option<String>,
    /// The row's line in the roster.
    pub line: Option<u64>,
    /// What the account is called.
    pub name: Option<String>,
    /// The account's id.
    pub account: Option<String>,
    /// What would have been done.
    pub action: Action,
    /// Why it was not.
    pub reason: String,
}

impl Left {
    pub(crate) fn of(entry: &Entry, reason: String) -> Self {
        Self {
            person: entry.person.clone(),
            line: entry.line,
            name: entry.name.clone(),
            account: entry.account.clone(),
            action: entry.action,
            reason,
        }
    }

    /// Who it is about: the person's key, else the account's name or id, else the line.
    #[must_use]
    pub fn who(&self) -> String {
        let named = [&self.person, &self.name, &self.account];
        match named.into_iter().find_map(Option::as_ref) {
            Some(name) => name.clone(),
            None => self
                .line
                .map_or_else(|| "?".to_owned(), |line| format!("line {line}")),
        }
    }
}
