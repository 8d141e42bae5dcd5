//! The attributes of an 8x8 user (docs/8x8.md §3), as SCIM schemas (RFC 7643 §7): one table that the
//! filter, PATCH, the stored form and the Schemas endpoint all read.

/// The core User schema (RFC 7643 §4.1).
pub(super) const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The enterprise extension (RFC 7643 §4.3), of which 8x8 knows `department`.
pub(super) const ENTERPRISE_URN: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// 8x8's extension as Microsoft and JumpCloud give it; what the store keeps `site` under.
pub(super) const SITE_URN: &str = "urn:ietf:params:scim:schemas:extension:8x8:1.1:User";
/// The same as 8x8's own mapping page prints it (docs/8x8.md §3, "URN conflict").
pub(super) const SITE_URN_8X8USER: &str = "urn:8x8:scim:schemas:extension:8x8user:2.0:User";

/// The type of an attribute (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Boolean,
    Integer,
    DateTime,
    Reference,
    Complex(&'static [Attribute]),
}

/// Who may change an attribute (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutability {
    ReadOnly,
    ReadWrite,
    /// May be given a value once.
    Immutable,
}

/// One attribute or sub-attribute with its characteristics (RFC 7643 §2.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) multi_valued: bool,
    pub(super) required: bool,
    pub(super) case_exact: bool,
    pub(super) mutability: Mutability,
    pub(super) uniqueness: &'static str,
    pub(super) returned: &'static str,
    pub(super) canonical_values: &'static [&'static str],
    pub(super) description: &'static str,
}

impl Attribute {
    pub(super) const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            multi_valued: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            uniqueness: "none",
            returned: "default",
            canonical_values: &[],
            description,
        }
    }

    pub(super) const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::Text, description)
    }

    pub(super) const fn multi_valued(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn case_exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    pub(super) const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    const fn unique(mut self, scope: &'static str) -> Self {
        self.uniqueness = scope;
        self
    }

    const fn always_returned(mut self) -> Self {
        self.returned = "always";
        self
    }

    const fn one_of(mut self, values: &'static [&'static str]) -> Self {
        self.canonical_values = values;
        self
    }

    /// The sub-attributes; none for a simple attribute.
    pub(super) fn parts(&self) -> &'static [Attribute] {
        match self.kind {
            Kind::Complex(parts) => parts,
            _ => &[],
        }
    }

    /// A sub-attribute by name, in any case (RFC 7643 §2.1).
    pub(super) fn part(&self, name: &str) -> Option<&'static Attribute> {
        named(self.parts(), name)
    }
}

/// An attribute by name, in any case (RFC 7643 §2.1).
pub(super) fn named(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// A schema with its attributes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schema {
    pub(super) urn: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) attributes: &'static [Attribute],
}

const META_PARTS: &[Attribute] = &[
    Attribute::text("resourceType", "What kind of resource this is.")
        .case_exact()
        .read_only(),
    Attribute::new("created", Kind::DateTime, "When it was made.").read_only(),
    Attribute::new("lastModified", Kind::DateTime, "When it was last changed.").read_only(),
    Attribute::new("location", Kind::Reference, "Where it is.")
        .case_exact()
        .read_only(),
    Attribute::text("version", "Its version, an ETag.")
        .case_exact()
        .read_only(),
];

/// What every resource has (RFC 7643 §3.1), outside any schema.
pub(super) const COMMON: &[Attribute] = &[
    Attribute::text("id", "The identifier that 8x8 gave.")
        .case_exact()
        .read_only()
        .unique("server")
        .always_returned(),
    Attribute::text("externalId", "The identifier that the source gave.").case_exact(),
    Attribute::new("meta", Kind::Complex(META_PARTS), "About the resource.").read_only(),
    Attribute::new("schemas", Kind::Reference, "The schemas the resource uses.")
        .multi_valued()
        .case_exact()
        .read_only()
        .always_returned(),
];

const NAME_PARTS: &[Attribute] = &[
    Attribute::text("givenName", "First name.").required(),
    Attribute::text("familyName", "Last name.").required(),
];

const EMAIL_PARTS: &[Attribute] = &[
    Attribute::text("value", "The address."),
    Attribute::text("type", "Only the work address is kept.").one_of(&["work"]),
    Attribute::new("primary", Kind::Boolean, "Ignored, and always true."),
];

const PHONE_PARTS: &[Attribute] = &[
    Attribute::text("value", "A personal contact number, not the 8x8 number."),
    Attribute::text("type", "Which of the two numbers.").one_of(&["mobile", "work"]),
    Attribute::new(
        "primary",
        Kind::Boolean,
        "Ignored: true for mobile, false for work.",
    ),
];

