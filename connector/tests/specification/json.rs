//! JSON as the crate that everybody uses has it: the same texts are JSON, with the same
//! values, and what is written is read as what it was.

use connector_8x8::json::Json;
use proptest::prelude::*;
use serde_json::Value;

/// Objects keep their order here and are sorted there, and of members of one name the last
/// one counts.
fn value(json: &Json<'_>) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => (*value).into(),
        Json::Number(number) => serde_json::from_str(number).unwrap(),
        Json::Text(text) => (**text).into(),
        Json::Array(items) => items.iter().map(value).collect(),
        Json::Object(members) => members
            .iter()
            .map(|(name, json)| (name.to_string(), value(json)))
            .collect(),
    }
}

fn assert_read_alike(body: &[u8]) {
    let ours = Json::parse(body);
    let theirs: Option<Value> = serde_json::from_slice(body).ok();
    assert_eq!(
        ours.as_ref().map(value),
        theirs,
        "{}",
        String::from_utf8_lossy(body)
    );
    if let Some(ours) = ours {
        let written = ours.to_text();
        assert_eq!(Json::parse(written.as_bytes()), Some(ours.clone()));
        assert_eq!(serde_json::from_str::<Value>(&written).ok(), theirs);
        assert_eq!(ours.owned(), ours);
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn values_are_read_and_written_alike(value in any_value()) {
        assert_read_alike(value.to_string().as_bytes());
        assert_read_alike(format!("{value:#}").as_bytes());
    }

    #[test]
    fn a_broken_text_is_refused_alike(
        value in any_value(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(br#" {}[]:,"\0.eE-+tfnu"#)],
    ) {
        let mut body = value.to_string().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        assert_read_alike(&body);
        body.insert(at, byte);
        assert_read_alike(&body);
        body.truncate(at);
        assert_read_alike(&body);
    }

    #[test]
    fn fragments_are_read_alike(
        fragments in prop::collection::vec(prop::sample::select(&[
            "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud83d", "\\ude00", "\\u0041",
            "\"a\"", "\"a\":", "0", "-", "1", ".", "5", "e", "E", "+", "true", "nul", "null",
            " ", "\n", "\u{b}", "\u{feff}", "é", "\u{0}",
        ][..]), 0..12),
    ) {
        assert_read_alike(fragments.concat().as_bytes());
        assert_read_alike(format!("\"{}\"", fragments.concat()).as_bytes());
        assert_read_alike(format!("[{}]", fragments.concat()).as_bytes());
        assert_read_alike(format!("{{\"a\":{}}}", fragments.concat()).as_bytes());
    }

    #[test]
    fn bytes_are_read_alike(body in prop::collection::vec(any::<u8>(), 0..24)) {
        assert_read_alike(&body);
    }

    #[test]
    fn a_text_is_written_alike(text in any::<String>()) {
        let mut quoted = String::new();
        connector_8x8::json::quote(&text, &mut quoted);
        prop_assert_eq!(quoted, Value::from(text).to_string());
    }
}

#[test]
fn depth_has_the_same_end() {
    for depth in 1..300 {
        let arrays = "[".repeat(depth) + &"]".repeat(depth);
        assert_read_alike(arrays.as_bytes());
        let objects = r#"{"a":"#.repeat(depth) + "1" + &"}".repeat(depth);
        assert_read_alike(objects.as_bytes());
    }
}

#[test]
fn of_members_of_one_name_the_last_one_counts() {
    assert_read_alike(br#"{"a": 1, "b": 2, "a": {"c": 3}}"#);
    let json = Json::parse(br#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
    let mut object = json.as_object().unwrap().clone();
    assert_eq!(object.get("a"), Some(&Json::Number("3".into())));
    assert_eq!(object.remove("a"), Some(Json::Number("3".into())));
    assert_eq!(Json::Object(object).to_text(), r#"{"b":2}"#);
}
