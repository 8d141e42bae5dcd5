//! Filters (RFC 7644 §3.4.2.2).

/// `attribute eq "value"`. The value is a JSON string, so quotes, backslashes and control
/// characters are escaped as JSON has it.
#[must_use]
pub fn equals(attribute: &str, value: &str) -> String {
    let value = serde_json::Value::String(value.to_owned());
    format!("{attribute} eq {value}")
}
