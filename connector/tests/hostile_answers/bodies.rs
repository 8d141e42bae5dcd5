//! Every malformed answer, made from the right one.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};

use crate::answers::Answers;
use crate::attack::{Due, Right};

/// What the `Location` header of an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Location {
    AsDue,
    Missing,
    Elsewhere,
    SomeoneElse,
}

/// A malformed answer.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) name: &'static str,
    make: Make,
    pub(crate) location: Location,
    /// Takes its time to make and to read, so it is not sent with every status.
    pub(crate) heavy: bool,
}

#[derive(Debug)]
enum Make {
    /// As it is, whatever was due.
    Bytes(fn() -> Vec<u8>),
    /// The right body's bytes, spoilt.
    Spoil(fn(Vec<u8>) -> Vec<u8>),
    /// The user within the right body, or the first one of the list.
    User(fn(&mut Json)),
    /// The list; where a user was due, an empty list takes its place.
    List(fn(&mut Json)),
    /// Members of the whole.
    Whole(fn(&mut Json)),
    AsDue,
}

const MEGABYTES: usize = 2 << 20;

const fn body(name: &'static str, make: Make) -> Body {
    Body {
        name,
        make,
        location: Location::AsDue,
        heavy: false,
    }
}

const fn heavy(name: &'static str, make: Make) -> Body {
    Body {
        heavy: true,
        ..body(name, make)
    }
}

const fn located(name: &'static str, make: Make, location: Location) -> Body {
    Body {
        location,
        ..body(name, make)
    }
}

fn digits() -> Json {
    serde_json::from_str(&"9".repeat(5_000)).unwrap()
}

fn bob() -> Json {
    crate::operations::people()[1].clone()
}

