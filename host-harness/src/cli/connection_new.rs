//! `harness connection new`: a commented connection file, made from the manifest.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use toml::{Table, Value};

use super::connect::named_component;
use super::options::{Options, Stop};
use super::output::{Output, wrapped};
use crate::connection_file::ConnectionFile;
use crate::contract::{Manifest, Setting, SettingKind};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to write it; must not exist yet [default: stdout]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) async fn run(
    arguments: Arguments,
    options: &Options,
    output: Output,
) -> Result<(), Stop> {
    let other = match &options.connection {
        // Where the variable names the file that is to be written, there is none yet.
        Some(path) if Some(path) != arguments.file.as_ref() => Some(ConnectionFile::read(path)?),
        _ => None,
    };
    let component = named_component(options, other.as_ref()).await?;
    let text = template(
        component.manifest(),
        &section(options.component.as_deref(), other.as_ref()),
    );
    let Some(path) = arguments.file else {
        output.answer(
            || serde_json::json!({ "file": null, "text": text }),
            || text.clone(),
        );
        return Ok(());
    };
    // An existing file is somebody's work.
    File::create_new(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Stop::Usage(format!("{} cannot be written: {error}.", path.display())))?;
    let shown = path.display().to_string();
    output.answer(
        || serde_json::json!({ "file": shown, "text": text }),
        || {
            format!(
                "Wrote {shown}. Fill in the settings, provide the secrets, then try:\n  harness \
                 --connection {shown} check"
            )
        },
    );
    Ok(())
}

/// `[component]` for the connector that was looked at: the one of the command line, or that of
/// the other connection file, as that one demands it. Empty for the bundled one.
fn section(component: Option<&Path>, other: Option<&ConnectionFile>) -> Table {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let path = |path: &Path| Value::String(absolute(path).display().to_string());
    let mut section = Table::new();
    let named = component.or_else(|| other?.component.as_deref());
    if let Some(file) = named {
        section.insert("file".to_owned(), path(file));
    }
    if let Some(demanded) = other.map(|other| &other.provenance) {
        let texts = [
            ("sha256", &demanded.sha256),
            ("public-key", &demanded.public_key),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                section.insert(name.to_owned(), Value::String(text.clone()));
            }
        }
        if let Some(signature) = &demanded.signature {
            section.insert("signature".to_owned(), path(signature));
        }
    }
    section
}

fn template(manifest: &Manifest, component: &Table) -> String {
    let mut text = String::new();
    comment(&mut text, &format!("A connection to {}.", manifest.title));
    text.push_str("#\n");
    for line in manifest.setup.lines() {
        comment(&mut text, line);
    }
    text.push('\n');
    if component.is_empty() {
        comment(
            &mut text,
            "Runs the bundled connector; [component] file = \"…\" another.",
        );
    } else {
        text.push_str("[component]\n");
        for (name, value) in component {
            text.push_str(&format!("{name} = {value}\n"));
        }
    }
    text.push_str("\n[settings]\n");
    for setting in &manifest.settings {
        self::setting(&mut text, setting);
    }
    text.push_str("[credentials]\n");
    for credential in &manifest.credentials {
        comment(
            &mut text,
            &format!("{}: {}", credential.title, credential.help),
        );
        comment(
            &mut text,
            "The secret itself never stands here: { env = \"…\" } or { file = \"…\" }.",
        );
        let variable = variable(&credential.name, &manifest.id);
        text.push_str(&format!(
            "{} = {{ env = \"{variable}\" }}\n\n",
            credential.name
        ));
    }
    text.push_str(NETWORK);
    text
}

fn setting(text: &mut String, setting: &Setting) {
    comment(text, &format!("{}: {}", setting.title, setting.help));
    if let SettingKind::Choice(choices) = &setting.kind {
        comment(text, &format!("One of {}.", choices.join(", ")));
    }
    let mut default = setting.default.clone().unwrap_or_default();
    // What is typed there is granted, so the operator types it, and not the connector.
    if matches!(setting.kind, SettingKind::BaseUrl(_)) && !default.is_empty() {
        comment(
            text,
            &format!("The connector proposes {default}: type it if it is right."),
        );
        default.clear();
    }
    let value = Value::String(default);
    let optional = if setting.required { "" } else { "# " };
    text.push_str(&format!("{optional}{} = {value}\n\n", setting.name));
}

fn comment(text: &mut String, sentence: &str) {
    text.push_str(&wrapped("# ", "# ", sentence));
}

/// A name that shells take: it cannot begin with a digit, as `8x8` does.
fn variable(credential: &str, connector: &str) -> String {
    format!("{credential}_{connector}")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

const NETWORK: &str = "\
[network]
# All of this is optional; what stands here is the default.
# read-only = false              # true: nothing but GET and HEAD leaves this machine
# allow-loopback-http = false    # true: plain http to 127.0.0.1, for a simulated tenant
# timeout = \"30s\"                # one request
# operation-timeout = \"2m\"       # an operation with its retries
# max-concurrency = 2
# max-requests-per-minute = 60   # default: no limit
# proxy = \"http://…\"             # proxies of the environment are ignored
# ca-file = \"…\"                  # further certificates to trust, PEM
";

#[cfg(test)]
mod tests {
    use super::*;

    /// What is typed there is granted.
    #[test]
    fn an_address_that_the_connector_proposes_is_not_filled_in() {
        let mut proposed = Setting {
            name: "instance-url".to_owned(),
            title: "Instance URL".to_owned(),
            help: "Where it is.".to_owned(),
            kind: SettingKind::BaseUrl(Vec::new()),
            required: true,
            default: Some("https://proposed.example/".to_owned()),
        };
        let mut text = String::new();
        setting(&mut text, &proposed);
        assert!(
            text.contains("proposes https://proposed.example/"),
            "{text}"
        );
        assert!(text.contains("\ninstance-url = \"\"\n"), "{text}");
        proposed.kind = SettingKind::Text;
        let mut text = String::new();
        setting(&mut text, &proposed);
        assert!(text.contains("= \"https://proposed.example/\""), "{text}");
    }
}
