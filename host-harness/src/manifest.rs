//! Whether a connector's manifest can be true: names are unique and sane, and what it
//! refers to exists. Everything in it stays a claim.

use std::collections::BTreeSet;

use crate::contract::{CredentialPlacement, Manifest, SettingKind};
use crate::egress::is_hosts_own_header;
use crate::limits::{CODE_BYTES, MANIFEST_ENTRIES};
use crate::text::is_wild;

/// Problems that are told; more say nothing new.
const MOST_TOLD: usize = 20;

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
    problems.count("quirk", manifest.quirks.len());
    for quirk in manifest.quirks.iter().take(MANIFEST_ENTRIES) {
        for text in [&quirk.code, &quirk.message] {
            problems.text("a quirk", text);
        }
    }
    problems.names("header", manifest.headers.iter().map(String::as_str));
    problems.told()
}

struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: String) {
        self.0.push(problem);
    }

    fn told(mut self) -> Vec<String> {
        let more = self.0.len().saturating_sub(MOST_TOLD);
        if more > 0 {
            self.0.truncate(MOST_TOLD);
            self.add(format!("And {more} more problems."));
        }
        self.0
    }

    fn count(&mut self, what: &str, count: usize) {
        if count > MANIFEST_ENTRIES {
            self.add(format!("It lists more than {MANIFEST_ENTRIES} {what}s."));
        }
    }

    /// No control characters but line ends.
    fn text(&mut self, what: &str, text: &str) {
        if text.chars().any(|c| is_wild(c) && c != '\n') {
            self.add(format!("The text of {what} holds control characters."));
        }
    }

    fn kebab(&mut self, what: &str, name: &str) {
        let good = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !good {
            self.add(format!("{what} `{}` is not kebab-case.", shown(name)));
        }
    }

    /// Unique, and not too many.
    fn names<'a>(&mut self, what: &str, names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        for (index, name) in names.enumerate() {
            self.count(what, index + 1);
            if index >= MANIFEST_ENTRIES {
                break;
            }
            if name.is_empty() || name.len() > CODE_BYTES || name.contains(is_wild) {
                self.add(format!(
                    "The {what} name `{}` is empty, too long, or holds control characters.",
                    shown(name)
                ));
            }
            if !seen.insert(name) {
                self.add(format!("The {what} `{}` is listed twice.", shown(name)));
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
            self.text("a setting", setting.default.as_deref().unwrap_or_default());
            if let SettingKind::BaseUrl(endings) = &setting.kind {
                self.count("ending", endings.len());
                for ending in endings.iter().take(MANIFEST_ENTRIES) {
                    self.text("an ending", ending);
                }
            }
            if let SettingKind::Choice(choices) = &setting.kind {
                if choices.is_empty() {
                    self.add(format!(
                        "The setting `{}` has no choices.",
                        shown(&setting.name)
                    ));
                }
                self.count("choice", choices.len());
                for choice in choices.iter().take(MANIFEST_ENTRIES) {
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
                        shown(&credential.name),
                        shown(setting)
                    ));
                }
            };
            refers_to(&credential.base_url);
            match &credential.placement {
                CredentialPlacement::ClientCredentials(client) => refers_to(&client.token_endpoint),
                CredentialPlacement::Header(header) => {
                    let good = reqwest::header::HeaderName::try_from(header.name.as_str()).is_ok()
                        && !is_hosts_own_header(&header.name)
                        && reqwest::header::HeaderValue::from_str(&header.prefix).is_ok();
                    if !good {
                        self.add(format!(
                            "The credential `{}` goes into a header that cannot exist, or \
                             that is the host's own.",
                            shown(&credential.name)
                        ));
                    }
                    if !names_a_scheme(&header.prefix) {
                        self.add(format!(
                            "The credential `{}` goes after a text that is not the name of a \
                             scheme such as `Token `.",
                            shown(&credential.name)
                        ));
                    }
                }
                CredentialPlacement::Query(parameter)
                    if parameter.is_empty() || parameter.contains(is_wild) =>
                {
                    self.add(format!(
                        "The credential `{}` goes into a parameter whose name is empty, or holds \
                         control characters.",
                        shown(&credential.name)
                    ));
                }
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
            let texts = [&attribute.title, &attribute.help, &attribute.path];
            let format = attribute.format.as_ref();
            self.count("choice", attribute.choices.len());
            let choices = attribute.choices.iter().take(MANIFEST_ENTRIES);
            for text in texts.into_iter().chain(format).chain(choices) {
                self.text("an attribute", text);
            }
        }
        let keys = self.names(
            "lookup key",
            manifest.lookup_keys.iter().map(String::as_str),
        );
        for key in keys.iter().copied().chain(manifest.identity_key.as_deref()) {
            if !names.contains(key) {
                self.add(format!("`{}` is a key and no attribute.", shown(key)));
            }
        }
    }
}

/// Whether a secret may follow this: nothing, or what reads as `Token `, `SSWS ` or
/// `GenieKey key=`. With a text of its choice before the secret a connector could have an upstream
/// complain of the whole, and show a part of it.
fn names_a_scheme(prefix: &str) -> bool {
    const MOST: usize = 40;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_. =:".contains(c);
    prefix.is_empty()
        || prefix.len() <= MOST
            && prefix.starts_with(|c: char| c.is_ascii_alphabetic())
            && prefix.ends_with([' ', '=', ':'])
            && prefix.chars().all(plain)
            && !prefix.contains("  ")
}

/// A name in a message: short, and nothing that a terminal obeys.
fn shown(name: &str) -> String {
    let mut shown: String = name.escape_debug().take(CODE_BYTES).collect();
    shown.retain(|character| !is_wild(character));
    shown
}
