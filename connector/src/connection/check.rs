//! Whether the settings and the token are good: one cheap read.

use super::{Connection, Result};
use crate::account::notice;
use crate::contract::CheckReport;
use crate::prelude::*;
use crate::transport::Transport;

impl<T: Transport> Connection<T> {
    /// Asks for one user.
    ///
    /// # Errors
    ///
    /// Tells apart: a refused token, a token of another customer, an address without a
    /// SCIM service, an answer that is no SCIM.
    pub fn check(&self) -> Result<CheckReport> {
        self.begin();
        let answer = self.read_one()?;
        let page = self.page(&answer)?;
        let mut notices = Vec::new();
        if page.resources.is_empty() {
            notices.push(notice(
                "no-users-visible",
                None,
                "8x8 shows no user to this connection. If there are some, the Admin Console may \
                 be set to show SCIM only the users that it made.",
            ));
        }
        Ok(CheckReport {
            // 8x8 does not say, and whether the token may write shows only in writing.
            upstream: None,
            writable: None,
            notices,
        })
    }
}
