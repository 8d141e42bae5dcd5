use connector_8x8::connection::Connection;
use connector_8x8::contract::{AccountStatus, Change, Deletion, Effect, FailureKind};
use serde_json::json;

use crate::script::{
    Script, ada, ada_with, after_a_lost_attempt, answer, draft, edits, error, json_answer, list,
    no_answer, set, somebody, text, with_header,
};

fn codes(notices: &[connector_8x8::contract::Notice]) -> Vec<&str> {
    notices.iter().map(|notice| notice.code.as_str()).collect()
}

#[test]
fn nothing_is_sent_where_something_required_is_missing_and_all_of_it_is_named() {
    let script = Script::new([]);
    let mut draft = draft();
    draft.attributes = vec![
        crate::script::text("userName", " "),
        crate::script::text("givenname", "Ada"),
        crate::script::text("site", "London"),
    ];
    let failed = script.connect().create(&draft).unwrap_err();
    assert_eq!(failed.kind, FailureKind::InvalidAccount);
    let named: Vec<_> = failed
        .problems
        .iter()
        .map(|p| (p.name.as_str(), p.code.as_str()))
        .collect();
    assert_eq!(
        named,
        [
            ("userName", "missing"),
            ("givenname", "unknown"),
            ("givenName", "missing"),
            ("familyName", "missing"),
            ("workEmail", "missing"),
        ]
    );
}

#[test]
fn likely_limits_are_notices_and_not_refusals() {
    let mut draft = draft();
    draft.attributes[1] = crate::script::text("givenName", "A");
    let made = ada_with(json!({ "name": { "givenName": "A", "familyName": "Lovelace" } }));
    let outcome = Script::new([json_answer(201, &made)])
        .connect()
        .create(&draft)
        .unwrap();
    assert_eq!(codes(&outcome.notices)[0], "likely-limit");
}

#[test]
fn a_create_without_a_body_is_read_back_from_its_location() {
    let location = format!("{}/Users/ada-1", crate::script::BASE);
    let made = with_header(answer(201, ""), "location", &location);
    let script = Script::new([made, json_answer(200, &ada())]);
    let outcome = script.connect().create(&draft()).unwrap();
    assert_eq!(outcome.account.id, "ada-1");
    assert_eq!(script.lines(), ["POST /Users", "GET /Users/ada-1"]);
}

#[test]
fn a_location_elsewhere_is_not_followed() {
    let made = with_header(answer(201, ""), "location", "https://evil.example/Users/1");
    let script = Script::new([made, list(&[ada()], 1)]);
    let outcome = script.connect().create(&draft()).unwrap();
    assert_eq!(outcome.account.id, "ada-1");
}

#[test]
fn a_taken_name_is_told_apart_by_who_holds_it() {
    for refusal in [
        error(409, Some("uniqueness"), "taken"),
        answer(409, ""),
        error(400, None, "userName already in use"),
    ] {
        let script = Script::new([refusal.clone(), list(&[ada()], 1)]);
        let failed = script.connect().create(&draft()).unwrap_err();
        assert_eq!(failed.kind, FailureKind::AlreadyExists);
        assert_eq!(failed.account.as_deref(), Some("ada-1"));

        let nobody = std::iter::repeat_with(|| list(&[], 0)).take(5);
        let script = Script::new(std::iter::once(refusal).chain(nobody));
        let failed = script.connect().create(&draft()).unwrap_err();
        assert_eq!(failed.kind, FailureKind::HeldElsewhere);
        assert_eq!(failed.account, None);
    }
}

#[test]
fn a_lost_create_is_never_sent_again_and_found_by_reading() {
    for lost in [
        no_answer(),
        answer(503, ""),
        answer(201, "<html>"),
        answer(200, ""),
    ] {
        let script = Script::new([lost, list(&[], 0), list(&[ada()], 1)]);
        let outcome = script.connect().create(&draft()).unwrap();
        assert_eq!(outcome.effect, Effect::Created);
        let posts = script
            .lines()
            .iter()
            .filter(|line| line.starts_with("POST"))
            .count();
        assert_eq!(posts, 1);
    }
}

