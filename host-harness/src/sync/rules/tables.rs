//! The tables of a rules file, and the keys that each may hold.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::tz::TimeZone;
use toml::de::{DeTable, DeValue};

use super::check;
use super::checked::Rules;
use super::parts::{Dates, Placed, Protect, Provision, Target};
use super::policy::{Guards, Leavers, Phase, Policy, Switches, Unnamed};
use crate::attributes::{self, spec};
use crate::contract::{Manifest, Mutability, Value};
use crate::failure::Failure;
use crate::nearest::nearest;
use crate::sync::RosterFormat;
use crate::sync::expression::{About, Expression};
use crate::sync::roster::Notation;
use crate::toml_file::{Entry, Reader, boolean, number};

const TABLES: [&str; 8] = [
    "roster",
    "match",
    "provision",
    "dates",
    "attributes",
    "protect",
    "policy",
    "guards",
];
const PHASES: [(&str, Phase); 3] = [
    ("joiners", Phase::Joiners),
    ("movers", Phase::Movers),
    ("leavers", Phase::Leavers),
];

/// What was read so far, and what is wrong with it.
pub(super) struct Tables<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) manifest: &'a Manifest,
    format: RosterFormat,
    key: Option<Placed>,
    lookup: Option<Placed>,
    lookup_key: Option<String>,
    identity_key: Option<String>,
    provision: Option<Provision>,
    pub(super) targets: Vec<Target>,
    protect: Protect,
    dates: Dates,
    time_zone: Option<TimeZone>,
    leavers: Leavers,
    unnamed: Unnamed,
    switches: Switches,
    order: Vec<Phase>,
    guards: Guards,
}

impl<'a> Tables<'a> {
    pub(super) fn new(reader: Reader<'a>, manifest: &'a Manifest) -> Self {
        Self {
            reader,
            manifest,
            format: RosterFormat::default(),
            key: None,
            lookup: None,
            lookup_key: None,
            identity_key: None,
            provision: None,
            targets: Vec::new(),
            protect: Protect::default(),
            dates: Dates::default(),
            time_zone: None,
            leavers: Leavers::Deactivate,
            unnamed: Unnamed::Keep,
            switches: Switches::default(),
            order: PHASES.iter().map(|(_, phase)| *phase).collect(),
            guards: Guards::default(),
        }
    }

    pub(super) fn document(&mut self, path: &Path, text: &str) {
        match DeTable::parse(text) {
            Ok(document) => self.tables(document.get_ref()),
            Err(error) => self.reader.problem(
                &path.display().to_string(),
                "not-toml",
                error.span(),
                format!("this is not TOML: {}", error.message()),
            ),
        }
    }

    fn tables(&mut self, document: &DeTable<'_>) {
        for entry in document {
            let (key, value) = entry;
            let known = TABLES.contains(&key.get_ref().as_ref());
            let Some(table) = value.get_ref().as_table().filter(|_| known) else {
                if known {
                    self.reader.wrong_value(entry, "a table");
                } else {
                    self.reader.unknown_key(key, None, &TABLES);
                }
                continue;
            };
            match key.get_ref().as_ref() {
                "roster" => self.roster(table),
                "match" => self.matching(table),
                "provision" => self.provision(table),
                "dates" => self.dates(table),
                "attributes" => self.attributes(table),
                "protect" => self.protect(table),
                "policy" => self.policy(table),
                _ => self.guards(table),
            }
        }
    }

