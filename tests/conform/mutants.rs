//! Each check finds a fault that is planted for it. The mutant (`tests/mutant`) is the 8x8
//! connector with one fault, and the table says which check has to find which.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use host_harness::Component;
use host_harness::conform::{Report, Verdict, checks};
use simulated_8x8::{Switch, Switches};

use super::{conform, failed, load, names, tenant};
use crate::memory::MUTANT;
use crate::stage;

/// Where the mutant's claims are written; see `tests/mutant/src/claims.rs`.
const MARKER: &[u8] = b"mutant-claims:";
const MARKER_BYTES: usize = 64;

/// So many runs at once.
const AT_ONCE: usize = 4;

/// Every operation, and deletion that deactivates; or what the marker says.
const USUAL: &str = "";
const REMOVES: &str = "removes";
const LISTS: &str = "lists";
const GETS: &str = "gets-and-updates";
/// The fault itself is in the marker, since what it is in is called without settings.
const MARKED: &str = "marked";

/// A fault, what the mutant claims, the check that has to find it, and the others that also do.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

/// The checks of drafts and edits that are refused: each looks for the same of its own.
const REFUSED_DRAFTS: &[&str] = &[
    "create-missing-required",
    "create-unknown-attribute",
    "create-read-only-attribute",
    "create-attribute-twice",
    "create-wrong-type",
    "create-several-values",
    "create-beyond-choices",
    "create-too-long",
    "create-all-problems-at-once",
];

