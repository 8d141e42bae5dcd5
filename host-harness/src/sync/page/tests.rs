use super::*;
use crate::contract::Value;
use crate::sync::plan::Left;
use crate::sync::plan::{Action, AttributeChange, Counts, Entry, PlanNotice, VERSION};
use crate::sync::report::{Failed, Report, Stop};

fn texts(texts: &[&str]) -> Vec<Value> {
    texts
        .iter()
        .map(|text| Value::Text((*text).to_owned()))
        .collect()
}

fn change(attribute: &str, old: &[&str], new: &[&str]) -> AttributeChange {
    AttributeChange {
        attribute: attribute.to_owned(),
        old: texts(old),
        new: texts(new),
        hidden: false,
    }
}

fn entry(person: &str, action: Action, changes: Vec<AttributeChange>) -> Entry {
    Entry {
        person: Some(person.to_owned()),
        line: Some(7),
        name: Some(format!("{person}@example.com")),
        action,
        account: None,
        seen: None,
        changes,
        after: None,
        reason: None,
        notices: Vec::new(),
        approved: None,
    }
}

fn plan_of(entries: Vec<Entry>) -> Plan {
    let mut counts = Counts::default();
    for entry in &entries {
        counts.add(entry.action);
    }
    Plan {
        version: VERSION,
        tenant: "Acme".to_owned(),
        tenant_digest: "t".to_owned(),
        made_at: "2026-01-01T00:00:00Z".to_owned(),
        roster: "r".to_owned(),
        rules: "r".to_owned(),
        counts,
        notices: Vec::new(),
        entries,
    }
}

/// Both pages of a plan.
fn pages(plan: &Plan) -> [String; 2] {
    [super::plan::plan(plan), review(plan, &View::default())]
}

const HOSTILE: &str = "</title><script>alert(1)</script>\"' onload='x' &amp;";

