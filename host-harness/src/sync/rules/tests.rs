use std::collections::HashMap;

use cel::Value as Cel;

use std::path::Path;

use super::*;
use crate::contract::{
    Account, AccountStatus, Attribute, AttributeSpec, DeletionEffect, Mutability, Operations,
    Uniqueness, ValueType,
};
use crate::contract::{Manifest, Value};
use crate::failure::Failure;
use crate::sync::Columns;
use crate::sync::{BadRow, Row, Standing, Wish};

fn spec(name: &str, required: bool) -> AttributeSpec {
    AttributeSpec {
        name: name.to_owned(),
        title: name.to_owned(),
        help: "It is what it is.".to_owned(),
        path: name.to_owned(),
        value_type: ValueType::Text,
        format: None,
        multi_valued: false,
        required,
        case_exact: false,
        sensitive: false,
        mutability: Mutability::ReadWrite,
        uniqueness: Uniqueness::None,
        choices: Vec::new(),
        max_length: Some(20),
    }
}

fn manifest() -> Manifest {
    let mut attributes = vec![
        spec("login", true),
        spec("name", true),
        spec("number", false),
        spec("site", false),
        spec("plan", false),
        spec("made", false),
    ];
    attributes[3].mutability = Mutability::SetOnce;
    attributes[4].choices = vec!["small".to_owned(), "large".to_owned()];
    attributes[5].mutability = Mutability::ReadOnly;
    Manifest {
        id: "acme".to_owned(),
        title: "Acme".to_owned(),
        version: "1.0.0".to_owned(),
        setup: String::new(),
        settings: Vec::new(),
        credentials: Vec::new(),
        headers: Vec::new(),
        attributes,
        lookup_keys: vec!["login".to_owned()],
        identity_key: Some("number".to_owned()),
        operations: Operations::empty(),
        deletion: DeletionEffect::Removes,
        max_page_size: 100,
        quirks: Vec::new(),
    }
}

const RULES: &str = r#"
[match]
key = "person.id"

[provision.roles]
phone = '"Phone" in person.groups'
board = 'person.grade == "1"'

[dates]
start = "person.start"
end = "person.end"
disabled = 'person.status == "off"'
time-zone = "America/New_York"

[attributes]
login = "person.email.lower()"
name = "person.name"
number = "person.id"
site = '"London"'
plan = 'person.grade == "1" ? "large" : ""'

[protect]
accounts = { login = ["Admin@x"], id = "17" }
when = ['account.name.startsWith("Svc")', 'account.site == "Lab"']
people = 'person.grade == "0"'
"#;

fn parse(text: &str) -> Result<Rules, Failure> {
    Rules::parse(Path::new("r.toml"), text, &manifest())
}

fn rules() -> Rules {
    parse(RULES).unwrap()
}

fn row(changes: &[(&str, &str)]) -> Row {
    let mut members: HashMap<String, Cel> = [
        ("id", "7"),
        ("email", "Ada@X"),
        ("name", "Ada"),
        ("grade", "3"),
        ("start", ""),
        ("end", ""),
        ("status", ""),
    ]
    .into_iter()
    .chain(changes.iter().copied())
    .map(|(name, value)| (name.to_owned(), Cel::from(value)))
    .collect();
    let groups: Vec<Cel> = vec!["Phone".into()];
    members.entry("groups".to_owned()).or_insert(groups.into());
    Row { line: 2, members }
}

fn wish(changes: &[(&str, &str)]) -> Result<Wish, BadRow> {
    rules().wish(&row(changes), "2026-03-10".parse().unwrap())
}

