//! Whether a connector's manifest can be true: names are unique and sane, and what it
//! refers to exists. Everything in it stays a claim.

use std::collections::BTreeSet;

use crate::contract::{CredentialPlacement, Manifest, SettingKind};
use crate::sandbox::MANIFEST_ENTRIES;

/// What is wrong with it, as sentences.
pub(crate) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = Problems(Vec::new());
    let text = &mut |what: &str, text: &str| problems.text(what, text);
    text("id", &manifest.id);
    text("title", &manifest.title);
    text("version", &manifest.version);
    text("setup", &manifest.setup);
    problems.kebab("id", &manifest.id);
    if manifest.max_page_size == 0 {
        problems.add("max-page-size is 0.".to_owned());
    }
    problems.settings(manifest);
    problems.credentials(manifest);
    problems.attributes(manifest);
    for quirk in &manifest.quirks {
        problems.text("a quirk", &quirk.message);
    }
    problems.0
}

struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: String) {
        self.0.push(problem);
    }

    /// No control characters but line ends.
    fn text(&mut self, what: &str, text: &str) {
        if text.chars().any(|c| c.is_control() && c != '\n') {
            self.add(format!("The text of {what} holds control characters."));
        }
    }

    fn kebab(&mut self, what: &str, name: &str) {
        let good = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !good {
            self.add(format!(
                "{what} `{}` is not kebab-case.",
                name.escape_debug()
            ));
        }
    }

    /// Unique, and not too many.
    fn names<'a>(&mut self, what: &str, names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        for (index, name) in names.enumerate() {
            if index >= MANIFEST_ENTRIES {
                self.add(format!("It lists more than {MANIFEST_ENTRIES} {what}s."));
                break;
            }
            if name.is_empty() || name.chars().any(char::is_control) {
                self.add(format!("A {what} has the name `{}`.", name.escape_debug()));
            }
            if !seen.insert(name) {
                self.add(format!(
                    "The {what} `{}` is listed twice.",
                    name.escape_debug()
                ));
            }
        }
        seen
    }

    fn settings(&mut self, manifest: &Manifest) {
        self.names("setting", manifest.settings.iter().map(|s| s.name.as_str()));
        for setting in manifest.settings.iter().take(MANIFEST_ENTRIES) {
            self.kebab("The setting", &setting.name);
            self.text("a setting", &setting.title);
            self.text("a setting", &setting.help);
            if let SettingKind::Choice(choices) = &setting.kind {
                if choices.is_empty() {
                    self.add(format!("The setting `{}` has no choices.", setting.name));
                }
                for choice in choices {
                    self.text("a choice", choice);
                }
            }
        }
    }

    fn credentials(&mut self, manifest: &Manifest) {
        self.names(
            "credential",
            manifest.credentials.iter().map(|c| c.name.as_str()),
        );
        for credential in manifest.credentials.iter().take(MANIFEST_ENTRIES) {
            self.kebab("The credential", &credential.name);
            self.text("a credential", &credential.title);
            self.text("a credential", &credential.help);
            let mut refers_to = |setting: &str| {
                let exists = manifest
                    .settings
                    .iter()
                    .any(|s| s.name == setting && matches!(s.kind, SettingKind::BaseUrl(_)));
                if !exists {
                    self.add(format!(
                        "The credential `{}` refers to `{}`, which is no base-url setting.",
                        credential.name,
                        setting.escape_debug()
                    ));
                }
            };
            refers_to(&credential.base_url);
            match &credential.placement {
                CredentialPlacement::ClientCredentials(client) => refers_to(&client.token_endpoint),
                CredentialPlacement::Header(header) => {
                    let good = reqwest::header::HeaderName::try_from(header.name.as_str()).is_ok()
                        && reqwest::header::HeaderValue::from_str(&header.prefix).is_ok();
                    if !good {
                        self.add(format!(
                            "The credential `{}` goes into a header that cannot exist.",
                            credential.name
                        ));
                    }
                }
                CredentialPlacement::Query(parameter) if parameter.is_empty() => self.add(format!(
                    "The credential `{}` goes into a parameter without a name.",
                    credential.name
                )),
                _ => {}
            }
        }
    }

    fn attributes(&mut self, manifest: &Manifest) {
        let names = self.names(
            "attribute",
            manifest.attributes.iter().map(|a| a.name.as_str()),
        );
        for attribute in manifest.attributes.iter().take(MANIFEST_ENTRIES) {
            for text in [&attribute.title, &attribute.help, &attribute.path] {
                self.text("an attribute", text);
            }
        }
        let keys = self.names(
            "lookup key",
            manifest.lookup_keys.iter().map(String::as_str),
        );
        for key in keys.iter().copied().chain(manifest.identity_key.as_deref()) {
            if !names.contains(key) {
                self.add(format!(
                    "`{}` is a key and no attribute.",
                    key.escape_debug()
                ));
            }
        }
    }
}
