//! What the connector says of itself before it is connected to anything.

use crate::attributes::{Attribute, SITE_SCHEMA, Sameness, Spec, TABLE};
use crate::contract::Notice;
use crate::contract::manifest::{
    AttributeSpec, Credential, CredentialPlacement, DeletionEffect, Manifest, Operations, Setting,
    SettingKind, ValueType,
};
use crate::prelude::*;
use crate::settings::{CUSTOMER_ID, INSTANCE_URL, SITE_SCHEMA_SETTING, UPDATE_METHOD};
use crate::transport::API_TOKEN;

/// The largest page that is asked for: what public clients of 8x8's service ask for.
pub const MAX_PAGE_SIZE: u32 = 100;

const SETUP: &str = "\
In 8x8 Admin Console open Home → Identity and Security → User Provisioning Integration (SCIM).
Choose “Other SCIM Provider” and switch the integration on.
Copy the 8x8 URL: it is the Instance URL, and the part after /customers/ is the Customer ID.
Copy the 8x8 API Token, then press Save: without it the token changes.
Choose which users SCIM sees: all of them, or only those that SCIM made.
8x8 supports one writing client: where Entra or Okta already writes, connect read-only.";

/// The whole manifest.
#[must_use]
pub fn describe() -> Manifest {
    Manifest {
        id: "8x8".into(),
        title: "8x8".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        setup: SETUP.into(),
        settings: settings(),
        credentials: vec![Credential {
            name: API_TOKEN.into(),
            title: "API Token".into(),
            help: "The 8x8 API Token on the page of the 8x8 URL. Switching the integration off clears it."
                .into(),
            placement: CredentialPlacement::Bearer,
            base_url: INSTANCE_URL.into(),
        }],
        headers: Vec::new(),
        attributes: TABLE.iter().map(attribute).collect(),
        lookup_keys: vec![
            Attribute::UserName.name().into(),
            Attribute::ExternalId.name().into(),
        ],
        identity_key: Some(Attribute::ExternalId.name().into()),
        operations: Operations::LIST
            | Operations::GET
            | Operations::FIND
            | Operations::CREATE
            | Operations::UPDATE
            | Operations::SET_STATUS
            | Operations::DELETE,
        deletion: DeletionEffect::Deactivates,
        max_page_size: MAX_PAGE_SIZE,
        quirks: quirks(),
    }
}

fn settings() -> Vec<Setting> {
    let choice = |choices: [&str; 3]| SettingKind::Choice(choices.map(Into::into).into());
    let setting = |name: &str, title: &str, kind, default: Option<&str>, help: &str| Setting {
        name: name.into(),
        title: title.into(),
        help: help.into(),
        kind,
        required: name == INSTANCE_URL,
        default: default.map(Into::into),
    };
    vec![
        setting(
            INSTANCE_URL,
            "Instance URL",
            SettingKind::BaseUrl(vec!["Users".into(), "users".into()]),
            None,
            "Admin Console → Home → Identity and Security → User Provisioning Integration (SCIM) \
             → Other SCIM Provider → 8x8 URL, such as \
             https://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2",
        ),
        setting(
            CUSTOMER_ID,
            "Customer ID",
            SettingKind::Text,
            None,
            "The part of the Instance URL right after /customers/. Needed where the Instance URL \
             has no such part; where it has, the two must agree.",
        ),
        setting(
            SITE_SCHEMA_SETTING,
            "Site schema",
            SettingKind::Text,
            Some(SITE_SCHEMA),
            "The schema URN that holds a user's site. 8x8's own pages give two; change it only \
             where 8x8 asks for the other.",
        ),
        setting(
            UPDATE_METHOD,
            "Update method",
            choice(["auto", "patch", "put"]),
            Some("auto"),
            "How a user is changed: patch sends what differs, put the whole user, auto begins \
             with patch and falls back to put where 8x8 does not serve it.",
        ),
    ]
}

fn attribute(spec: &Spec) -> AttributeSpec {
    AttributeSpec {
        name: spec.name.into(),
        title: spec.title.into(),
        help: spec.help.into(),
        path: spec.attribute.path(SITE_SCHEMA).text(),
        value_type: ValueType::Text,
        format: spec.format.map(Into::into),
        multi_valued: false,
        required: spec.required,
        case_exact: spec.sameness != Sameness::IgnoringCase,
        sensitive: false,
        mutability: spec.mutability,
        uniqueness: spec.uniqueness,
        choices: Vec::new(),
        // What is known of lengths is inferred from another API: a notice, not a limit.
        max_length: None,
    }
}

fn quirks() -> Vec<Notice> {
    [
        (
            "delete-deactivates",
            None,
            "Deleting an account only deactivates it. Its user name stays taken until an \
             administrator deletes the user in the Admin Console.",
        ),
        (
            "site-set-once",
            Some(Attribute::Site),
            "A site cannot be changed once it is set. To move a person, delete the user in the \
             Admin Console and create the account again.",
        ),
        (
            "licence-by-hand",
            None,
            "SCIM cannot give licences. A deactivated user keeps the licence, shown as suspended; \
             to reclaim it: reactivate, remove the licence, deactivate again.",
        ),
        (
            "hidden-from-directory",
            None,
            "Users made through SCIM are hidden from the Company Directory until an administrator \
             shows them.",
        ),
        (
            "one-writer",
            None,
            "8x8 supports one writing client for a tenant. Where another one writes, connect \
             read-only.",
        ),
        (
            "user-name-global",
            Some(Attribute::UserName),
            "A user name can be held by a user that this connection cannot see: one made in the \
             Admin Console, or one of another company.",
        ),
        (
            "default-work-email",
            Some(Attribute::WorkEmail),
            "A user without a work email gets noreply@8x8.com.",
        ),
    ]
    .into_iter()
    .map(|(code, attribute, message)| Notice {
        code: code.into(),
        attribute: attribute.map(|attribute| attribute.name().into()),
        message: message.into(),
    })
    .collect()
}
