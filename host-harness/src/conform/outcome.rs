//! What a check may end in.

use crate::failure::Failure;

/// `Ok` where everything was as the contract has it.
pub(super) type Checked = Result<(), Stop>;

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// There is nothing to check here.
    Skip(String),
    /// The connector broke the rule.
    Fail(String),
}

impl Stop {
    pub(super) fn skip(why: impl Into<String>) -> Self {
        Self::Skip(why.into())
    }

    pub(super) fn fail(what: impl Into<String>) -> Self {
        Self::Fail(what.into())
    }
}

/// Kind and message, for a sentence.
pub(super) fn told(failure: &Failure) -> String {
    format!(
        "`{}` ({})",
        failure.kind(),
        failure.message().trim_end_matches('.')
    )
}
