//! Error bodies (RFC 7644 §3.12). Hints only: the status decides, and any of it may be
//! missing, of another type, or no SCIM at all.

use alloc::borrow::Cow;

use super::{lists_schema, member, object, scalar};
use crate::case;
use crate::json::Object;

/// Whether a body calls itself an error.
pub(super) fn is_error(members: &Object<'_>) -> bool {
    lists_schema(members, |schema| {
        schema.eq_ignore_ascii_case("urn:ietf:params:scim:api:messages:2.0:Error")
    })
}

/// What an error's body says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorBody<'a> {
    /// Whether it is an error as SCIM has it, and not a gateway's.
    pub is_scim: bool,
    /// `scimType`, such as `uniqueness`.
    pub scim_type: Option<Cow<'a, str>>,
    /// `detail`, as it came.
    pub detail: Option<Cow<'a, str>>,
}

impl<'a> ErrorBody<'a> {
    /// Never fails: what cannot be read says nothing.
    #[must_use]
    pub fn from_body(body: &'a [u8]) -> Self {
        let Some(members) = object(body) else {
            return Self::default();
        };
        let text = |name: &str| member(&members, name).and_then(scalar);
        Self {
            is_scim: is_error(&members),
            scim_type: text("scimType"),
            detail: text("detail").or_else(|| text("message")),
        }
    }

    /// Whether `scimType` is this one; compared without case.
    #[must_use]
    pub fn is(&self, scim_type: &str) -> bool {
        self.scim_type
            .as_deref()
            .is_some_and(|found| found.eq_ignore_ascii_case(scim_type))
    }

    /// Whether the detail holds one of these words; compared without case.
    #[must_use]
    pub fn mentions(&self, words: &[&str]) -> bool {
        self.detail
            .as_deref()
            .is_some_and(|detail| words.iter().any(|word| case::holds(detail, word)))
    }
}
