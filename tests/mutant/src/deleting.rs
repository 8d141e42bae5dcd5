//! `delete`.

use connector_8x8::connection::Result;
use connector_8x8::contract::{Deletion, Effect, FailureKind, Notice, Outcome};

use crate::wider::widened;
use crate::{Mutant, other};

impl Mutant {
    pub(crate) fn deleted(&self, id: &str) -> Result<Deletion> {
        match self.fault.as_str() {
            "deletion-is-not-sent" => return Ok(Deletion::Gone),
            "deletion-leaves-active" => {
                // Whoever is not there is deleted as ever.
                let Ok(account) = self.got(id) else {
                    return self.inner.delete(id);
                };
                return Ok(Deletion::Kept(Outcome {
                    account,
                    effect: Effect::Unchanged,
                    notices: vec![Notice {
                        code: "kept".to_owned(),
                        attribute: None,
                        message: "It is kept.".to_owned(),
                    }],
                }));
            }
            _ => {}
        }
        let mut kept = match self.inner.delete(id)? {
            Deletion::Gone if self.is("deleting-nobody-is-a-failure") => {
                return Err(other(FailureKind::NotFound));
            }
            Deletion::Gone => return Ok(Deletion::Gone),
            Deletion::Kept(kept) => kept,
        };
        kept.account = widened(kept.account);
        let first = kept.effect == Effect::Updated;
        match self.fault.as_str() {
            "kept-is-gone" if first => return Ok(Deletion::Gone),
            "kept-without-a-word" if first => kept.notices.clear(),
            "second-deletion-is-a-change" if !first => kept.effect = Effect::Updated,
            "second-deletion-is-a-failure" if !first => return Err(other(FailureKind::NotFound)),
            _ => {}
        }
        Ok(Deletion::Kept(kept))
    }
}
