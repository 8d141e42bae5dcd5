//! A resource as the service sent it (RFC 7643 §3): every member is kept, so that what is
//! not understood can be sent back unchanged.

use alloc::borrow::Cow;

use super::{Path, is_absent, lists_schema, member, object, scalar, spelled};
use crate::json::{Json, Object};
use crate::prelude::*;

/// RFC 7643 §4.1.
pub const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// What the URN of a message begins with (RFC 7644 §8.2).
const MESSAGES: &str = "urn:ietf:params:scim:api:messages:";

/// A user resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource<'a>(Object<'a>);

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<'a> {
    /// Nothing, `null` or empty.
    Absent,
    /// One value.
    One(Cow<'a, str>),
    /// Several elements have the path's type. The primary one is named, else the first.
    Several(Cow<'a, str>),
}

impl<'a> Reading<'a> {
    /// The value, if there is one.
    #[must_use]
    pub fn value(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Absent => None,
            Self::One(value) | Self::Several(value) => Some(value),
        }
    }
}

impl<'a> Resource<'a> {
    /// An object that is no SCIM error and no list.
    #[must_use]
    pub fn from_body(body: &'a [u8]) -> Option<Self> {
        Self::from_object(object(body)?)
    }

    pub(super) fn from_json(value: Json<'a>) -> Option<Self> {
        match value {
            Json::Object(members) => Self::from_object(members),
            _ => None,
        }
    }

    pub(super) fn from_object(members: Object<'a>) -> Option<Self> {
        let is_message = lists_schema(&members, |schema| {
            schema
                .get(..MESSAGES.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(MESSAGES))
        });
        (!is_message).then_some(Self(members))
    }

    /// A new user, without a value yet.
    #[must_use]
    pub fn new() -> Self {
        let mut members = Object::default();
        members.insert("schemas".into(), Json::Array(vec![USER_SCHEMA.into()]));
        Self(members)
    }

