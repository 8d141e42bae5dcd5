//! The schemas of the discovery resources themselves (RFC 7643 §8.7.2), which the Schemas
//! endpoint lists along with those of the users.

use super::schema::{Attribute, Kind, Schema};

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute::text(name, description).read_only()
}

const fn flag(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Kind::Boolean, description).read_only()
}

const fn number(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Kind::Integer, description).read_only()
}

const fn uri(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Kind::Reference, description)
        .case_exact()
        .read_only()
}

const fn complex(
    name: &'static str,
    parts: &'static [Attribute],
    description: &'static str,
) -> Attribute {
    Attribute::new(name, Kind::Complex(parts), description).read_only()
}

const SUPPORTED: Attribute = flag("supported", "Whether it is supported.").required();

const FEATURE: &[Attribute] = &[SUPPORTED];

const BULK: &[Attribute] = &[
    SUPPORTED,
    number("maxOperations", "Operations a request may hold.").required(),
    number("maxPayloadSize", "Bytes a request may hold.").required(),
];

const FILTER: &[Attribute] = &[
    SUPPORTED,
    number("maxResults", "Resources an answer may hold.").required(),
];

const AUTHENTICATION: &[Attribute] = &[
    text("type", "The kind of scheme.").required(),
    text("name", "Its name.").required(),
    text("description", "What it is.").required(),
    uri("specUri", "Its specification."),
    uri("documentationUri", "Its documentation."),
    flag("primary", "Whether it is preferred."),
];

const EXTENSION: &[Attribute] = &[
    uri("schema", "The URN of the extension.").required(),
    flag("required", "Whether every resource has it.").required(),
];

/// The characteristics of an attribute or sub-attribute (RFC 7643 §7).
macro_rules! characteristics {
    ($($more:expr)?) => {
        &[
            text("name", "The attribute's name.").required().case_exact(),
            text("type", "Its type.").required().case_exact(),
            flag("multiValued", "Whether it holds several values.").required(),
            text("description", "What it is."),
            flag("required", "Whether it has to be there.").required(),
            text("canonicalValues", "Values it usually has.").multi_valued().case_exact(),
            flag("caseExact", "Whether case matters."),
            text("mutability", "Who may change it.").case_exact(),
            text("returned", "When it is answered.").case_exact(),
            text("uniqueness", "Within what it is unique.").case_exact(),
            text("referenceTypes", "What it may refer to.").multi_valued().case_exact(),
            $($more,)?
        ]
    };
}

const SUB_ATTRIBUTE: &[Attribute] = characteristics!();
const ATTRIBUTE: &[Attribute] = characteristics!(
    complex(
        "subAttributes",
        SUB_ATTRIBUTE,
        "What a complex attribute holds."
    )
    .multi_valued()
);

/// The three of them.
pub(super) const DISCOVERY: &[Schema] = &[
    Schema {
        urn: "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
        name: "ServiceProviderConfig",
        description: "What the service provider supports",
        attributes: &[
            uri("documentationUri", "Documentation for people."),
            complex("patch", FEATURE, "PATCH.").required(),
            complex("bulk", BULK, "Bulk requests.").required(),
            complex("filter", FILTER, "Filters.").required(),
            complex("changePassword", FEATURE, "Changing a password.").required(),
            complex("sort", FEATURE, "Sorting.").required(),
            complex("etag", FEATURE, "Versions.").required(),
            complex(
                "authenticationSchemes",
                AUTHENTICATION,
                "How to authenticate.",
            )
            .required()
            .multi_valued(),
        ],
    },
    Schema {
        urn: "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
        name: "ResourceType",
        description: "A kind of resource",
        attributes: &[
            text("name", "Its name.").required(),
            text("description", "What it is."),
            uri("endpoint", "Where its resources are.").required(),
            uri("schema", "The URN of its schema.").required(),
            complex(
                "schemaExtensions",
                EXTENSION,
                "The extensions of its schema.",
            )
            .multi_valued(),
        ],
    },
    Schema {
        urn: "urn:ietf:params:scim:schemas:core:2.0:Schema",
        name: "Schema",
        description: "A schema with its attributes",
        attributes: &[
            text("name", "Its name."),
            text("description", "What it is."),
            complex("attributes", ATTRIBUTE, "Its attributes.")
                .required()
                .multi_valued(),
        ],
    },
];
