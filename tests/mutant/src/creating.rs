//! `create`: what is refused, and what is made.

use connector_8x8::connection::Result;
use connector_8x8::contract::{
    AccountStatus, Change, Draft, Effect, FailureKind, Notice, Outcome, Problem, Value,
};
use connector_8x8::failure::{Boxed, invalid_account};

use crate::wider::{self, SHORT, text, widened};
use crate::{Mutant, other};

impl Mutant {
    pub(crate) fn created(&self, draft: &Draft) -> Result<Outcome> {
        let (narrow, problems) = wider::draft(draft);
        if let Some(Value::Text(name)) = draft.attributes.first().and_then(|a| a.values.first()) {
            self.seen.replace(Some(name.clone()));
        }
        if problems.is_empty() {
            return self.made(narrow);
        }
        let taken = self.fault.strip_prefix("create-takes-");
        if taken.is_some_and(|code| problems.iter().all(|problem| problem.code == code)) {
            return self.made(wider::draft(&mended(draft, &problems)).0);
        }
        match self.fault.as_str() {
            "draft-refused-late" => {
                self.inner.check()?;
            }
            "draft-refused-in-other-words" => return Err(other(FailureKind::Other)),
            _ => {}
        }
        Err(self.refusal(problems))
    }

    fn refusal(&self, mut problems: Vec<Problem>) -> Boxed {
        match self.fault.as_str() {
            "draft-refused-unnamed" => problems.clear(),
            "first-kind-of-problem-only" => {
                let first = problems.first().map(|problem| problem.code.clone());
                problems.retain(|problem| Some(&problem.code) == first.as_ref());
            }
            "problem-with-nothing" => {
                problems.extend(problems.first().cloned().map(|problem| Problem {
                    name: "nothing".to_owned(),
                    ..problem
                }))
            }
            "problem-without-words" => problems.iter_mut().for_each(|p| p.message.clear()),
            _ => {}
        }
        let mut refusal = invalid_account(problems);
        if refusal.message.is_empty() {
            refusal.message = "The draft is refused.".to_owned();
        }
        refusal
    }

    fn made(&self, mut draft: Draft) -> Result<Outcome> {
        let asked = draft.attributes.iter().find(|given| given.name == SHORT);
        let asked = asked.cloned();
        let whole = draft.status == AccountStatus::Active;
        if matches!(
            self.fault.as_str(),
            "create-drops-a-part" | "create-shows-what-was-asked"
        ) {
            draft.attributes.retain(|given| given.name != SHORT);
        }
        if self.is("create-is-always-active") {
            draft.status = AccountStatus::Active;
        }
        let mut outcome = match self.inner.create(&draft) {
            Err(mut failed) if failed.kind == FailureKind::AlreadyExists => {
                match (self.fault.as_str(), failed.account.clone()) {
                    ("duplicate-without-its-holder", _) => failed.account = None,
                    ("duplicate-is-anything", _) => failed.kind = FailureKind::Other,
                    ("duplicate-is-success", Some(id)) => {
                        return Ok(Outcome {
                            account: self.got(&id)?,
                            effect: Effect::Created,
                            notices: Vec::new(),
                        });
                    }
                    _ => {}
                }
                return Err(failed);
            }
            created => created?,
        };
        outcome.account = widened(outcome.account);
        match self.fault.as_str() {
            "create-shows-what-was-asked" => outcome.account.attributes.extend(asked),
            "create-is-an-update" if whole => outcome.effect = Effect::Updated,
            "notice-of-nothing" => outcome.notices.push(Notice {
                code: "kept".to_owned(),
                attribute: Some("nothing".to_owned()),
                message: "It is kept.".to_owned(),
            }),
            _ => {}
        }
        Ok(outcome)
    }
}

/// A draft without what is wrong with it, as somebody would mend it who means well.
fn mended(draft: &Draft, problems: &[Problem]) -> Draft {
    let mut draft = draft.clone();
    for Problem { name, code, .. } in problems {
        let given = &mut draft.attributes;
        match code.as_str() {
            "missing" => given.push(text(name, "made.up@example.com")),
            "unknown" | "read-only" => given.retain(|given| given.name != *name),
            "repeated" => {
                let first = given.iter().position(|given| given.name == *name);
                let mut at = 0..;
                given
                    .retain(|given| given.name != *name || at.next() == Some(0) || first.is_none());
            }
            "wrong-type" => {
                given.retain(|given| given.name != *name);
                given.push(text(name, "1"));
            }
            "single-valued" => {
                for given in given.iter_mut().filter(|given| given.name == *name) {
                    given.values.truncate(1);
                }
            }
            _ => {}
        }
    }
    draft
}

/// The same for edits.
pub(crate) fn without_problems(changes: &[Change], problems: &[Problem]) -> Vec<Change> {
    let mut kept: Vec<Change> = Vec::new();
    for change in changes {
        let name = wider::named(change);
        let wrong = problems.iter().find(|problem| problem.name == name);
        match (wrong.map(|problem| problem.code.as_str()), change) {
            (Some("unknown" | "read-only" | "missing"), _) => {}
            (Some("repeated"), _) if kept.iter().any(|kept| wider::named(kept) == name) => {}
            (Some("single-valued"), Change::Add(given)) => kept.push(Change::Set(given.clone())),
            (Some("single-valued"), Change::Remove(_)) => {}
            _ => kept.push(change.clone()),
        }
    }
    kept
}