    fn roster(&mut self, table: &DeTable<'_>) {
        for entry in table {
            match entry.0.get_ref().as_ref() {
                "format" => {
                    let read = |value: &DeValue<'_>| match value.as_str()? {
                        "csv" => Some(Some(Notation::Csv)),
                        "json-lines" => Some(Some(Notation::JsonLines)),
                        _ => None,
                    };
                    let wanted = "\"csv\" or \"json-lines\"";
                    self.reader
                        .take(entry, wanted, read, &mut self.format.notation);
                }
                "delimiter" => {
                    let read = |value: &DeValue<'_>| match value.as_str()?.as_bytes() {
                        [one] if one.is_ascii() && !b"\"\r\n\0".contains(one) => Some(*one),
                        _ => None,
                    };
                    let wanted = "one character, such as \",\", \";\" or \"\\t\"";
                    self.reader
                        .take(entry, wanted, read, &mut self.format.delimiter);
                }
                "lists" => {
                    let Some(lists) = entry.1.get_ref().as_table() else {
                        let wanted =
                            "a table of columns and separators, such as { groups = \";\" }";
                        self.reader.wrong_value(entry, wanted);
                        continue;
                    };
                    for entry in lists {
                        if let Some(separator) = self.reader.text(entry) {
                            let column = entry.0.get_ref().to_string();
                            self.format.lists.insert(column, separator);
                        }
                    }
                }
                _ => self.unknown(entry, "roster", &["format", "delimiter", "lists"]),
            }
        }
    }

    fn matching(&mut self, table: &DeTable<'_>) {
        for entry in table {
            match entry.0.get_ref().as_ref() {
                "key" => self.key = self.expression(entry, About::Person),
                "value" => self.lookup = self.expression(entry, About::Person),
                "lookup" => {
                    let keys = self.manifest.lookup_keys.clone();
                    self.lookup_key = self.one_of(entry, &keys);
                }
                "identity" => {
                    let attributes = self.manifest.attributes.iter();
                    let names: Vec<_> = attributes.map(|spec| spec.name.clone()).collect();
                    self.identity_key = self.one_of(entry, &names);
                }
                _ => self.unknown(entry, "match", &["key", "lookup", "value", "identity"]),
            }
        }
    }

    fn provision(&mut self, table: &DeTable<'_>) {
        let mut everyone = false;
        let mut roles = Vec::new();
        for entry in table {
            match entry.0.get_ref().as_ref() {
                "everyone" => self
                    .reader
                    .take(entry, "true or false", boolean, &mut everyone),
                "roles" => {
                    let Some(table) = entry.1.get_ref().as_table() else {
                        let wanted = "a table of names and expressions";
                        self.reader.wrong_value(entry, wanted);
                        continue;
                    };
                    for entry in table {
                        if let Some(role) = self.expression(entry, About::Person) {
                            roles.push((entry.0.get_ref().to_string(), role));
                        }
                    }
                }
                _ => self.unknown(entry, "provision", &["everyone", "roles"]),
            }
        }
        let span = table.iter().next().map(|(key, _)| key.span());
        match (everyone, roles.is_empty()) {
            (true, true) => self.provision = Some(Provision::Everyone),
            (false, false) => self.provision = Some(Provision::Roles(roles)),
            (true, false) => {
                let message = "either `everyone = true` or [provision.roles], not both";
                self.reader
                    .problem("provision", "contradiction", span, message.to_owned());
            }
            // Told at the end, where it is missing altogether.
            (false, true) => {}
        }
    }

    fn dates(&mut self, table: &DeTable<'_>) {
        for entry in table {
            match entry.0.get_ref().as_ref() {
                "start" => self.dates.start = self.expression(entry, About::Person),
                "end" => self.dates.end = self.expression(entry, About::Person),
                "disabled" => self.dates.disabled = self.expression(entry, About::Person),
                "time-zone" => {
                    let read = |value: &DeValue<'_>| TimeZone::get(value.as_str()?).ok().map(Some);
                    let wanted = "a time zone such as \"Europe/London\"";
                    self.reader.take(entry, wanted, read, &mut self.time_zone);
                }
                _ => self.unknown(entry, "dates", &["start", "end", "disabled", "time-zone"]),
            }
        }
    }

    fn attributes(&mut self, table: &DeTable<'_>) {
        for entry in table {
            let name = entry.0.get_ref().to_string();
            let Some(spec) = spec(self.manifest, &name) else {
                let specs = self.manifest.attributes.iter();
                let names: Vec<_> = specs.map(|spec| spec.name.as_str()).collect();
                let hint = match nearest(&name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it has {}.", names.join(", ")),
                };
                let message = format!("{} has no attribute `{name}`; {hint}", self.manifest.title);
                let span = Some(entry.0.span());
                self.reader.problem(&name, "unknown-target", span, message);
                continue;
            };
            if spec.mutability == Mutability::ReadOnly {
                let message = format!("`{name}` is read-only");
                let span = Some(entry.0.span());
                self.reader.problem(&name, "read-only", span, message);
                continue;
            }
            if let Some(value) = self.expression(entry, About::Person) {
                if let Err(message) = check::constant(self.manifest, spec, &value.expression) {
                    let span = Some(entry.1.span());
                    self.reader.problem(&name, "constant", span, message);
                }
                self.targets.push(Target { name, value });
            }
        }
        self.require(table);
    }

    /// Attributes that every account needs.
    fn require(&mut self, table: &DeTable<'_>) {
        let given = |name: &str| table.iter().any(|(key, _)| key.get_ref().as_ref() == name);
        let specs = self.manifest.attributes.iter();
        let missing: Vec<_> = specs
            .filter(|spec| spec.required && !given(&spec.name))
            .collect();
        let span = table.iter().next().map(|(key, _)| key.span());
        for spec in missing {
            let message = format!(
                "`{}` ({}) is missing in [attributes]: {} needs it for every account",
                spec.name, spec.title, self.manifest.title
            );
            self.reader
                .problem(&spec.name, "missing", span.clone(), message);
        }
    }

    fn protect(&mut self, table: &DeTable<'_>) {
        for entry in table {
            match entry.0.get_ref().as_ref() {
                "accounts" => self.protected_accounts(entry),
                "when" => self.protect.when = self.expressions(entry, About::Account),
                "people" => self.protect.people = self.expressions(entry, About::Person),
                _ => self.unknown(entry, "protect", &["accounts", "when", "people"]),
            }
        }
        let specs = self.manifest.attributes.iter();
        let mut names: Vec<_> = specs.map(|spec| spec.name.clone()).collect();
        names.extend(["id".to_owned(), "status".to_owned()]);
        let unknown: Vec<_> = self
            .protect
            .when
            .iter()
            .flat_map(|placed| placed.expression.columns())
            .filter(|name| !names.contains(name))
            .cloned()
            .collect();
        for name in unknown {
            let message = format!("an account has no `{name}`; it has {}", names.join(", "));
            let span = table.iter().next().map(|(key, _)| key.span());
            self.reader.problem("when", "unknown", span, message);
        }
    }

    /// `accounts = { userName = ["admin@example.com"] }`.
    fn protected_accounts(&mut self, entry: Entry<'_, '_>) {
        let Some(table) = entry.1.get_ref().as_table() else {
            let wanted = "a table of attributes and values, such as { userName = [\"…\"] }";
            return self.reader.wrong_value(entry, wanted);
        };
        for entry in table {
            let name = entry.0.get_ref().to_string();
            let texts: Option<Vec<String>> = match entry.1.get_ref() {
                DeValue::String(text) => Some(vec![text.to_string()]),
                DeValue::Array(items) => items
                    .iter()
                    .map(|item| item.get_ref().as_str().map(str::to_owned))
                    .collect(),
                _ => None,
            };
            let Some(texts) = texts else {
                self.reader.wrong_value(entry, "a text or a list of texts");
                continue;
            };
            if name == "id" {
                let ids = texts.into_iter().map(Value::Text).collect();
                self.protect.accounts.push((name, ids));
                continue;
            }
            let mut values = Vec::new();
            for text in texts {
                match attributes::lookup(self.manifest, &(name.clone(), text)) {
                    Ok(attribute) => values.extend(attribute.values),
                    Err(failure) => {
                        let span = Some(entry.0.span());
                        self.reader
                            .problem(&name, "wrong-value", span, failure.message());
                    }
                }
            }
            self.protect.accounts.push((name, values));
        }
    }

    fn policy(&mut self, table: &DeTable<'_>) {
        for entry in table {
            let switches = &mut self.switches;
            let reader = &mut self.reader;
            let flag = "true or false";
            match entry.0.get_ref().as_ref() {
                "leavers" => {
                    let read = |value: &DeValue<'_>| match value.as_str()? {
                        "deactivate" => Some(Leavers::Deactivate),
                        "keep" => Some(Leavers::Keep),
                        _ => None,
                    };
                    let wanted = "\"deactivate\" or \"keep\"";
                    reader.take(entry, wanted, read, &mut self.leavers);
                }
                "accounts-without-row" => {
                    let read = |value: &DeValue<'_>| match value.as_str()? {
                        "deactivate" => Some(Unnamed::Deactivate),
                        "keep" => Some(Unnamed::Keep),
                        _ => None,
                    };
                    let wanted = "\"keep\" or \"deactivate\"";
                    reader.take(entry, wanted, read, &mut self.unnamed);
                }
                "create" => reader.take(entry, flag, boolean, &mut switches.create),
                "update" => reader.take(entry, flag, boolean, &mut switches.update),
                "reactivate" => reader.take(entry, flag, boolean, &mut switches.reactivate),
                "deactivate" => reader.take(entry, flag, boolean, &mut switches.deactivate),
                "order" => reader.take(
                    entry,
                    "each of \"joiners\", \"movers\" and \"leavers\" once",
                    order,
                    &mut self.order,
                ),
                _ => reader.unknown_key(
                    entry.0,
                    Some("policy"),
                    &[
                        "leavers",
                        "accounts-without-row",
                        "create",
                        "update",
                        "reactivate",
                        "deactivate",
                        "order",
                    ],
                ),
            }
        }
    }

    fn guards(&mut self, table: &DeTable<'_>) {
        for entry in table {
            let guards = &mut self.guards;
            let share = "a number of percent, from 0 to 100";
            match entry.0.get_ref().as_ref() {
                "deactivations" => {
                    let Some(table) = entry.1.get_ref().as_table() else {
                        let wanted =
                            "a table such as { percent = 10, at-least = 5, at-most = 100 }";
                        self.reader.wrong_value(entry, wanted);
                        continue;
                    };
                    let allowed = &mut guards.deactivations;
                    for entry in table {
                        match entry.0.get_ref().as_ref() {
                            "percent" => {
                                self.reader
                                    .take(entry, share, percent, &mut allowed.percent);
                            }
                            "at-least" => self.reader.take(
                                entry,
                                "a whole number",
                                whole,
                                &mut allowed.at_least,
                            ),
                            "at-most" => self.reader.take(
                                entry,
                                "a whole number",
                                whole,
                                &mut allowed.at_most,
                            ),
                            _ => self.reader.unknown_key(
                                entry.0,
                                Some("guards"),
                                &["percent", "at-least", "at-most"],
                            ),
                        }
                    }
                }
                "shorter-roster" => {
                    self.reader
                        .take(entry, share, percent, &mut guards.shorter_roster);
                }
                "failures" => self
                    .reader
                    .take(entry, share, percent, &mut guards.failures),
                _ => self.unknown(
                    entry,
                    "guards",
                    &["deactivations", "shorter-roster", "failures"],
                ),
            }
        }
    }

    fn unknown(&mut self, entry: Entry<'_, '_>, table: &str, known: &[&str]) {
        self.reader.unknown_key(entry.0, Some(table), known);
    }

    fn one_of(&mut self, entry: Entry<'_, '_>, names: &[String]) -> Option<String> {
        let mut found = None;
        let read = |value: &DeValue<'_>| {
            let name = value.as_str()?;
            names.iter().find(|known| *known == name).cloned().map(Some)
        };
        let wanted = format!("one of {}", names.join(", "));
        self.reader.take(entry, &wanted, read, &mut found);
        found
    }

    fn expressions(&mut self, entry: Entry<'_, '_>, about: About) -> Vec<Placed> {
        match entry.1.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .filter_map(|item| self.expression((entry.0, item), about))
                .collect(),
            _ => self.expression(entry, about).into_iter().collect(),
        }
    }

    /// A text is an expression; true, false and whole numbers are constants.
    fn expression(&mut self, entry: Entry<'_, '_>, about: About) -> Option<Placed> {
        let (key, value) = entry;
        let source = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().replace('_', ""),
            _ => {
                self.reader.wrong_value(entry, "an expression in quotes");
                return None;
            }
        };
        match Expression::compile(&source, about) {
            Ok(expression) => Some(Placed {
                line: self.reader.line(value.span().start),
                expression,
            }),
            Err(problems) => {
                for message in problems {
                    self.reader
                        .problem(key.get_ref(), "expression", Some(value.span()), message);
                }
                None
            }
        }
    }

    /// The rules, if nothing is wrong with them.
    pub(super) fn finish(mut self, name: String, digest: String) -> Result<Rules, Failure> {
        let clean = self.reader.problems.is_empty();
        let lookup_key = self
            .lookup_key
            .take()
            .or_else(|| self.manifest.lookup_keys.first().cloned())
            .unwrap_or_default();
        let given = self.targets.iter().any(|target| target.name == lookup_key);
        if clean {
            check::complete(
                &mut self.reader,
                self.manifest,
                self.key.is_some(),
                self.provision.is_some(),
                !self.targets.is_empty(),
            );
            if !given && self.lookup.is_none() && self.reader.problems.is_empty() {
                let message = format!(
                    "accounts are found by `{lookup_key}`, and neither `value` in [match] nor \
                     [attributes] says what it is"
                );
                self.reader.problem("match", "missing", None, message);
            }
        }
        match (self.key, self.provision) {
            (Some(key), Some(provision)) if self.reader.problems.is_empty() => Ok(Rules {
                name,
                digest,
                format: self.format,
                policy: Policy {
                    leavers: self.leavers,
                    unnamed: self.unnamed,
                    switches: self.switches,
                    order: self.order,
                    guards: self.guards,
                    identity_key: self
                        .identity_key
                        .or_else(|| self.manifest.identity_key.clone()),
                    lookup_key,
                },
                key,
                lookup: self.lookup,
                provision,
                targets: self.targets,
                protect: self.protect,
                dates: self.dates,
                time_zone: self.time_zone.unwrap_or(TimeZone::UTC),
                manifest: self.manifest.clone(),
            }),
            _ => Err(Failure::InvalidSettings {
                problems: self.reader.problems,
            }),
        }
    }
}

fn order(value: &DeValue<'_>) -> Option<Vec<Phase>> {
    let names: BTreeMap<&str, Phase> = PHASES.into_iter().collect();
    let phases: Vec<Phase> = value
        .as_array()?
        .iter()
        .map(|item| names.get(item.get_ref().as_str()?).copied())
        .collect::<Option<_>>()?;
    let complete = PHASES.iter().all(|(_, phase)| phases.contains(phase));
    (complete && phases.len() == PHASES.len()).then_some(phases)
}

fn percent(value: &DeValue<'_>) -> Option<f64> {
    let text = match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => return None,
    };
    let share: f64 = text.replace('_', "").parse().ok()?;
    (0.0..=100.0).contains(&share).then_some(share)
}

fn whole(value: &DeValue<'_>) -> Option<u64> {
    if value
        .as_integer()
        .is_some_and(|number| number.as_str() == "0")
    {
        return Some(0);
    }
    number(value)
}