fn told(text: &str) -> Vec<String> {
    match parse(text) {
        Err(Failure::InvalidSettings { problems }) => problems
            .into_iter()
            .map(|problem| problem.message)
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_becomes_what_is_wanted() {
    let wish = wish(&[]).unwrap();
    assert_eq!(wish.key, "7");
    assert_eq!(
        wish.standing,
        Standing::Wanted {
            role: Some("phone".to_owned())
        }
    );
    let held: Vec<_> = wish
        .attributes
        .iter()
        .map(|attribute| (attribute.name.as_str(), attribute.values.clone()))
        .collect();
    let text = |text: &str| vec![Value::Text(text.to_owned())];
    let due = [
        ("login", "ada@x"),
        ("name", "Ada"),
        ("number", "7"),
        ("site", "London"),
    ];
    assert_eq!(held, due.map(|(name, value)| (name, text(value))));
    assert_eq!(wish.cleared, ["plan"]);
    assert_eq!(wish.lookup.unwrap().values, text("ada@x"));
    assert_eq!(wish.identity.unwrap().values, text("7"));
    assert_eq!(wish.protected, None);
}

#[test]
fn dates_decide_by_the_day_and_the_last_day_is_a_day_in_use() {
    let standing = |changes: &[(&str, &str)]| wish(changes).unwrap().standing;
    let wanted = |standing| matches!(standing, Standing::Wanted { .. });
    assert!(wanted(standing(&[("start", "2026-03-10")])));
    assert!(matches!(
        standing(&[("start", "2026-03-11")]),
        Standing::NotYet { .. }
    ));
    assert!(wanted(standing(&[("end", "2026-03-10")])));
    assert!(matches!(
        standing(&[("end", "2026-03-09")]),
        Standing::NoLonger { .. }
    ));
    assert!(matches!(
        standing(&[("status", "off")]),
        Standing::NoLonger { .. }
    ));
}

#[test]
fn a_day_begins_where_the_rules_say() {
    // Midnight in London is still yesterday in New York.
    let midnight =
        std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_773_100_800);
    assert_eq!(rules().today(midnight).to_string(), "2026-03-09");
}

#[test]
fn who_qualifies_no_more_needs_no_attributes() {
    let gone = wish(&[("status", "off"), ("name", "")]).unwrap();
    assert_eq!(gone.attributes, []);
    assert_eq!(
        gone.lookup.unwrap().values,
        [Value::Text("ada@x".to_owned())]
    );
}

#[test]
fn unknown_is_not_no() {
    for (changes, told) in [
        (
            &[("start", "soon")][..],
            "start (r.toml:10): `soon` is no date",
        ),
        (&[("end", "1.2.2026")][..], "is no date"),
        (&[("name", "")][..], "name is missing"),
        (&[("name", "a name that is far too long")][..], "too long"),
        (&[("id", " ")][..], "the key is empty"),
        (
            &[("start", "2026-02-01"), ("end", "2026-01-01")][..],
            "before the start",
        ),
    ] {
        let bad = wish(changes).unwrap_err();
        assert!(bad.reason.contains(told), "{}", bad.reason);
        assert_eq!(bad.line, 2);
    }
    let mut short = row(&[]);
    short.members.remove("status");
    let bad = rules()
        .wish(&short, "2026-03-10".parse().unwrap())
        .unwrap_err();
    assert_eq!(bad.key.as_deref(), Some("7"));
    assert!(
        bad.reason.contains("the row has no `status`"),
        "{}",
        bad.reason
    );
}

#[test]
fn whoever_is_wanted_and_cannot_be_looked_for_is_a_bad_row_and_a_leaver_is_not() {
    let text = RULES.replace("[match]", "[match]\nvalue = 'person.alias'");
    let rules = parse(&text).unwrap();
    let wish = |changes: &[(&str, &str)]| rules.wish(&row(changes), "2026-03-10".parse().unwrap());
    assert!(wish(&[("alias", "ada")]).unwrap().lookup.is_some());
    for nothing in ["", " \t"] {
        let bad = wish(&[("alias", nothing)]).unwrap_err();
        assert_eq!((bad.line, bad.key.as_deref()), (2, Some("7")));
        assert!(bad.reason.contains("login is empty"), "{}", bad.reason);
        let gone = wish(&[("alias", nothing), ("status", "off")]).unwrap();
        assert_eq!(gone.lookup, None);
    }
}

#[test]
fn everything_wrong_is_told_at_once_with_its_line() {
    let problems = told(
        r#"
[match]
kee = "person.id"
lookup = "name"
[provision]
everyone = "yes"
[attributes]
login = "person.email.lowr()"
logn = "person.x"
made = "person.x"
site = "London"
plan = '"huge"'
[policy]
order = ["leavers"]
[guards]
failures = 101
[extra]
"#,
    );
    for due in [
        "r.toml:3: there is no `kee` in [match]; did you mean `key`?",
        "r.toml:4: `lookup` is one of login",
        "r.toml:6: `everyone` is true or false",
        "r.toml:8: there is no function `lowr`; did you mean `lower`?",
        "r.toml:9: Acme has no attribute `logn`; did you mean `login`?",
        "r.toml:10: `made` is read-only",
        "r.toml:11: there is no `London`",
        "r.toml:12: plan is one of small, large",
        "r.toml:14: `order` is each of",
        "r.toml:16: `failures` is a number of percent",
        "r.toml:17: there is no `extra`",
        "`name` (name) is missing in [attributes]",
    ] {
        assert!(
            problems.iter().any(|told| told.contains(due)),
            "{due}: {problems:#?}"
        );
    }
}

#[test]
fn what_is_missing_altogether_is_told() {
    let problems = told("");
    for due in [
        "`key` is missing",
        "[provision] says who",
        "[attributes] is missing",
    ] {
        assert!(
            problems.iter().any(|told| told.contains(due)),
            "{problems:#?}"
        );
    }
    assert!(told("[match")[0].contains("this is not TOML"));
}

#[test]
fn a_column_that_the_roster_lacks_is_told_at_its_line() {
    let columns = [
        "id", "email", "name", "grade", "starts", "end", "status", "groups",
    ];
    let columns = Columns::InHeader(columns.map(str::to_owned).to_vec());
    let error = rules().fit(&columns).unwrap_err();
    assert_eq!(
        error.message(),
        "r.toml:10: the roster has no column `start`; did you mean `person.starts`?"
    );
}

#[test]
fn protected_accounts_are_known_by_value_and_by_expression() {
    let rules = rules();
    let protected = |id: &str, name: &str, value: &str| {
        let account = Account {
            id: id.to_owned(),
            status: AccountStatus::Active,
            attributes: vec![Attribute {
                name: name.to_owned(),
                values: vec![Value::Text(value.to_owned())],
            }],
            version: None,
        };
        rules
            .protects(&account, "2026-03-10".parse().unwrap())
            .unwrap()
    };
    assert!(protected("1", "login", "ADMIN@X").is_some());
    assert!(protected("17", "login", "eve@x").is_some());
    assert!(protected("1", "name", "Svc 3").is_some());
    assert!(protected("1", "site", "Lab").is_some());
    assert_eq!(protected("1", "login", "eve@x"), None);
    assert_eq!(
        wish(&[("grade", "0")]).unwrap().protected.unwrap(),
        "people, line 25 of the rules"
    );
}

#[test]
fn the_starter_is_read_as_it_is() {
    let text = starter(&manifest());
    let rules = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(rules.policy().lookup_key, "login");
    assert_eq!(rules.protect.accounts.len(), 1);
}
