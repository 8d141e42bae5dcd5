//! The command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use url::Url;

/// What `.ci/foreign` says of a service.
pub(crate) struct Arguments {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Where its `/Users` is.
    pub(crate) base: Url,
    pub(crate) token: String,
    /// Whether it is to announce versions: said beforehand, so that a check which needs them
    /// cannot vanish when it stops to.
    pub(crate) etags: bool,
    /// Whether `startIndex` means anything to it.
    pub(crate) paging: bool,
    /// One line is added to this file.
    pub(crate) report: PathBuf,
}

impl Arguments {
    pub(crate) fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let words: Vec<String> = words.collect();
        let mut given = BTreeMap::new();
        for pair in words.chunks(2) {
            match pair {
                [name, value] if name.starts_with("--") => {
                    given.insert(name.as_str(), value.clone());
                }
                other => return Err(format!("{other:?} is no option with a value.")),
            }
        }
        let mut take = |name: &str| {
            given
                .remove(name)
                .ok_or_else(|| format!("{name} is missing."))
        };
        let yes = |name: &str, value: String| match value.as_str() {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(format!("{name} is yes or no.")),
        };
        let arguments = Self {
            name: take("--name")?,
            version: take("--version")?,
            base: Url::parse(&take("--base")?).map_err(|error| format!("--base: {error}."))?,
            token: take("--token")?,
            etags: yes("--etags", take("--etags")?)?,
            paging: yes("--paging", take("--paging")?)?,
            report: take("--report")?.into(),
        };
        match given.keys().next() {
            Some(unknown) => Err(format!("{unknown} is not known.")),
            None => Ok(arguments),
        }
    }
}
