//! An operator's settings against the manifest, and the grants that they make. Everything
//! wrong is reported at once.

use std::collections::BTreeMap;

use crate::contract::{CredentialPlacement, Manifest, Problem, SettingKind, SettingValue};
use crate::egress::{Credentials, Grant, Network};
use crate::limits::SETTING_BYTES;
use crate::nearest::nearest;

/// What came of the settings.
#[derive(Debug)]
pub(crate) struct Checked {
    /// For the connector, as the operator typed them.
    pub(crate) values: Vec<SettingValue>,
    /// One for each base-url setting that is set and right.
    pub(crate) grants: Vec<Grant>,
    pub(crate) problems: Vec<Problem>,
}

/// Checks settings and the names of credentials.
pub(crate) fn check(
    manifest: &Manifest,
    settings: &BTreeMap<String, String>,
    credentials: &dyn Credentials,
    network: &Network,
) -> Checked {
    let mut checked = Checked {
        values: Vec::new(),
        grants: Vec::new(),
        problems: Vec::new(),
    };
    for (name, value) in settings {
        checked.value(manifest, name, value, network);
    }
    for setting in &manifest.settings {
        if setting.required && !settings.contains_key(&setting.name) {
            checked.problem(
                &setting.name,
                "missing",
                format!(
                    "The setting `{}` ({}) is missing.",
                    setting.name, setting.title
                ),
            );
        }
    }
    checked.credentials(manifest, credentials);
    checked
}

impl Checked {
    fn problem(&mut self, name: &str, code: &str, message: String) {
        self.problems.push(Problem {
            name: name.to_owned(),
            code: code.to_owned(),
            message,
        });
    }

    fn value(&mut self, manifest: &Manifest, name: &str, value: &str, network: &Network) {
        let Some(setting) = manifest.settings.iter().find(|s| s.name == name) else {
            let known = manifest.settings.iter().map(|s| s.name.as_str());
            let message = format!(
                "{} has no setting `{name}`.{}",
                manifest.title,
                nearest(name, known)
                    .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"))
            );
            self.problem(name, "unknown", message);
            return;
        };
        if value.len() > SETTING_BYTES {
            let message = format!("The setting `{name}` is longer than {SETTING_BYTES} bytes.");
            self.problem(name, "too-long", message);
            return;
        }
        self.values.push(SettingValue {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        match &setting.kind {
            SettingKind::Text => {
                if setting.required && value.trim().is_empty() {
                    self.problem(name, "missing", format!("The setting `{name}` is empty."));
                }
            }
            SettingKind::Boolean if !matches!(value, "true" | "false") => {
                let message = format!("The setting `{name}` is `true` or `false`.");
                self.problem(name, "not-a-boolean", message);
            }
            SettingKind::Boolean => {}
            SettingKind::Choice(choices) => {
                if !choices.iter().any(|choice| choice == value) {
                    let message =
                        format!("The setting `{name}` is one of: {}.", choices.join(", "));
                    self.problem(name, "not-a-choice", message);
                }
            }
            SettingKind::BaseUrl(endings) => {
                let grant = Grant::from_operator(name, value, endings, network.allow_loopback_http);
                match grant {
                    Ok(grant) => self.grants.push(grant),
                    Err(problem) => self.problems.push(problem),
                }
            }
        }
    }

    fn credentials(&mut self, manifest: &Manifest, credentials: &dyn Credentials) {
        for credential in &manifest.credentials {
            if matches!(
                credential.placement,
                CredentialPlacement::ClientCredentials(_)
            ) {
                self.problem(
                    &credential.name,
                    "unsupported",
                    format!(
                        "The credential `{}` wants OAuth client credentials, which this host does \
                         not support yet.",
                        credential.name
                    ),
                );
            }
        }
        let Some(names) = credentials.names() else {
            return;
        };
        for credential in &manifest.credentials {
            if !names.contains(&credential.name) {
                self.problem(
                    &credential.name,
                    "missing",
                    format!(
                        "The credential `{0}` ({1}) is missing: write `{0} = {{ env = \"…\" }}` or \
                         `{0} = {{ file = \"…\" }}` under [credentials].",
                        credential.name, credential.title
                    ),
                );
            }
        }
        for name in names {
            if !manifest.credentials.iter().any(|c| c.name == name) {
                let known = manifest.credentials.iter().map(|c| c.name.as_str());
                let message = format!(
                    "There is no credential `{name}`.{}",
                    nearest(&name, known)
                        .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"))
                );
                self.problem(&name, "unknown", message);
            }
        }
    }

    /// The host's problems and the connector's. Where both find fault with one setting the
    /// connector's words stand, since it knows more of what the value means.
    pub(crate) fn merged(self, connectors: Vec<Problem>) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self
            .problems
            .into_iter()
            .filter(|own| !connectors.iter().any(|other| other.name == own.name))
            .collect();
        problems.extend(connectors);
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{DeletionEffect, Operations, Setting};
    use crate::egress::StaticCredentials;

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

    fn manifest() -> Manifest {
        Manifest {
            id: "test".to_owned(),
            title: "Test".to_owned(),
            version: "0.1.0".to_owned(),
            setup: String::new(),
            settings: vec![
                setting("instance-url", SettingKind::BaseUrl(vec![]), true),
                setting("mode", SettingKind::Choice(vec!["auto".to_owned()]), false),
                setting("verbose", SettingKind::Boolean, false),
            ],
            credentials: vec![],
            headers: vec![],
            attributes: vec![],
            lookup_keys: vec![],
            identity_key: None,
            operations: Operations::all(),
            deletion: DeletionEffect::Removes,
            max_page_size: 100,
            quirks: vec![],
        }
    }

    fn checked(settings: &[(&str, &str)], credentials: &StaticCredentials) -> Checked {
        let settings = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        check(&manifest(), &settings, credentials, &Network::default())
    }

    fn codes(problems: &[Problem]) -> Vec<(&str, &str)> {
        problems
            .iter()
            .map(|problem| (problem.name.as_str(), problem.code.as_str()))
            .collect()
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let settings = [("mode", "fast"), ("verbose", "yes"), ("instnace-url", "x")];
        let checked = checked(&settings, &StaticCredentials::new().with("token", "s3"));
        assert_eq!(
            codes(&checked.problems),
            [
                ("instnace-url", "unknown"),
                ("mode", "not-a-choice"),
                ("verbose", "not-a-boolean"),
                ("instance-url", "missing"),
                ("token", "unknown"),
            ]
        );
        assert!(
            checked.problems[0]
                .message
                .contains("Did you mean `instance-url`?")
        );
    }

    #[test]
    fn where_host_and_connector_find_fault_the_connectors_words_stand() {
        let checked = checked(
            &[("instance-url", "x"), ("mode", "fast")],
            &StaticCredentials::new(),
        );
        let connectors = Problem {
            name: "instance-url".to_owned(),
            code: "no-customer".to_owned(),
            message: String::new(),
        };
        let merged = checked.merged(vec![connectors]);
        assert_eq!(
            codes(&merged),
            [("mode", "not-a-choice"), ("instance-url", "no-customer")]
        );
    }

    #[test]
    fn a_good_base_url_makes_a_grant() {
        let checked = checked(
            &[("instance-url", "https://h.example/a/")],
            &StaticCredentials::new(),
        );
        assert!(checked.problems.is_empty());
        assert_eq!(checked.grants[0].to_string(), "https://h.example/a");
    }
}
