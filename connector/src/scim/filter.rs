//! Filters (RFC 7644 §3.4.2.2).

use crate::json::quote;
use crate::prelude::*;

/// `attribute eq "value"`. The value is a JSON string, so quotes, backslashes and control
/// characters are escaped as JSON has it.
#[must_use]
pub fn equals(attribute: &str, value: &str) -> String {
    let mut filter = [attribute, " eq "].concat();
    quote(value, &mut filter);
    filter
}
