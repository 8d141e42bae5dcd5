//! Stands in until rules and roster are merged.
#![allow(missing_docs)]

use crate::contract::Attribute;

#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    pub key: String,
    pub line: u64,
    pub standing: Standing,
    pub lookup: Option<Attribute>,
    pub identity: Option<Attribute>,
    pub attributes: Vec<Attribute>,
    pub cleared: Vec<String>,
    pub protected: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    Wanted { role: Option<String> },
    NotYet { from: jiff::civil::Date },
    NoLonger { reason: String },
}

#[derive(Debug, Clone, PartialEq)]
pub struct BadRow {
    pub line: u64,
    pub key: Option<String>,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leavers {
    Deactivate,
    Keep,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    Keep,
    Deactivate,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Joiners,
    Movers,
    Leavers,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    pub create: bool,
    pub update: bool,
    pub reactivate: bool,
    pub deactivate: bool,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub leavers: Leavers,
    pub unnamed: Unnamed,
    pub switches: Switches,
    pub order: Vec<Phase>,
    pub guards: Guards,
    pub identity_key: Option<String>,
    pub lookup_key: String,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Deactivations {
    pub percent: f64,
    pub at_least: u64,
    pub at_most: u64,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Guards {
    pub deactivations: Deactivations,
    pub shorter_roster: f64,
    pub failures: f64,
}
impl Default for Guards {
    fn default() -> Self {
        Self {
            deactivations: Deactivations {
                percent: 10.0,
                at_least: 5,
                at_most: 100,
            },
            shorter_roster: 20.0,
            failures: 50.0,
        }
    }
}

/// A stand-in: CSV without quotes, and rules whose expressions are `person.x`, a constant, or
/// `person.x == "y"`.
pub struct Roster {
    columns: Vec<String>,
    lines: std::vec::IntoIter<(u64, String)>,
    digest: String,
}

pub struct Row {
    pub line: u64,
    values: Vec<(String, String)>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RosterError(String);
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RulesError(String);

#[derive(Debug, Clone)]
pub enum RosterSource {
    Stdin,
    File(std::path::PathBuf),
}

impl Roster {
    pub fn open(source: &RosterSource, _: &()) -> Result<Self, RosterError> {
        use sha2::Digest as _;
        let text = match source {
            RosterSource::Stdin => std::io::read_to_string(std::io::stdin()),
            RosterSource::File(path) => std::fs::read_to_string(path),
        }
        .map_err(|error| RosterError(error.to_string()))?;
        let digest = super::tenant::hex(&sha2::Sha256::digest(&text));
        let mut lines = text.lines();
        let columns = lines.next().unwrap_or_default();
        let lines: Vec<_> = lines
            .enumerate()
            .map(|(i, line)| (i as u64 + 2, line.to_owned()))
            .collect();
        Ok(Self {
            columns: columns.split(',').map(str::to_owned).collect(),
            lines: lines.into_iter(),
            digest,
        })
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<Row, BadRow>> {
        let (line, text) = self.lines.next()?;
        let values: Vec<_> = text.split(',').map(str::to_owned).collect();
        if values.len() != self.columns.len() {
            return Some(Err(BadRow {
                line,
                key: None,
                reason: "another number of fields than the header".to_owned(),
            }));
        }
        let values = self.columns.iter().cloned().zip(values).collect();
        Some(Ok(Row { line, values }))
    }

    pub fn digest(self) -> String {
        self.digest
    }
}

pub struct Today;

pub struct Rules {
    policy: Policy,
    digest: String,
    key: String,
    attributes: Vec<(String, String)>,
    disabled: Option<String>,
    protected: Vec<(String, String)>,
}

impl Rules {
    pub fn parse(
        _: &str,
        text: &str,
        manifest: &crate::contract::Manifest,
    ) -> Result<Self, RulesError> {
        use sha2::Digest as _;
        let table: toml::Table = text.parse().map_err(|e| RulesError(format!("{e}")))?;
        let text_of = |path: &[&str]| {
            let mut at = toml::Value::Table(table.clone());
            for name in path {
                at = at.get(name)?.clone();
            }
            at.as_str().map(str::to_owned)
        };
        let on = |name: &str| {
            table
                .get("policy")
                .and_then(|p| p.get(name))
                .and_then(toml::Value::as_bool)
                .unwrap_or(true)
        };
        let pairs = |value: Option<&toml::Value>| -> Vec<(String, String)> {
            let table = value.and_then(toml::Value::as_table);
            let pairs = table.into_iter().flatten();
            pairs
                .map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned()))
                .collect()
        };
        let protected = table.get("protect").and_then(|p| p.get("accounts"));
        let protected = protected.and_then(toml::Value::as_table);
        Ok(Self {
            policy: Policy {
                leavers: if text_of(&["policy", "leavers"]).as_deref() == Some("keep") {
                    Leavers::Keep
                } else {
                    Leavers::Deactivate
                },
                unnamed: if text_of(&["policy", "accounts-without-row"]).as_deref()
                    == Some("deactivate")
                {
                    Unnamed::Deactivate
                } else {
                    Unnamed::Keep
                },
                switches: Switches {
                    create: on("create"),
                    update: on("update"),
                    reactivate: on("reactivate"),
                    deactivate: on("deactivate"),
                },
                order: vec![Phase::Joiners, Phase::Movers, Phase::Leavers],
                guards: Guards::default(),
                identity_key: manifest.identity_key.clone(),
                lookup_key: text_of(&["match", "lookup"])
                    .unwrap_or_else(|| manifest.lookup_keys[0].clone()),
            },
            digest: super::tenant::hex(&sha2::Sha256::digest(text)),
            key: text_of(&["match", "key"]).unwrap_or_default(),
            attributes: pairs(table.get("attributes")),
            disabled: text_of(&["dates", "disabled"]),
            protected: protected
                .into_iter()
                .flatten()
                .flat_map(|(name, values)| {
                    let values = values.as_array().cloned().unwrap_or_default();
                    values
                        .into_iter()
                        .map(|value| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                })
                .collect(),
        })
    }

    pub fn fit(&self, columns: &[String]) -> Result<(), RulesError> {
        for (_, expression) in &self.attributes {
            if let Some(name) = expression.strip_prefix("person.")
                && !columns.iter().any(|column| column == name)
            {
                return Err(RulesError(format!("the roster has no column {name}")));
            }
        }
        Ok(())
    }

    pub fn wish(&self, row: &Row, _: &Today) -> Result<Wish, BadRow> {
        let value = |expression: &str| match expression.strip_prefix("person.") {
            Some(name) => row
                .values
                .iter()
                .find(|(column, _)| column == name)
                .map(|(_, value)| value.clone())
                .unwrap_or_default(),
            None => expression.trim_matches('"').to_owned(),
        };
        let key = value(&self.key);
        if key.is_empty() {
            return Err(BadRow {
                line: row.line,
                key: None,
                reason: "no key".to_owned(),
            });
        }
        let mut attributes = Vec::new();
        let mut cleared = Vec::new();
        for (name, expression) in &self.attributes {
            let value = value(expression);
            if value == "#bad" {
                return Err(BadRow {
                    line: row.line,
                    key: Some(key),
                    reason: format!("{name} cannot be read"),
                });
            }
            if value.is_empty() {
                cleared.push(name.clone());
            } else {
                attributes.push(Attribute {
                    name: name.clone(),
                    values: vec![crate::contract::Value::Text(value)],
                });
            }
        }
        let disabled = self.disabled.as_ref().is_some_and(|expression| {
            let (left, right) = expression.split_once(" == ").unwrap_or((expression, ""));
            value(left) == right.trim_matches('"')
        });
        let given = |name: &str| attributes.iter().find(|given| given.name == name).cloned();
        Ok(Wish {
            line: row.line,
            standing: if disabled {
                Standing::NoLonger {
                    reason: "Disabled at the source.".to_owned(),
                }
            } else {
                Standing::Wanted { role: None }
            },
            lookup: given(&self.policy.lookup_key),
            identity: self.policy.identity_key.as_deref().and_then(given),
            attributes,
            cleared,
            protected: None,
            key,
        })
    }

    pub fn protects(&self, account: &crate::contract::Account) -> Result<Option<String>, String> {
        Ok(self
            .protected
            .iter()
            .find(|(name, value)| {
                crate::attributes::values(account, name)
                    == [crate::contract::Value::Text(value.clone())]
            })
            .map(|(name, value)| format!("{name} is {value}")))
    }

    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}
