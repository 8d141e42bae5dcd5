//! What a connection knows of its secrets: those that it has now, whether or not a request named
//! them, and the last ones before them, since an upstream may show what it kept of an earlier
//! request or of another process's.

use std::collections::{BTreeMap, VecDeque};

use crate::scrub::{Scrubber, Spelling};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::texts_of;

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
}
