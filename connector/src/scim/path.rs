//! Attribute paths (RFC 7644 §3.5.2, figure 7), as far as single values need them.

use std::fmt;

/// Where a single value stands in a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// `title`
    Attribute(String),
    /// `name.givenName`
    SubAttribute {
        /// `name`
        attribute: String,
        /// `givenName`
        sub_attribute: String,
    },
    /// `emails[type eq "work"].value`
    Typed {
        /// `emails`
        attribute: String,
        /// `work`
        kind: String,
        /// The service keeps one element at most, so that one without a type is it.
        only: bool,
    },
    /// `urn:…:User:department` (RFC 7644 §3.10)
    Extension {
        /// The schema's URN.
        schema: String,
        /// `department`
        attribute: String,
    },
}

impl Path {
    /// `title`
    #[must_use]
    pub fn attribute(name: &str) -> Self {
        Self::Attribute(name.to_owned())
    }

    /// `name.givenName`
    #[must_use]
    pub fn sub_attribute(attribute: &str, sub_attribute: &str) -> Self {
        Self::SubAttribute {
            attribute: attribute.to_owned(),
            sub_attribute: sub_attribute.to_owned(),
        }
    }

    /// `emails[type eq "work"].value`
    #[must_use]
    pub fn typed(attribute: &str, kind: &str) -> Self {
        Self::Typed {
            attribute: attribute.to_owned(),
            kind: kind.to_owned(),
            only: false,
        }
    }

    /// As [`Path::typed`], of an attribute that never holds more than this element.
    #[must_use]
    pub fn only(attribute: &str, kind: &str) -> Self {
        Self::Typed {
            attribute: attribute.to_owned(),
            kind: kind.to_owned(),
            only: true,
        }
    }

    /// `urn:…:User:department`
    #[must_use]
    pub fn extension(schema: &str, attribute: &str) -> Self {
        Self::Extension {
            schema: schema.to_owned(),
            attribute: attribute.to_owned(),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(name) => f.write_str(name),
            Self::SubAttribute {
                attribute,
                sub_attribute,
            } => write!(f, "{attribute}.{sub_attribute}"),
            Self::Typed {
                attribute, kind, ..
            } => write!(f, "{attribute}[type eq \"{kind}\"].value"),
            Self::Extension { schema, attribute } => write!(f, "{schema}:{attribute}"),
        }
    }
}