const REFUSED_EDITS: &[&str] = &[
    "update-clears-required",
    "update-read-only-attribute",
    "update-attribute-twice",
    "add-to-single-valued",
];
/// What `get` shows is what all others are held against.
const EVERYWHERE: &[&str] = &["create", "list-shows-everybody", "update", "delete"];

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("another-title-when-asked-again", MARKED, "manifest-says-the-same", &[]),
    ("choice-twice", MARKED, "manifest-is-coherent", &[]),
    ("first-wrong-setting-only", USUAL, "wrong-settings-all-at-once", &[]),
    ("first-missing-setting-unnamed", MARKED, "missing-settings-are-named", &["wrong-settings-all-at-once"]),
    ("reach-wider", USUAL, "reach-lies-in-the-grant", &[]),
    ("reach-traps", USUAL, "reach-lies-in-the-grant", &[]),
    ("foreign-note-refused", USUAL, "foreign-note-is-ignored", &[]),
    ("foreign-note-believed", USUAL, "foreign-note-is-ignored", &[]),
    ("check-writes", USUAL, "check-succeeds", &[]),
    ("wrong-credential-is-forbidden", USUAL, "refused-credential", &[]),
    ("create-takes-missing", USUAL, "create-missing-required", &[]),
    ("create-takes-unknown", USUAL, "create-unknown-attribute", &[]),
    ("create-takes-read-only", USUAL, "create-read-only-attribute", &[]),
    ("create-takes-repeated", USUAL, "create-attribute-twice", &[]),
    ("create-takes-wrong-type", USUAL, "create-wrong-type", &[]),
    ("create-takes-single-valued", USUAL, "create-several-values", &[]),
    ("create-takes-not-a-choice", USUAL, "create-beyond-choices", &[]),
    ("create-takes-too-long", USUAL, "create-too-long", &[]),
    ("first-kind-of-problem-only", USUAL, "create-all-problems-at-once", &[]),
    ("draft-refused-unnamed", USUAL, "create-unknown-attribute", REFUSED_DRAFTS),
    ("draft-refused-late", USUAL, "create-unknown-attribute", REFUSED_DRAFTS),
    ("draft-refused-in-other-words", USUAL, "create-unknown-attribute", REFUSED_DRAFTS),
    ("create-drops-a-part", USUAL, "create", &[]),
    ("create-shows-what-was-asked", USUAL, "create", &["get", "find-by-each-key"]),
    ("create-is-an-update", USUAL, "create", &[]),
    ("create-is-always-active", USUAL, "create-inactive", &[]),
    ("duplicate-without-its-holder", USUAL, "create-twice", &[]),
    ("duplicate-is-anything", USUAL, "create-twice", &[]),
    ("duplicate-is-success", USUAL, "create-twice", &[]),
    ("get-shows-less", USUAL, "get", EVERYWHERE),
    ("unknown-id-is-unavailable", USUAL, "get-unknown-id", &["get-impossible-id"]),
    ("impossible-ids-are-sent", USUAL, "get-impossible-id", &[]),
    ("part-of-an-id-is-enough", USUAL, "get-impossible-id", &[]),
    ("one-key-finds-nobody", USUAL, "find-by-each-key", &[]),
    ("find-shows-less", USUAL, "find-by-each-key", &[]),
    ("case-always-counts", USUAL, "find-by-case", &[]),
    ("case-never-counts", USUAL, "find-by-case", &[]),
    ("nobody-is-a-failure", USUAL, "find-nobody", &[]),
    ("quotes-end-a-search", USUAL, "find-nobody", &[]),
    ("anything-is-a-key", USUAL, "find-by-no-key", &[]),
    ("every-page-the-first", USUAL, "pages-of-one", &[]),
    ("every-second-page-left-out", USUAL, "pages-of-one", &[]),
    ("large-page-refused", USUAL, "page-beyond-the-largest", &[]),
    ("large-page-empty", USUAL, "page-beyond-the-largest", &[]),
    ("cursor-of-one-connection", USUAL, "cursor-again", &[]),
    ("foreign-cursor-starts-over", USUAL, "foreign-cursor", &[]),
    ("foreign-cursor-ends", USUAL, "foreign-cursor", &[]),
    ("list-without-the-inactive", USUAL, "list-shows-everybody", &[]),
    ("list-ends-early", USUAL, "list-shows-everybody", &[]),
    ("list-shows-less", USUAL, "list-shows-everybody", &[]),
    ("unclaimed-get", LISTS, "unclaimed-operations", &[]),
    ("unclaimed-create", LISTS, "unclaimed-operations", &[]),
    ("unclaimed-update", LISTS, "unclaimed-operations", &[]),
    ("unclaimed-delete", LISTS, "unclaimed-operations", &[]),
    ("unclaimed-find", LISTS, "unclaimed-operations", &[]),
    ("unclaimed-list", GETS, "unclaimed-operations", &[]),
    ("unclaimed-set-status", GETS, "unclaimed-operations", &[]),
    ("several-changes-are-one", USUAL, "update", &[]),
    ("several-changes-are-none", USUAL, "update", &[]),
    ("several-changes-show-the-state-before", USUAL, "update", &[]),
    ("one-change-clears-another", USUAL, "update-leaves-the-rest", &[]),
    ("changes-activate", USUAL, "update-leaves-the-rest", &[]),
    ("no-change-is-sent", USUAL, "update-without-difference", &[]),
    ("no-change-is-a-change", USUAL, "update-without-difference", &[]),
    ("clearing-is-ignored", USUAL, "update-clears", &[]),
    ("update-takes-missing", USUAL, "update-clears-required", &[]),
    ("update-takes-unknown", USUAL, "update-unknown-attribute", &[]),
    ("update-takes-read-only", USUAL, "update-read-only-attribute", &[]),
    ("update-takes-set-once", USUAL, "update-set-once-attribute", &[]),
    ("update-takes-repeated", USUAL, "update-attribute-twice", &[]),
    ("edits-refused-late", USUAL, "update-unknown-attribute", REFUSED_EDITS),
    ("adding-replaces", USUAL, "update-adds-and-removes", &[]),
    ("removing-clears", USUAL, "update-adds-and-removes", &[]),
    ("same-value-is-added", USUAL, "update-adds-and-removes", &[]),
    ("update-takes-single-valued", USUAL, "add-to-single-valued", &[]),
    ("nobody-is-updated", USUAL, "update-unknown-id", &[]),
    ("nobody-is-written-to", USUAL, "update-unknown-id", &[]),
    ("taken-without-its-holder", USUAL, "update-to-taken-value", &[]),
    ("taken-is-anything", USUAL, "update-to-taken-value", &[]),
    ("versions-are-ignored", USUAL, "version-clash", &[]),
    ("no-version-will-do", USUAL, "version-clash", &[]),
    ("clash-is-anything", USUAL, "version-clash", &[]),
    ("rare-characters-are-dropped", USUAL, "unicode-values", &[]),
    ("long-texts-are-cut", USUAL, "long-values", &[]),
    ("length-in-bytes", USUAL, "long-values", &[]),
    ("deactivating-is-ignored", USUAL, "set-status", &[]),
    ("deactivating-clears-a-phone", USUAL, "set-status", &[]),
    ("same-status-is-sent", USUAL, "set-status", &[]),
    ("kept-is-gone", USUAL, "delete", &[]),
    ("kept-without-a-word", USUAL, "delete", &[]),
    ("deletion-leaves-active", USUAL, "delete", &["delete-twice"]),
    ("deletion-is-not-sent", REMOVES, "delete", &[]),
    ("second-deletion-is-a-change", USUAL, "delete-twice", &[]),
    ("second-deletion-is-a-failure", USUAL, "delete-twice", &[]),
    ("deleting-nobody-is-a-failure", USUAL, "delete-unknown-id", &[]),
    ("note-too-long", USUAL, "note-holds-no-values", &[]),
    ("note-holds-a-value", USUAL, "note-holds-no-values", &[]),
    ("failure-without-words", USUAL, "failures-say-what-to-do", &[]),
    ("problem-with-nothing", USUAL, "failures-say-what-to-do", &[]),
    ("problem-without-words", USUAL, "failures-say-what-to-do", &[]),
    ("code-is-a-sentence", USUAL, "failures-say-what-to-do", &[]),
    ("notice-of-nothing", USUAL, "failures-say-what-to-do", &[]),
];

