//! The command line, and what each operation calls.

use serde_json::{Value as Json, json};

use crate::json;
use crate::provisioning::connector::accounts::{Connection, PageQuery, SettingValue};
use crate::provisioning::connector::manifest::{Manifest, ValueType};
use crate::provisioning::connector::types::{
    Account, AccountStatus, Attribute, Change, Draft, Edits, Failure, FailureKind, RetryAdvice,
    Value,
};

pub(crate) type Settings = Vec<SettingValue>;
type Pairs = Vec<(String, String)>;

/// Who is meant: a lookup key and its value.
type Who = (String, String);

pub(crate) enum Operation {
    Check,
    List,
    Find(Who),
    Create(Pairs),
    Update(Who, Pairs),
    SetStatus(Who, AccountStatus),
    Delete(Who),
}

/// Settings and operations, or what is wrong with the words.
pub(crate) fn read(words: &[String]) -> Result<(Settings, Vec<Operation>), String> {
    let mut parts = words.split(|word| word == "+");
    let settings = parts.next().unwrap_or_default().iter();
    let settings = settings
        .map(|word| pair(word).map(|(name, value)| SettingValue { name, value }))
        .collect::<Result<_, _>>()?;
    let operations: Vec<Operation> = parts.map(operation).collect::<Result<_, _>>()?;
    if operations.is_empty() {
        return Err("usage: SETTING=VALUE… + OPERATION [+ OPERATION]…".to_owned());
    }
    Ok((settings, operations))
}

fn pair(word: &str) -> Result<(String, String), String> {
    let (name, value) = word
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| format!("`{word}` is not NAME=VALUE."))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn operation(words: &[String]) -> Result<Operation, String> {
    let (name, pairs) = words.split_first().ok_or("An operation is missing.")?;
    let pairs: Pairs = pairs
        .iter()
        .map(|word| pair(word))
        .collect::<Result<_, _>>()?;
    match (name.as_str(), pairs.as_slice()) {
        ("check", []) => Ok(Operation::Check),
        ("list", []) => Ok(Operation::List),
        ("find", [who]) => Ok(Operation::Find(who.clone())),
        ("create", [_, ..]) => Ok(Operation::Create(pairs)),
        ("update", [who, changes @ ..]) => Ok(Operation::Update(who.clone(), changes.to_vec())),
        ("activate", [who]) => Ok(Operation::SetStatus(who.clone(), AccountStatus::Active)),
        ("deactivate", [who]) => Ok(Operation::SetStatus(who.clone(), AccountStatus::Inactive)),
        ("delete", [who]) => Ok(Operation::Delete(who.clone())),
        _ => Err(format!(
            "`{}` is no operation: check, list, find KEY=VALUE, create NAME=VALUE…, \
             update KEY=VALUE NAME=VALUE…, activate, deactivate or delete KEY=VALUE.",
            words.join(" ")
        )),
    }
}

impl Operation {
    pub(crate) fn run(
        &self,
        manifest: &Manifest,
        connection: &Connection,
    ) -> Result<Json, Failure> {
        match self {
            Self::Check => connection.check().map(|report| json::report(&report)),
            Self::List => list(manifest, connection),
            Self::Find(who) => {
                let found = find(manifest, connection, who)?;
                Ok(found.map_or(Json::Null, |account| json::account(&account)))
            }
            Self::Create(pairs) => {
                let draft = Draft {
                    status: AccountStatus::Active,
                    attributes: attributes(manifest, pairs),
                };
                connection
                    .create(&draft)
                    .map(|outcome| json::outcome(&outcome))
            }
            Self::Update(who, pairs) => {
                let (cleared, set): (Pairs, Pairs) = pairs
                    .iter()
                    .cloned()
                    .partition(|(_, value)| value.is_empty());
                let set = attributes(manifest, &set).into_iter().map(Change::Set);
                let cleared = cleared.into_iter().map(|(name, _)| Change::Clear(name));
                let changes = set.chain(cleared).collect();
                update(manifest, connection, who, None, changes)
            }
            Self::SetStatus(who, status) => {
                update(manifest, connection, who, Some(*status), Vec::new())
            }
            Self::Delete(who) => {
                let account = held(manifest, connection, who)?;
                let deletion = connection.delete(&account.id)?;
                Ok(json::deletion(&deletion))
            }
        }
    }
}

fn list(manifest: &Manifest, connection: &Connection) -> Result<Json, Failure> {
    let mut accounts = Vec::new();
    let mut cursor = None;
    loop {
        let query = PageQuery {
            cursor: cursor.clone(),
            limit: manifest.max_page_size,
        };
        let page = connection.list(&query)?;
        accounts.extend(page.accounts.iter().map(json::account));
        if page.next.is_none() || page.next == cursor {
            return Ok(json!({ "accounts": accounts }));
        }
        cursor = page.next;
    }
}

fn update(
    manifest: &Manifest,
    connection: &Connection,
    who: &Who,
    status: Option<AccountStatus>,
    changes: Vec<Change>,
) -> Result<Json, Failure> {
    let account = held(manifest, connection, who)?;
    let edits = Edits {
        status,
        changes,
        expected_version: None,
    };
    let outcome = connection.update(&account.id, &edits)?;
    Ok(json::outcome(&outcome))
}

fn find(
    manifest: &Manifest,
    connection: &Connection,
    (name, text): &Who,
) -> Result<Option<Account>, Failure> {
    connection.find(name, &value(manifest, name, text))
}

/// The account that is meant, which has to be there.
fn held(manifest: &Manifest, connection: &Connection, who: &Who) -> Result<Account, Failure> {
    find(manifest, connection, who)?.ok_or_else(|| Failure {
        kind: FailureKind::NotFound,
        code: None,
        message: format!("Nobody has {}={}.", who.0, who.1),
        problems: Vec::new(),
        retry: RetryAdvice::Never,
        account: None,
        upstream: None,
    })
}

/// A name given twice is an attribute of two values.
fn attributes(manifest: &Manifest, pairs: &[(String, String)]) -> Vec<Attribute> {
    let mut attributes: Vec<Attribute> = Vec::new();
    for (name, text) in pairs {
        let value = value(manifest, name, text);
        match attributes
            .iter_mut()
            .find(|attribute| attribute.name == *name)
        {
            Some(attribute) => attribute.values.push(value),
            None => attributes.push(Attribute {
                name: name.clone(),
                values: vec![value],
            }),
        }
    }
    attributes
}

/// In the type that the manifest gives it; what does not fit is left to the connector to refuse.
fn value(manifest: &Manifest, name: &str, text: &str) -> Value {
    let spec = manifest.attributes.iter().find(|spec| spec.name == name);
    let typed = spec.and_then(|spec| match spec.value_type {
        ValueType::Text => None,
        ValueType::Boolean => text.parse().ok().map(Value::Boolean),
        ValueType::Integer => text.parse().ok().map(Value::Integer),
    });
    typed.unwrap_or_else(|| Value::Text(text.to_owned()))
}