#[test]
fn a_lost_create_that_reading_does_not_show_is_unknown() {
    let misses = std::iter::repeat_with(|| list(&[], 0)).take(4);
    let script = Script::new(std::iter::once(no_answer()).chain(misses));
    let failed = script.connect().create(&draft()).unwrap_err();
    assert_eq!(failed.kind, FailureKind::OutcomeUnknown);
    let delays: Vec<_> = script
        .sent()
        .iter()
        .map(|request| request.delay_ms)
        .collect();
    assert_eq!(delays, [0, 0, 500, 2_000, 5_000]);
}

#[test]
fn a_namesake_found_after_a_lost_create_is_not_taken_for_ours() {
    for other in [
        json!({ "externalId": "E-2" }),
        json!({ "externalId": null }),
        json!({ "active": false }),
        json!({ "name": { "givenName": "Another", "familyName": "Ada" } }),
        // From before: nobody asked for these now.
        json!({ "title": "Analyst" }),
        json!({ "phoneNumbers": [{ "type": "work", "value": "+44 20 7946 0018" }] }),
    ] {
        let found = std::iter::repeat_with(|| list(&[ada_with(other.clone())], 1)).take(4);
        let script = Script::new(std::iter::once(no_answer()).chain(found));
        let failed = script.connect().create(&draft()).unwrap_err();
        assert_eq!(failed.kind, FailureKind::OutcomeUnknown);
        assert_eq!(failed.account.as_deref(), Some("ada-1"));
    }
}

#[test]
fn a_user_with_another_time_zone_found_after_a_lost_create_is_not_taken_for_ours() {
    // What a success may store in its own words, a lost answer does not vouch for.
    let asked = || {
        let mut draft = draft();
        draft.attributes.push(text("timezone", "Europe/London"));
        draft
    };
    let found = || list(&[ada_with(json!({ "timezone": "Etc/UTC" }))], 1);
    let reads = std::iter::repeat_with(found).take(4);
    let script = Script::new(std::iter::once(no_answer()).chain(reads));
    let failed = script.connect().create(&asked()).unwrap_err();
    assert_eq!(failed.kind, FailureKind::OutcomeUnknown);

    let script = Script::new([
        no_answer(),
        list(&[ada_with(json!({ "timezone": "Europe/London" }))], 1),
    ]);
    assert!(script.connect().create(&asked()).is_ok());
}

#[test]
fn what_a_stale_read_showed_as_done_is_sent_once_it_shows_that_it_is_not() {
    for update_method in ["auto", "patch", "put"] {
        let shown = ada_with(json!({ "title": "Analyst", "timezone": "Europe/London" }));
        let done = ada_with(json!({ "title": "Countess", "timezone": "Europe/London" }));
        let script = Script::new([
            json_answer(200, &ada_with(json!({ "title": "Countess" }))),
            json_answer(200, &shown),
            json_answer(200, &done),
        ]);
        let change = edits([set("title", "Countess"), set("timezone", "Europe/London")]);
        let connection = script.connect_with(&[("update-method", update_method)]);
        let outcome = connection.update("ada-1", &change).unwrap();
        assert_eq!(outcome.effect, Effect::Updated);
        let means = if update_method == "put" {
            "PUT"
        } else {
            "PATCH"
        };
        let write = format!("{means} /Users/ada-1");
        assert_eq!(
            script.lines(),
            ["GET /Users/ada-1", write.as_str(), write.as_str()]
        );
    }
}

#[test]
fn a_create_that_drops_a_part_is_a_failure_that_names_it_and_the_account() {
    let dropped = ada_with(json!({ "urn:ietf:params:scim:schemas:extension:8x8:1.1:User": null }));
    let script = Script::new([json_answer(201, &dropped), json_answer(200, &dropped)]);
    let failed = script.connect().create(&draft()).unwrap_err();
    assert_eq!(failed.code.as_deref(), Some("attribute-ignored"));
    assert_eq!(failed.problems[0].name, "site");
    assert_eq!(failed.account.as_deref(), Some("ada-1"));
}

