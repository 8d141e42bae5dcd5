//! `harness describe`: the manifest.

use std::path::PathBuf;

use clap::Args;

use super::connect::named_component;
use super::options::{Options, Stop};
use super::output::{Output, prose_table, shown, wrapped};
use crate::connection_file::ConnectionFile;
use crate::contract::{Manifest, Mutability, SettingKind};
use crate::json;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The component [default: --component, else the connection file's, else the bundled 8x8
    /// connector]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) async fn run(
    arguments: Arguments,
    options: &Options,
    output: Output,
) -> Result<(), Stop> {
    let mut options = options.clone();
    options.component = arguments.file.or(options.component);
    // Nothing is connected, and so no secret needed.
    let file = options.connection.as_deref().map(ConnectionFile::read);
    let file = file.transpose()?;
    let component = named_component(&options, file.as_ref()).await?;
    let manifest = component.manifest();
    output.answer(|| json::manifest(manifest), || report(manifest));
    Ok(())
}

fn report(manifest: &Manifest) -> String {
    let mut text = format!(
        "{} {} ({})\n",
        manifest.title, manifest.version, manifest.id
    );
    section(&mut text, "setup");
    for step in manifest.setup.lines() {
        text.push_str(&wrapped("", "", step));
    }

    section(&mut text, "settings");
    let mut rows = prose_table(&["name", "required", "kind", "help"]);
    for setting in &manifest.settings {
        let kind = match &setting.kind {
            SettingKind::Text => "text".to_owned(),
            SettingKind::BaseUrl(_) => "URL, and the grant".to_owned(),
            SettingKind::Boolean => "true, false".to_owned(),
            SettingKind::Choice(choices) => choices.join(", "),
        };
        rows.add_row([&setting.name, yes(setting.required), &kind, &setting.help]);
    }
    text.push_str(&shown(&rows));

    section(&mut text, "credentials");
    let mut rows = prose_table(&["name", "sent to", "help"]);
    for credential in &manifest.credentials {
        rows.add_row([&credential.name, &credential.base_url, &credential.help]);
    }
    text.push_str(&shown(&rows));

    section(&mut text, "attributes");
    let mut rows = prose_table(&["name", "required", "changes", "upstream's path", "help"]);
    for spec in &manifest.attributes {
        let changes = match spec.mutability {
            Mutability::ReadWrite => "",
            restricted => json::mutability(restricted),
        };
        let required = yes(spec.required);
        rows.add_row([&spec.name, required, changes, &spec.path, &spec.help]);
    }
    text.push_str(&shown(&rows));

    section(&mut text, "accounts");
    text.push_str(&format!(
        "found by     {}\noperations   {}\ndelete       {}\n",
        manifest.lookup_keys.join(", "),
        json::operations(manifest).join(", "),
        json::deletion_effect(manifest),
    ));
    if let Some(key) = &manifest.identity_key {
        text.push_str(&format!("identity     {key}\n"));
    }

    section(&mut text, "quirks");
    for quirk in &manifest.quirks {
        text.push_str(&wrapped(
            "",
            "  ",
            &format!("{}: {}", quirk.code, quirk.message),
        ));
    }
    text
}

fn section(text: &mut String, title: &str) {
    text.push_str(&format!("\n{}\n", title.to_uppercase()));
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "" }
}
