//! What the operator typed, against the manifest's settings: every problem at once. The host
//! checks the same before; a host that somebody else wrote may not.

use fluent_uri::Uri;

use crate::contract::manifest::{Manifest, Setting, SettingKind};
use crate::contract::{Problem, SettingValue};
use crate::failure::problem;

/// The values of a connection's settings, each of them good.
#[derive(Debug, Clone)]
pub struct Settings {
    values: Vec<SettingValue>,
    bases: Vec<String>,
}

impl Settings {
    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Every problem: unknown, repeated, missing, not one of the choices, no good URL.
    pub fn read(manifest: &Manifest, given: &[SettingValue]) -> Result<Self, Vec<Problem>> {
        let mut settings = Self {
            values: Vec::new(),
            bases: Vec::new(),
        };
        let mut problems = Vec::new();
        for (index, setting) in given.iter().enumerate() {
            let name = &setting.name;
            let before = given.iter().take(index);
            if !manifest.settings.iter().any(|known| known.name == *name) {
                problems.push(problem(name, "unknown", "There is no such setting."));
            } else if before.into_iter().any(|other| other.name == *name) {
                problems.push(problem(name, "repeated", "This setting is given twice."));
            }
        }
        for setting in &manifest.settings {
            let mut given = given.iter().filter(|value| value.name == setting.name);
            let given = given.next().map(|value| value.value.trim());
            let value = given.filter(|value| !value.is_empty());
            match value.or(setting.default.as_deref()) {
                Some(value) => settings.take(setting, value, &mut problems),
                None if setting.required => {
                    let message = format!("{} is needed. {}", setting.title, setting.help);
                    problems.push(problem(&setting.name, "missing", message));
                }
                None => {}
            }
        }
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems)
        }
    }

    /// A setting's value, or its default.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.values.iter();
        let found = values.find(|value| value.name == name)?;
        Some(&found.value)
    }

    /// The base URLs: what every request stays under.
    #[must_use]
    pub fn bases(&self) -> &[String] {
        &self.bases
    }

    fn take(&mut self, setting: &Setting, value: &str, problems: &mut Vec<Problem>) {
        let mut refuse = |code: &str, message: &str| {
            problems.push(problem(&setting.name, code, message));
        };
        let mut good = value.to_owned();
        match &setting.kind {
            SettingKind::Text => {}
            SettingKind::Boolean if matches!(value, "true" | "false") => {}
            SettingKind::Boolean => return refuse("not-a-boolean", "It is `true` or `false`."),
            SettingKind::Choice(choices) if choices.iter().any(|choice| choice == value) => {}
            SettingKind::Choice(choices) => {
                let message = format!("It is one of {}.", choices.join(", "));
                return refuse("not-a-choice", &message);
            }
            SettingKind::BaseUrl(endings) => match base(value, endings) {
                Ok(base) => {
                    self.bases.push(base.clone());
                    good = base;
                }
                Err((code, message)) => return refuse(code, message),
            },
        }
        self.values.push(SettingValue {
            name: setting.name.clone(),
            value: good,
        });
    }
}

/// A base URL as requests begin with it: no slash at its end, the origin in lower case and
/// without the scheme's own port, and without an ending that people paste too many.
fn base(text: &str, endings: &[String]) -> Result<String, (&'static str, &'static str)> {
    const MALFORMED: (&str, &str) = ("malformed", "This is no URL: it looks like https://…");

    let url = Uri::parse(text).map_err(|_| MALFORMED)?;
    let authority = url.authority().ok_or(MALFORMED)?;
    let scheme = url.scheme().as_str().to_ascii_lowercase();
    if !matches!(scheme.as_str(), "https" | "http") {
        return Err(("not-https", "It begins with https://"));
    }
    if authority.has_userinfo() {
        return Err(("user-info", "Leave out what stands before the @."));
    }
    if url.has_query() || url.has_fragment() {
        return Err(("query", "Leave out what follows ? or #."));
    }
    let port = authority.port_to_u16().map_err(|_| MALFORMED)?;
    let host = authority.host().to_ascii_lowercase();
    if host.is_empty() || host.contains('%') {
        return Err(MALFORMED);
    }
    let mut base = format!("{scheme}://{host}");
    let own = if scheme == "https" { 443 } else { 80 };
    if let Some(port) = port.filter(|port| *port != own) {
        base.push_str(&format!(":{port}"));
    }
    let path = url.path().as_str().trim_end_matches('/');
    let mut segments: Vec<_> = path.split('/').skip(1).collect();
    let doubtful = |segment: &&str| matches!(*segment, "" | "." | "..") || segment.contains('%');
    if segments.iter().any(doubtful) {
        return Err(("path", "The path could be read in two ways."));
    }
    if segments.len() > 1
        && segments
            .last()
            .is_some_and(|last| endings.iter().any(|e| e == last))
    {
        segments.pop();
    }
    for segment in segments {
        base.push('/');
        base.push_str(segment);
    }
    Ok(base)
}
