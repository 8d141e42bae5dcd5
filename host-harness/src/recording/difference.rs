//! Where a request differs from the one that was recorded, in words.

use serde_json::Value as Json;

use crate::contract::Header;
use crate::trace::SentRequest;

/// Differences that are named; of more, their number says enough.
const MOST_NAMED: usize = 4;
/// Characters of a value that are shown, and of those that stand before the difference.
const SHOWN: usize = 80;
const BEFORE: usize = 20;

/// Each difference in a few words; none where the requests are the same.
pub(super) fn differences(recorded: &SentRequest, sent: &SentRequest) -> Vec<String> {
    let mut found = Vec::new();
    if recorded.method != sent.method {
        found.push(both("the method", &recorded.method, &sent.method));
    }
    if recorded.url != sent.url {
        found.push(both("the URL", &recorded.url, &sent.url));
    }
    headers(&recorded.headers, &sent.headers, &mut found);
    bodies(recorded.body.as_deref(), sent.body.as_deref(), &mut found);
    found
}

/// The differences in one clause.
pub(super) fn listed(differences: &[String]) -> String {
    let mut text = differences
        .iter()
        .take(MOST_NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    if let more @ 1.. = differences.len().saturating_sub(MOST_NAMED) {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

fn headers(recorded: &[Header], sent: &[Header], found: &mut Vec<String>) {
    let values = |lines: &[Header], name: &str| {
        let named = lines.iter().filter(|line| line.name == name);
        let values: Vec<_> = named.map(|line| line.value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    };
    let mut names: Vec<&str> = Vec::new();
    for line in recorded.iter().chain(sent) {
        if names.contains(&line.name.as_str()) {
            continue;
        }
        names.push(&line.name);
        let (then, now) = (values(recorded, &line.name), values(sent, &line.name));
        if then != now {
            found.push(either(&format!("header {}", line.name), then, now));
        }
    }
}

fn bodies(recorded: Option<&[u8]>, sent: Option<&[u8]>, found: &mut Vec<String>) {
    if recorded == sent {
        return;
    }
    let (Some(then), Some(now)) = (recorded, sent) else {
        let size = |body: Option<&[u8]>| body.map(|body| format!("{} bytes", body.len()));
        let (then, now) = (size(recorded), size(sent));
        found.push(format!(
            "the body: recorded {}, sent {}",
            then.as_deref().unwrap_or("none"),
            now.as_deref().unwrap_or("none")
        ));
        return;
    };
    let json = |body| serde_json::from_slice::<Json>(body).ok();
    if let (Some(then), Some(now)) = (json(then), json(now)) {
        let before = found.len();
        values("", Some(&then), Some(&now), found);
        if found.len() == before {
            found.push("the body: the same JSON, in another order or spelling".to_owned());
        }
        return;
    }
    let (Ok(then), Ok(now)) = (std::str::from_utf8(then), std::str::from_utf8(now)) else {
        found.push(format!(
            "the body: recorded {} bytes, sent {} others",
            then.len(),
            now.len()
        ));
        return;
    };
    let (mut then, mut now) = (then.split('\n'), now.split('\n'));
    for number in 1.. {
        match (then.next(), now.next()) {
            (None, None) => return,
            (then, now) if then == now => {}
            (then, now) => {
                let what = format!("line {number} of the body");
                found.push(either(&what, then.map(Into::into), now.map(Into::into)));
                return;
            }
        }
    }
}

/// Each place, as a JSON pointer (RFC 6901), where they differ.
fn values(place: &str, recorded: Option<&Json>, sent: Option<&Json>, found: &mut Vec<String>) {
    match (recorded, sent) {
        (then, now) if then == now => {}
        (Some(Json::Object(then)), Some(Json::Object(now))) => {
            let new = now.keys().filter(|key| !then.contains_key(*key));
            for key in then.keys().chain(new) {
                let name = key.replace('~', "~0").replace('/', "~1");
                values(
                    &format!("{place}/{name}"),
                    then.get(key),
                    now.get(key),
                    found,
                );
            }
        }
        (Some(Json::Array(then)), Some(Json::Array(now))) => {
            for index in 0..then.len().max(now.len()) {
                let place = format!("{place}/{index}");
                values(&place, then.get(index), now.get(index), found);
            }
        }
        (then, now) => {
            let what = match place {
                "" => "the body".to_owned(),
                place => format!("{place} in the body"),
            };
            let text = |value: &Json| value.to_string();
            found.push(either(&what, then.map(text), now.map(text)));
        }
    }
}

fn either(what: &str, recorded: Option<String>, sent: Option<String>) -> String {
    match (recorded, sent) {
        (Some(then), Some(now)) => both(what, &then, &now),
        (Some(then), None) => format!("{what}: recorded {}, sent none", excerpt(&then, 0)),
        (None, now) => format!(
            "{what}: recorded none, sent {}",
            excerpt(&now.unwrap_or_default(), 0)
        ),
    }
}

/// Long values are shown around the first difference.
fn both(what: &str, recorded: &str, sent: &str) -> String {
    let same = recorded
        .chars()
        .zip(sent.chars())
        .take_while(|(then, now)| then == now)
        .count();
    let from = if recorded.chars().count().max(sent.chars().count()) > SHOWN {
        same.saturating_sub(BEFORE)
    } else {
        0
    };
    format!(
        "{what}: recorded {}, sent {}",
        excerpt(recorded, from),
        excerpt(sent, from)
    )
}

fn excerpt(text: &str, from: usize) -> String {
    let mut shown = String::new();
    if from > 0 {
        shown.push('…');
    }
    let rest = text.chars().skip(from);
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    shown.extend(rest.clone().take(SHOWN).map(clean));
    if rest.count() > SHOWN {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str, headers: &[(&str, &str)], body: Option<&str>) -> SentRequest {
        SentRequest {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| Header {
                    name: (*name).to_owned(),
                    value: (*value).to_owned(),
                })
                .collect(),
            body: body.map(|body| body.as_bytes().to_vec()),
        }
    }

    fn differ(recorded: Option<&str>, sent: Option<&str>) -> Vec<String> {
        let at = |body| request("https://h.example/", &[], body);
        differences(&at(recorded), &at(sent))
    }

    #[test]
    fn equal_requests_do_not_differ() {
        assert!(differ(Some("{\"a\":1}"), Some("{\"a\":1}")).is_empty());
    }

    #[test]
    fn each_part_that_differs_is_named_with_both_values() {
        let mut then = request("https://h.example/a?b=1", &[("accept", "x")], None);
        let now = request("https://h.example/a?b=2", &[("if-match", "7")], None);
        then.method = "PUT".to_owned();
        assert_eq!(
            differences(&then, &now),
            [
                "the method: recorded `PUT`, sent `POST`",
                "the URL: recorded `https://h.example/a?b=1`, sent `https://h.example/a?b=2`",
                "header accept: recorded `x`, sent none",
                "header if-match: recorded none, sent `7`",
            ]
        );
    }

    #[test]
    fn json_is_compared_place_by_place() {
        let then = r#"{"name":{"given/Name":"Ada"},"emails":[{"value":"a"}],"title":"x"}"#;
        let now = r#"{"name":{"given/Name":"Adam"},"emails":[{"value":"a"},1],"active":true}"#;
        assert_eq!(
            differ(Some(then), Some(now)),
            [
                "/emails/1 in the body: recorded none, sent `1`",
                "/name/given~1Name in the body: recorded `\"Ada\"`, sent `\"Adam\"`",
                "/title in the body: recorded `\"x\"`, sent none",
                "/active in the body: recorded none, sent `true`",
            ]
        );
        assert_eq!(
            differ(Some(r#"{"a":1,"b":2}"#), Some(r#"{"b":2,"a":1}"#)),
            ["the body: the same JSON, in another order or spelling"]
        );
    }

    #[test]
    fn other_bodies_are_compared_by_line_or_by_size() {
        assert_eq!(
            differ(Some("a\nb"), Some("a\nc")),
            ["line 2 of the body: recorded `b`, sent `c`"]
        );
        assert_eq!(
            differ(None, Some("")),
            ["the body: recorded none, sent 0 bytes"]
        );
    }

    #[test]
    fn a_long_value_is_shown_around_the_difference() {
        let long = "x".repeat(300);
        let shown = both("the URL", &format!("{long}1"), &format!("{long}2"));
        assert_eq!(
            shown,
            format!("the URL: recorded `…{0}1`, sent `…{0}2`", "x".repeat(20))
        );
    }
}
