//! The connection file: which component, which settings, where the secrets are, and how
//! the network may be used. Everything wrong with it is reported at once, with file and
//! line; a key that is not known is an error, since a mistyped limit would be no limit.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::connection::ConnectionOptions;
use crate::contract::Problem;
use crate::egress::{CredentialSources, Network, SecretSource};
use crate::engine::HostOptions;
use crate::failure::Failure;
use crate::sandbox::{
    Limits, MOST_HEADER_BYTES, MOST_MEMORY, MOST_STACK, MOST_TABLE_ELEMENTS, STACK_BYTES,
};
use crate::settings::nearest;

const TABLES: [&str; 5] = ["component", "settings", "credentials", "network", "limits"];
const NETWORK: [&str; 9] = [
    "read-only",
    "allow-loopback-http",
    "allow-addresses",
    "timeout",
    "operation-timeout",
    "max-concurrency",
    "max-requests-per-minute",
    "proxy",
    "ca-file",
];
const LIMITS: [&str; 17] = [
    "cpu",
    "fuel",
    "memory",
    "stack",
    "table-elements",
    "requests",
    "request-bytes",
    "sent-bytes",
    "response-bytes",
    "received-bytes",
    "headers",
    "header-bytes",
    "log-messages",
    "log-bytes",
    "result-bytes",
    "pages",
    "handles",
];

/// A connection file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// The component it names, if it names one.
    pub component: Option<PathBuf>,
    /// The settings.
    pub settings: BTreeMap<String, String>,
    /// Where each secret is.
    pub credentials: CredentialSources,
    /// How the network may be used.
    pub network: Network,
    /// What an operation may use up.
    pub limits: Limits,
    /// The guest's stack in bytes; see [`HostOptions::stack_bytes`].
    pub stack_bytes: usize,
}

impl Default for ConnectionFile {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            component: None,
            settings: BTreeMap::new(),
            credentials: CredentialSources::default(),
            network: Network::default(),
            limits: Limits::default(),
            stack_bytes: STACK_BYTES,
        }
    }
}

impl ConnectionFile {
    /// Reads a connection file. Paths in it are relative to its folder.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidSettings`] with every problem found. The name of a problem is the
    /// key at fault, or the file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::InvalidSettings {
            problems: vec![Problem {
                name: path.display().to_string(),
                code: "unreadable".to_owned(),
                message: format!(
                    "The connection file {} cannot be read: {error}.",
                    path.display()
                ),
            }],
        })?;
        Self::parse(path, &text)
    }

    /// Reads a connection file's text; `path` is for messages and relative paths.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let mut reader = Reader {
            path,
            text,
            problems: Vec::new(),
        };
        let mut file = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        match DeTable::parse(text) {
            Ok(document) => reader.document(document.get_ref(), &mut file),
            Err(error) => reader.problem(
                &path.display().to_string(),
                "not-toml",
                error.span(),
                format!("this is not TOML: {}", error.message()),
            ),
        }
        if reader.problems.is_empty() {
            Ok(file)
        } else {
            Err(Failure::InvalidSettings {
                problems: reader.problems,
            })
        }
    }

    /// Reads each secret once, so that a missing one is known before anything is sent.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidSettings`] with a problem for each secret that is not there.
    pub fn check_credentials(&self) -> Result<(), Failure> {
        let problems: Vec<Problem> = self
            .credentials
            .0
            .iter()
            .filter_map(|(name, source)| {
                let error = source.read(name).err()?;
                Some(Problem {
                    name: name.clone(),
                    code: error.code.to_owned(),
                    message: error.message,
                })
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Failure::InvalidSettings { problems })
        }
    }

    /// The options of a host for this connection alone: what `[limits]` says of the things
    /// that a host decides for all.
    #[must_use]
    pub fn host_options(&self) -> HostOptions {
        HostOptions {
            stack_bytes: self.stack_bytes,
            count_fuel: self.limits.fuel.is_some(),
            limits: self.limits.clone(),
            ..HostOptions::default()
        }
    }

    /// The options of a connection as this file has them.
    #[must_use]
    pub fn options(&self) -> ConnectionOptions {
        let mut options = ConnectionOptions::new();
        options.settings = self.settings.clone();
        options.credentials = Arc::new(self.credentials.clone());
        options.network = self.network.clone();
        options.limits = self.limits.clone();
        options
    }
}

/// A key and its value, with their places.
type Entry<'a, 'i> = (
    &'a Spanned<std::borrow::Cow<'i, str>>,
    &'a Spanned<DeValue<'i>>,
);