#[test]
fn a_locale_and_a_time_zone_are_respelled_or_ignored_like_everything_else() {
    let created = |locale: &str, zone: &str| {
        let shown = ada_with(json!({ "locale": locale, "timezone": zone }));
        let exact = locale.eq_ignore_ascii_case("fr-FR") && zone == "Europe/Paris";
        let reads = usize::from(!exact);
        let read = std::iter::repeat_with(|| json_answer(200, &shown)).take(reads);
        let script = Script::new([json_answer(201, &shown)].into_iter().chain(read));
        let mut draft = draft();
        draft.attributes.push(text("locale", "fr-FR"));
        draft.attributes.push(text("timezone", "Europe/Paris"));
        let created = script.connect().create(&draft);
        script.lines();
        created
    };
    let outcome = created("fr-FR", "Europe/Paris").unwrap();
    assert!(!codes(&outcome.notices).contains(&"stored-differently"));
    for (locale, zone) in [("fr_FR", "Europe/Paris"), ("FR-fr", "europe/paris")] {
        let outcome = created(locale, zone).unwrap();
        assert!(codes(&outcome.notices).contains(&"stored-differently"));
    }
    // What 8x8 takes where none is given, or where it will not have the one that is.
    for (locale, zone, ignored) in [
        ("en-US", "Europe/Paris", "locale"),
        ("fr-CA", "Europe/Paris", "locale"),
        ("fr-FR", "Etc/UTC", "timezone"),
    ] {
        let failed = created(locale, zone).unwrap_err();
        assert_eq!(failed.kind, FailureKind::Unsupported);
        assert_eq!(failed.code.as_deref(), Some("attribute-ignored"));
        assert_eq!(failed.account.as_deref(), Some("ada-1"));
        let names: Vec<_> = failed.problems.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, [ignored]);
    }
}

#[test]
fn another_locale_than_was_asked_for_is_no_spelling_of_it_after_a_change() {
    let before = ada_with(json!({ "locale": "en-GB" }));
    let other = ada_with(json!({ "locale": "en-US" }));
    let reads = std::iter::repeat_with(|| json_answer(200, &other)).take(2);
    let script = Script::new([json_answer(200, &before)].into_iter().chain(reads));
    let connection = script.connect_with(&[("update-method", "put")]);
    let change = edits([set("locale", "fr-FR")]);
    let failed = connection.update("ada-1", &change).unwrap_err();
    assert_eq!(failed.code.as_deref(), Some("attribute-ignored"));
    assert_eq!(failed.problems[0].name, "locale");
}

#[test]
fn an_update_that_changes_nothing_sends_nothing() {
    let script = Script::new([json_answer(200, &ada())]);
    let mut edits = edits([
        set("userName", "ADA@example.com"),
        set("givenName", " Ada "),
        Change::Clear("title".into()),
    ]);
    edits.status = Some(AccountStatus::Active);
    let outcome = script.connect().update("ada-1", &edits).unwrap();
    assert_eq!(outcome.effect, Effect::Unchanged);
    assert_eq!(script.lines(), ["GET /Users/ada-1"]);
}

#[test]
fn a_phone_that_8x8_spells_its_own_way_is_not_sent_again() {
    let stored = ada_with(json!({
        "phoneNumbers": [{ "type": "mobile", "value": "tel:+447700900123" }],
    }));
    let script = Script::new([json_answer(200, &stored)]);
    let same = edits([set("mobilePhone", "+44 7700 900-123")]);
    let outcome = script.connect().update("ada-1", &same).unwrap();
    assert_eq!(outcome.effect, Effect::Unchanged);
}

#[test]
fn another_site_is_refused_with_the_reason_and_nothing_sent() {
    let script = Script::new([json_answer(200, &ada())]);
    let moved = edits([set("site", "Madrid"), set("title", "Countess")]);
    let failed = script.connect().update("ada-1", &moved).unwrap_err();
    assert_eq!(failed.code.as_deref(), Some("site-set-once"));
    assert_eq!(script.lines(), ["GET /Users/ada-1"]);
}

