//! Attribute paths (RFC 7644 §3.5.2, figure 7), as far as single values need them.

use crate::prelude::*;

/// Where a single value stands in a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path<'a> {
    /// `title`
    Attribute(&'a str),
    /// `name.givenName`
    SubAttribute {
        /// `name`
        attribute: &'a str,
        /// `givenName`
        sub_attribute: &'a str,
    },
    /// `emails[type eq "work"].value`
    Typed {
        /// `emails`
        attribute: &'a str,
        /// `work`
        kind: &'a str,
        /// The service keeps one element at most, so that one without a type is it.
        only: bool,
    },
    /// `urn:…:User:department` (RFC 7644 §3.10)
    Extension {
        /// The schema's URN.
        schema: &'a str,
        /// `department`
        attribute: &'a str,
    },
}

impl Path<'_> {
    /// As RFC 7644 writes it.
    #[must_use]
    pub fn text(&self) -> String {
        match *self {
            Self::Attribute(name) => name.to_owned(),
            Self::SubAttribute {
                attribute,
                sub_attribute,
            } => [attribute, ".", sub_attribute].concat(),
            Self::Typed {
                attribute, kind, ..
            } => [attribute, "[type eq \"", kind, "\"].value"].concat(),
            Self::Extension { schema, attribute } => [schema, ":", attribute].concat(),
        }
    }
}
