//! The twelve attributes of an 8x8 user, in one table: what people call them, where they
//! stand in a SCIM resource, and the rules that 8x8 has for them.
//!
//! Sources: 8x8 "User Provisioning with 8x8 SCIM API" for names, paths and rules; 8x8's
//! Administration API guide for the likely limits, which are therefore only warned about.

use crate::case;
use crate::contract::manifest::{Mutability, Uniqueness};
use crate::prelude::*;
use crate::scim::Path;

/// RFC 7643 §4.3.
pub const ENTERPRISE_SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// 8x8's extension as its integrations with Entra and JumpCloud name it.
pub const SITE_SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:8x8:1.1:User";
/// 8x8's extension as its own attribute mapping page prints it. Read, never written
/// unless the operator asks for it.
pub const SITE_SCHEMA_ELSEWHERE: &str = "urn:8x8:scim:schemas:extension:8x8user:2.0:User";

/// What 8x8 stores for a user without a work email.
pub const DEFAULT_WORK_EMAIL: &str = "noreply@8x8.com";

/// One of the twelve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the table says it")]
pub enum Attribute {
    UserName,
    GivenName,
    FamilyName,
    WorkEmail,
    ExternalId,
    MobilePhone,
    WorkPhone,
    Title,
    Locale,
    Timezone,
    Department,
    Site,
}

/// When two values are the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// Every character counts.
    Exact,
    /// Case does not (RFC 7643 §4.1.1 for userName, RFC 5646 §2.1.1 for language tags).
    IgnoringCase,
    /// Digits count, and a leading plus; `tel:`, blanks and punctuation do not (RFC 3966 §5).
    Phone,
}

/// What 8x8's other API accepts, and this one probably too.
#[derive(Debug, Clone)]
pub struct LikelyLimit {
    /// In Unicode scalar values.
    pub length: core::ops::RangeInclusive<u32>,
    /// Besides letters and digits of ASCII; `None` where any character will do.
    pub punctuation: Option<&'static str>,
}

/// A row of the table.
#[derive(Debug)]
pub struct Spec {
    /// Which one.
    pub attribute: Attribute,
    /// The name that people use.
    pub name: &'static str,
    /// A label.
    pub title: &'static str,
    /// What to know about it.
    pub help: &'static str,
    /// Without it 8x8 makes no user.
    pub required: bool,
    /// When two values are the same.
    pub sameness: Sameness,
    /// Whether it can be changed.
    pub mutability: Mutability,
    /// How far it is unique.
    pub uniqueness: Uniqueness,
    /// The contract's `format`.
    pub format: Option<&'static str>,
    /// Beyond it 8x8 probably refuses.
    pub likely: Option<LikelyLimit>,
}

const fn likely(
    length: core::ops::RangeInclusive<u32>,
    punctuation: Option<&'static str>,
) -> Option<LikelyLimit> {
    Some(LikelyLimit {
        length,
        punctuation,
    })
}

const PLAIN: Spec = Spec {
    attribute: Attribute::Title,
    name: "",
    title: "",
    help: "",
    required: false,
    sameness: Sameness::Exact,
    mutability: Mutability::ReadWrite,
    uniqueness: Uniqueness::None,
    format: None,
    likely: None,
};

/// In the order of [`Attribute`].
pub const TABLE: [Spec; 12] = [
    Spec {
        attribute: Attribute::UserName,
        name: "userName",
        title: "User name",
        help: "What the person signs in with, usually the work email. Unique across all of 8x8, \
               other companies included. Changing it changes how the person signs in.",
        required: true,
        sameness: Sameness::IgnoringCase,
        uniqueness: Uniqueness::Global,
        likely: likely(3..=70, Some(".@_/-")),
        ..PLAIN
    },
    Spec {
        attribute: Attribute::GivenName,
        name: "givenName",
        title: "First name",
        help: "Read-only in the Admin Console once SCIM made the user.",
        required: true,
        likely: likely(2..=128, Some(".,()'_ -")),
        ..PLAIN
    },
    Spec {
        attribute: Attribute::FamilyName,
        name: "familyName",
        title: "Last name",
        help: "Read-only in the Admin Console once SCIM made the user.",
        required: true,
        likely: likely(2..=30, Some(".,()'_ -")),
        ..PLAIN
    },
    Spec {
        attribute: Attribute::WorkEmail,
        name: "workEmail",
        title: "Work email",
        help: "Exactly one. Without it 8x8 would store noreply@8x8.com.",
        required: true,
        sameness: Sameness::IgnoringCase,
        format: Some("email"),
        likely: likely(5..=128, None),
        ..PLAIN
    },
    Spec {
        attribute: Attribute::ExternalId,
        name: "externalId",
        title: "External id",
        help: "The person's key in your own system, such as an employee number. Invisible in the \
               Admin Console; it is what tells two people of one name apart.",
        ..PLAIN
    },
    Spec {
        attribute: Attribute::MobilePhone,
        name: "mobilePhone",
        title: "Mobile phone",
        help: "Personal contact number.",
        sameness: Sameness::Phone,
        format: Some("phone"),
        ..PLAIN
    },
    Spec {
        attribute: Attribute::WorkPhone,
        name: "workPhone",
        title: "Work phone",
        help: "Personal contact number: not the 8x8 number or extension, which SCIM cannot set.",
        sameness: Sameness::Phone,
        format: Some("phone"),
        ..PLAIN
    },
    Spec {
        attribute: Attribute::Title,
        name: "title",
        title: "Job title",
        likely: likely(1..=254, None),
        ..PLAIN
    },
    Spec {
        attribute: Attribute::Locale,
        name: "locale",
        title: "Locale",
        help: "Language tag such as en-GB. 8x8 takes the site's where none is given, else en-US.",
        sameness: Sameness::IgnoringCase,
        format: Some("locale"),
        ..PLAIN
    },
    Spec {
        attribute: Attribute::Timezone,
        name: "timezone",
        title: "Time zone",
        help: "IANA name such as Europe/London.",
        format: Some("time-zone"),
        ..PLAIN
    },
    Spec {
        attribute: Attribute::Department,
        name: "department",
        title: "Department",
        likely: likely(1..=100, None),
        ..PLAIN
    },
    Spec {
        attribute: Attribute::Site,
        name: "site",
        title: "Site",
        help: "Exact name of an existing Site. Cannot be changed once it is set, and is needed \
               before a licence can be given.",
        mutability: Mutability::SetOnce,
        ..PLAIN
    },
];

