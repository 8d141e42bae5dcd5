//! One account by its id.

use super::{Asked, Connection, Result};
use crate::account::is_id;
use crate::contract::Account;
use crate::failure;
use crate::transport::Transport;

impl<T: Transport> Connection<T> {
    /// # Errors
    ///
    /// `not-found`; `invalid-account` where the id can name no account.
    pub fn get(&self, id: &str) -> Result<Account> {
        self.begin();
        if !is_id(id) {
            return Err(failure::invalid_id());
        }
        match self.ask_for_user(id, 0)? {
            Asked::Shown(answer) => Ok(self.user_in(&answer, id)?.account()),
            Asked::Missing(answer) => Err(failure::not_found(Some(answer))),
        }
    }
}
