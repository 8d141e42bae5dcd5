//! The tables of a connection file, and the keys that each may hold.

use toml::de::{DeTable, DeValue};

use super::ConnectionFile;
use crate::egress::SecretSource;
use crate::limits::{MOST_HEADER_BYTES, MOST_MEMORY, MOST_STACK, MOST_TABLE_ELEMENTS};
use crate::nearest::nearest;
use crate::toml_file::{Reader, boolean};

const TABLES: [&str; 5] = ["component", "settings", "credentials", "network", "limits"];
const COMPONENT: [&str; 4] = ["file", "sha256", "public-key", "signature"];
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
const LIMITS: [&str; 20] = [
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
    "listing-accounts",
    "listing-bytes",
    "scratch-bytes",
    "handles",
];

impl Reader<'_> {
    pub(super) fn document(&mut self, document: &DeTable<'_>, file: &mut ConnectionFile) {
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
                "sha256" => file.provenance.sha256 = self.text(entry),
                "public-key" => file.provenance.public_key = self.text(entry),
                "signature" => file.provenance.signature = self.path_value(entry),
                _ => self.unknown_key(entry.0, Some("component"), &COMPONENT),
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
        const CREDENTIAL: [&str; 3] = ["env", "file", "shared"];
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
                    other if nearest(other, CREDENTIAL.into_iter()).is_some() => {
                        self.unknown_key(part.0, Some("credentials"), &CREDENTIAL);
                    }
                    // Not repeated, for the same reason.
                    _ => {
                        let known = CREDENTIAL.join("`, `");
                        let message = format!("`{name}` has a key that is none of `{known}`");
                        self.problem(&name, "unknown", Some(part.0.span()), message);
                    }
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
                "listing-accounts" => self.number(entry, &mut limits.listing_accounts),
                "listing-bytes" => self.number(entry, &mut limits.listing_bytes),
                "scratch-bytes" => self.number(entry, &mut limits.scratch_bytes),
                "handles" => self.number(entry, &mut limits.handles),
                _ => self.unknown_key(entry.0, Some("limits"), &LIMITS),
            }
        }
    }
}
