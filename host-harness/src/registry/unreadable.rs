//! What is said of a place that cannot be read.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::load_error::LoadError;

pub(super) fn unreadable(path: &Path, error: impl fmt::Display) -> LoadError {
    LoadError::Unreadable {
        path: PathBuf::from(path),
        reason: error.to_string(),
    }
}
