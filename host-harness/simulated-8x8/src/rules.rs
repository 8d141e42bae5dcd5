//! What 8x8 demands of a user and what it makes of what it is given (docs/8x8.md §3), beyond what
//! SCIM says.
//!
//! Choices where docs/8x8.md is silent: a second element of one type is refused, since 8x8 has
//! one work address, one mobile and one work number; an element without a type counts as
//! `work`; elements of other types are dropped; `active` left out of a PUT becomes true.

use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::schema::{ENTERPRISE_URN, SITE_URN};
use super::stored::Attributes;
use super::switches::{Switch, Switches};

/// What 8x8 stores as the address of somebody without one (docs/8x8.md §3, workEmail).
const NO_ADDRESS: &str = "noreply@8x8.com";
/// The locale of a site that sets none (docs/8x8.md §3, locale).
const DEFAULT_LOCALE: &str = "en-US";

/// How the new attributes came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// By POST or PUT: a `site` left out is kept, since an immutable value cannot be cleared
    /// (RFC 7644 §3.5.1), and `active` left out is true.
    Whole,
    /// By PATCH: taking the `site` out is refused, and `active` taken out is unassigned.
    Patch,
}

/// Refuses attributes that 8x8 would not take, and fills in the rest.
pub(super) fn settle(
    attributes: &mut Attributes,
    before: Option<&Attributes>,
    write: Write,
    sites: &[String],
    switches: &Switches,
) -> Result<(), Refusal> {
    check_site(attributes, before, write, sites)?;
    if switches.contains(Switch::DepartmentIgnored) {
        ignore_department(attributes, before);
    }
    if write == Write::Whole {
        attributes.entry("active").or_insert(Value::Bool(true));
    }
    fill(attributes, switches);
    if is_blank(attributes.get("userName")) {
        return Err(Refusal::value("userName is required."));
    }
    for required in ["givenName", "familyName"] {
        let name = attributes.get("name").and_then(|name| name.get(required));
        if is_blank(name) {
            return Err(Refusal::value(format!("name.{required} is required.")));
        }
    }
    if switches.contains(Switch::ExternalIdRequired) && is_blank(attributes.get("externalId")) {
        return Err(Refusal::value("externalId is required."));
    }
    at_most_one(attributes, "emails", "work")?;
    at_most_one(attributes, "phoneNumbers", "mobile")?;
    at_most_one(attributes, "phoneNumbers", "work")
}

/// The values that 8x8 supplies or rewrites, without refusing anything.
pub(super) fn fill(attributes: &mut Attributes, switches: &Switches) {
    if switches.contains(Switch::UserNameLowercased) {
        rewrite(attributes, "userName", str::to_lowercase);
    }
    if switches.contains(Switch::BlanksTrimmed) {
        let trim = |text: &str| text.trim().to_owned();
        rewrite(attributes, "userName", trim);
        rewrite(attributes, "title", trim);
        if let Some(Value::Object(name)) = attributes.get_mut("name") {
            rewrite(name, "givenName", trim);
            rewrite(name, "familyName", trim);
        }
    }
    attributes.entry("locale").or_insert(json!(DEFAULT_LOCALE));

    let mut emails = elements(attributes, "emails", &["work"]);
    if emails.len() > 1 {
        emails.retain(|email| email.get("value") != Some(&json!(NO_ADDRESS)));
    }
    if emails.is_empty() {
        emails.push(element(json!(NO_ADDRESS), "work"));
    }
    attributes.insert("emails".to_owned(), Value::Array(emails));

    let mut phones = elements(attributes, "phoneNumbers", &["mobile", "work"]);
    for phone in &mut phones {
        if let Some(members) = phone.as_object_mut()
            && switches.contains(Switch::PhonesNormalised)
        {
            rewrite(members, "value", normalised_phone);
        }
    }
    if phones.is_empty() {
        attributes.remove("phoneNumbers");
    } else {
        attributes.insert("phoneNumbers".to_owned(), Value::Array(phones));
    }
}

fn check_site(
    attributes: &mut Attributes,
    before: Option<&Attributes>,
    write: Write,
    sites: &[String],
) -> Result<(), Refusal> {
    let old = before.and_then(site).map(str::to_owned);
    let new = site(attributes).map(str::to_owned);
    match (old, new) {
        (None, None) => Ok(()),
        (Some(old), Some(new)) if old == new => Ok(()),
        (Some(old), None) if write == Write::Whole => {
            let extension = attributes.entry(SITE_URN).or_insert_with(|| json!({}));
            if let Some(members) = extension.as_object_mut() {
                members.insert("site".to_owned(), json!(old));
            }
            Ok(())
        }
        (Some(_), _) => Err(Refusal::mutability("site cannot be changed once set.")),
        (None, Some(new)) if sites.contains(&new) => Ok(()),
        (None, Some(_)) => Err(Refusal::value("There is no such site.")),
    }
}

fn site(attributes: &Attributes) -> Option<&str> {
    attributes.get(SITE_URN)?.get("site")?.as_str()
}

fn ignore_department(attributes: &mut Attributes, before: Option<&Attributes>) {
    let old = before
        .and_then(|before| before.get(ENTERPRISE_URN))
        .and_then(|extension| extension.get("department"))
        .cloned();
    let mut members = match attributes.remove(ENTERPRISE_URN) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    members.remove("department");
    members.extend(old.map(|old| ("department".to_owned(), old)));
    if !members.is_empty() {
        attributes.insert(ENTERPRISE_URN.to_owned(), Value::Object(members));
    }
}

