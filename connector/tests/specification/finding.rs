use connector_8x8::contract::{Account, FailureKind, Value};
use serde_json::json;

use crate::script::{Answer, Script, ada, ada_with, answer, error, list, somebody};

fn find_by(name: &str, value: &str, script: &Script) -> Result<Option<Account>, FailureKind> {
    script
        .connect()
        .find(name, &Value::Text(value.into()))
        .map_err(|failed| failed.kind)
}

fn find(answers: impl IntoIterator<Item = Answer>) -> Result<Option<String>, FailureKind> {
    let script = Script::new(answers);
    let found = find_by("userName", "ADA@example.com", &script);
    script.lines();
    found.map(|account| account.map(|account| account.id))
}

#[test]
fn a_user_name_is_found_without_case() {
    assert_eq!(find([list(&[ada()], 1)]), Ok(Some("ada-1".into())));
}

#[test]
fn an_external_id_is_found_with_case() {
    let script = Script::new([list(&[ada()], 1), list(&[ada()], 1)]);
    assert_eq!(find_by("externalId", "e-1", &script), Ok(None));
}

#[test]
fn nobody_is_nobody() {
    assert_eq!(find([list(&[], 0)]), Ok(None));
}

#[test]
fn a_filter_that_is_ignored_never_gives_the_wrong_person() {
    let everybody = || list(&[somebody(1), somebody(2)], 2);
    assert_eq!(find([everybody(), everybody()]), Ok(None));
    let with_ada = || list(&[somebody(1), ada(), somebody(2)], 3);
    assert_eq!(find([with_ada(), with_ada()]), Ok(Some("ada-1".into())));
}

#[test]
fn a_filter_that_is_refused_falls_back_to_reading_everybody() {
    let refused = error(400, Some("invalidFilter"), "no");
    let found = find([refused, list(&[somebody(1)], 2), list(&[ada()], 2)]);
    assert_eq!(found, Ok(Some("ada-1".into())));
}

#[test]
fn where_everybody_is_too_many_a_key_that_is_not_unique_is_unsupported() {
    let pages = (0..50).map(|page| list(&[somebody(page)], 1_000));
    let script = Script::new(std::iter::once(error(501, None, "no")).chain(pages));
    assert_eq!(
        find_by("externalId", "E-1", &script),
        Err(FailureKind::Unsupported)
    );
}

#[test]
fn two_true_matches_are_ambiguous() {
    let twin = ada_with(json!({ "id": "ada-2" }));
    assert_eq!(find([list(&[ada(), twin], 2)]), Err(FailureKind::Ambiguous));
    assert_eq!(find([list(&[ada(), ada()], 2)]), Ok(Some("ada-1".into())));
}

#[test]
fn a_404_is_never_nobody() {
    let scim = error(404, None, "no such customer");
    assert_eq!(find([scim]), Err(FailureKind::InvalidSettings));
    assert_eq!(
        find([answer(404, "<html>")]),
        Err(FailureKind::InvalidSettings)
    );
}

#[test]
fn only_lookup_keys_are_looked_up() {
    let script = Script::new([]);
    assert_eq!(
        find_by("title", "Analyst", &script),
        Err(FailureKind::Unsupported)
    );
}

#[test]
fn a_backslash_is_also_asked_for_as_services_have_it_that_undo_no_escapes() {
    let domain = ada_with(json!({ "externalId": r"ACME\ada" }));
    let script = Script::new([list(&[], 0), list(&[domain], 1)]);
    let found = find_by("externalId", r"ACME\ada", &script).unwrap();
    assert_eq!(found.map(|account| account.id), Some("ada-1".into()));
    let filters: Vec<_> = script
        .lines()
        .iter()
        .filter_map(|line| Some(line.split('&').next()?.split_once("eq%20")?.1.to_owned()))
        .collect();
    assert_eq!(filters, [r"%22ACME%5C%5Cada%22", r"%22ACME%5Cada%22"]);

    // Where that is no filter, nobody has it; where it finds others, they are others.
    for second in [
        error(400, Some("invalidFilter"), "no such escape"),
        list(&[], 0),
        list(&[somebody(1)], 1),
    ] {
        let script = Script::new([list(&[], 0), second]);
        assert_eq!(find_by("externalId", r"ACME\ada", &script), Ok(None));
        script.lines();
    }
    // A text that would end the filter's own is never sent as it is.
    let script = Script::new([list(&[], 0)]);
    let odd = r#"\" or userName pr or userName eq "\"#;
    assert_eq!(find_by("externalId", odd, &script), Ok(None));
    script.lines();
}
