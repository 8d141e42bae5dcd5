//! Attributes and their values as JSON, to the letter and both ways: for the scratch
//! database, the journal and the plan's file. What people and scripts read is
//! [`crate::json`]'s.

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
use serde_json::{Map, Value as Json};

use crate::contract::{Account, AccountStatus, Attribute, Value};
use crate::json;

/// What stands in place of a value that is nobody's to read.
pub(crate) const HIDDEN: &str = "[hidden]";

pub(crate) use crate::attributes::is_hidden;

pub(crate) fn to_json(values: &[Value]) -> Json {
    values.iter().map(json::value).collect()
}

pub(crate) fn from_json(json: &Json) -> Option<Vec<Value>> {
    json.as_array()?.iter().map(value).collect()
}

fn value(json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Bool(boolean) => Some(Value::Boolean(*boolean)),
        Json::Number(number) => number.as_i64().map(Value::Integer),
        _ => None,
    }
}

pub(crate) fn attributes_to_json(attributes: &[Attribute]) -> Json {
    let map: Map<String, Json> = attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), to_json(&attribute.values)))
        .collect();
    Json::Object(map)
}

pub(crate) fn attributes_from_json(json: &Json) -> Option<Vec<Attribute>> {
    json.as_object()?
        .iter()
        .map(|(name, values)| {
            Some(Attribute {
                name: name.clone(),
                values: from_json(values)?,
            })
        })
        .collect()
}

pub(crate) fn account_to_json(account: &Account) -> Json {
    serde_json::json!({
        "id": account.id,
        "active": account.status == AccountStatus::Active,
        "attributes": attributes_to_json(&account.attributes),
        "version": account.version,
    })
}

pub(crate) fn account_from_json(json: &Json) -> Option<Account> {
    Some(Account {
        id: json["id"].as_str()?.to_owned(),
        status: if json["active"].as_bool()? {
            AccountStatus::Active
        } else {
            AccountStatus::Inactive
        },
        attributes: attributes_from_json(&json["attributes"])?,
        version: json["version"].as_str().map(str::to_owned),
    })
}

/// For `#[serde(serialize_with)]`.
pub(crate) fn serialize<S: Serializer>(values: &[Value], to: S) -> Result<S::Ok, S::Error> {
    to_json(values).serialize(to)
}

/// For `#[serde(deserialize_with)]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Value>, D::Error> {
    let json = Json::deserialize(from)?;
    from_json(&json)
        .ok_or_else(|| serde::de::Error::custom("expected a list of texts, booleans or integers"))
}

/// Values for a person, in a line.
pub(crate) fn shown(values: &[Value]) -> String {
    let texts: Vec<_> = values
        .iter()
        .map(|value| match value {
            Value::Text(text) => text.clone(),
            Value::Boolean(flag) => flag.to_string(),
            Value::Integer(number) => number.to_string(),
        })
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_the_same_after_a_journey_through_json() {
        let account = Account {
            id: "42".to_owned(),
            status: AccountStatus::Inactive,
            attributes: vec![
                Attribute {
                    name: "groups".to_owned(),
                    values: vec![Value::Text("a".to_owned()), Value::Text(String::new())],
                },
                Attribute {
                    name: "numbers".to_owned(),
                    values: vec![Value::Integer(i64::MIN), Value::Boolean(true)],
                },
            ],
            version: Some("W/\"1\"".to_owned()),
        };
        let text = account_to_json(&account).to_string();
        let read = account_from_json(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(read, account);
    }
}