/// The elements of a multi-valued attribute that 8x8 keeps, with the type it reads them as and
/// the `primary` it gives them.
fn elements(attributes: &Attributes, name: &str, types: &[&'static str]) -> Vec<Value> {
    let elements = attributes.get(name).and_then(Value::as_array);
    elements
        .into_iter()
        .flatten()
        .filter_map(|given| {
            let value = given.get("value").filter(|value| !value.is_null())?;
            let kind = given.get("type").and_then(Value::as_str).unwrap_or("work");
            let kind = types
                .iter()
                .find(|known| known.eq_ignore_ascii_case(kind))?;
            let primary = name == "emails" || *kind == "mobile";
            let mut element = element(value.clone(), kind);
            if let Some(members) = element.as_object_mut() {
                members.insert("primary".to_owned(), Value::Bool(primary));
            }
            Some(element)
        })
        .collect()
}

fn element(value: Value, kind: &str) -> Value {
    json!({"value": value, "type": kind, "primary": true})
}

fn at_most_one(attributes: &Attributes, name: &str, kind: &str) -> Result<(), Refusal> {
    let elements = attributes.get(name).and_then(Value::as_array);
    let of_kind = elements
        .into_iter()
        .flatten()
        .filter(|element| element.get("type").and_then(Value::as_str) == Some(kind));
    if of_kind.count() > 1 {
        return Err(Refusal::value(format!(
            "{name} may hold one element of type {kind}."
        )));
    }
    Ok(())
}

fn rewrite(members: &mut Map<String, Value>, name: &str, change: impl Fn(&str) -> String) {
    if let Some(Value::String(text)) = members.get_mut(name) {
        *text = change(text);
    }
}

/// `+44 20 7946 0018` as `tel:+442079460018`.
fn normalised_phone(number: &str) -> String {
    let digits: String = number
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    format!("tel:{digits}")
}

fn is_blank(value: Option<&Value>) -> bool {
    value
        .and_then(Value::as_str)
        .is_none_or(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(given: Value, before: Option<Value>, switches: Switches) -> Result<Value, Refusal> {
        let mut attributes = given.as_object().cloned().unwrap();
        let before = before.and_then(|before| before.as_object().cloned());
        settle(
            &mut attributes,
            before.as_ref(),
            Write::Whole,
            &["London".to_owned()],
            &switches,
        )?;
        Ok(Value::Object(attributes))
    }

    fn ada(more: Value) -> Value {
        let mut ada = json!({
            "userName": "ada@example.com",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
        });
        let more = more.as_object().cloned().unwrap();
        ada.as_object_mut().unwrap().extend(more);
        ada
    }

    #[test]
    fn somebody_without_an_address_gets_noreply() {
        let user = settled(ada(json!({})), None, Switches::none()).unwrap();
        assert_eq!(user["emails"][0]["value"], "noreply@8x8.com");
        assert_eq!(user["locale"], "en-US");
        assert_eq!(user["active"], true);
    }

    #[test]
    fn an_address_drives_noreply_out() {
        let emails = json!([
            {"value": "noreply@8x8.com", "type": "work"},
            {"value": "ada@example.com", "type": "work"},
        ]);
        let user = settled(ada(json!({"emails": emails})), None, Switches::none()).unwrap();
        assert_eq!(
            user["emails"],
            json!([{"value": "ada@example.com", "type": "work", "primary": true}])
        );
    }

    #[test]
    fn primary_is_ignored() {
        let given = ada(json!({"phoneNumbers": [
            {"value": "1", "type": "work", "primary": true},
            {"value": "2", "type": "mobile", "primary": false},
        ]}));
        let user = settled(given, None, Switches::none()).unwrap();
        assert_eq!(user["phoneNumbers"][0]["primary"], false);
        assert_eq!(user["phoneNumbers"][1]["primary"], true);
    }

    #[test]
    fn a_second_work_address_is_refused() {
        let emails = json!([{"value": "a@x.com"}, {"value": "b@x.com", "type": "WORK"}]);
        assert!(settled(ada(json!({"emails": emails})), None, Switches::none()).is_err());
    }

    #[test]
    fn a_site_is_one_of_the_list_and_set_once() {
        let at = |site: &str| ada(json!({(SITE_URN): {"site": site}}));
        assert!(settled(at("London"), None, Switches::none()).is_ok());
        let unknown = settled(at("london"), None, Switches::none()).unwrap_err();
        assert_eq!(unknown, Refusal::value("There is no such site."));
        assert!(settled(at("London"), Some(ada(json!({}))), Switches::none()).is_ok());
        let changed = settled(at("Paris"), Some(at("London")), Switches::none());
        assert_eq!(
            changed.unwrap_err(),
            Refusal::mutability("site cannot be changed once set.")
        );
        let kept = settled(ada(json!({})), Some(at("London")), Switches::none()).unwrap();
        assert_eq!(kept[SITE_URN]["site"], "London");
    }

    #[test]
    fn phones_are_stored_as_tel_uris_where_the_switch_says_so() {
        let given = ada(json!({"phoneNumbers": [{"value": "+44 (20) 7946-0018", "type": "work"}]}));
        let user = settled(given, None, Switch::PhonesNormalised.into()).unwrap();
        assert_eq!(user["phoneNumbers"][0]["value"], "tel:+442079460018");
    }
}