/// Locales that 8x8's Administration API lists.
pub const LIKELY_LOCALES: [&str; 21] = [
    "da-DK", "de-DE", "en-AU", "en-GB", "en-US", "es-ES", "fi-FI", "fr-BE", "fr-CA", "fr-CH",
    "fr-FR", "it-IT", "ja-JP", "nl-BE", "nl-NL", "no-NO", "pl-PL", "pt-BR", "pt-PT", "sv-SE",
    "zh-CN",
];

impl Attribute {
    /// By the name that people use, exactly.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|spec| spec.name == name)
            .map(|spec| spec.attribute)
    }

    /// Its row.
    #[must_use]
    pub fn spec(self) -> &'static Spec {
        &TABLE[self as usize]
    }

    /// The name that people use.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Where it stands in a resource, given the URN that holds the site.
    #[must_use]
    pub fn path(self, site_schema: &str) -> Path<'_> {
        match self {
            Self::UserName | Self::ExternalId | Self::Title | Self::Locale | Self::Timezone => {
                Path::Attribute(self.name())
            }
            Self::GivenName | Self::FamilyName => Path::SubAttribute {
                attribute: "name",
                sub_attribute: self.name(),
            },
            Self::WorkEmail => Path::Typed {
                attribute: "emails",
                kind: "work",
                only: true,
            },
            Self::MobilePhone => Path::Typed {
                attribute: "phoneNumbers",
                kind: "mobile",
                only: false,
            },
            Self::WorkPhone => Path::Typed {
                attribute: "phoneNumbers",
                kind: "work",
                only: false,
            },
            Self::Department => Path::Extension {
                schema: ENTERPRISE_SCHEMA,
                attribute: self.name(),
            },
            Self::Site => Path::Extension {
                schema: site_schema,
                attribute: self.name(),
            },
        }
    }

    /// Whether two values of this attribute mean the same. Blanks around a value never
    /// count, since services trim them.
    #[must_use]
    pub fn same(self, a: &str, b: &str) -> bool {
        if a == b {
            return true;
        }
        let (a, b) = (a.trim(), b.trim());
        match self.spec().sameness {
            Sameness::Exact => a == b,
            Sameness::IgnoringCase => case::same(a, b),
            Sameness::Phone => a == b || dialled(a).eq(dialled(b)) && dialled(a).next().is_some(),
        }
    }

    /// Whether `stored` can be the service's own spelling of `sent`: case, blanks and
    /// punctuation may differ.
    #[must_use]
    pub fn respelled(self, sent: &str, stored: &str) -> bool {
        let of_phone = self.spec().sameness == Sameness::Phone;
        let bare = |text: &str| {
            let mut text = case::fold(text);
            text.retain(|c| match of_phone {
                true => c.is_ascii_digit(),
                false => !c.is_whitespace() && !c.is_ascii_punctuation(),
            });
            text
        };
        bare(sent) == bare(stored)
    }

    /// Why 8x8 may refuse this value, where it may.
    #[must_use]
    pub fn unlikely(self, value: &str) -> Option<String> {
        if self == Self::Locale {
            let known = LIKELY_LOCALES
                .iter()
                .any(|known| known.eq_ignore_ascii_case(value));
            return (!known).then(|| {
                text!(
                    "8x8 may not know this locale; it lists ",
                    LIKELY_LOCALES.join(", ")
                )
            });
        }
        let limit = self.spec().likely.as_ref()?;
        let length = value
            .chars()
            .fold(0_u32, |length, _| length.saturating_add(1));
        if !limit.length.contains(&length) {
            return Some(text!(
                "8x8 may refuse this length (",
                number(length),
                "); it is known to take ",
                number(*limit.length.start()),
                " to ",
                number(*limit.length.end()),
                " characters"
            ));
        }
        let punctuation = limit.punctuation?;
        let stranger =
            |c: &char| !c.is_ascii_alphanumeric() && !punctuation.chars().any(|known| known == *c);
        value
            .chars()
            .find(stranger)
            .map(|c| text!("8x8 may refuse the character “", c.to_string(), "” here"))
    }
}

/// What is dialled: digits and pluses, and the letters of an extension.
fn dialled(number: &str) -> impl Iterator<Item = char> + '_ {
    let number = match number.split_once(':') {
        Some((scheme, number)) if scheme.eq_ignore_ascii_case("tel") => number,
        _ => number,
    };
    number
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#' | ',' | ';' | '='))
        .map(|c| c.to_ascii_lowercase())
}
