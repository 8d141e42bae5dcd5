use proptest::prelude::*;

use super::*;

fn ada() -> Subject {
    let members = serde_json::json!({
        "email": " Ada.King@Example.com ",
        "given": "ada",
        "groups": ["Telephony", "Staff"],
        "grade": 7,
        "none": null,
        "blank": "",
        "hired": "2026-03-01",
    });
    let serde_json::Value::Object(members) = members else {
        unreachable!()
    };
    let members = members
        .iter()
        .map(|(name, value)| (name.clone(), from_json(value)))
        .collect();
    Subject::new(About::Person, members, "2026-03-02".parse().unwrap())
}

fn texts(source: &str) -> Result<Vec<String>, String> {
    Expression::compile(source, About::Person)
        .map_err(|problems| problems.join("; "))?
        .texts(&ada())
}

fn holds(source: &str) -> Result<bool, String> {
    Expression::compile(source, About::Person)
        .map_err(|problems| problems.join("; "))?
        .holds(&ada())
}

#[test]
fn every_function_that_is_offered_is_there() {
    for (source, value) in [
        ("person.email.lower()", "ada.king@example.com"),
        ("person.email.lowerAscii().trim()", "ada.king@example.com"),
        ("person.given.upper()", "ADA"),
        ("person.given.upperAscii()", "ADA"),
        ("person.given.title()", "Ada"),
        ("'+44 20'.digits()", "+4420"),
        ("person.blank.orElse('x')", "x"),
        ("person.none.orElse('x')", "x"),
        ("person.given.orElse('x')", "ada"),
        ("date(person.hired)", "2026-03-01"),
        ("'31/12/2026'.dateFrom('%d/%m/%Y')", "2026-12-31"),
        ("person.hired.plusDays(-1)", "2026-02-28"),
        ("person.email.trim().split('@')[1]", "Example.com"),
        ("['a', 'b'].join('-')", "a-b"),
        ("person.given.replace('a', 'o')", "odo"),
        ("person.given.substring(1)", "da"),
        ("person.given.charAt(0)", "a"),
        ("string(person.given.indexOf('d'))", "1"),
        ("string(person.given.lastIndexOf('a'))", "2"),
        ("'%s!'.format([person.given])", "ada!"),
        ("person.given.reverse()", "ada"),
        ("string(size(person.groups))", "2"),
        ("person.grade", "7"),
        ("person['given']", "ada"),
        ("string(int('3') + 1)", "4"),
        ("string(bool('true'))", "true"),
        ("string(double('2') > 1.0)", "true"),
        ("string(uint('2'))", "2"),
        ("dyn(person.given)", "ada"),
    ] {
        assert_eq!(texts(source), Ok(vec![value.to_owned()]), "{source}");
    }
    assert_eq!(
        texts("person.groups"),
        Ok(vec!["Telephony".into(), "Staff".into()])
    );
    assert_eq!(texts("person.none"), Ok(vec![]));
    for yes in [
        "'Telephony' in person.groups",
        "person.groups.exists(group, group.startsWith('Tele'))",
        "person.groups.all(group, group.endsWith('y') || group.contains('taf'))",
        "has(person.given) && !has(person.other)",
        "person.hired < today",
    ] {
        assert_eq!(holds(yes), Ok(true), "{yes}");
    }
}

#[test]
fn what_is_wrong_is_found_before_anything_runs() {
    for (source, told) in [
        ("London", "in quotes of its own"),
        ("person", "name a column"),
        ("person.given.lowr()", "did you mean `lower`?"),
        ("1 +", "at character"),
        ("", "no expression"),
    ] {
        let error = texts(source).unwrap_err();
        assert!(error.contains(told), "{source}: {error}");
    }
    assert!(texts(&"x".repeat(3_000)).unwrap_err().contains("longer"));
}

#[test]
fn a_value_that_cannot_be_had_is_an_error_and_never_no() {
    for (source, told) in [
        ("person.other == 'x'", "the row has no `other`"),
        ("person.given", "true or false is due"),
        ("person.given < 3", "does not go with"),
        ("person.none.lower() == ''", "nothing where a text is due"),
        ("date(person.email) == today", "is no date"),
    ] {
        let error = holds(source).unwrap_err();
        assert!(error.contains(told), "{source}: {error}");
    }
}

#[test]
fn columns_are_found_wherever_they_stand() {
    let source = "has(person.a) ? person.b.exists(x, x == person['c']) : person.d.lower() == ''";
    let expression = Expression::compile(source, About::Person).unwrap();
    let columns: Vec<_> = expression.columns().iter().map(String::as_str).collect();
    assert_eq!(columns, ["a", "b", "c", "d"]);
    assert_eq!(expression.asked().len(), 1, "{:?}", expression.asked());
    assert!(!expression.is_constant());
    assert!(
        Expression::compile("'x' + 'y'", About::Person)
            .unwrap()
            .is_constant()
    );
}

proptest! {
    /// Whatever somebody types, it is compiled or refused, and evaluated or not.
    #[test]
    fn no_text_panics(source in "[a-z.()\\[\\]'\" ,+<>=!?:0-9@{}\\\\é-]{0,40}") {
        if let Ok(expression) = Expression::compile(&source, About::Person) {
            let _ = expression.texts(&ada());
        }
    }
}
