//! The table of checks, in the order in which they run: the later ones work on the accounts that
//! the earlier ones made.

use super::check::{Check, Touches};
use super::{
    access, claims, creating, deleting, finding, listing, opening, reading, refusals, status,
    texts, updating,
};

macro_rules! checks {
    ($($name:literal, $touches:ident, $run:path, $contract:literal, $reason:literal;)*) => {
        &[$(Check {
            name: $name,
            reason: $reason,
            contract: $contract,
            touches: Touches::$touches,
            run: |trial| Box::pin($run(trial)),
        }),*]
    };
}

/// Every check, in the order in which they run.
#[must_use]
pub fn checks() -> &'static [Check] {
    CHECKS
}

static CHECKS: &[Check] = checks! {
    "manifest-says-the-same", Nothing, claims::says_the_same, "manifest.wit, describe",
    "The manifest is the same each time it is asked for: a host asks once and relies on it.";
    "manifest-is-coherent", Nothing, claims::is_coherent, "manifest.wit, manifest",
    "What the manifest claims can be true at the same time: lookup keys can be read, what is required can be given, choices fit their type and length.";
    "wrong-settings-all-at-once", Nothing, opening::wrong_settings, "accounts.wit, connection.open",
    "Every wrong setting is reported at once, by its name, so that an operator mends them in one go.";
    "missing-settings-are-named", Nothing, opening::missing_settings, "accounts.wit, connection.open",
    "Without any setting each required one is reported by its name.";
    "reach-lies-in-the-grant", Nothing, opening::reach, "accounts.wit, connection.reach",
    "The connector says which addresses its requests stay under, and each lies in what the operator granted.";
    "foreign-note-is-ignored", Reads, opening::foreign_note, "accounts.wit, connection.open",
    "A note of what was learned that the connector cannot read changes nothing.";
    "check-succeeds", Reads, access::check_succeeds, "accounts.wit, connection.check",
    "With good settings and credentials the check succeeds, by reading alone.";
    "refused-credential", Reads, access::refused_credential, "types.wit, failure-kind",
    "A wrong credential is `unauthenticated`, and nothing else: an operator has to know what to mend.";

    "create-missing-required", Writes, refusals::create_missing_required, "accounts.wit, connection.create",
    "A draft without the required attributes is `invalid-account`, each is named, and nothing is sent.";
    "create-unknown-attribute", Writes, refusals::create_unknown, "accounts.wit, connection.create",
    "An attribute that the manifest does not list is `invalid-account` and named, and nothing is sent.";
    "create-read-only-attribute", Writes, refusals::create_read_only, "manifest.wit, mutability",
    "A read-only attribute in a draft is `invalid-account` and named, and nothing is sent.";
    "create-attribute-twice", Writes, refusals::create_twice_named, "types.wit, draft",
    "An attribute that a draft names twice is `invalid-account` and named, and nothing is sent.";
    "create-wrong-type", Writes, refusals::create_wrong_type, "manifest.wit, attribute-spec",
    "A value of another type than the manifest says is `invalid-account` and named, and nothing is sent.";
    "create-several-values", Writes, refusals::create_several_values, "manifest.wit, attribute-spec",
    "Several values for an attribute that holds one are `invalid-account` and named, and nothing is sent.";
    "create-beyond-choices", Writes, refusals::create_beyond_choices, "manifest.wit, attribute-spec",
    "A value that is none of the choices is `invalid-account` and named, and nothing is sent.";
    "create-too-long", Writes, refusals::create_too_long, "manifest.wit, attribute-spec",
    "A text of one character more than `max-length` is `invalid-account` and named, and nothing is sent.";
    "create-all-problems-at-once", Writes, refusals::create_all_problems, "accounts.wit, connection.create",
    "Several problems of one draft are reported together, so that they are mended in one go.";

    "create", Writes, creating::create, "accounts.wit, connection.create",
    "An account is made with every attribute that can be given, and the outcome shows what was asked.";
    "create-inactive", Writes, creating::create_inactive, "manifest.wit, operations",
    "An account of the required attributes alone is made, inactive where `set-status` is claimed.";
    "create-twice", Writes, creating::create_twice, "types.wit, failure-kind",
    "The same draft once more is `already-exists` with the account that stands in the way, and makes no second one.";

    "get", Reads, reading::get, "accounts.wit, connection.get",
    "An account is read by its id, as the outcome or the page showed it.";
    "get-unknown-id", Reads, reading::get_unknown, "accounts.wit, connection.get",
    "An id that nobody has is `not-found`, or `invalid-account` where it can name no account.";
    "get-impossible-id", Reads, reading::get_impossible, "accounts.wit, connection.get",
    "An id that would mean another address (empty, with slashes, dots, queries) is refused and leads nowhere.";
    "find-by-each-key", Reads, finding::by_each_key, "accounts.wit, connection.find",
    "An account is found by each lookup key that it has a value of.";
    "find-by-case", Reads, finding::by_case, "accounts.wit, connection.find",
    "A value in other case finds the account where case does not count, and nobody where it does.";
    "find-nobody", Reads, finding::nobody, "accounts.wit, connection.find",
    "A value that nobody has finds nobody, also where it holds quotes, wildcards and what else a search may stumble over.";
    "find-by-no-key", Reads, finding::by_no_key, "accounts.wit, connection.find",
    "An attribute that is no lookup key, or that does not exist, is `unsupported`, never a guess.";
    "pages-of-one", Reads, listing::pages_of_one, "accounts.wit, page",
    "A page of one holds no more than one, and its cursor leads on to somebody else.";
    "page-beyond-the-largest", Reads, listing::beyond_the_largest, "manifest.wit, manifest",
    "A limit above `max-page-size` is taken, and the page is as good as any.";
    "cursor-again", Reads, listing::cursor_again, "accounts.wit, page-query",
    "A cursor is good more than once, and in another connection with the same settings.";
    "foreign-cursor", Reads, listing::foreign_cursor, "types.wit, failure-kind",
    "A cursor that the connector did not give is `invalid-cursor`, and neither the first page nor the last.";
    "list-shows-everybody", Writes, listing::everybody, "accounts.wit, connection.list",
    "A listing to its end shows each account that was made, also an inactive one, as `get` shows it.";
    "unclaimed-operations", Writes, claims::unclaimed_operations, "manifest.wit, operations",
    "What the manifest does not claim fails with `unsupported`, and nothing is sent.";

    "update", Writes, updating::update, "accounts.wit, connection.update",
    "Each attribute that can be changed takes another value, and `get` shows it.";
    "update-leaves-the-rest", Writes, updating::leaves_the_rest, "types.wit, change",
    "What no change names stays as it is.";
    "update-without-difference", Writes, updating::without_difference, "types.wit, effect",
    "An update to what is there already is `unchanged`, and sends no write.";
    "update-clears", Writes, updating::clears, "types.wit, change",
    "An attribute that is cleared has no value any more.";
    "update-clears-required", Writes, refusals::clear_required, "types.wit, change",
    "To clear a required attribute is `invalid-account`, and nothing is written.";
    "update-unknown-attribute", Writes, refusals::update_unknown, "accounts.wit, connection.update",
    "A change of an attribute that the manifest does not list is `invalid-account` and named, and nothing is written.";
    "update-read-only-attribute", Writes, refusals::update_read_only, "manifest.wit, mutability",
    "A change of a read-only attribute is `invalid-account` and named, and nothing is written.";
    "update-set-once-attribute", Writes, refusals::update_set_once, "manifest.wit, mutability",
    "A set-once attribute that has a value is neither changed nor cleared: `invalid-account`, and nothing is written.";
    "update-attribute-twice", Writes, refusals::update_twice_named, "types.wit, edits",
    "An attribute that two changes name is `invalid-account`, and nothing is written.";
    "update-adds-and-removes", Writes, updating::adds_and_removes, "types.wit, change",
    "Values of a multi-valued attribute are added and removed, and what is there or missing already sends no write.";
    "add-to-single-valued", Writes, refusals::add_to_single_valued, "types.wit, change",
    "To add to or remove from an attribute that holds one value is `invalid-account`, and nothing is written.";
    "update-unknown-id", Writes, reading::update_unknown, "accounts.wit, connection.update",
    "An update of an id that nobody has is `not-found`, or `invalid-account` where it can name no account, and nothing is written.";
    "update-to-taken-value", Writes, updating::taken_value, "types.wit, failure-kind",
    "A unique value that another account has is `already-exists` with that account, and nothing changes.";
    "version-clash", Writes, updating::version_clash, "types.wit, edits",
    "With the version of an earlier state an update is `precondition-failed`; with the present one it succeeds.";
    "unicode-values", Writes, texts::unicode_values, "types.wit, value",
    "A text of any script is kept as it is, or refused, never changed without a word.";
    "long-values", Writes, texts::long_values, "manifest.wit, attribute-spec",
    "A text as long as `max-length` is kept; a long one without such a limit is kept or refused, never cut.";
    "set-status", Writes, status::set_status, "manifest.wit, operations",
    "An account is deactivated and activated, `get` shows it, and the same once more sends no write.";

    "delete", Writes, deleting::delete, "accounts.wit, connection.delete",
    "A deleted account is gone, and found no more; where deletion only deactivates it is kept, inactive, with a notice that says why.";
    "delete-twice", Writes, deleting::delete_twice, "accounts.wit, connection.delete",
    "Deleting once more is no failure: `gone`, or kept and unchanged.";
    "delete-unknown-id", Writes, deleting::delete_unknown, "accounts.wit, connection.delete",
    "An account that is not there is `gone`, or `invalid-account` where the id can name no account.";
    "note-holds-no-values", Reads, opening::note, "accounts.wit, connection.learned",
    "What the connection learned has 1 KiB at most and holds no attribute value, and the next connection works with it.";
    "failures-say-what-to-do", Reads, claims::failures, "types.wit, failure",
    "Every failure and notice of this run has a sentence for a person, codes in kebab-case, and problems that name what is at fault.";
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_kebab_case_and_unique_and_reasons_are_sentences() {
        let mut seen = BTreeSet::new();
        for check in checks() {
            let name = check.name;
            let kebab = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            assert!(kebab && seen.insert(name), "{name}");
            assert!(check.reason.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn each_stands_on_an_item_of_the_contract() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        for check in checks() {
            let (file, item) = check.contract.split_once(", ").unwrap();
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            let item = item.strip_prefix("connection.").unwrap_or(item);
            let kinds = ["record", "enum", "variant", "flags", "type"];
            let defined = text.contains(&format!(" {item}: "))
                || text.contains(&format!("%{item}: "))
                || kinds
                    .iter()
                    .any(|kind| text.contains(&format!("{kind} {item} ")));
            assert!(defined, "{}: {}", check.name, check.contract);
        }
    }
}