/// The mutant with this in its marker.
async fn claiming(claims: &str) -> Component {
    let mut bytes = MUTANT.to_vec();
    let mut places = bytes.windows(MARKER.len());
    let at = places.position(|place| place == MARKER).unwrap() + MARKER.len();
    let end = at - MARKER.len() + MARKER_BYTES;
    bytes[at..end].fill(b' ');
    bytes[at..at + claims.len()].copy_from_slice(claims.as_bytes());
    load(&bytes).await
}

async fn report(component: &Component, claims: &str, fault: &str) -> Report {
    let mut switches = Switches::from(Switch::Versions);
    if claims == REMOVES {
        switches.insert(Switch::DeleteReallyDeletes);
    }
    let tenant = tenant(switches, 2).await;
    let mut options = stage::options(&tenant);
    if claims != MARKED && !fault.is_empty() {
        options = options.setting("fault", fault);
    }
    conform(component, options).await
}

fn skipped(report: &Report) -> BTreeSet<&str> {
    let findings = report.findings.iter();
    let skipped = findings.filter(|finding| matches!(finding.verdict, Verdict::Skipped(_)));
    skipped.map(|finding| finding.check.name).collect()
}

#[tokio::test]
async fn without_a_fault_the_mutant_keeps_the_contract_and_every_check_has_something_to_check() {
    let mut nowhere: Option<BTreeSet<String>> = None;
    for claims in [USUAL, REMOVES, LISTS, GETS] {
        let report = report(&claiming(claims).await, claims, "").await;
        assert_eq!(failed(&report), [""; 0], "{claims}");
        let skipped: BTreeSet<_> = skipped(&report).into_iter().map(str::to_owned).collect();
        for (_, _, due, _) in TABLE.iter().filter(|row| row.1 == claims) {
            assert!(!skipped.contains(*due), "{claims}: {due}");
        }
        nowhere = Some(match nowhere {
            Some(so_far) => &so_far & &skipped,
            None => skipped,
        });
    }
    assert_eq!(
        nowhere,
        Some(BTreeSet::new()),
        "skipped whatever is claimed"
    );
}

#[test]
fn every_check_has_a_fault_to_find() {
    let found: BTreeSet<_> = TABLE.iter().map(|row| row.2).collect();
    let all: BTreeSet<_> = checks().iter().map(|check| check.name).collect();
    assert_eq!(found, all);
    let faults: BTreeSet<_> = TABLE.iter().map(|row| row.0).collect();
    assert_eq!(
        faults.len(),
        TABLE.len(),
        "a fault stands in the table twice"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_is_found_by_its_check_and_by_no_other_than_the_table_says() {
    let mut components = BTreeMap::new();
    for (fault, claims, ..) in TABLE {
        let marker = if *claims == MARKED { fault } else { claims };
        if !components.contains_key(marker) {
            components.insert(*marker, claiming(marker).await);
        }
    }
    let components = Arc::new(components);
    let runs = TABLE.iter().map(|(fault, claims, due, also)| {
        let components = Arc::clone(&components);
        async move {
            let marker = if *claims == MARKED { fault } else { claims };
            let component = components[marker].clone();
            let run = async move { report(&component, claims, fault).await };
            let report = tokio::spawn(run).await.unwrap();
            let mut wanted: BTreeSet<_> = also.iter().copied().collect();
            wanted.insert(*due);
            (names(&report) != wanted).then(|| {
                let said = failed(&report).join("\n    ");
                format!("{fault}, which {due} has to find, is found by:\n    {said}")
            })
        }
    });
    let missed: Vec<_> = iter(runs).buffer_unordered(AT_ONCE).collect().await;
    let missed: Vec<_> = missed.into_iter().flatten().collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
