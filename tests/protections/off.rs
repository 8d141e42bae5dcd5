//! Which protection is off: the one that the variable names. `.ci/protections` puts this file into the
//! copies of the crates that its patches change; it stands nowhere else.

use std::sync::OnceLock;

pub(crate) const VARIABLE: &str = "PROTECTION_OFF";

pub(crate) fn is(protection: &str) -> bool {
    static OFF: OnceLock<Option<String>> = OnceLock::new();
    let off = OFF.get_or_init(|| std::env::var(VARIABLE).ok());
    off.as_deref() == Some(protection)
}