struct Reader<'f> {
    path: &'f Path,
    text: &'f str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn document(&mut self, document: &DeTable<'_>, file: &mut ConnectionFile) {
        for entry in document {
            let (key, value) = entry;
            let Some(table) = value.get_ref().as_table() else {
                if TABLES.contains(&key.get_ref().as_ref()) {
                    self.wrong_value(entry, "a table");
                } else {
                    self.unknown_key(key, None, &TABLES);
                }
                continue;
            };
            match key.get_ref().as_ref() {
                "component" => self.component(table, file),
                "settings" => self.settings(table, file),
                "credentials" => self.credentials(table, file),
                "network" => self.network(table, file),
                "limits" => self.limits(table, file),
                _ => self.unknown_key(key, None, &TABLES),
            }
        }
    }

    fn component(&mut self, table: &DeTable<'_>, file: &mut ConnectionFile) {
        for entry in table {
            match entry.0.get_ref().as_ref() {
                "file" => file.component = self.path_value(entry),
                _ => self.unknown_key(entry.0, Some("component"), &["file"]),
            }
        }
    }

    fn settings(&mut self, table: &DeTable<'_>, file: &mut ConnectionFile) {
        for entry in table {
            let (key, value) = entry;
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Boolean(boolean) => boolean.to_string(),
                _ => {
                    self.wrong_value(entry, "text in quotes");
                    continue;
                }
            };
            file.settings.insert(key.get_ref().to_string(), text);
        }
    }

    fn credentials(&mut self, table: &DeTable<'_>, file: &mut ConnectionFile) {
        for entry in table {
            let name = entry.0.get_ref().to_string();
            // The value may be the secret itself, typed where it does not belong.
            let wrong = "`{ env = \"VARIABLE\" }` or `{ file = \"path\" }`; the secret itself does \
                         not belong in this file";
            let Some(source) = entry.1.get_ref().as_table() else {
                self.wrong_value(entry, wrong);
                continue;
            };
            let (mut variable, mut path, mut shared) = (None, None, None);
            let before = self.problems.len();
            for part in source {
                match part.0.get_ref().as_ref() {
                    "env" => variable = self.text(part),
                    "file" => path = self.path_value(part),
                    "shared" => {
                        let read = |value: &DeValue<'_>| boolean(value).map(Some);
                        self.take(part, "true or false", read, &mut shared);
                    }
                    _ => self.unknown_key(part.0, Some("credentials"), &["env", "file", "shared"]),
                }
            }
            let source = match (variable, path, shared) {
                (Some(variable), None, None) => SecretSource::Environment(variable),
                (None, Some(path), shared) => SecretSource::File {
                    path,
                    shared: shared.unwrap_or(false),
                },
                _ if self.problems.len() > before => continue,
                _ => {
                    self.wrong_value(entry, wrong);
                    continue;
                }
            };
            file.credentials.0.insert(name, source);
        }
    }

    fn network(&mut self, table: &DeTable<'_>, file: &mut ConnectionFile) {
        for entry in table {
            let network = &mut file.network;
            match entry.0.get_ref().as_ref() {
                "read-only" => self.take(entry, "true or false", boolean, &mut network.read_only),
                "allow-loopback-http" => self.take(
                    entry,
                    "true or false",
                    boolean,
                    &mut network.allow_loopback_http,
                ),
                "allow-addresses" => self.take(
                    entry,
                    "a list of addresses or ranges, such as [\"10.2.0.0/16\"]",
                    |value| {
                        value
                            .as_array()?
                            .iter()
                            .map(|item| item.get_ref().as_str()?.parse().ok())
                            .collect()
                    },
                    &mut network.allow_addresses,
                ),
                "timeout" => self.duration(entry, &mut file.limits.request_time),
                "operation-timeout" => self.duration(entry, &mut file.limits.operation_time),
                "max-concurrency" => self.number(entry, &mut network.max_concurrency),
                "max-requests-per-minute" => {
                    self.number_option(entry, &mut network.max_requests_per_minute);
                }
                "proxy" => network.proxy = self.text(entry),
                "ca-file" => network.ca_file = self.path_value(entry),
                _ => self.unknown_key(entry.0, Some("network"), &NETWORK),
            }
        }
    }

    fn limits(&mut self, table: &DeTable<'_>, file: &mut ConnectionFile) {
        let limits = &mut file.limits;
        for entry in table {
            match entry.0.get_ref().as_ref() {
                "cpu" => self.duration(entry, &mut limits.cpu),
                "fuel" => self.number_option(entry, &mut limits.fuel),
                "memory" => self.number_up_to(entry, MOST_MEMORY, &mut limits.memory),
                "table-elements" => {
                    self.number_up_to(entry, MOST_TABLE_ELEMENTS, &mut limits.table_elements);
                }
                "stack" => self.number_up_to(entry, MOST_STACK, &mut file.stack_bytes),
                "requests" => self.number(entry, &mut limits.requests),
                "request-bytes" => self.number(entry, &mut limits.request_bytes),
                "sent-bytes" => self.number(entry, &mut limits.sent_bytes),
                "response-bytes" => self.number(entry, &mut limits.response_bytes),
                "received-bytes" => self.number(entry, &mut limits.received_bytes),
                "headers" => self.number(entry, &mut limits.headers),
                "header-bytes" => {
                    self.number_up_to(entry, MOST_HEADER_BYTES, &mut limits.header_bytes);
                }
                "log-messages" => self.number(entry, &mut limits.log_messages),
                "log-bytes" => self.number(entry, &mut limits.log_bytes),
                "result-bytes" => self.number(entry, &mut limits.result_bytes),
                "pages" => self.number(entry, &mut limits.pages),
                "handles" => self.number(entry, &mut limits.handles),
                _ => self.unknown_key(entry.0, Some("limits"), &LIMITS),
            }
        }
    }

    fn take<T>(
        &mut self,
        entry: Entry<'_, '_>,
        wanted: &str,
        read: impl FnOnce(&DeValue<'_>) -> Option<T>,
        target: &mut T,
    ) {
        match read(entry.1.get_ref()) {
            Some(value) => *target = value,
            None => self.wrong_value(entry, wanted),
        }
    }

    fn duration(&mut self, entry: Entry<'_, '_>, target: &mut Duration) {
        let read = |value: &DeValue<'_>| duration(value.as_str()?);
        self.take(
            entry,
            "a duration such as \"30s\", \"2m\" or \"500ms\"",
            read,
            target,
        );
    }

    fn number<T: TryFrom<i64> + Copy>(&mut self, entry: Entry<'_, '_>, target: &mut T) {
        self.take(entry, "a whole number above 0", number, target);
    }

    fn number_option<T: TryFrom<i64>>(&mut self, entry: Entry<'_, '_>, target: &mut Option<T>) {
        let read = |value: &DeValue<'_>| number(value).map(Some);
        self.take(entry, "a whole number above 0", read, target);
    }

    fn number_up_to(&mut self, entry: Entry<'_, '_>, most: usize, target: &mut usize) {
        let read = |value: &DeValue<'_>| number(value).filter(|number| *number <= most);
        self.take(
            entry,
            &format!("a whole number from 1 to {most}"),
            read,
            target,
        );
    }

    fn text(&mut self, entry: Entry<'_, '_>) -> Option<String> {
        match entry.1.get_ref().as_str() {
            Some(text) if !text.is_empty() => Some(text.to_owned()),
            _ => {
                self.wrong_value(entry, "text in quotes");
                None
            }
        }
    }

    fn path_value(&mut self, entry: Entry<'_, '_>) -> Option<PathBuf> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        self.text(entry).map(|text| folder.join(text))
    }

    fn wrong_value(&mut self, (key, value): Entry<'_, '_>, wanted: &str) {
        let message = format!("`{}` is {wanted}", key.get_ref());
        self.problem(key.get_ref(), "wrong-value", Some(value.span()), message);
    }

    fn unknown_key(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        table: Option<&str>,
        known: &[&str],
    ) {
        let name = key.get_ref();
        let place = table.map_or_else(String::new, |table| format!(" in [{table}]"));
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are: {}", known.join(", ")),
        };
        let message = format!("there is no `{name}`{place}; {hint}");
        self.problem(name, "unknown", Some(key.span()), message);
    }

    fn problem(&mut self, name: &str, code: &str, span: Option<Range<usize>>, message: String) {
        let line = span
            .and_then(|span| self.text.get(..span.start))
            .map(|before| before.matches('\n').count() + 1);
        let place = match line {
            Some(line) => format!("{}:{line}", self.path.display()),
            None => self.path.display().to_string(),
        };
        let end = if message.ends_with(['.', '?']) {
            ""
        } else {
            "."
        };
        self.problems.push(Problem {
            name: name.to_owned(),
            code: code.to_owned(),
            message: format!("{place}: {message}{end}"),
        });
    }
}

