//! The operations of the contract, called in a sandbox.

use super::store::Sandbox;
use super::text;
use crate::contract::{
    Account, CheckReport, Deletion, Draft, Edits, Outcome, Page, PageQuery, Value,
};
use crate::failure::Failure;

/// Calls one function of the guest's connection and tells what it came to.
macro_rules! call {
    ($sandbox:ident.$function:ident($($argument:expr),*)) => {{
        let connection = $sandbox.connection()?;
        let function = $sandbox.exports.$function;
        let answer = $sandbox.call(&function, (connection, $($argument),*)).await;
        $sandbox.settle(answer)
    }};
}

impl Sandbox {
    pub(crate) async fn check(&mut self) -> Result<CheckReport, Failure> {
        call!(self.check()).map(text::report)
    }

    pub(crate) async fn list(&mut self, query: &PageQuery) -> Result<Page, Failure> {
        call!(self.list(query))
    }

    pub(crate) async fn get(&mut self, id: &str) -> Result<Account, Failure> {
        call!(self.get(id))
    }

    pub(crate) async fn find(
        &mut self,
        name: &str,
        value: &Value,
    ) -> Result<Option<Account>, Failure> {
        call!(self.find(name, value))
    }

    pub(crate) async fn create(&mut self, draft: &Draft) -> Result<Outcome, Failure> {
        call!(self.create(draft)).map(cleaned)
    }

    pub(crate) async fn update(&mut self, id: &str, edits: &Edits) -> Result<Outcome, Failure> {
        call!(self.update(id, edits)).map(cleaned)
    }

    pub(crate) async fn delete(&mut self, id: &str) -> Result<Deletion, Failure> {
        let deletion = call!(self.delete(id))?;
        Ok(match deletion {
            Deletion::Gone => Deletion::Gone,
            Deletion::Kept(outcome) => Deletion::Kept(cleaned(outcome)),
        })
    }
}

fn cleaned(mut outcome: Outcome) -> Outcome {
    text::notices(&mut outcome.notices);
    outcome
}