pub(crate) static BODIES: &[Body] = &[
    body("as due", Make::AsDue),
    body("empty", Make::Bytes(Vec::new)),
    located(
        "empty, no Location",
        Make::Bytes(Vec::new),
        Location::Missing,
    ),
    located(
        "empty, Location elsewhere",
        Make::Bytes(Vec::new),
        Location::Elsewhere,
    ),
    located(
        "empty, Location of someone else",
        Make::Bytes(Vec::new),
        Location::SomeoneElse,
    ),
    located("no Location", Make::AsDue, Location::Missing),
    located("Location elsewhere", Make::AsDue, Location::Elsewhere),
    located(
        "Location of someone else",
        Make::AsDue,
        Location::SomeoneElse,
    ),
    body("plain text", Make::Bytes(|| b"Service OK".to_vec())),
    body(
        "web page",
        Make::Bytes(|| b"<!doctype html><title>Sign in</title>".to_vec()),
    ),
    body(
        "truncated",
        Make::Spoil(|mut bytes| {
            bytes.truncate(bytes.len() / 2);
            bytes
        }),
    ),
    body("array", Make::Spoil(|bytes| [b"[", &*bytes, b"]"].concat())),
    body("string", Make::Bytes(|| b"\"done\"".to_vec())),
    body("true", Make::Bytes(|| b"true".to_vec())),
    body("null", Make::Bytes(|| b"null".to_vec())),
    body("empty object", Make::Bytes(|| b"{}".to_vec())),
    heavy(
        "nested 100,000 deep",
        Make::Bytes(|| "[".repeat(100_000).into_bytes()),
    ),
    heavy(
        "objects nested 100,000 deep",
        Make::Bytes(|| {
            let deep = "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000);
            deep.into_bytes()
        }),
    ),
    heavy(
        "nested 100,000 deep within",
        Make::Spoil(|mut bytes| {
            bytes.pop();
            let deep = format!(",\"deep\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
            bytes.extend_from_slice(deep.as_bytes());
            bytes
        }),
    ),
    body(
        "number of 5,000 digits",
        Make::Bytes(|| digits().to_string().into_bytes()),
    ),
    body(
        "number of 5,000 digits within",
        Make::User(|user| user["employeeCount"] = digits()),
    ),
    body(
        "id of 5,000 digits",
        Make::User(|user| user["id"] = digits()),
    ),
    heavy(
        "string of megabytes",
        Make::Bytes(|| json!("x".repeat(MEGABYTES)).to_string().into_bytes()),
    ),
    heavy(
        "string of megabytes within",
        Make::User(|user| user["nickName"] = json!("x ".repeat(MEGABYTES / 2))),
    ),
    heavy(
        "id of megabytes",
        Make::User(|user| user["id"] = json!("x".repeat(MEGABYTES))),
    ),
    heavy(
        "SCIM error of megabytes",
        Make::Bytes(|| {
            let mut error = error();
            error["detail"] = json!("é ".repeat(MEGABYTES / 4));
            error["scimType"] = json!("x".repeat(MEGABYTES / 4));
            error.to_string().into_bytes()
        }),
    ),
    body(
        "invalid UTF-8",
        Make::Spoil(|mut bytes| {
            let middle = bytes.iter().position(|byte| byte.is_ascii_lowercase());
            bytes[middle.unwrap_or_default()] = 0xff;
            bytes
        }),
    ),
    body(
        "UTF-16",
        Make::Spoil(|bytes| {
            let text = String::from_utf8(bytes).unwrap();
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            units.flat_map(u16::to_le_bytes).collect()
        }),
    ),
    body(
        "byte-order mark",
        Make::Spoil(|bytes| [b"\xef\xbb\xbf", &*bytes].concat()),
    ),
    body(
        "Resources missing",
        Make::List(|list| {
            list.as_object_mut().unwrap().remove("Resources");
        }),
    ),
    body(
        "Resources null",
        Make::List(|list| list["Resources"] = Json::Null),
    ),
    body(
        "Resources an object",
        Make::List(|list| list["Resources"] = json!({})),
    ),
    body(
        "Resources of texts",
        Make::List(|list| list["Resources"] = json!(["17"])),
    ),
    body(
        "totalResults missing",
        Make::Whole(|whole| {
            whole.as_object_mut().unwrap().remove("totalResults");
        }),
    ),
    body(
        "totalResults negative",
        Make::Whole(|whole| whole["totalResults"] = json!(-1)),
    ),
    body(
        "totalResults a text",
        Make::Whole(|whole| {
            whole["totalResults"] = json!(whole["totalResults"].to_string());
        }),
    ),
    body(
        "totalResults absurd",
        Make::Whole(|whole| whole["totalResults"] = json!(u32::MAX)),
    ),
    body(
        "totalResults of 5,000 digits",
        Make::Whole(|whole| whole["totalResults"] = digits()),
    ),
    body(
        "no id",
        Make::User(|user| {
            user.as_object_mut().unwrap().remove("id");
        }),
    ),
    body("id null", Make::User(|user| user["id"] = Json::Null)),
    body("id blank", Make::User(|user| user["id"] = json!(" "))),
    body(
        "id a path",
        Make::User(|user| user["id"] = json!("../Users")),
    ),
    body(
        "id a number",
        Make::User(|user| {
            user["id"] = serde_json::from_str(user["id"].as_str().unwrap_or("0")).unwrap();
        }),
    ),
    body("someone else", Make::User(|user| *user = bob())),
    body(
        "someone else's id",
        Make::User(|user| user["id"] = json!("23")),
    ),
    body(
        "active \"False\"",
        Make::User(|user| user["active"] = json!("False")),
    ),
    body(
        "active a number",
        Make::User(|user| user["active"] = json!(2)),
    ),
    body(
        "emails an object",
        Make::User(|user| user["emails"] = user["emails"][0].clone()),
    ),
    body(
        "two works",
        Make::User(|user| {
            let second = json!({ "type": "work", "value": "second@example.com" });
            user["emails"] = json!([user["emails"][0], second]);
        }),
    ),
    body(
        "unknown extensions",
        Make::User(|user| {
            user["urn:x:y"] = json!({ "site": "Nowhere", "active": false, "id": "23" });
            user["schemas"] = json!(["urn:x:y"]);
        }),
    ),
    body(
        "schemas in another case",
        Make::Whole(|whole| {
            for schema in whole["schemas"].as_array_mut().into_iter().flatten() {
                *schema = json!(schema.as_str().unwrap().to_uppercase());
            }
        }),
    ),
    body(
        "SCIM error",
        Make::Bytes(|| error().to_string().into_bytes()),
    ),
];

fn error() -> Json {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "500" })
}

impl Body {
    pub(crate) fn class(&self, due: Due) -> &'static str {
        static ANSWERS: OnceLock<Answers> = OnceLock::new();
        ANSWERS
            .get_or_init(Answers::read)
            .body_class(self.name, due)
    }

    /// Whether it is the same, whatever was due.
    pub(crate) fn stands_alone(&self) -> bool {
        matches!(self.make, Make::Bytes(_))
    }

    pub(crate) fn bytes(&self, right: &Right) -> Vec<u8> {
        let mut json = right.json.clone();
        match self.make {
            Make::AsDue if right.bodiless => return Vec::new(),
            Make::Bytes(make) => return make(),
            Make::Spoil(spoil) => return spoil(json.to_string().into_bytes()),
            Make::AsDue => {}
            Make::User(make) => match json.get_mut("Resources").and_then(Json::as_array_mut) {
                // A search cannot tell that an id is not the one that belongs to the name.
                Some(users) if self.name == "someone else's id" => {
                    users.iter_mut().take(1).for_each(|user| *user = bob());
                }
                Some(users) => users.iter_mut().take(1).for_each(make),
                // Nor can a creation, where no Location says otherwise.
                None if self.name == "someone else's id"
                    && right.due == Due::Creation
                    && right.location.is_none() =>
                {
                    json = bob()
                }
                None => make(&mut json),
            },
            Make::List(make) => {
                if right.due != Due::Users {
                    json = json!({
                        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                        "totalResults": 1, "Resources": [],
                    });
                }
                make(&mut json);
            }
            Make::Whole(make) => make(&mut json),
        }
        json.to_string().into_bytes()
    }
}
