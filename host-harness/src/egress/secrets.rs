//! What a connection knows of its secrets: those that it has now, whether or not a request named
//! them, and the last ones before them, since an upstream may show what it kept of an earlier
//! request or of another process's.

use std::collections::{BTreeMap, VecDeque};

use secrecy::{ExposeSecret as _, SecretString};

use super::credential::CredentialError;
use super::scrub::{Scrubber, Spelling};
use crate::mitigation::Mitigation;

/// Secrets that one request may hold. An answer is searched for all of them.
pub(super) const MOST_IN_A_REQUEST: usize = 32;

/// Texts of earlier secrets that are remembered: a token that changes each hour has two an hour.
const MOST_EARLIER: usize = 64;

/// The secrets of one connection. Of those that it has now none is ever forgotten.
#[derive(Default)]
pub(super) struct Secrets {
    current: BTreeMap<String, Vec<Spelling>>,
    earlier: VecDeque<Spelling>,
    scrubber: Scrubber,
}

impl Secrets {
    /// What looks for all of them.
    pub(super) fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// Whether these are the texts of this credential.
    pub(super) fn knows(&self, name: &str, texts: &[Spelling]) -> bool {
        self.current.get(name).is_some_and(|known| known == texts)
    }

    /// This credential has this secret from now on.
    pub(super) fn learn(&mut self, name: &str, texts: &[Spelling]) {
        let before = self.current.insert(name.to_owned(), texts.to_vec());
        let Some(before) = before else {
            texts
                .iter()
                .for_each(|text| self.scrubber.add_text(text.clone()));
            return;
        };
        for text in before {
            self.earlier.retain(|earlier| *earlier != text);
            self.earlier.push_back(text);
        }
        let surplus = self.earlier.len().saturating_sub(MOST_EARLIER);
        self.earlier.drain(..surplus);
        self.scrubber = Scrubber::default();
        for text in self.current.values().flatten().chain(&self.earlier) {
            self.scrubber.add_text(text.clone());
        }
    }
}

/// Whether a secret goes over the wire as it is, and so can be found again in what comes back. The
/// message names the credential, and what is wrong, and shows nothing of the value.
pub(super) fn checked(name: &str, secret: &SecretString) -> Result<(), CredentialError> {
    let text = secret.expose_secret();
    if !Mitigation::SecretCharacters.is_on() {
        return Ok(());
    }
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
    use super::super::scrub::texts_of;
    use super::*;

    fn learn(secrets: &mut Secrets, name: &str, secret: &str) {
        secrets.learn(name, &texts_of(&secret.into(), None));
    }

    fn knows(secrets: &Secrets, secret: &str) -> bool {
        secrets.scrubber().scrub_text(secret.to_owned()) != secret
    }

    #[test]
    fn however_often_one_secret_changes_the_others_are_known() {
        let mut secrets = Secrets::default();
        for number in 0..100 {
            learn(
                &mut secrets,
                &format!("credential-{number}"),
                &format!("the-secret-{number:03}"),
            );
        }
        for number in 0..200 {
            learn(&mut secrets, "rotated", &format!("the-rotated-{number:03}"));
        }
        assert!((0..100).all(|number| knows(&secrets, &format!("the-secret-{number:03}"))));
        assert!((140..200).all(|number| knows(&secrets, &format!("the-rotated-{number:03}"))));
        assert!(
            !knows(&secrets, "the-rotated-000"),
            "few of the earlier ones are kept"
        );
    }

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
