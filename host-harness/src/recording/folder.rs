//! A recording's folder: `recording.toml`, and a file for each exchange.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::path::Path;

use toml::{Table, Value};

use super::exchange::Recorded;
use super::unusable::unusable;
use crate::bindings::CONTRACT_VERSION;
use crate::failure::Failure;
use crate::private_file;

const HEAD: &str = "recording.toml";
const EXCHANGE: &str = "http";
/// Of the folder's own form.
const FORMAT: i64 = 1;
/// Bytes of a file that are read; an answer is at most 16 MiB by default.
const MOST_BYTES: u64 = 256 << 20;

/// What was connected when the recording was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) sha256: String,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) read_only: bool,
    pub(super) allow_loopback_http: bool,
    /// What the connection was given of what an earlier one had learned.
    pub(super) learned: Option<String>,
}

impl Head {
    fn to_text(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let mut text = format!(
            "# Exchanges recorded by `harness --record`; `harness --replay` answers from them.\n\
             format = {FORMAT}\ncontract = \"{CONTRACT_VERSION}\"\n"
        );
        if let Some(learned) = &self.learned {
            let _ = writeln!(text, "learned = {}", quoted(learned));
        }
        let _ = write!(
            text,
            "\n[connector]\nid = {}\nversion = {}\nsha256 = {}\n\n[settings]\n",
            quoted(&self.id),
            quoted(&self.version),
            quoted(&self.sha256)
        );
        for (name, value) in &self.settings {
            let _ = writeln!(text, "{} = {}", quoted(name), quoted(value));
        }
        let _ = write!(
            text,
            "\n[network]\nread-only = {}\nallow-loopback-http = {}\n",
            self.read_only, self.allow_loopback_http
        );
        text
    }

    fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| format!("it is not TOML: {}", error.message()))?;
        match table.get("format").and_then(Value::as_integer) {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(format!(
                    "it has format {other}, and this program reads format {FORMAT}; record anew"
                ));
            }
            None => return Err("`format` is missing".to_owned()),
        }
        match table.get("contract").and_then(Value::as_str) {
            Some(CONTRACT_VERSION) => {}
            Some(other) => {
                return Err(format!(
                    "it is of contract {other}, and this host has contract {CONTRACT_VERSION}: \
                     record anew"
                ));
            }
            None => return Err("`contract` is missing".to_owned()),
        }
        let part = |name: &str| table.get(name).and_then(Value::as_table);
        let connector = |name: &str| {
            let value = part("connector").and_then(|table| table.get(name)?.as_str());
            value
                .map(str::to_owned)
                .ok_or_else(|| format!("`{name}` under [connector] is missing"))
        };
        let network = |name: &str| {
            let value = part("network").and_then(|table| table.get(name)?.as_bool());
            value.unwrap_or(false)
        };
        let mut settings = BTreeMap::new();
        for (name, value) in part("settings").into_iter().flatten() {
            let Some(value) = value.as_str() else {
                return Err(format!("`{name}` under [settings] is no text in quotes"));
            };
            settings.insert(name.clone(), value.to_owned());
        }
        Ok(Self {
            id: connector("id")?,
            version: connector("version")?,
            sha256: connector("sha256")?,
            settings,
            read_only: network("read-only"),
            allow_loopback_http: network("allow-loopback-http"),
            learned: table
                .get("learned")
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }
}

/// Makes the folder; one that is there has to be empty.
pub(super) fn create(folder: &Path) -> Result<(), Failure> {
    let unwritable = |error| {
        unusable(
            "unwritable",
            folder,
            format!("it cannot be written: {error}."),
        )
    };
    match std::fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(unusable(
                "not-empty",
                folder,
                "the folder is not empty. Each recording has a folder of its own: name another, or \
                 empty this one.",
            )),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::DirBuilderExt as _;

                builder.mode(0o700);
            }
            builder.create(folder).map_err(unwritable)
        }
        Err(error) => Err(unwritable(error)),
    }
}

