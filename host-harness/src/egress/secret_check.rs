//! Which secrets can be sent.

use secrecy::{ExposeSecret as _, SecretString};

use super::credential::CredentialError;

/// Whether a secret goes over the wire as it is, and so can be found again in what comes back. The
/// message names the credential, and what is wrong, and shows nothing of the value.
pub(super) fn checked(name: &str, secret: &SecretString) -> Result<(), CredentialError> {
    let text = secret.expose_secret();
    let what = if text.is_empty() {
        "is empty"
    } else if text.contains(['\r', '\n']) {
        "holds a line end"
    } else if text.trim() != text {
        "begins or ends with a blank"
    } else if text.contains(char::is_control) {
        "holds a control character"
    } else if !text.is_ascii() {
        "holds a character that is not ASCII"
    } else {
        return Ok(());
    };
    let code = if text.is_empty() { "empty" } else { "invalid" };
    Err(CredentialError {
        code,
        message: format!(
            "The credential `{name}` {what}, which would not reach the upstream as it is: a \
             secret is printable ASCII, without blanks at its ends. Copy it once more."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_the_wire_would_change_is_refused_and_not_shown() {
        for (secret, what) in [
            ("", "is empty"),
            ("tok\n", "line end"),
            ("to\rk", "line end"),
            (" tok", "blank"),
            ("tok ", "blank"),
            ("tok\t", "blank"),
            ("\u{a0}tok", "blank"),
            ("to\tk", "control character"),
            ("to\u{7f}k", "control character"),
            ("to\0k", "control character"),
            ("\u{feff}tok", "not ASCII"),
            ("t\u{f6}k", "not ASCII"),
            ("tok\u{200b}", "not ASCII"),
        ] {
            let error = checked("api-token", &secret.into()).unwrap_err();
            assert!(error.message.contains("`api-token`"), "{error}");
            assert!(error.message.contains(what), "{secret:?}: {error}");
            assert!(!error.message.contains("tok\u{20}") && !error.message.contains("`tok"));
        }
        for secret in [
            "tok",
            "user:pass word",
            "a+/=-._~!#$%&'*^`|\"<>\\{}[]()@:;,?",
        ] {
            assert!(checked("api-token", &secret.into()).is_ok(), "{secret}");
        }
    }
}
