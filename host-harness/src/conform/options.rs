//! How a run goes.

use crate::attributes::Pair;

/// How a run goes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The accounts of the run are named after it.
    pub prefix: String,
    /// Values that the tenant decides, by the attribute's name; `{}` in one stands for the
    /// account's name, such as `conform-1`. A second value for the same attribute is the one
    /// that the attribute is changed to.
    pub values: Vec<Pair>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: "conform".to_owned(),
            values: Vec::new(),
        }
    }
}
