//! What a filter matches (RFC 7644 §3.4.2.2): any value of a multi-valued attribute will do,
//! strings are compared by the attribute's own rule of case, an attribute without a value
//! matches nothing but `ne` (and `eq null`).

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::filter::{Filter, Operand, Operator, fold};
use super::schema::Target;
use super::stored::User;

/// What a filter looks at.
#[derive(Clone, Copy)]
enum Subject<'a> {
    User(&'a User),
    /// One element of a multi-valued attribute.
    Element(&'a Map<String, Value>),
}

/// An index that narrows a filter down.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key<'f> {
    /// Folded.
    UserName(&'f str),
    ExternalId(&'f str),
    Id(&'f str),
}

impl Filter {
    /// Whether a user matches.
    pub(super) fn matches(&self, user: &User) -> bool {
        evaluate(self, Subject::User(user))
    }

    /// Whether an element of a multi-valued attribute matches a filter in brackets.
    pub(super) fn matches_element(&self, element: &Value) -> bool {
        element
            .as_object()
            .is_some_and(|members| evaluate(self, Subject::Element(members)))
    }

    /// A key that every match must have, if the filter demands one.
    pub(super) fn key(&self) -> Option<Key<'_>> {
        match self {
            Filter::And(terms) => terms.iter().find_map(Filter::key),
            Filter::Compare {
                target,
                operator: Operator::Eq,
                operand: Operand::Text(text),
            } if target.extension.is_none() => match target.attribute.name {
                "userName" => Some(Key::UserName(text)),
                "externalId" => Some(Key::ExternalId(text)),
                "id" => Some(Key::Id(text)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether anything but one attribute is asked about.
    pub(super) fn asks_only(&self, name: &str) -> bool {
        match self {
            Filter::Present(target)
            | Filter::Compare { target, .. }
            | Filter::Element { target, .. } => target.attribute.name == name,
            Filter::And(terms) | Filter::Or(terms) => terms.iter().all(|term| term.asks_only(name)),
            Filter::Not(inner) => inner.asks_only(name),
        }
    }

    /// The `name eq value` pairs of a conjunction: what an element that does not exist yet
    /// would have to hold.
    pub(super) fn equalities(&self) -> Option<Vec<(&'static str, Value)>> {
        match self {
            Filter::Compare {
                target,
                operator: Operator::Eq,
                operand,
            } => {
                let value = match operand {
                    Operand::Text(text) => Value::String(text.clone()),
                    Operand::Boolean(value) => Value::Bool(*value),
                    Operand::Instant(_) | Operand::Null => return None,
                };
                Some(vec![(target.attribute.name, value)])
            }
            Filter::And(terms) => {
                let mut pairs = Vec::new();
                for term in terms {
                    pairs.extend(term.equalities()?);
                }
                Some(pairs)
            }
            _ => None,
        }
    }
}

/// Recursion is as deep as the parser let the filter nest.
fn evaluate(filter: &Filter, subject: Subject<'_>) -> bool {
    match filter {
        Filter::And(terms) => terms.iter().all(|term| evaluate(term, subject)),
        Filter::Or(terms) => terms.iter().any(|term| evaluate(term, subject)),
        Filter::Not(inner) => !evaluate(inner, subject),
        Filter::Present(target) => {
            let mut present = false;
            each_value(subject, target, &mut |value| present |= has_value(value));
            present
        }
        Filter::Compare {
            target,
            operator,
            operand,
        } => {
            let mut any_value = false;
            let mut matched = false;
            each_value(subject, target, &mut |value| {
                if has_value(value) {
                    any_value = true;
                    matched |= compare(target, *operator, operand, value);
                }
            });
            matched
                || match (operator, operand) {
                    (Operator::Eq, Operand::Null) => !any_value,
                    (Operator::Ne, Operand::Null) => any_value,
                    (Operator::Ne, _) => !any_value,
                    _ => false,
                }
        }
        Filter::Element { target, inner } => {
            let mut matched = false;
            let whole = Target {
                part: None,
                ..*target
            };
            each_value(subject, &whole, &mut |value| {
                matched |= inner.matches_element(value);
            });
            matched
        }
    }
}

fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// Hands every value of the target to `look`.
fn each_value(subject: Subject<'_>, target: &Target, look: &mut dyn FnMut(&Value)) {
    let members = match subject {
        Subject::Element(members) => Some(members),
        Subject::User(user) => match (target.extension, target.attribute.name) {
            (None, "id") => {
                look(&Value::String(user.id.clone()));
                return;
            }
            (None, "meta") => {
                meta_value(user, target, look);
                return;
            }
            (None, _) => Some(&user.attributes),
            (Some(urn), _) => user.attributes.get(urn).and_then(Value::as_object),
        },
    };
    let Some(value) = members.and_then(|members| members.get(target.attribute.name)) else {
        return;
    };
    let mut look_at = |value: &Value| match target.part {
        None => look(value),
        Some(part) => {
            if let Some(value) = value.get(part.name) {
                look(value);
            }
        }
    };
    match value {
        Value::Array(elements) => elements.iter().for_each(look_at),
        single => look_at(single),
    }
}

fn meta_value(user: &User, target: &Target, look: &mut dyn FnMut(&Value)) {
    match target.part.map(|part| part.name) {
        Some("resourceType") => look(&Value::from("User")),
        Some("created") => look(&Value::from(user.created.to_string())),
        Some("lastModified") => look(&Value::from(user.modified.to_string())),
        None => look(&Value::Bool(true)),
        _ => {}
    }
}

fn compare(target: &Target, operator: Operator, operand: &Operand, value: &Value) -> bool {
    match (operand, value) {
        (Operand::Boolean(wanted), Value::Bool(value)) => match operator {
            Operator::Eq => value == wanted,
            Operator::Ne => value != wanted,
            _ => false,
        },
        (Operand::Instant(wanted), Value::String(text)) => text
            .parse::<Timestamp>()
            .is_ok_and(|instant| ordered(operator, &instant, wanted)),
        (Operand::Text(wanted), Value::String(text)) => {
            let case_exact = target.part.unwrap_or(target.attribute).case_exact;
            let folded;
            let text = if case_exact {
                text.as_str()
            } else {
                folded = fold(text);
                folded.as_str()
            };
            match operator {
                Operator::Co => text.contains(wanted.as_str()),
                Operator::Sw => text.starts_with(wanted.as_str()),
                Operator::Ew => text.ends_with(wanted.as_str()),
                _ => ordered(operator, text, wanted.as_str()),
            }
        }
        _ => false,
    }
}

fn ordered<T: PartialOrd + ?Sized>(operator: Operator, value: &T, wanted: &T) -> bool {
    match operator {
        Operator::Eq => value == wanted,
        Operator::Ne => value != wanted,
        Operator::Gt => value > wanted,
        Operator::Ge => value >= wanted,
        Operator::Lt => value < wanted,
        Operator::Le => value <= wanted,
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::filter::parse;
    use super::super::schema::{ENTERPRISE_URN, Names, SITE_URN};
    use super::*;

    const NAMES: Names = Names { site_urn: SITE_URN };

    fn ada() -> User {
        let attributes = json!({
            "userName": "Ada@Example.com",
            "externalId": "E1",
            "name": {"givenName": "Ada \"the\" \\ Countess", "familyName": "Łovelace"},
            "emails": [{"value": "ada@example.com", "type": "work", "primary": true}],
            "phoneNumbers": [
                {"value": "1", "type": "mobile", "primary": true},
                {"value": "2", "type": "work", "primary": false},
            ],
            "active": false,
            (ENTERPRISE_URN): {"department": "R&D"},
        });
        User {
            id: "id-1".to_owned(),
            attributes: attributes.as_object().cloned().unwrap(),
            created: "2024-05-01T00:00:00Z".parse().unwrap(),
            modified: "2024-06-01T00:00:00Z".parse().unwrap(),
            version: 1,
            from_console: false,
        }
    }

    fn matches(text: &str) -> bool {
        match parse(text, &NAMES) {
            Ok(filter) => filter.matches(&ada()),
            Err(refusal) => panic!("{text}: {}", refusal.detail),
        }
    }

    #[test]
    fn filters_match_as_rfc_7644_says() {
        for text in [
            r#"userName eq "ADA@example.com""#,
            r#"USERNAME Eq "ada@example.com""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ada""#,
            r#"externalId eq "E1""#,
            r#"id eq "id-1""#,
            r#"name.givenName co "\"THE\" \\""#,
            r#"name.familyName ew "OVELACE""#,
            r#"name.familyName sw "\u0142""#,
            r#"emails co "@example""#,
            r#"emails[type eq "work" and value ew ".com"]"#,
            r#"emails[type eq "work"].value eq "ada@example.com""#,
            r#"phoneNumbers[type eq "mobile" and primary eq true]"#,
            r#"not (title pr)"#,
            r#"not(title pr) and active eq false"#,
            r#"title ne "x""#,
            r#"title eq null"#,
            r#"userName eq "x" or userName co "ada" and active eq false"#,
            r#"(userName eq "x" or userName co "ada") and not (active eq true)"#,
            r#"meta.lastModified gt "2024-05-15T00:00:00Z""#,
            r#"meta.created le "2024-05-01T02:00:00+02:00""#,
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "r&d""#,
            r#"userName gt "aaa""#,
            "emails pr",
            "phoneNumbers[type eq \"work\"] and phoneNumbers[value eq \"1\"]",
        ] {
            assert!(matches(text), "{text}");
        }
        for text in [
            r#"externalId eq "e1""#,
            r#"id eq "ID-1""#,
            r#"userName eq "ada""#,
            r#"title eq "x""#,
            "title pr",
            r#"phoneNumbers[type eq "mobile" and value eq "2"]"#,
            r#"userName eq "x" or userName co "ada" and active eq true"#,
            r#"meta.created gt "2024-05-01T00:00:00Z""#,
            "active eq true",
        ] {
            assert!(!matches(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_and_nothing_panics() {
        let deep = format!("{}title pr{}", "(".repeat(100_000), ")".repeat(100_000));
        let nots = "not (".repeat(100_000);
        for text in [
            "",
            " ",
            "userName",
            "userName eq",
            "userName eq ",
            "userName eq ada",
            r#"userName eq "ada"#,
            r#"userName eq "ada\"#,
            r#"userName eq "ada" and"#,
            r#"userName eq "ada" userName eq "ada""#,
            r#"userName eq "ada"or title pr"#,
            r#"userName like "ada""#,
            "userName eq 5",
            r#"userName eq ["a"]"#,
            r#"userName eq {"a":1}"#,
            r#"active gt true"#,
            r#"active eq "true""#,
            r#"name eq "Ada""#,
            r#"meta.created gt "yesterday""#,
            r#"displayName eq "x""#,
            r#"userName[type eq "work"]"#,
            r#"emails[type eq "work""#,
            r#"emails[emails[type eq "work"]]"#,
            r#"emails[userName eq "x"]"#,
            "(title pr",
            "title pr)",
            "not title pr",
            "()",
            "[]",
            "é",
            "nö (title pr)",
            "a\u{0}b pr",
            "💥💥💥 eq 💥",
            &deep,
            &nots,
        ] {
            assert!(parse(text, &NAMES).is_err(), "{text:.60}");
        }
    }

    #[test]
    fn a_long_chain_is_no_deep_one() {
        let chain = vec!["title pr"; 20_000].join(" or ");
        assert!(!matches(&chain));
    }

    #[test]
    fn any_value_survives_the_way_through_a_filter() {
        for value in [
            "a\"b",
            "a\\",
            "\u{1F600}\n\t",
            "и",
            "\u{2028}",
            "a and b) or (c",
        ] {
            let mut user = ada();
            user.attributes.insert("userName".to_owned(), json!(value));
            let text = format!("userName eq {}", json!(value));
            assert!(parse(&text, &NAMES).unwrap().matches(&user), "{text}");
        }
    }

    #[test]
    fn equality_on_a_key_uses_the_index() {
        let filter = parse(r#"active eq true and userName eq "ADA""#, &NAMES).unwrap();
        assert_eq!(filter.key(), Some(Key::UserName("ada")));
        let filter = parse(r#"externalId eq "E1""#, &NAMES).unwrap();
        assert_eq!(filter.key(), Some(Key::ExternalId("E1")));
        let filter = parse(r#"externalId eq "E1" or title pr"#, &NAMES).unwrap();
        assert_eq!(filter.key(), None);
    }
}