pub(super) fn write_head(folder: &Path, head: &Head) -> io::Result<()> {
    write(&folder.join(HEAD), &head.to_text())
}

pub(super) fn write_exchange(folder: &Path, number: u64, recorded: &Recorded) -> io::Result<()> {
    let name = format!(
        "{number:04}-{}-{}.{EXCHANGE}",
        recorded.name, recorded.request.method
    );
    write(&folder.join(name), &recorded.to_text())
}

/// A new file that its owner alone can read.
fn write(path: &Path, text: &str) -> io::Result<()> {
    private_file::create_new(path)?.write_all(text.as_bytes())
}

/// An exchange and the name of its file.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) file: String,
    pub(super) recorded: Recorded,
}

/// What stands in a folder. Files of other names are left alone: people keep notes.
pub(super) fn read(folder: &Path) -> Result<(Head, Vec<Kept>), Failure> {
    let path = folder.join(HEAD);
    let text = match read_file(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(unusable(
                "no-recording",
                folder,
                format!("there is none, since it has no {HEAD}. `--record` makes one."),
            ));
        }
        Err(error) => {
            let what = format!("it cannot be read: {error}.");
            return Err(unusable("unreadable", &path, what));
        }
    };
    let head =
        Head::parse(&text).map_err(|what| unusable("unusable", &path, format!("{what}.")))?;
    let entries = std::fs::read_dir(folder)
        .map_err(|error| unusable("unreadable", folder, format!("{error}.")))?;
    let mut kept = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unusable("unreadable", folder, format!("{error}.")))?;
        let path = entry.path();
        if path
            .extension()
            .is_none_or(|extension| extension != EXCHANGE)
        {
            continue;
        }
        let file = entry.file_name().to_string_lossy().into_owned();
        let digits = file.split('-').next().unwrap_or_default();
        let number: u64 = digits.parse().map_err(|_| {
            let what = "its name does not begin with a number and `-`, which gives the order.";
            unusable("unnumbered", &path, what)
        })?;
        let text = read_file(&path).map_err(|error| {
            unusable("unreadable", &path, format!("it cannot be read: {error}."))
        })?;
        let recorded = Recorded::parse(&text)
            .map_err(|what| unusable("damaged", &path, format!("{what}.")))?;
        kept.push((number, Kept { file, recorded }));
    }
    kept.sort_by(|(a, one), (b, other)| (a, &one.file).cmp(&(b, &other.file)));
    Ok((head, kept.into_iter().map(|(_, kept)| kept).collect()))
}

fn read_file(path: &Path) -> io::Result<String> {
    use std::io::Read as _;

    let mut text = String::new();
    File::open(path)?
        .take(MOST_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_back_whatever_the_settings_hold() {
        let head = Head {
            id: "8x8".to_owned(),
            version: "0.1.0".to_owned(),
            sha256: "ab".to_owned(),
            settings: BTreeMap::from([
                ("instance-url".to_owned(), "https://h.example/".to_owned()),
                ("odd = \"name".to_owned(), "a \"b\"\n'''\\ \u{1}".to_owned()),
            ]),
            read_only: true,
            allow_loopback_http: true,
            learned: Some("{\"patch\": false}".to_owned()),
        };
        assert_eq!(Head::parse(&head.to_text()), Ok(head));
    }

    #[test]
    fn another_format_or_contract_is_refused() {
        let text = Head::default().to_text();
        let refused = |from: &str, to: &str| Head::parse(&text.replace(from, to)).unwrap_err();
        assert!(refused("format = 1", "format = 2").contains("format 2"));
        assert!(refused("\"0.1\"", "\"0.2\"").contains("contract 0.2"));
        assert!(refused("format = 1", "").contains("`format` is missing"));
        assert!(refused("id = ", "i = ").contains("`id` under [connector]"));
        assert!(refused("format = 1", "format").contains("not TOML"));
    }
}