#[test]
fn markup_in_a_value_a_name_or_a_reason_is_text() {
    let mut hostile = entry(
        HOSTILE,
        Action::Update,
        vec![change(HOSTILE, &[HOSTILE], &[HOSTILE])],
    );
    hostile.reason = Some(HOSTILE.to_owned());
    hostile.notices.push(PlanNotice {
        code: HOSTILE.to_owned(),
        attribute: Some(HOSTILE.to_owned()),
        message: HOSTILE.to_owned(),
    });
    let mut plan = plan_of(vec![hostile.clone(), entry("b", Action::Create, vec![])]);
    plan.tenant = HOSTILE.to_owned();
    let report = Report {
        tenant: HOSTILE.to_owned(),
        failures: vec![Failed {
            left: Left::of(&hostile, HOSTILE.to_owned()),
            kind: "forbidden",
            advice: "Ask.",
        }],
        stopped: Some(Stop::Journal(HOSTILE.to_owned())),
        ..Report::default()
    };
    let found = View {
        find: HOSTILE.to_owned(),
        ..View::default()
    };
    let pages = [
        super::plan::plan(&plan),
        review(&plan, &found),
        super::report::report(&report),
        saved(&plan, HOSTILE),
    ];
    for page in pages
        .into_iter()
        .chain([message("x", HOSTILE, Some(HOSTILE))])
    {
        assert!(!page.contains("alert(1)</script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
        // Its own, and no other.
        assert_eq!(page.matches("<script>").count(), 1);
        assert_eq!(page.matches("</title>").count(), 1);
        // A quotation mark would end an attribute's value.
        assert!(!page.contains("</script>\"'"), "{page}");
    }
}

#[test]
fn what_cannot_be_seen_is_shown_by_its_number() {
    let names = [
        (
            "ada\u{202e}nimda",
            "ada<span class=\"unseen\" title=\"a character that cannot be seen\">U+202E</span>nimda",
        ),
        ("a\u{200b}b", "U+200B"),
        ("a\nb", "U+000A"),
        ("\u{1b}[31m", "U+001B"),
        ("x\u{e0041}", "U+E0041"),
    ];
    for (name, shown) in names {
        let plan = plan_of(vec![entry(
            name,
            Action::Update,
            vec![change("title", &[], &[name])],
        )]);
        for page in pages(&plan) {
            assert!(page.contains(shown), "{name:?}: {page}");
            let seen = page.split("<body>").nth(1).unwrap();
            assert!(!seen.contains(name), "{name:?}");
        }
    }
}

#[test]
fn a_hidden_value_is_nowhere_and_its_change_is_told() {
    let mut secret = change("pin", &["1234-old"], &["5678-new"]);
    secret.hidden = true;
    for action in [Action::Create, Action::Update] {
        let plan = plan_of(vec![entry("ada", action, vec![secret.clone()])]);
        for page in pages(&plan) {
            assert!(
                !page.contains("1234-old") && !page.contains("5678-new"),
                "{page}"
            );
            assert!(page.contains("pin") && page.contains("not shown"), "{page}");
        }
        // Nor can it be guessed by looking for it.
        assert!(View::read(b"find=5678").positions(&plan).is_empty());
    }
}

#[test]
fn a_change_shows_old_and_new_and_a_clearing_a_dash() {
    let page = super::plan::plan(&plan_of(vec![entry(
        "ada",
        Action::Update,
        vec![
            change("title", &["Analyst"], &["Director"]),
            change("mobilePhone", &["+44 1"], &[]),
        ],
    )]));
    expect_test::expect![[r#"<dl class="changes"><div><dt><bdi>title</bdi></dt><dd><del><span class="value"><bdi>Analyst</bdi></span></del> → <ins><span class="value"><bdi>Director</bdi></span></ins></dd></div><div><dt><bdi>mobilePhone</bdi></dt><dd><del><span class="value"><bdi>+44 1</bdi></span></del> → <ins><span class="none">–</span></ins></dd></div>"#]]
    .assert_eq(page.split_inclusive("</dl>").next().unwrap().split("<div class=\"what\">").nth(1).unwrap().trim_end_matches("</dl>"));
}

#[test]
fn a_page_loads_nothing_and_its_policy_lets_nothing_else_run() {
    let plan = plan_of(vec![entry("ada", Action::Create, vec![])]);
    for page in pages(&plan)
        .into_iter()
        .chain([super::report::report(&Report::default())])
    {
        assert!(
            page.contains("default-src 'none'; style-src 'sha256-"),
            "{page}"
        );
        for outside in [
            "http://", "https://", "src=", "@import", "url(", "style=\"", "onclick", "unsafe",
        ] {
            assert!(!page.contains(outside), "{outside}: {page}");
        }
    }
    assert!(super::plan::plan(&plan).contains("form-action 'none'"));
}

#[test]
fn twenty_thousand_entries_are_in_closed_blocks_and_on_pages_of_a_review() {
    let entries = (0..20_000).map(|n| {
        entry(
            &format!("E{n:05}"),
            Action::Create,
            vec![change("site", &[], &["London"])],
        )
    });
    let plan = plan_of(entries.collect());
    let page = super::plan::plan(&plan);
    assert_eq!(page.matches("<details>").count(), 200);
    assert!(
        page.contains("E19999") && page.len() < 12_000_000,
        "{}",
        page.len()
    );
    let page = review(&plan, &View::read(b"page=399"));
    assert!(
        page.contains("E19999") && !page.contains("E19949<") && page.len() < 60_000,
        "{}",
        page.len()
    );
    // A page beyond the last is the last, and what is no number the first.
    assert!(review(&plan, &View::read(b"page=5000")).contains("E19999"));
    let no_number = b"page=99999999999999999999999";
    assert!(review(&plan, &View::read(no_number)).contains("E00000"));
}

#[test]
fn a_view_is_the_same_after_a_journey_through_an_address() {
    let view = View {
        kind: Some(Action::Deactivate),
        state: Some(State::Open),
        find: "Zoë & \"co\" #1".to_owned(),
        page: 3,
    };
    let address = view.address();
    assert_eq!(
        View::read(address.trim_start_matches("./?").as_bytes()),
        view
    );
    assert_eq!(
        View::read(b"kind=nothing&state=no&page=-1&x=%ff"),
        View::default()
    );
}

#[test]
fn a_view_finds_by_every_word_and_only_what_can_be_decided() {
    let plan = plan_of(vec![
        entry(
            "ada",
            Action::Update,
            vec![change("title", &[], &["Head of Sales"])],
        ),
        entry(
            "bob",
            Action::Update,
            vec![change("title", &[], &["Head of Finance"])],
        ),
        entry("eve", Action::Conflict, vec![]),
    ]);
    assert_eq!(View::read(b"find=SALES+head").positions(&plan), [0]);
    assert_eq!(View::default().positions(&plan), [0, 1]);
    assert_eq!(View::read(b"kind=conflict").positions(&plan), [2]);
    let page = review(&plan, &View::read(b"kind=conflict"));
    assert!(
        !page.contains("name=\"approve\"") && !page.contains("name=\"all\""),
        "{page}"
    );
}

#[test]
fn a_file_cannot_be_written_is_known_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    assert!(PageFile::begin(&folder.path().join("none/report.html")).is_err());
    let path = folder.path().join("plan.html");
    plan_of(vec![]).write_page(&path).unwrap();
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .contains("Nothing is to be changed")
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