#[test]
fn patch_falls_back_to_put_and_remembers_it() {
    let after = ada_with(json!({ "title": "Countess" }));
    for refusal in [
        answer(405, ""),
        answer(501, ""),
        error(400, Some("invalidPath"), "only active"),
    ] {
        // Read again before the whole user is sent, or what others did would be undone.
        let before = || json_answer(200, &ada());
        let script = Script::new([before(), refusal, before(), json_answer(200, &after)]);
        let connection = script.connect();
        let outcome = connection
            .update("ada-1", &edits([set("title", "Countess")]))
            .unwrap();
        assert_eq!(outcome.effect, Effect::Updated);
        let verbs: Vec<_> = script
            .lines()
            .iter()
            .filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
            .collect();
        assert_eq!(verbs, ["GET", "PATCH", "GET", "PUT"]);
        assert_eq!(
            connection.learned().as_deref(),
            Some(r#"{"no-patch":false}"#)
        );
    }
}

/// A connection that remembers, an update of the title, and what was sent and learned.
fn title_set(note: Option<&str>, answers: Vec<crate::script::Answer>) -> (String, Option<String>) {
    let script = Script::new(answers);
    let settings = [crate::script::setting("instance-url", crate::script::BASE)];
    let connection = Connection::open(&settings, note, &script).unwrap();
    let change = edits([set("title", "Countess")]);
    connection.update("ada-1", &change).unwrap();
    let lines = script.lines();
    let verbs = lines.iter().filter_map(|line| line.split(' ').next());
    let verbs: Vec<_> = verbs.collect();
    (verbs.join(" "), connection.learned())
}

#[test]
fn put_is_what_a_connection_begins_with_only_once_patch_was_refused_twice_in_a_row() {
    let before = || json_answer(200, &ada());
    let after = || json_answer(200, &ada_with(json!({ "title": "Countess" })));
    let odd = || vec![before(), answer(501, "<html>"), before(), after()];

    let (sent, once) = title_set(None, odd());
    assert_eq!(sent, "GET PATCH GET PUT");
    // The service patches after all: it was a gateway, and is forgotten.
    let (sent, none) = title_set(once.as_deref(), vec![before(), after()]);
    assert_eq!((sent.as_str(), none), ("GET PATCH", None));

    let (sent, twice) = title_set(once.as_deref(), odd());
    assert_eq!(sent, "GET PATCH GET PUT");
    let (sent, still) = title_set(twice.as_deref(), vec![before(), after()]);
    assert_eq!((sent.as_str(), &still), ("GET PUT", &twice));
    // That a status can be patched says nothing of the rest.
    let woken = ada_with(json!({ "active": false }));
    let script = Script::new([json_answer(200, &woken), json_answer(200, &ada())]);
    let settings = [crate::script::setting("instance-url", crate::script::BASE)];
    let connection = Connection::open(&settings, once.as_deref(), &script).unwrap();
    let mut wake = edits([]);
    wake.status = Some(AccountStatus::Active);
    connection.update("ada-1", &wake).unwrap();
    assert_eq!(
        (script.lines()[1].as_str(), connection.learned()),
        ("PATCH /Users/ada-1", once)
    );
    // Where there is no PUT by now, PATCH has another chance.
    let answers = vec![before(), answer(405, ""), before(), after()];
    let (sent, none) = title_set(twice.as_deref(), answers);
    assert_eq!((sent.as_str(), none), ("GET PUT GET PATCH", None));
}

#[test]
fn a_media_type_that_is_refused_by_now_makes_way_for_the_other_one() {
    let note = Some(r#"{"plain-json":true}"#);
    let after = json_answer(200, &ada_with(json!({ "title": "Countess" })));
    let answers = vec![json_answer(200, &ada()), answer(415, ""), after];
    let (sent, learned) = title_set(note, answers);
    assert_eq!((sent.as_str(), learned), ("GET PATCH PATCH", None));
}

#[test]
fn a_patch_that_changed_nothing_falls_back_to_put() {
    let after = ada_with(json!({ "title": "Countess" }));
    let unchanged = std::iter::repeat_with(|| json_answer(200, &ada())).take(4);
    let script = Script::new(
        [json_answer(200, &ada()), answer(204, "")]
            .into_iter()
            .chain(unchanged)
            .chain([json_answer(200, &after)]),
    );
    script
        .connect()
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap();
    assert_eq!(script.lines()[6], "PUT /Users/ada-1");
}

#[test]
fn one_stale_read_is_no_proof_that_a_change_was_ignored() {
    let after = ada_with(json!({ "title": "Countess" }));
    let script = Script::new([
        json_answer(200, &ada()),
        answer(204, ""),
        json_answer(200, &ada()),
        json_answer(200, &after),
    ]);
    let outcome = script
        .connect()
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap();
    assert_eq!(outcome.effect, Effect::Updated);
}

#[test]
fn a_stale_read_after_a_good_one_does_not_make_more_of_a_change_ignored() {
    let half = || json_answer(200, &ada_with(json!({ "active": false })));
    let script = Script::new([
        json_answer(200, &ada()),
        answer(204, ""),
        half(),
        half(),
        half(),
        json_answer(200, &ada()),
    ]);
    let mut change = edits([set("title", "Countess")]);
    change.status = Some(AccountStatus::Inactive);
    let connection = script.connect_with(&[("update-method", "patch")]);
    let failed = connection.update("ada-1", &change).unwrap_err();
    assert_eq!(failed.code.as_deref(), Some("attribute-ignored"));
    let names: Vec<_> = failed.problems.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["title"]);
}

#[test]
fn a_change_that_was_delivered_twice_is_done_though_the_second_answer_refuses_it() {
    let before = ada_with(json!({
        "phoneNumbers": [{ "type": "work", "value": "+44 20 7946 0018" }]
    }));
    let script = Script::new([
        json_answer(200, &before),
        error(400, Some("noTarget"), "no element matches the filter"),
        json_answer(200, &ada()),
    ]);
    let change = edits([Change::Clear("workPhone".to_owned())]);
    let outcome = script.connect().update("ada-1", &change).unwrap();
    assert_eq!(outcome.effect, Effect::Updated);
    assert!(codes(&outcome.notices).contains(&"answer-lost"));
}

#[test]
fn what_was_half_done_is_not_reported_as_not_done() {
    let inactive = ada_with(json!({ "active": false }));
    let refused = || error(400, Some("invalidValue"), "no such title");
    let script = Script::new([
        json_answer(200, &inactive),
        refused(),
        json_answer(200, &ada()),
        refused(),
    ]);
    let mut edits = edits([set("title", "Countess")]);
    edits.status = Some(AccountStatus::Active);
    let failed = script.connect().update("ada-1", &edits).unwrap_err();
    assert_eq!(failed.kind, FailureKind::OutcomeUnknown);
    assert_eq!(failed.code.as_deref(), Some("partly-done"));
    assert_eq!(failed.account.as_deref(), Some("ada-1"));
}

#[test]
fn a_404_around_a_write_says_nothing_about_the_user() {
    let missing = || error(404, None, "not here");
    // Accepted, and then a replica that does not know the user yet.
    let script = Script::new([
        json_answer(200, &ada()),
        answer(204, ""),
        missing(),
        missing(),
        missing(),
        missing(),
    ]);
    let change = edits([set("title", "Countess")]);
    let failed = script.connect().update("ada-1", &change).unwrap_err();
    assert_eq!(failed.kind, FailureKind::OutcomeUnknown);

    // A gateway that does not know PATCH.
    let after = ada_with(json!({ "title": "Countess" }));
    let script = Script::new([
        json_answer(200, &ada()),
        answer(404, "<html>"),
        json_answer(200, &ada()),
        json_answer(200, &ada()),
        json_answer(200, &after),
    ]);
    let outcome = script.connect().update("ada-1", &change).unwrap();
    assert_eq!(outcome.effect, Effect::Updated);
}

#[test]
fn a_gateway_404_after_a_lost_delete_is_not_gone() {
    let lost = || answer(503, "");
    let gateway = || answer(404, "<html>");
    let reads = std::iter::repeat_with(gateway).take(8);
    let script = Script::new([json_answer(200, &ada()), lost()].into_iter().chain(reads));
    let failed = script.connect().delete("ada-1").unwrap_err();
    assert_eq!(failed.kind, FailureKind::OutcomeUnknown);
}

#[test]
fn another_value_than_was_sent_is_no_spelling_of_it() {
    let other = ada_with(json!({ "title": "Somebody else's" }));
    let reads = std::iter::repeat_with(|| json_answer(200, &other)).take(2);
    let script = Script::new([json_answer(200, &ada())].into_iter().chain(reads));
    let connection = script.connect_with(&[("update-method", "put")]);
    let failed = connection
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap_err();
    assert_eq!(failed.code.as_deref(), Some("attribute-ignored"));
}

#[test]
fn an_active_that_could_mean_either_is_no_account() {
    let unclear = ada_with(json!({ "active": 0 }));
    let script = Script::new([json_answer(200, &unclear)]);
    let failed = script.connect().get("ada-1").unwrap_err();
    assert_eq!(failed.kind, FailureKind::MalformedAnswer);
}

#[test]
fn patch_is_not_given_up_where_put_does_no_better() {
    for (patched, reads) in [
        (error(400, Some("invalidPath"), "only active"), 1),
        (answer(204, ""), 4),
    ] {
        let unchanged = std::iter::repeat_with(|| json_answer(200, &ada())).take(reads);
        let answers = [json_answer(200, &ada()), patched].into_iter();
        let script = Script::new(answers.chain(unchanged).chain([answer(405, "")]));
        let connection = script.connect();
        let failed = connection
            .update("ada-1", &edits([set("title", "Countess")]))
            .unwrap_err();
        assert_eq!(failed.kind, FailureKind::Unsupported);
        assert_eq!(connection.learned(), None);
    }
}

#[test]
fn a_refusal_without_a_reason_may_be_of_the_path_so_put_is_tried() {
    let after = ada_with(json!({ "title": "Countess" }));
    let refusal = error(400, None, "only active can be patched");
    let before = || json_answer(200, &ada());
    let script = Script::new([before(), refusal, before(), json_answer(200, &after)]);
    let connection = script.connect();
    connection
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap();
    assert_eq!(script.lines()[3], "PUT /Users/ada-1");
    assert_eq!(connection.learned(), None);
}

#[test]
fn a_status_that_came_as_text_goes_back_as_a_boolean() {
    let texted = ada_with(json!({ "active": "True" }));
    let after = ada_with(json!({ "title": "Countess", "active": "True" }));
    let script = Script::new([
        json_answer(200, &texted),
        answer(405, ""),
        json_answer(200, &texted),
        json_answer(200, &after),
    ]);
    script
        .connect()
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap();
    let put = script.sent().pop().unwrap().body.unwrap();
    let put: serde_json::Value = serde_json::from_slice(&put).unwrap();
    assert_eq!(put["active"], json!(true));
}

#[test]
fn what_put_ignores_too_is_a_failure_that_names_it() {
    // One read, PATCH and four reads, PUT and four reads.
    let script = Script::new(std::iter::repeat_with(|| json_answer(200, &ada())).take(11));
    let failed = script
        .connect()
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap_err();
    assert_eq!(failed.code.as_deref(), Some("attribute-ignored"));
    assert_eq!(failed.problems[0].name, "title");
    assert_eq!(script.lines()[6], "PUT /Users/ada-1");
}

#[test]
fn another_spelling_is_a_notice() {
    let after = ada_with(json!({ "title": "COUNTESS" }));
    let script = Script::new([
        json_answer(200, &ada()),
        json_answer(200, &after),
        json_answer(200, &after),
    ]);
    let outcome = script
        .connect()
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap();
    assert_eq!(codes(&outcome.notices), ["stored-differently"]);
}

#[test]
fn an_inactive_account_is_reactivated_first_where_its_edit_is_refused() {
    let inactive = ada_with(json!({ "active": false }));
    let after = ada_with(json!({ "title": "Countess" }));
    let script = Script::new([
        json_answer(200, &inactive),
        error(400, None, "user is deactivated"),
        json_answer(200, &ada()),
        json_answer(200, &after),
    ]);
    let mut edits = edits([set("title", "Countess")]);
    edits.status = Some(AccountStatus::Active);
    let outcome = script.connect().update("ada-1", &edits).unwrap();
    assert_eq!(outcome.effect, Effect::Updated);
}

#[test]
fn a_lost_update_is_proven_by_reading_or_unknown() {
    let after = ada_with(json!({ "title": "Countess" }));
    let change = edits([set("title", "Countess")]);
    let script = Script::new([
        json_answer(200, &ada()),
        answer(502, "<html>"),
        json_answer(200, &ada()),
        json_answer(200, &after),
    ]);
    let outcome = script.connect().update("ada-1", &change).unwrap();
    assert!(codes(&outcome.notices).contains(&"answer-lost"));

    let unchanged = std::iter::repeat_with(|| json_answer(200, &ada())).take(4);
    let script = Script::new(
        [json_answer(200, &ada()), no_answer()]
            .into_iter()
            .chain(unchanged),
    );
    let failed = script.connect().update("ada-1", &change).unwrap_err();
    assert_eq!(failed.kind, FailureKind::OutcomeUnknown);
    assert_eq!(failed.account.as_deref(), Some("ada-1"));
}

#[test]
fn a_refusal_after_a_lost_attempt_is_no_refusal() {
    let after = ada_with(json!({ "title": "Countess" }));
    let refused = after_a_lost_attempt(error(409, None, "conflict"));
    let script = Script::new([json_answer(200, &ada()), refused, json_answer(200, &after)]);
    let outcome = script
        .connect()
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap();
    assert_eq!(outcome.effect, Effect::Updated);
}

#[test]
fn versions_are_sent_only_where_the_service_says_that_it_looks_at_them() {
    let versioned = ada_with(json!({ "meta": { "version": "W/\"1\"" } }));
    let after = ada_with(json!({ "title": "Countess" }));
    for (config, sent) in [
        (json!({ "etag": { "supported": true } }), 1),
        (json!({}), 0),
    ] {
        let script = Script::new([
            json_answer(200, &versioned),
            json_answer(200, &config),
            json_answer(200, &after),
        ]);
        script
            .connect()
            .update("ada-1", &edits([set("title", "Countess")]))
            .unwrap();
        let patch = &script.sent()[2];
        let matches = patch
            .headers
            .iter()
            .filter(|header| header.name == "if-match");
        assert_eq!(matches.count(), sent);
    }
}

#[test]
fn a_version_that_no_header_can_carry_is_not_sent() {
    let versioned = ada_with(json!({ "meta": { "version": "W/\r\n\"1\"" } }));
    let after = ada_with(json!({ "title": "Countess" }));
    let script = Script::new([json_answer(200, &versioned), json_answer(200, &after)]);
    script
        .connect()
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap();
    let patch = &script.sent()[1];
    assert!(patch.headers.iter().all(|header| header.name != "if-match"));
}

#[test]
fn a_lost_race_reads_again_and_decides_anew() {
    let versioned = |version: &str| ada_with(json!({ "meta": { "version": version } }));
    let config = json!({ "etag": { "supported": true } });
    let done = ada_with(json!({ "title": "Countess", "meta": { "version": "3" } }));
    let script = Script::new([
        json_answer(200, &versioned("1")),
        json_answer(200, &config),
        error(412, None, "changed"),
        json_answer(200, &versioned("2")),
        json_answer(200, &done),
    ]);
    let outcome = script
        .connect()
        .update("ada-1", &edits([set("title", "Countess")]))
        .unwrap();
    assert_eq!(outcome.effect, Effect::Updated);
}

#[test]
fn an_expected_version_that_has_passed_writes_nothing() {
    let versioned = ada_with(json!({ "meta": { "version": "2" } }));
    let script = Script::new([json_answer(200, &versioned)]);
    let mut edits = edits([set("title", "Countess")]);
    edits.expected_version = Some("1".into());
    let failed = script.connect().update("ada-1", &edits).unwrap_err();
    assert_eq!(failed.kind, FailureKind::PreconditionFailed);
}

#[test]
fn two_values_where_one_belongs_are_not_written_over() {
    let two = ada_with(json!({ "emails": [
        { "type": "work", "value": "a@example.com" },
        { "type": "work", "value": "b@example.com" },
    ] }));
    let script = Script::new([json_answer(200, &two)]);
    let change = edits([set("workEmail", "c@example.com")]);
    let failed = script.connect().update("ada-1", &change).unwrap_err();
    assert_eq!(failed.kind, FailureKind::Ambiguous);
}

#[test]
fn delete_on_8x8_only_deactivates() {
    let inactive = ada_with(json!({ "active": false }));
    let script = Script::new([
        json_answer(200, &ada()),
        answer(204, ""),
        json_answer(200, &inactive),
    ]);
    match script.connect().delete("ada-1").unwrap() {
        Deletion::Kept(outcome) => {
            assert_eq!(outcome.account.status, AccountStatus::Inactive);
            assert_eq!(codes(&outcome.notices)[0], "deletion-deactivates");
        }
        Deletion::Gone => panic!("8x8 keeps the user"),
    }
}

#[test]
fn deleting_nobody_is_gone_only_where_the_address_is_right() {
    let missing = || error(404, None, "not found");
    let script = Script::new([missing(), list(&[], 0)]);
    assert_eq!(script.connect().delete("x").unwrap(), Deletion::Gone);
    let script = Script::new([missing(), missing()]);
    assert_eq!(
        script.connect().delete("x").unwrap_err().kind,
        FailureKind::InvalidSettings
    );
}

/// A service that searches for names with case, and lets nobody have one twice whatever its
/// case: whoever is in the way is there to be seen, and to be linked.
#[test]
fn a_taken_name_that_a_search_overlooks_is_looked_for_among_everybody() {
    let taken = || error(409, Some("uniqueness"), "userName is taken");
    let nobody = || list(&[], 0);
    let misses = || [nobody(), nobody(), nobody(), nobody()];
    let held = || ada_with(json!({ "userName": "ADA@Example.com", "externalId": "E-2" }));
    let start = || std::iter::once(taken()).chain(misses());

    let overlooked = [
        list(&[somebody(1)], 2),
        nobody(),
        list(&[somebody(1), held()], 2),
    ];
    let script = Script::new(start().chain(overlooked));
    let failed = script.connect().create(&draft()).unwrap_err();
    assert_eq!(failed.kind, FailureKind::AlreadyExists);
    assert_eq!(failed.account.as_deref(), Some("ada-1"));
    let asked = "filter=userName%20eq%20%22USER1%40example.com%22";
    let asked = asked.replace("example.com", "EXAMPLE.COM");
    assert!(script.lines()[6].contains(&asked), "{:?}", script.lines());

    // Who searches without case has told already.
    let without_case = [list(&[somebody(1)], 2), list(&[somebody(1)], 1)];
    let script = Script::new(start().chain(without_case));
    let failed = script.connect().create(&draft()).unwrap_err();
    assert_eq!(failed.kind, FailureKind::HeldElsewhere);
    script.lines();

    // Where not everybody is shown, it cannot be told.
    let pages = (0..50).map(|page| list(&[somebody(page)], 1_000));
    let cut = [list(&[somebody(1)], 1_000), nobody()].into_iter();
    let script = Script::new(start().chain(cut.chain(pages)));
    let failed = script.connect().create(&draft()).unwrap_err();
    assert_eq!(failed.code.as_deref(), Some("holder-unknown"));
}

/// What a service may answer to a change: only what changed. A PUT that was made from it would
/// clear everything else.
#[test]
fn an_answer_that_shows_a_part_of_the_user_is_no_base_of_a_further_write() {
    let before = ada_with(json!({ "title": "Analyst", "urn:example:unknown": { "x": 1 } }));
    let after = ada_with(json!({ "title": "Countess", "urn:example:unknown": { "x": 1 } }));
    let part = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "ada-1",
        "title": "Countess",
    });
    for method in ["put", "patch"] {
        let script = Script::new([
            json_answer(200, &before),
            json_answer(200, &part),
            json_answer(200, &after),
        ]);
        let connection = script.connect_with(&[("update-method", method)]);
        let goal = [
            set("title", "Countess"),
            set("workEmail", "ada@example.com"),
            set("givenName", "Ada"),
        ];
        let outcome = connection.update("ada-1", &edits(goal)).unwrap();
        assert_eq!(outcome.effect, Effect::Updated);
        let writes = script
            .lines()
            .into_iter()
            .filter(|line| !line.starts_with("GET"));
        assert_eq!(writes.count(), 1, "{method}");
    }
}

#[test]
fn an_answer_without_a_value_is_no_proof_that_it_was_cleared_nor_one_without_a_status_of_it() {
    let bare = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "ada-1",
    });
    let titled = ada_with(json!({ "title": "Analyst" }));
    let ignored = || json_answer(200, &titled);
    let script = Script::new(
        [ignored(), json_answer(200, &bare)]
            .into_iter()
            .chain(std::iter::repeat_with(ignored).take(4)),
    );
    let connection = script.connect_with(&[("update-method", "patch")]);
    let clear = Change::Clear("title".to_owned());
    let failed = connection.update("ada-1", &edits([clear])).unwrap_err();
    assert_ne!(failed.kind, FailureKind::InvalidAccount, "{failed:?}");

    let asleep = ada_with(json!({ "active": false }));
    let ignored = || json_answer(200, &asleep);
    let script = Script::new(
        [ignored(), json_answer(200, &bare)]
            .into_iter()
            .chain(std::iter::repeat_with(ignored).take(4)),
    );
    let connection = script.connect_with(&[("update-method", "patch")]);
    let mut wake = edits([]);
    wake.status = Some(AccountStatus::Active);
    connection.update("ada-1", &wake).unwrap_err();
}