fn boolean(value: &DeValue<'_>) -> Option<bool> {
    value.as_bool()
}

fn number<T: TryFrom<i64>>(value: &DeValue<'_>) -> Option<T> {
    let integer = value.as_integer()?;
    let digits = integer.as_str().replace('_', "");
    i64::from_str_radix(&digits, integer.radix())
        .ok()
        .filter(|number| *number > 0)
        .and_then(|number| T::try_from(number).ok())
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (count, unit) = text.split_at_checked(digits)?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(count)),
        "s" => Some(Duration::from_secs(count)),
        "m" | "min" => count.checked_mul(60).map(Duration::from_secs),
        "h" => count.checked_mul(3_600).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<ConnectionFile, Vec<String>> {
        ConnectionFile::parse(Path::new("conf/8x8.toml"), text).map_err(|failure| {
            assert_eq!(failure.kind(), "invalid-settings");
            failure
                .problems()
                .iter()
                .map(|p| p.message.clone())
                .collect()
        })
    }

    #[test]
    fn a_whole_file_is_read() {
        let file = parsed(
            r#"
            [component]
            file = "my-connector.wasm"
            [settings]
            instance-url = "https://h.example/"
            verbose = true
            [credentials]
            api-token = { env = "TOKEN" }
            other = { file = "secret.txt", shared = true }
            [network]
            read-only = true
            timeout = "5s"
            operation-timeout = "2m"
            max-concurrency = 4
            max-requests-per-minute = 60
            allow-addresses = ["10.0.0.0/8"]
            ca-file = "/etc/ca.pem"
            [limits]
            cpu = "500ms"
            memory = 1_048_576
            "#,
        )
        .unwrap();
        assert_eq!(file.component, Some("conf/my-connector.wasm".into()));
        assert_eq!(file.settings["verbose"], "true");
        assert_eq!(
            file.credentials.0["api-token"],
            SecretSource::Environment("TOKEN".into())
        );
        assert_eq!(
            file.credentials.0["other"],
            SecretSource::File {
                path: "conf/secret.txt".into(),
                shared: true,
            }
        );
        assert!(file.network.read_only);
        assert_eq!(file.network.ca_file, Some("/etc/ca.pem".into()));
        assert_eq!(file.network.max_requests_per_minute, Some(60));
        assert_eq!(file.limits.request_time, Duration::from_secs(5));
        assert_eq!(file.limits.operation_time, Duration::from_secs(120));
        assert_eq!(file.limits.cpu, Duration::from_millis(500));
        assert_eq!(file.limits.memory, 1 << 20);
    }

    #[test]
    fn unknown_keys_are_named_with_line_and_nearest_key() {
        let problems = parsed("[network]\nreadonly = true\n[setings]\nx = 1\n").unwrap_err();
        assert_eq!(
            problems,
            [
                "conf/8x8.toml:2: there is no `readonly` in [network]; did you mean `read-only`?",
                "conf/8x8.toml:3: there is no `setings`; did you mean `settings`?",
            ]
        );
    }

    #[test]
    fn wrong_values_are_named_with_what_they_should_be() {
        for (text, problem) in [
            (
                "[network]\ntimeout = 30",
                "`timeout` is a duration such as \"30s\", \"2m\" or \"500ms\".",
            ),
            (
                "[network]\nmax-concurrency = 0",
                "`max-concurrency` is a whole number above 0.",
            ),
            ("[settings]\nx = 1", "`x` is text in quotes."),
            (
                "[limits]\nmemory = 999999999999",
                "`memory` is a whole number from 1 to 268435456.",
            ),
        ] {
            assert_eq!(
                parsed(text).unwrap_err(),
                [format!("conf/8x8.toml:2: {problem}")]
            );
        }
    }

    #[test]
    fn a_secret_typed_into_the_file_is_refused_and_not_repeated() {
        let problems = parsed("[credentials]\napi-token = \"canary\"").unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(!problems[0].contains("canary"));
    }

    #[test]
    fn text_that_is_not_toml_is_refused_with_its_line() {
        let problems = parsed("[settings]\nx = \n").unwrap_err();
        assert!(
            problems[0].starts_with("conf/8x8.toml:2: this is not TOML"),
            "{problems:?}"
        );
    }

    #[test]
    fn missing_secrets_are_found_before_anything_is_sent() {
        let file = parsed("[credentials]\na = { file = \"nowhere\" }").unwrap();
        let failure = file.check_credentials().unwrap_err();
        assert_eq!(failure.problems()[0].code, "missing");
    }
}
