//! What is wrong with a recording.

use std::fmt;
use std::path::Path;

use crate::contract::Problem;
use crate::failure::Failure;

/// What is wrong with a recording's folder or files, which are the operator's to name.
pub(super) fn unusable(code: &str, path: &Path, what: impl fmt::Display) -> Failure {
    Failure::InvalidSettings {
        problems: vec![Problem {
            name: path.display().to_string(),
            code: code.to_owned(),
            message: format!("The recording {}: {what}", path.display()),
        }],
    }
}
