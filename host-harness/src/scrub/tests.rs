//! Secrets in every encoding, and what is left of them.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use secrecy::SecretString;

use super::*;
use crate::contract::Header;
use crate::safe_text::SafeText;

/// With characters that change under every encoding.
const SECRET: &str = "ca/na\"ry+8.t0ken==";

fn scrubber(secret: &str) -> Scrubber {
    let mut scrubber = Scrubber::default();
    scrubber.add(&secret.into(), Some(format!("Bearer {secret}").as_bytes()));
    scrubber
}

fn scrubbed(text: &str) -> String {
    scrubber(SECRET).scrub_text(text.to_owned())
}

/// Each character that is not a letter or digit as this spells it.
fn escaped(text: &str, spell: impl Fn(u32) -> String) -> String {
    let spelled = text.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_string()
        } else {
            spell(c.into())
        }
    });
    spelled.collect()
}

/// Each character, whatever it is.
fn escaped_all(text: &str, spell: impl Fn(u32) -> String) -> String {
    text.chars().map(|c| spell(c.into())).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

type Encoding = (&'static str, fn(&str) -> String);

/// How software writes a text into another one.
const ENCODINGS: &[Encoding] = &[
    ("as it is", str::to_owned),
    ("percent", |t| escaped(t, |c| format!("%{c:02X}"))),
    ("percent, lower case", |t| {
        escaped(t, |c| format!("%{c:02x}"))
    }),
    ("percent, all", |t| escaped_all(t, |c| format!("%{c:02X}"))),
    ("percent, some", |t| {
        t.replace('%', "%25")
            .replace('=', "%3D")
            .replace('"', "%22")
    }),
    ("form", |t| {
        url::form_urlencoded::byte_serialize(t.as_bytes()).collect()
    }),
    ("escape() of JavaScript", |t| {
        escaped(t, |c| format!("%u{c:04X}"))
    }),
    ("JSON", json),
    ("JSON of PHP", |t| json(t).replace('/', "\\/")),
    ("JSON of Gson", |t| {
        json(t).replace('=', "\\u003d").replace('\'', "\\u0027")
    }),
    ("JSON of .NET", |t| {
        json(t).replace('+', "\\u002B").replace("\\\"", "\\u0022")
    }),
    ("JSON, all", |t| escaped_all(t, |c| format!("\\u{c:04x}"))),
    ("JavaScript", |t| escaped(t, |c| format!("\\x{c:02x}"))),
    ("JavaScript, braces", |t| {
        escaped(t, |c| format!("\\u{{{c:x}}}"))
    }),
    ("C, octal", |t| escaped(t, |c| format!("\\{c:03o}"))),
    ("C, short octal", |t| {
        let mut spelled = String::new();
        let mut characters = t.chars().peekable();
        while let Some(c) = characters.next() {
            let code = u32::from(c);
            let digit_follows = characters.peek().is_some_and(char::is_ascii_digit);
            match (c.is_ascii_alphanumeric(), digit_follows) {
                (true, _) => spelled.push(c),
                (false, true) => spelled.push_str(&format!("\\{code:03o}")),
                (false, false) => spelled.push_str(&format!("\\{code:o}")),
            }
        }
        spelled
    }),
    ("Perl", |t| escaped(t, |c| format!("\\x{{{c:x}}}"))),
    ("Perl, octal", |t| escaped(t, |c| format!("\\o{{{c:o}}}"))),
    ("mail", |t| escaped(t, |c| format!("={c:02X}"))),
    ("mail, all, in lines", |t| {
        escaped_all(t, |c| format!("={c:02X}")).replace("=3", "=\r\n=3")
    }),
    ("hexadecimal", |t| {
        t.bytes().map(|byte| format!("{byte:02x}")).collect()
    }),
    ("hexadecimal, upper case", |t| {
        t.bytes().map(|byte| format!("{byte:02X}")).collect()
    }),
    ("entities", |t| escaped(t, |c| format!("&#{c};"))),
    ("entities, hexadecimal", |t| {
        escaped(t, |c| format!("&#x{c:X};"))
    }),
    ("entities, all", |t| {
        escaped_all(t, |c| format!("&#{c:04};"))
    }),
    ("entities, named", |t| {
        t.replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;")
            .replace('=', "&equals;")
            .replace('/', "&sol;")
            .replace('+', "&plus;")
    }),
    ("base64", |t| STANDARD.encode(t)),
    ("base64, no padding", |t| STANDARD_NO_PAD.encode(t)),
    ("base64, URL", |t| URL_SAFE.encode(t)),
    ("base64, URL, no padding", |t| URL_SAFE_NO_PAD.encode(t)),
    ("base64, offset 1", |t| {
        STANDARD.encode(format!("\u{1}{t}\u{1}"))
    }),
    ("base64, offset 2", |t| {
        URL_SAFE_NO_PAD.encode(format!(" :{t}; "))
    }),
    ("base64 of the header", |t| {
        STANDARD.encode(format!("Authorization: Bearer {t}\r\n"))
    }),
    ("base64 for mail", |t| {
        let whole = STANDARD.encode(t);
        let lines: Vec<&str> = whole
            .as_bytes()
            .chunks(16)
            .map(|l| std::str::from_utf8(l).unwrap())
            .collect();
        lines.join("\r\n")
    }),
    ("base64 of UTF-16", |t| {
        STANDARD.encode(
            t.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<_>>(),
        )
    }),
    ("UTF-16", |t| t.chars().flat_map(|c| [c, '\0']).collect()),
];

/// Whether any reading of the text shows the secret. Written another way than what is tested: it
/// decodes everything that there is, one encoding at a time.
fn shows(text: &str, secret: &str) -> bool {
    fn readings(text: &str) -> Vec<String> {
        let mut readings = vec![
            percent(text),
            text.replace("\\/", "/"),
            text.replace('\0', ""),
        ];
        if let Ok(serde_json::Value::String(plain)) = serde_json::from_str(&format!("\"{text}\"")) {
            readings.push(plain);
        }
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/-_".contains(c))) {
            let word = word.replace('-', "+").replace('_', "/");
            if let Ok(plain) = STANDARD_NO_PAD.decode(word) {
                readings.push(String::from_utf8_lossy(&plain).into_owned());
            }
        }
        readings
    }
    fn percent(text: &str) -> String {
        let pieces: Vec<u8> = url::form_urlencoded::parse(
            format!("a={}", text.replace('&', "%26").replace('+', "%2B")).as_bytes(),
        )
        .next()
        .map(|(_, value)| value.into_owned().into_bytes())
        .unwrap_or_default();
        String::from_utf8_lossy(&pieces).into_owned()
    }
    let once = readings(text);
    let twice = once
        .iter()
        .flat_map(|text| readings(text))
        .collect::<Vec<_>>();
    text.contains(secret)
        || once.iter().any(|text| text.contains(secret))
        || twice.iter().any(|text| text.contains(secret))
}

/// The places that an echo can stand in, each as what a guest gets of it.
fn places(scrubber: &Scrubber, echo: &str) -> Vec<(&'static str, String)> {
    let line = |name: &str, value: &str| Header {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let shown = |lines: Vec<Header>| format!("{:?}", scrubber.scrub_lines(lines));
    let middle = echo.len() / 2;
    let (first, second) = echo.split_at(
        (0..=middle)
            .rev()
            .find(|at| echo.is_char_boundary(*at))
            .unwrap(),
    );
    let body = format!(r#"{{"detail":"you sent {echo}, or so"}}"#);
    let failure = format!("connection error received: not a result (b\"{echo}\")");
    vec![
        ("body", scrubber.scrub_text(body)),
        (
            "header value",
            shown(vec![line("x-a", &format!("Bearer {echo}"))]),
        ),
        (
            "header values",
            shown(vec![
                line("x-a", first),
                line("x-b", second),
                line("x-c", "1"),
            ]),
        ),
        (
            "failure text",
            SafeText::foreign(&failure, scrubber).to_string(),
        ),
    ]
}

#[test]
fn a_secret_is_found_in_every_encoding_once_and_twice_in_every_place() {
    for secret in [
        SECRET,
        "aB3/xY+9zQ==",
        "eyJhbGciOi.eyJzdWIiOiIxMjM0.SflKxw-_RJSM",
        "0123456789abcdef0123",
    ] {
        let scrubber = scrubber(secret);
        for (inner, encode) in ENCODINGS {
            for (outer, encode_again) in ENCODINGS {
                let echo = encode_again(&encode(secret));
                for (place, left) in places(&scrubber, &echo) {
                    let whole = place == "header values" || left.contains("[redacted]");
                    assert!(
                        whole && !left.contains(&echo) && !shows(&left, secret),
                        "{inner}, then {outer}, in a {place}: {left}"
                    );
                }
            }
        }
    }
}

/// A service that ignores case, or that writes identifiers in one.
#[test]
fn a_secret_in_one_case_is_found_in_every_encoding() {
    let secret = "eyJhbGciOi.eyJzdWIiOiIxMjM0.SflKxw-_RJSM";
    let scrubber = scrubber(secret);
    for folded in [secret.to_uppercase(), secret.to_lowercase()] {
        for (name, encode) in ENCODINGS {
            let echo = encode(&folded);
            let left = scrubber.scrub_text(format!("<{echo}>"));
            assert!(
                left.contains("[redacted]") && !left.contains(&echo),
                "{name}: {left}"
            );
        }
    }
}

/// As services show what they got, for people to recognise it.
#[test]
fn most_of_a_secret_is_found_in_every_encoding() {
    let secret = "c4nary-T0ken/with+odd=chars~7Q";
    let scrubber = scrubber(secret);
    for part in [
        &secret[..23],
        &secret[7..],
        &secret[3..26],
        &secret[1..],
        &secret[..secret.len() - 1],
    ] {
        for (name, encode) in ENCODINGS {
            let echo = encode(part);
            let left = scrubber.scrub_text(format!("<{echo}\u{2026}>"));
            assert!(
                left.contains("[redacted]") && !left.contains(&echo),
                "{part} in {name}: {left}"
            );
        }
    }
    let half = format!("<{}>", &secret[..15]);
    assert_eq!(scrubber.scrub_text(half.clone()), half);
}

#[test]
fn a_secret_that_was_copied_with_its_scheme_is_found_without_it() {
    let mut scrubber = Scrubber::default();
    scrubber.add(&"Bearer t0k/n+x".into(), None);
    assert_eq!(scrubber.scrub_text("<t0k/n+x>".to_owned()), "<[redacted]>");
}

#[test]
fn what_is_replaced_is_the_whole_of_its_spelling() {
    for (name, encode) in ENCODINGS {
        // What is around the secret in these is no part of it.
        let with_more = [
            "base64, offset 1",
            "base64, offset 2",
            "base64 of the header",
            "UTF-16",
        ];
        if !with_more.contains(name) && !name.contains("UTF-16") {
            assert_eq!(
                scrubbed(&format!("<{}>", encode(SECRET))),
                "<[redacted]>",
                "{name}"
            );
        }
    }
    assert_eq!(
        scrubbed(&format!(
            "<{}>",
            STANDARD.encode(format!("Bearer {SECRET}"))
        )),
        "<[redacted]>"
    );
    assert_eq!(scrubbed(&format!("<Bearer {SECRET}>")), "<[redacted]>");
}

#[test]
fn json_stays_json() {
    for (_, encode) in ENCODINGS {
        let value = serde_json::json!({ "a": encode(SECRET), "b": "x\\y\"z" });
        let left = scrubbed(&value.to_string());
        let read: serde_json::Value = serde_json::from_str(&left).unwrap();
        assert_eq!(read["b"], value["b"]);
        assert!(!shows(read["a"].as_str().unwrap(), SECRET));
    }
}

#[test]
fn base64_of_something_around_the_secret_loses_its_middle() {
    for before in ["", "a", "ab", "abc", "user:"] {
        let whole = STANDARD.encode(format!("{before}{SECRET}tail"));
        assert!(scrubbed(&whole).contains("[redacted]"), "{before}");
    }
}

#[test]
fn the_password_of_a_basic_credential_is_a_secret_of_its_own() {
    let mut scrubber = Scrubber::default();
    scrubber.add(
        &"user:pass word/1".into(),
        Some(b"Basic dXNlcjpwYXNzIHdvcmQvMQ=="),
    );
    for echo in [
        "pass word/1",
        "pass+word%2F1",
        "pass%20word/1",
        "user:pass word\\/1",
        "dXNlcjpwYXNzIHdvcmQvMQ==",
    ] {
        let left = scrubber.scrub_text(format!("<{echo}>"));
        assert!(
            left.contains("[redacted]") && !left.contains("word"),
            "{left}"
        );
    }
    // The name is most of it, and no secret.
    let mut scrubber = Scrubber::default();
    scrubber.add(&"provisioning@company.example:pass12".into(), None);
    let account = r#"{"userName":"provisioning@company.example"}"#;
    assert_eq!(scrubber.scrub_text(account.to_owned()), account);
}

fn lines(lines: &[(&str, &str)]) -> Vec<Header> {
    let lines = lines.iter().map(|(name, value)| Header {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    });
    lines.collect()
}

fn values(lines: Vec<Header>) -> Vec<String> {
    lines.into_iter().map(|line| line.value).collect()
}

#[test]
fn a_secret_split_over_header_lines_is_taken_out() {
    let mut scrubber = Scrubber::default();
    scrubber.add(&SecretString::from(SECRET), None);
    let split = lines(&[
        ("x-a", &SECRET[..9]),
        ("x-a", &SECRET[9..]),
        ("x-a", "harmless"),
        ("x-a", SECRET),
    ]);
    let stars = |text: &str| "*".repeat(text.len());
    assert_eq!(
        values(scrubber.scrub_lines(split)),
        [
            stars(&SECRET[..9]),
            stars(&SECRET[9..]),
            "harmless".to_owned(),
            "[redacted]".to_owned()
        ]
    );
}

#[test]
fn pieces_are_taken_out_in_any_order_and_place() {
    const LONG: &str = "c4nary-T0ken/with+odd=chars~7Q";
    let scrubber = scrubber(LONG);
    let (first, second) = LONG.split_at(15);
    let low = LONG.to_ascii_lowercase();
    let lower: Vec<&str> = [&low[..10], &low[10..20], &low[20..]].to_vec();
    let encoded: Vec<String> = [first, second]
        .iter()
        .map(|p| escaped(p, |c| format!("%{c:02x}")))
        .collect();
    let in_base64: Vec<String> = [first, second].iter().map(|p| STANDARD.encode(p)).collect();
    let whole_in_base64 = STANDARD.encode(LONG);
    let whole_in_hexadecimal: String = LONG.bytes().map(|byte| format!("{byte:02X}")).collect();
    let of_base64: Vec<&str> = [0..9, 9..22, 22..40]
        .map(|part| &whole_in_base64[part])
        .to_vec();
    let of_hexadecimal: Vec<&str> = [0..19, 19..40, 40..60]
        .map(|part| &whole_in_hexadecimal[part])
        .to_vec();
    for split in [
        lines(&[("x-b", second), ("x-a", first)]),
        lines(&[("x-b", second), ("x-between", "1"), ("x-a", first)]),
        lines(&[
            ("x-3", &LONG[20..]),
            ("x-1", &LONG[..10]),
            ("date", "today"),
            ("x-2", &LONG[10..20]),
        ]),
        lines(&[
            ("x-b", &format!("ends with {first}")),
            ("x-a", &format!("{second} begins")),
        ]),
        lines(&[
            ("x-b", &encoded[1]),
            ("x-between", "1"),
            ("x-a", &encoded[0]),
        ]),
        lines(&[
            ("x-b", &in_base64[1]),
            ("x-between", "1"),
            ("x-a", &in_base64[0]),
        ]),
        lines(&[
            ("x-3", of_base64[2]),
            ("x-1", &format!("{};q=1", of_base64[0])),
            ("x-2", of_base64[1]),
        ]),
        lines(&[
            ("x-3", of_hexadecimal[2]),
            ("x-2", of_hexadecimal[1]),
            ("x-1", of_hexadecimal[0]),
        ]),
        lines(&[(&low, "1")]),
        lines(&[(lower[0], lower[1]), (lower[2], "x")]),
        lines(&[
            (&format!("x-{}", lower[0]), &LONG[20..]),
            ("x-2", &LONG[10..20]),
        ]),
        LONG.as_bytes()
            .chunks(1)
            .map(|c| Header {
                name: "x-a".to_owned(),
                value: String::from_utf8(c.to_vec()).unwrap(),
            })
            .collect(),
    ] {
        let shown = format!("{split:?}");
        let left = format!("{:?}", scrubber.scrub_lines(split)).to_ascii_lowercase();
        for piece in [&low[..6], &low[8..14], &low[16..22], &low[24..]] {
            assert!(!left.contains(piece), "{shown} became {left}");
        }
        let spelled = encoded.iter().chain(&in_base64).map(String::as_str);
        for piece in spelled.chain(of_base64.iter().chain(&of_hexadecimal).copied()) {
            assert!(
                !left.contains(&piece.to_ascii_lowercase()),
                "{shown} became {left}"
            );
        }
    }
}

#[test]
fn what_the_header_lacks_is_taken_out_of_the_body() {
    const LONG: &str = "c4nary-T0ken/with+odd=chars~7Q";
    let scrubber = scrubber(LONG);
    let (first, second) = LONG.split_at(15);
    for body in [
        second.to_owned(),
        STANDARD.encode(second),
        format!(
            "{{\"a\":\"{}\"}}",
            escaped(second, |c| format!("\\u{c:04x}"))
        ),
    ] {
        let (lines, left) = scrubber.scrub_answer(lines(&[("x-a", first)]), body.into_bytes());
        let left = String::from_utf8(left).unwrap();
        assert!(
            left.contains("[redacted]") && !left.contains("chars"),
            "{left}"
        );
        assert!(!format!("{lines:?}").contains(first));
    }
    // A little of it in the header, and the rest in the body.
    let (_, left) = scrubber.scrub_answer(lines(&[("x-a", &LONG[..5])]), LONG[5..].into());
    assert_eq!(String::from_utf8(left).unwrap(), "[redacted]");
    // A spelling of it that was cut in two.
    let whole = STANDARD.encode(LONG);
    let (first, second) = whole.split_at(13);
    let (lines, left) = scrubber.scrub_answer(lines(&[("x-a", first)]), second.into());
    assert_eq!(String::from_utf8(left).unwrap(), "[redacted]");
    assert!(!format!("{lines:?}").contains(first));
}

#[test]
fn ordinary_header_lines_stay_as_they_are() {
    let scrubber = scrubber("c4nary-T0ken/with+odd=chars~7Q");
    let ordinary = lines(&[
        ("content-type", "application/scim+json; charset=utf-8"),
        ("date", "Tue, 15 Nov 1994 08:12:31 GMT"),
        ("etag", "W/\"3694e05e9dff594\""),
        (
            "location",
            "https://h.example/scim/v2/Users/2819c223-7f76-453a-919d-413861904646",
        ),
        ("x-token-type", "with odd characters"),
        ("x-page", "7"),
        ("x-more", "4"),
    ]);
    assert_eq!(
        format!("{:?}", scrubber.scrub_lines(ordinary.clone())),
        format!("{ordinary:?}")
    );
}

#[test]
fn an_answer_without_it_stays_as_it_is() {
    for text in [
        r#"{"id":"1"}"#,
        r#"{"a":"\u00e9\/\"&amp;%20","b":"W/\"1\"","c":"aGVsbG8gd29ybGQsIGhvdyBhcmUgeW91"}"#,
        "100% & more \\",
    ] {
        assert_eq!(scrubbed(text), text);
    }
}

#[test]
fn a_secret_that_looks_encoded_itself_is_found_too() {
    for secret in [
        "a%2Fb%41cdef",
        "x&amp;y&z=1234",
        "a\\u0041\\nbcd/e",
        "50%off\\/now+",
        "&#65;&#x42;cd/ef",
    ] {
        let scrubber = scrubber(secret);
        for (inner, encode) in ENCODINGS {
            for (outer, encode_again) in ENCODINGS {
                let echo = encode_again(&encode(secret));
                let left = scrubber.scrub_text(format!("<{echo}>"));
                assert!(
                    left.contains("[redacted]"),
                    "{secret} in {inner}, then {outer}: {left}"
                );
            }
        }
    }
}

/// Tokens as services make them, and unusual ones.
fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9+/]{14,60}={0,2}",
        "[0-9a-f]{16,64}",
        "eyJ[A-Za-z0-9_-]{10,30}\\.[A-Za-z0-9_-]{10,40}\\.[A-Za-z0-9_-]{10,40}",
        "[!-~]{10,40}",
        "[!-~][ -~]{8,30}[!-~]",
    ]
}

fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(400),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_token_is_seen_through_any_two_encodings(
        token in token(),
        inner in 0..ENCODINGS.len(),
        outer in 0..ENCODINGS.len(),
        before in "[ -~]{0,12}",
        after in "[ -~]{0,12}",
    ) {
        let echo = (ENCODINGS[outer].1)(&(ENCODINGS[inner].1)(&token));
        let body = serde_json::json!({ "before": before, "echo": echo, "after": after }).to_string();
        let left = scrubber(&token).scrub_text(body);
        prop_assert!(left.contains("[redacted]"), "{}, then {}: {left}", ENCODINGS[inner].0, ENCODINGS[outer].0);
        prop_assert!(!left.contains(&json(&echo)) && !shows(&left, &token), "{left}");
        prop_assert!(serde_json::from_str::<serde_json::Value>(&left).is_ok(), "{left}");
    }

    #[test]
    fn a_text_without_the_token_is_not_touched(token in token(), text in "\\PC{0,400}", bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let scrubber = scrubber(&token);
        prop_assume!(!text.contains(&token));
        prop_assert_eq!(scrubber.scrub_text(text.clone()), text);
        prop_assert_eq!(scrubber.scrub(bytes.clone()), bytes);
    }
}