    /// The service's identifier (RFC 7643 §3.1), which is case-exact. A number is taken for
    /// its digits.
    #[must_use]
    pub fn id(&self) -> Option<Cow<'a, str>> {
        member(&self.0, "id").and_then(scalar)
    }

    /// `meta.version`, for `If-Match` (RFC 7644 §3.14).
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        let meta = member(&self.0, "meta")?.as_object()?;
        member(meta, "version")?.as_str()
    }

    /// `active`. Some services send it as text; where it is missing, the user is taken for
    /// active, since that is what a service without the notion means. `None` where it is
    /// something else, which could mean either.
    #[must_use]
    pub fn active(&self) -> Option<bool> {
        match member(&self.0, "active") {
            None => Some(true),
            Some(Json::Bool(active)) => Some(*active),
            Some(Json::Text(text)) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Some(Json::Text(text)) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            Some(_) => None,
        }
    }

    /// Whether every member of the other one is there, but those that say nothing of the user
    /// and lists and objects, which a change may have emptied.
    #[must_use]
    pub fn holds_members_of(&self, other: &Self) -> bool {
        let mut members = other.0.iter();
        members.all(|(name, value)| {
            let counts = matches!(value, Json::Bool(_))
                || name.starts_with("urn:") && value.as_object().is_some_and(|one| !one.is_empty());
            !counts || member(&self.0, name).is_some()
        })
    }

    /// Sets `active`, always as a boolean.
    pub fn set_active(&mut self, active: bool) {
        let name = spelled(&self.0, "active");
        self.0.insert(name, Json::Bool(active));
    }

    /// Makes a boolean of an `active` that came as text: it is read, and never sent.
    pub fn mend_active(&mut self) {
        if let (Some(Json::Text(_)), Some(active)) = (member(&self.0, "active"), self.active()) {
            self.set_active(active);
        }
    }

    /// What stands at a path.
    #[must_use]
    pub fn read(&self, path: Path<'_>) -> Reading<'a> {
        let one =
            |value: Option<&Json<'a>>| value.and_then(scalar).map_or(Reading::Absent, Reading::One);
        let within = |object: &str, name: &str| {
            let object = member(&self.0, object).and_then(Json::as_object);
            one(object.and_then(|object| member(object, name)))
        };
        match path {
            Path::Attribute(name) => one(member(&self.0, name)),
            Path::SubAttribute {
                attribute,
                sub_attribute,
            } => within(attribute, sub_attribute),
            Path::Extension { schema, attribute } => within(schema, attribute),
            Path::Typed {
                attribute,
                kind,
                only,
            } => self.read_typed(attribute, kind, only),
        }
    }

    fn read_typed(&self, attribute: &str, kind: &str, only: bool) -> Reading<'a> {
        let elements = self.elements(attribute);
        let mut count = 0;
        let mut chosen: Option<(Cow<'a, str>, bool)> = None;
        for element in of_type(&elements, kind, only) {
            let Some(value) = member(element, "value").and_then(scalar) else {
                continue;
            };
            let primary = matches!(member(element, "primary"), Some(Json::Bool(true)));
            count += 1;
            if chosen.as_ref().is_none_or(|(_, first)| primary && !first) {
                chosen = Some((value, primary));
            }
        }
        match chosen {
            None => Reading::Absent,
            Some((value, _)) if count == 1 => Reading::One(value),
            Some((value, _)) => Reading::Several(value),
        }
    }

    /// The elements of a multi-valued attribute; a lone object counts as one element.
    pub(super) fn elements(&self, attribute: &str) -> Vec<&Object<'a>> {
        match member(&self.0, attribute) {
            Some(Json::Array(items)) => items.iter().filter_map(Json::as_object).collect(),
            Some(Json::Object(item)) => vec![item],
            _ => Vec::new(),
        }
    }

    /// Puts a value at a path, or takes it away, and leaves all else as it is.
    pub fn write(&mut self, path: Path<'a>, value: Option<&'a str>) {
        match path {
            Path::Attribute(name) => set(&mut self.0, name, value),
            Path::SubAttribute {
                attribute,
                sub_attribute,
            } => self.write_within(attribute, sub_attribute, value),
            Path::Extension { schema, attribute } => {
                self.write_within(schema, attribute, value);
                self.list_schema(schema);
            }
            Path::Typed {
                attribute,
                kind,
                only,
            } => self.write_typed(attribute, kind, only, value),
        }
    }

    fn write_within(&mut self, object: &'a str, name: &'a str, value: Option<&'a str>) {
        let object = spelled(&self.0, object);
        let mut inner = match self.0.remove(&object) {
            Some(Json::Object(inner)) => inner,
            _ => Object::default(),
        };
        set(&mut inner, name, value);
        if !inner.is_empty() {
            self.0.insert(object, Json::Object(inner));
        }
    }

    fn write_typed(
        &mut self,
        attribute: &'a str,
        kind: &'a str,
        only: bool,
        value: Option<&'a str>,
    ) {
        let elements = self.elements(attribute);
        let index = elements.iter().position(|element| {
            of_type(&elements, kind, only).any(|matching| core::ptr::eq(matching, *element))
        });
        let mut elements: Vec<Object<'a>> = elements.into_iter().cloned().collect();
        match (index, value) {
            (Some(index), Some(value)) => {
                if let Some(element) = elements.get_mut(index) {
                    set(element, "value", Some(value));
                }
            }
            (Some(index), None) => {
                elements.remove(index);
            }
            (None, Some(value)) => elements.push(new_element(kind, value)),
            (None, None) => {}
        }
        let name = spelled(&self.0, attribute);
        if elements.is_empty() {
            self.0.remove(&name);
        } else {
            let elements = elements.into_iter().map(Json::Object);
            self.0.insert(name, Json::Array(elements.collect()));
        }
    }

    /// `schemas` lists the URN of every extension that the resource holds, once
    /// (RFC 7643 §3).
    fn list_schema(&mut self, schema: &'a str) {
        let holds = member(&self.0, schema).is_some();
        let name = spelled(&self.0, "schemas");
        let mut schemas = match self.0.remove(&name) {
            Some(Json::Array(schemas)) => schemas,
            _ => vec![USER_SCHEMA.into()],
        };
        let is_it = |listed: &Json<'a>| {
            listed
                .as_str()
                .is_some_and(|listed| listed.eq_ignore_ascii_case(schema))
        };
        if !holds {
            schemas.retain(|listed| !is_it(listed));
        } else if !schemas.iter().any(is_it) {
            schemas.push(schema.into());
        }
        self.0.insert(name, Json::Array(schemas));
    }

    /// Leaves out what is the service's to set (RFC 7643 §3.1, §4.1.2), for a PUT. The id
    /// stays: services differ in whether they ask for it, and ignore it otherwise
    /// (RFC 7644 §3.5.1).
    pub fn drop_read_only(&mut self) {
        for name in ["meta", "groups"] {
            let name = spelled(&self.0, name);
            self.0.remove(&name);
        }
    }

    /// A copy that needs the body no longer.
    #[must_use]
    pub fn owned(&self) -> Resource<'static> {
        Resource(self.0.owned())
    }

    /// The whole resource, as a request's body.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        Json::Object(self.0).to_text().into_bytes()
    }
}

impl Default for Resource<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// Elements whose type is `kind`; where there is only one, it may lack a type.
fn of_type<'o, 'a>(
    elements: &[&'o Object<'a>],
    kind: &str,
    only: bool,
) -> impl Iterator<Item = &'o Object<'a>> {
    let lone = only && elements.len() == 1;
    elements.iter().copied().filter(move |element| {
        match member(element, "type").and_then(Json::as_str) {
            Some(found) => found.eq_ignore_ascii_case(kind),
            None => lone,
        }
    })
}

/// An element of a multi-valued attribute (RFC 7643 §2.4).
pub(super) fn new_element<'a>(kind: &'a str, value: &'a str) -> Object<'a> {
    let mut element = Object::default();
    element.insert("type".into(), kind.into());
    element.insert("value".into(), value.into());
    element
}

fn set<'a>(object: &mut Object<'a>, name: &'a str, value: Option<&'a str>) {
    let name = spelled(object, name);
    match value {
        Some(value) => object.insert(name, value.into()),
        None => {
            object.remove(&name);
        }
    }
    object.retain(|value| !is_absent(value));
}