/// The core User schema with what 8x8 documents of it.
pub(super) const USER: Schema = Schema {
    urn: USER_URN,
    name: "User",
    description: "User Account",
    attributes: &[
        Attribute::text("userName", "Unique across all of 8x8, not just the tenant.")
            .required()
            .unique("global"),
        Attribute::new("name", Kind::Complex(NAME_PARTS), "The person's name.").required(),
        Attribute::new(
            "emails",
            Kind::Complex(EMAIL_PARTS),
            "Exactly one, of type work.",
        )
        .multi_valued(),
        Attribute::new(
            "phoneNumbers",
            Kind::Complex(PHONE_PARTS),
            "Personal contact numbers, one mobile and one work.",
        )
        .multi_valued(),
        Attribute::text("title", "Job title."),
        Attribute::text("locale", "A language tag; en-US unless given."),
        Attribute::text("timezone", "An IANA time zone."),
        Attribute::new("active", Kind::Boolean, "Whether the person may sign in."),
    ],
};

/// The enterprise extension with what 8x8 documents of it.
pub(super) const ENTERPRISE: Schema = Schema {
    urn: ENTERPRISE_URN,
    name: "EnterpriseUser",
    description: "Enterprise User",
    attributes: &[Attribute::text("department", "The department.")],
};

/// 8x8's own extension.
pub(super) const SITE: Schema = Schema {
    urn: SITE_URN,
    name: "8x8User",
    description: "8x8 User",
    attributes: &[Attribute::text(
        "site",
        "Exact name of an existing site; cannot be changed once set.",
    )
    .case_exact()
    .immutable()],
};

/// An attribute, or one of its sub-attributes, and the extension that holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// The URN under which the store keeps it; nothing for core and common attributes.
    pub(super) extension: Option<&'static str>,
    pub(super) attribute: &'static Attribute,
    pub(super) part: Option<&'static Attribute>,
}

/// How the tenant reads attribute names: the two URNs of 8x8's extension are one switch apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    /// The URN that the outside uses for 8x8's extension.
    pub(super) site_urn: &'static str,
}

impl Names {
    /// The extension that a URN names, in any case.
    pub(super) fn extension(&self, urn: &str) -> Option<&'static Schema> {
        if urn.eq_ignore_ascii_case(ENTERPRISE_URN) {
            Some(&ENTERPRISE)
        } else if urn.eq_ignore_ascii_case(self.site_urn) {
            Some(&SITE)
        } else {
            None
        }
    }

    /// The URN that the outside knows a stored extension by.
    pub(super) fn outside(&self, stored: &str) -> Option<&'static str> {
        match stored {
            SITE_URN => Some(self.site_urn),
            ENTERPRISE_URN => Some(ENTERPRISE_URN),
            _ => None,
        }
    }

    /// A core or common attribute.
    pub(super) fn core(&self, name: &str) -> Option<&'static Attribute> {
        named(USER.attributes, name).or_else(|| named(COMMON, name))
    }

    /// Resolves an attribute path as RFC 7644 §3.10 writes it: `name.givenName`,
    /// `urn:…:User:userName`, `urn:…:enterprise:2.0:User:department`.
    pub(super) fn resolve(&self, written: &str) -> Option<Target> {
        let (schema, rest) = self.split_urn(written);
        let (extension, attributes) = match schema {
            Some(urn) => match self.extension(urn) {
                Some(schema) => (Some(schema.urn), Some(schema.attributes)),
                None => (None, None),
            },
            None => (None, None),
        };
        let (name, part) = match rest.split_once('.') {
            Some((name, part)) => (name, Some(part)),
            None => (rest, None),
        };
        let attribute = match attributes {
            Some(attributes) => named(attributes, name)?,
            None => self.core(name)?,
        };
        let part = match part {
            Some(part) => Some(attribute.part(part)?),
            None => None,
        };
        Some(Target {
            extension,
            attribute,
            part,
        })
    }

    /// Splits a known schema URN off the front. A URN holds dots and colons itself, so it has
    /// to be recognised as a whole.
    fn split_urn<'a>(&self, written: &'a str) -> (Option<&'static str>, &'a str) {
        for urn in [USER_URN, ENTERPRISE_URN, self.site_urn] {
            if let (Some(front), Some(rest)) = (written.get(..urn.len()), written.get(urn.len()..))
                && front.eq_ignore_ascii_case(urn)
                && let Some(rest) = rest.strip_prefix(':')
            {
                return (Some(urn), rest);
            }
        }
        (None, written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names = Names { site_urn: SITE_URN };

    #[test]
    fn names_and_urns_are_read_in_any_case() {
        let target = NAMES.resolve("NAME.GIVENNAME").unwrap();
        assert_eq!(target.attribute.name, "name");
        assert_eq!(target.part.unwrap().name, "givenName");

        let written = format!("{}:Department", ENTERPRISE_URN.to_uppercase());
        let target = NAMES.resolve(&written).unwrap();
        assert_eq!(target.extension, Some(ENTERPRISE_URN));
        assert_eq!(target.attribute.name, "department");

        let target = NAMES.resolve(&format!("{USER_URN}:userName")).unwrap();
        assert_eq!(target.extension, None);
    }

    #[test]
    fn what_8x8_does_not_name_is_no_attribute() {
        for written in [
            "displayName",
            "name.middleName",
            "department",
            "site",
            "",
            ".",
            "name.",
            "urn:x:User:site",
            USER_URN,
            "urn:8x8:scim:schemas:extension:8x8user:2.0:User:site",
        ] {
            assert!(NAMES.resolve(written).is_none(), "{written}");
        }
    }
}
