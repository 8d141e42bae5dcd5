//! What is decided for whom: never the wrong person, never twice, and unknown is not no.

use std::collections::HashMap;

use super::*;
use crate::contract::Value;
use crate::contract::{
    Account, AccountStatus, Attribute, AttributeSpec, DeletionEffect, Manifest, Mutability,
    Operations, Uniqueness, ValueType,
};
use crate::limits::Limits;
use crate::sync::guard::{Allowed, Guard};
use crate::sync::journal::{Conclusion, Intent, Journal, Outcome, RunStart, Spelling};
use crate::sync::scratch::Scratch;
use crate::sync::{
    BadRow, Guards, Leavers, Phase, Policy, Standing, Switches, Tenant, Unnamed, Wish,
};

fn attribute_spec(name: &str, mutability: Mutability) -> AttributeSpec {
    AttributeSpec {
        name: name.to_owned(),
        title: name.to_owned(),
        help: String::new(),
        path: name.to_owned(),
        value_type: ValueType::Text,
        format: None,
        multi_valued: false,
        required: name == "userName",
        case_exact: name != "userName",
        sensitive: false,
        mutability,
        uniqueness: Uniqueness::None,
        choices: Vec::new(),
        max_length: None,
    }
}

fn manifest() -> Manifest {
    let specs = [
        ("userName", Mutability::ReadWrite),
        ("number", Mutability::ReadWrite),
        ("title", Mutability::ReadWrite),
        ("site", Mutability::SetOnce),
        ("password", Mutability::WriteOnly),
        ("created", Mutability::ReadOnly),
    ];
    Manifest {
        id: "acme".to_owned(),
        title: "Acme".to_owned(),
        version: "1.0.0".to_owned(),
        setup: String::new(),
        settings: Vec::new(),
        credentials: Vec::new(),
        headers: Vec::new(),
        attributes: specs
            .iter()
            .map(|(name, mutability)| attribute_spec(name, *mutability))
            .collect(),
        lookup_keys: vec!["userName".to_owned(), "number".to_owned()],
        identity_key: Some("number".to_owned()),
        operations: Operations::LIST | Operations::CREATE | Operations::UPDATE,
        deletion: DeletionEffect::Deactivates,
        max_page_size: 100,
        quirks: Vec::new(),
    }
}

fn policy() -> Policy {
    Policy {
        leavers: Leavers::Deactivate,
        unnamed: Unnamed::Keep,
        switches: Switches {
            create: true,
            update: true,
            reactivate: true,
            deactivate: true,
        },
        order: vec![Phase::Joiners, Phase::Movers, Phase::Leavers],
        guards: Guards::default(),
        identity_key: Some("number".to_owned()),
        lookup_key: "userName".to_owned(),
    }
}

fn attributes(pairs: &[(&str, &str)]) -> Vec<Attribute> {
    pairs
        .iter()
        .map(|(name, value)| Attribute {
            name: (*name).to_owned(),
            values: vec![Value::Text((*value).to_owned())],
        })
        .collect()
}

/// A tenant, a roster and a journal, and what is planned for them.
struct Town {
    policy: Policy,
    accounts: Vec<Account>,
    wishes: Vec<Wish>,
    bad: Vec<BadRow>,
    journal: Journal,
    doubtful: HashMap<String, String>,
    allowed: Allowed,
    asked: Asked,
}

impl Town {
    fn new() -> Self {
        Self {
            policy: policy(),
            accounts: Vec::new(),
            wishes: Vec::new(),
            bad: Vec::new(),
            journal: Journal::in_memory().unwrap(),
            doubtful: HashMap::new(),
            allowed: Allowed::new(),
            asked: Asked::default(),
        }
    }

    /// An active account.
    fn account(mut self, id: &str, pairs: &[(&str, &str)]) -> Self {
        self.accounts.push(Account {
            id: id.to_owned(),
            status: AccountStatus::Active,
            attributes: attributes(pairs),
            version: None,
        });
        self
    }

    /// The last account is an inactive one.
    fn inactive(mut self) -> Self {
        self.accounts.last_mut().unwrap().status = AccountStatus::Inactive;
        self
    }

    fn link(self, person: &str, account: &str) -> Self {
        self.journal
            .link_all("2026-01-01T00:00:00Z", [(person, account)])
            .unwrap();
        self
    }

    /// Somebody who is to have an account; their number is their key.
    fn wants(self, person: &str, pairs: &[(&str, &str)]) -> Self {
        let mut all = vec![("number", person)];
        all.extend(pairs);
        self.wants_without_number(person, &all)
    }

    fn wants_without_number(mut self, person: &str, pairs: &[(&str, &str)]) -> Self {
        let attributes = attributes(pairs);
        let given = |name: &str| attributes.iter().find(|given| given.name == name).cloned();
        self.wishes.push(Wish {
            key: person.to_owned(),
            line: self.wishes.len() as u64 + 2,
            standing: Standing::Wanted { role: None },
            lookup: given("userName"),
            identity: given("number"),
            attributes,
            cleared: Vec::new(),
            protected: None,
        });
        self
    }

    /// The last of the roster has left.
    fn left(self) -> Self {
        self.standing(Standing::NoLonger {
            reason: "Their last day is over.".to_owned(),
        })
    }

    fn standing(mut self, standing: Standing) -> Self {
        self.wishes.last_mut().unwrap().standing = standing;
        self
    }

    fn plan(&self) -> Plan {
        let manifest = manifest();
        let scratch = Scratch::new(&manifest, &self.policy, &Limits::default()).unwrap();
        for wish in &self.wishes {
            assert_eq!(scratch.add_wish(wish).unwrap(), None);
        }
        for bad in &self.bad {
            assert_eq!(scratch.add_bad(bad).unwrap(), None);
        }
        for account in &self.accounts {
            scratch.add_account(account).unwrap();
        }
        scratch.copy_links(&self.journal).unwrap();
        let protects = |account: &Account| {
            let admin = crate::attributes::values(account, "title") == [text("Admin")];
            Ok(admin.then(|| "title is Admin".to_owned()))
        };
        make(&Making {
            manifest: &manifest,
            policy: &self.policy,
            protects: &protects,
            scratch: &scratch,
            journal: &self.journal,
            tenant: &Tenant::named("acme", "https://acme.example"),
            asked: &self.asked,
            allowed: &self.allowed,
            doubtful: &self.doubtful,
            identity_unchecked: false,
            made_at: "2026-03-01T09:00:00.000Z".to_owned(),
            roster: "r".to_owned(),
            rules: "u".to_owned(),
        })
        .unwrap()
    }

    /// Who, what, to which account; what changes.
    fn decided(&self) -> Vec<String> {
        lines(&self.plan())
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn lines(plan: &Plan) -> Vec<String> {
    let shown = |values: &[Value]| crate::sync::values::shown(values);
    plan.entries
        .iter()
        .map(|entry| {
            let mut line = format!("{} {}", entry.who(), entry.action.name());
            if let Some(account) = &entry.account {
                line.push_str(&format!(" {account}"));
            }
            if entry.action != Action::Create {
                for change in &entry.changes {
                    let (old, new) = (shown(&change.old), shown(&change.new));
                    line.push_str(&format!(" {}:{old}→{new}", change.attribute));
                }
            }
            if let Some(owner) = &entry.after {
                line.push_str(&format!(" after {owner}"));
            }
            line
        })
        .collect()
}

const ADA: (&str, &str) = ("userName", "ada@x");
const BOB: (&str, &str) = ("userName", "bob@x");
const NOBODY: [&str; 0] = [];

#[test]
fn whoever_is_nowhere_to_be_found_is_made_with_what_the_rules_want() {
    let town = Town::new().wants(
        "E1",
        &[
            ADA,
            ("title", "Analyst"),
            ("password", "x"),
            ("created", "y"),
        ],
    );
    let plan = town.plan();
    assert_eq!(lines(&plan), ["E1 create"]);
    let names: Vec<_> = plan.entries[0]
        .changes
        .iter()
        .map(|change| change.attribute.as_str())
        .collect();
    assert_eq!(names, ["number", "password", "title", "userName"]);
    assert_eq!(plan.entries[0].line, Some(2));
}

#[test]
fn whoever_is_as_wanted_is_counted_and_not_an_entry() {
    let town = Town::new()
        .account(
            "1",
            &[
                ("userName", "ADA@x"),
                ("number", "E1"),
                ("title", "Analyst"),
            ],
        )
        .wants("E1", &[ADA, ("title", " Analyst ")]);
    assert_eq!(town.decided(), NOBODY);
    assert_eq!(town.plan().counts.nothing, 1);
}

#[test]
fn what_differs_is_changed_from_old_to_new_and_write_only_never_counts() {
    let town = Town::new()
        .account("1", &[ADA, ("number", "E1"), ("title", "Clerk")])
        .wants("E1", &[ADA, ("title", "Analyst"), ("password", "x")]);
    assert_eq!(town.decided(), ["E1 update 1 title:Clerk→Analyst"]);
}

#[test]
fn what_gave_no_value_is_cleared_and_a_required_attribute_is_not() {
    let mut town = Town::new()
        .account("1", &[ADA, ("number", "E1"), ("title", "Clerk")])
        .wants("E1", &[ADA]);
    town.wishes[0].cleared = vec!["title".to_owned(), "userName".to_owned()];
    assert_eq!(town.decided(), ["E1 update 1 title:Clerk→"]);
    assert_eq!(
        town.plan().entries[0].notices[0].code,
        "required-not-cleared"
    );
}

#[test]
fn a_set_once_attribute_that_differs_does_not_block_the_rest() {
    let town = Town::new()
        .account(
            "1",
            &[
                ADA,
                ("number", "E1"),
                ("site", "London"),
                ("title", "Clerk"),
            ],
        )
        .wants("E1", &[ADA, ("site", "Madrid"), ("title", "Analyst")]);
    assert_eq!(town.decided(), ["E1 update 1 title:Clerk→Analyst"]);
    assert_eq!(town.plan().entries[0].notices[0].code, "set-once-differs");
    let unset = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .wants("E1", &[ADA, ("site", "Madrid")]);
    assert_eq!(unset.decided(), ["E1 update 1 site:→Madrid"]);
}

#[test]
fn a_link_makes_a_changed_name_an_update() {
    let town = Town::new()
        .account("1", &[ADA])
        .link("E1", "1")
        .wants_without_number("E1", &[("userName", "countess@x")]);
    assert_eq!(town.decided(), ["E1 update 1 userName:ada@x→countess@x"]);
}

#[test]
fn a_known_identity_makes_a_changed_name_an_update_without_a_link() {
    let town = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .wants("E1", &[("userName", "countess@x")]);
    assert_eq!(town.decided(), ["E1 update 1 userName:ada@x→countess@x"]);
}

#[test]
fn a_rehire_with_the_same_identity_is_reactivated_with_what_changed() {
    let town = Town::new()
        .account("1", &[ADA, ("number", "E1"), ("title", "Clerk")])
        .inactive()
        .wants("E1", &[ADA, ("title", "Analyst")]);
    assert_eq!(town.decided(), ["E1 reactivate 1 title:Clerk→Analyst"]);
}

#[test]
fn a_namesake_of_a_leaver_is_a_conflict_by_identity_by_link_and_by_doubt() {
    let by_identity = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .inactive()
        .wants("E9", &[ADA]);
    assert_eq!(by_identity.decided(), ["E9 conflict"]);
    let by_link = Town::new()
        .account("1", &[ADA])
        .inactive()
        .link("E1", "1")
        .wants("E9", &[ADA]);
    assert_eq!(by_link.decided(), ["E9 conflict"]);
    let by_doubt = Town::new()
        .account("1", &[ADA])
        .inactive()
        .wants("E9", &[ADA]);
    assert_eq!(by_doubt.decided(), ["E9 conflict 1"]);
    // The same with the leaver still in the roster.
    let both = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .wants("E1", &[ADA])
        .left()
        .wants("E9", &[ADA]);
    assert_eq!(both.decided(), ["E1 deactivate 1", "E9 conflict"]);
}

#[test]
fn an_active_account_without_identity_is_adopted_with_a_notice() {
    let town = Town::new().account("1", &[ADA]).wants("E1", &[ADA]);
    assert_eq!(town.decided(), ["E1 update 1 number:→E1"]);
    assert_eq!(town.plan().entries[0].notices[0].code, "adopted-by-name");
}

#[test]
fn an_account_of_another_identity_is_a_conflict_even_with_a_link() {
    let town = Town::new()
        .account("1", &[ADA, ("number", "E7")])
        .link("E1", "1")
        .wants("E1", &[ADA]);
    assert_eq!(town.decided(), ["E1 conflict"]);
}

#[test]
fn link_and_identity_that_lead_to_two_accounts_are_a_conflict() {
    let town = Town::new()
        .account("1", &[ADA])
        .account("2", &[BOB, ("number", "E1")])
        .link("E1", "1")
        .wants("E1", &[ADA]);
    assert_eq!(town.decided(), ["E1 conflict"]);
}

#[test]
fn an_account_that_is_gone_is_looked_for_by_identity_then_by_name_and_then_made() {
    let by_identity = Town::new()
        .account("2", &[ADA, ("number", "E1")])
        .link("E1", "1")
        .wants("E1", &[ADA]);
    assert_eq!(by_identity.decided(), NOBODY);
    let by_name = Town::new()
        .account("2", &[ADA])
        .link("E1", "1")
        .wants("E1", &[ADA]);
    assert_eq!(by_name.decided(), ["E1 update 2 number:→E1"]);
    let gone = Town::new().link("E1", "1").wants("E1", &[ADA]);
    assert_eq!(gone.decided(), ["E1 create"]);
    assert_eq!(gone.plan().entries[0].notices[0].code, "account-gone");
}

#[test]
fn several_accounts_with_one_identity_or_one_name_are_a_conflict() {
    let identity = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .account("2", &[BOB, ("number", "E1")])
        .wants("E1", &[ADA]);
    assert_eq!(identity.decided(), ["E1 conflict"]);
    let name = Town::new()
        .account("1", &[ADA])
        .account("2", &[ADA])
        .wants("E1", &[ADA]);
    assert_eq!(name.decided(), ["E1 conflict"]);
}

#[test]
fn two_people_who_lead_to_one_account_are_both_a_conflict() {
    let by_name = Town::new()
        .account("1", &[ADA])
        .wants_without_number("E1", &[ADA])
        .wants_without_number("E2", &[ADA]);
    assert_eq!(by_name.decided(), ["E1 conflict", "E2 conflict"]);
    let by_link_and_identity = Town::new()
        .account("1", &[ADA, ("number", "E2")])
        .link("E1", "1")
        .wants_without_number("E1", &[ADA])
        .wants("E2", &[ADA]);
    assert_eq!(
        by_link_and_identity.decided(),
        ["E1 conflict", "E2 conflict"]
    );
    let one_identity = Town::new()
        .account("1", &[ADA, ("number", "N")])
        .wants_without_number("E1", &[ADA, ("number", "N")])
        .wants_without_number("E2", &[BOB, ("number", "N")]);
    assert_eq!(one_identity.decided(), ["E1 conflict", "E2 conflict"]);
}

#[test]
fn two_new_people_with_one_name_are_both_a_conflict() {
    let town = Town::new()
        .wants("E1", &[ADA])
        .wants("E2", &[("userName", "Ada@X")]);
    assert_eq!(town.decided(), ["E1 conflict", "E2 conflict"]);
}

#[test]
fn a_name_that_is_handed_over_goes_to_its_new_owner_after_the_old_one_changed() {
    let town = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .wants("E9", &[ADA])
        .wants("E1", &[("userName", "countess@x")]);
    assert_eq!(
        town.decided(),
        [
            "E9 create after E1",
            "E1 update 1 userName:ada@x→countess@x"
        ]
    );
    let plan = town.plan();
    let order = waves(&plan.entries, &town.policy.order);
    assert_eq!(order, [vec![1], vec![0]]);
}

#[test]
fn a_chain_of_names_goes_from_its_free_end() {
    let town = Town::new()
        .account("1", &[("userName", "a@x"), ("number", "E1")])
        .account("2", &[("userName", "b@x"), ("number", "E2")])
        .account("3", &[("userName", "c@x"), ("number", "E3")])
        .wants("E1", &[("userName", "b@x")])
        .wants("E2", &[("userName", "c@x")])
        .wants("E3", &[("userName", "d@x")]);
    let plan = town.plan();
    assert_eq!(
        waves(&plan.entries, &town.policy.order),
        [vec![2], vec![1], vec![0]]
    );
}

#[test]
fn people_who_swap_names_are_all_a_conflict_and_so_is_who_waits_for_them() {
    let town = Town::new()
        .account("1", &[("userName", "a@x"), ("number", "E1")])
        .account("2", &[("userName", "b@x"), ("number", "E2")])
        .account("3", &[("userName", "c@x"), ("number", "E3")])
        .wants("E1", &[("userName", "b@x")])
        .wants("E2", &[("userName", "a@x")])
        .wants("E3", &[("userName", "d@x")]);
    assert_eq!(
        town.decided(),
        [
            "E1 conflict 1",
            "E2 conflict 2",
            "E3 update 3 userName:c@x→d@x"
        ]
    );
    let town = town.wants("E4", &[("userName", "A@x")]);
    let decided = town.decided();
    assert_eq!(decided[3], "E4 conflict");
}

#[test]
fn a_name_that_its_owner_keeps_or_cannot_give_up_is_a_conflict() {
    let keeps = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .account("2", &[BOB, ("number", "E2")])
        .wants("E1", &[ADA])
        .wants("E2", &[ADA]);
    assert_eq!(keeps.decided(), ["E2 conflict 2"]);
    let mut switched_off = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .wants("E1", &[("userName", "countess@x")])
        .wants("E9", &[ADA]);
    switched_off.policy.switches.update = false;
    assert_eq!(switched_off.decided(), ["E1 skipped 1", "E9 conflict"]);
    let strangers = Town::new()
        .account("1", &[ADA])
        .account("2", &[BOB, ("number", "E2")])
        .wants("E2", &[ADA]);
    assert_eq!(strangers.decided(), ["E2 conflict 2"]);
}

#[test]
fn leavers_are_deactivated_kept_or_left_alone_as_the_rules_say() {
    let leaver = || {
        Town::new()
            .account("1", &[ADA, ("number", "E1")])
            .wants("E1", &[ADA])
            .left()
    };
    assert_eq!(leaver().decided(), ["E1 deactivate 1"]);
    assert_eq!(
        leaver().plan().entries[0].reason.as_deref(),
        Some("Their last day is over.")
    );
    let mut kept = leaver();
    kept.policy.leavers = Leavers::Keep;
    assert_eq!(kept.decided(), ["E1 skipped 1"]);
    let mut off = leaver();
    off.policy.switches.deactivate = false;
    assert_eq!(off.decided(), ["E1 skipped 1"]);
    let mut gone = leaver();
    gone.accounts.clear();
    assert_eq!(gone.decided(), ["E1 skipped"]);
    let mut already = leaver();
    already = already.inactive();
    assert_eq!(already.decided(), NOBODY);
}

#[test]
fn a_future_hire_is_neither_made_nor_touched() {
    let from = Standing::NotYet {
        from: "2026-04-01".parse().unwrap(),
    };
    let new = Town::new().wants("E1", &[ADA]).standing(from.clone());
    assert_eq!(new.decided(), ["E1 skipped"]);
    let back = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .inactive()
        .wants("E1", &[ADA])
        .standing(from.clone());
    assert_eq!(back.decided(), ["E1 skipped 1"]);
    let active = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .wants("E1", &[ADA])
        .standing(from);
    assert_eq!(active.decided(), ["E1 skipped 1"]);
}

#[test]
fn the_protected_are_skipped_whatever_they_are_to_be() {
    let account = Town::new()
        .account("1", &[ADA, ("number", "E1"), ("title", "Admin")])
        .wants("E1", &[ADA, ("title", "Clerk")])
        .left();
    assert_eq!(account.decided(), ["E1 skipped 1"]);
    let mut person = Town::new().wants("E1", &[ADA]);
    person.wishes[0].protected = Some("the board".to_owned());
    assert_eq!(person.decided(), ["E1 skipped"]);
    let mut unnamed = Town::new().account("1", &[ADA, ("title", "Admin")]);
    unnamed.policy.unnamed = Unnamed::Deactivate;
    assert_eq!(unnamed.decided(), ["ada@x skipped 1"]);
}

#[test]
fn accounts_without_a_row_go_only_where_the_rules_say_so_and_every_row_was_read() {
    let mut town = Town::new()
        .account("1", &[ADA])
        .account("2", &[BOB, ("number", "E2")])
        .account("3", &[("userName", "eve@x")])
        .inactive()
        .link("E5", "1")
        .wants("E2", &[BOB]);
    assert_eq!(town.decided(), NOBODY);
    town.policy.unnamed = Unnamed::Deactivate;
    assert_eq!(town.decided(), ["E5 deactivate 1"]);
    town.bad.push(BadRow {
        line: 9,
        key: None,
        reason: "an unclosed quote".to_owned(),
    });
    let plan = town.plan();
    assert_eq!(lines(&plan), ["? conflict"]);
    assert_eq!(plan.notices[0].code, "unnamed-left-alone");
    town.allowed.insert(Guard::BadRows);
    assert_eq!(town.decided(), ["? conflict", "E5 deactivate 1"]);
}

#[test]
fn whoever_has_a_row_that_cannot_be_read_keeps_the_account_even_then() {
    let mut town = Town::new().account("1", &[ADA]).link("E5", "1");
    town.policy.unnamed = Unnamed::Deactivate;
    town.allowed.insert(Guard::BadRows);
    town.bad.push(BadRow {
        line: 9,
        key: Some("E5".to_owned()),
        reason: "no such date".to_owned(),
    });
    assert_eq!(town.decided(), ["E5 conflict"]);
}

#[test]
fn people_in_conflict_are_not_nobodys() {
    let mut town = Town::new()
        .account("1", &[ADA])
        .account("2", &[BOB, ("number", "E1")])
        .link("E1", "1")
        .wants("E1", &[ADA]);
    town.policy.unnamed = Unnamed::Deactivate;
    assert_eq!(town.decided(), ["E1 conflict"]);
}

#[test]
fn whoever_has_an_open_write_is_left_until_it_is_known() {
    let mut town = Town::new().wants("E1", &[ADA]).wants("E2", &[BOB]);
    town.doubtful.insert("E1".to_owned(), "open".to_owned());
    assert_eq!(town.decided(), ["E1 conflict", "E2 create"]);
}

#[test]
fn a_value_in_the_upstreams_own_spelling_is_sent_again_only_when_a_side_changes() {
    let town = |stored: &str, wanted: &str| {
        let town = Town::new()
            .account("1", &[ADA, ("number", "E1"), ("title", stored)])
            .wants("E1", &[ADA, ("title", wanted)]);
        let run = town.journal.begin_run(&RunStart::default()).unwrap();
        let intent = Intent {
            at: String::new(),
            person: Some("E1".to_owned()),
            name: None,
            action: "update".to_owned(),
            account: None,
            wanted: serde_json::Value::Null,
        };
        let step = town.journal.intend(run, &intent).unwrap();
        let conclusion = Conclusion {
            at: String::new(),
            outcome: Outcome::Done,
            detail: None,
            account: None,
            link: Some(("E1".to_owned(), "1".to_owned())),
            spellings: vec![Spelling {
                attribute: "title".to_owned(),
                sent: vec![text("Q.A.")],
                stored: vec![text("QA")],
            }],
        };
        town.journal.conclude(step, &conclusion).unwrap();
        town.decided()
    };
    assert_eq!(town("QA", "Q.A."), NOBODY);
    assert_eq!(town("Clerk", "Q.A."), ["E1 update 1 title:Clerk→Q.A."]);
    assert_eq!(town("QA", "Q. A."), ["E1 update 1 title:QA→Q. A."]);
}

#[test]
fn only_what_was_asked_for_is_done() {
    let town = || {
        Town::new()
            .account("1", &[ADA, ("number", "E1")])
            .wants("E1", &[ADA])
            .left()
            .wants("E2", &[BOB])
    };
    let mut only = town();
    only.asked.only = Some([Action::Create].into());
    assert_eq!(only.decided(), ["E1 skipped 1", "E2 create"]);
    let mut person = town();
    person.asked.person = Some("E1".to_owned());
    assert_eq!(person.decided(), ["E1 deactivate 1"]);
    person.policy.unnamed = Unnamed::Deactivate;
    assert_eq!(person.decided(), ["E1 deactivate 1"]);
}

#[test]
fn switched_off_actions_are_skipped_with_the_reason() {
    let mut town = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .inactive()
        .account("2", &[BOB, ("number", "E2")])
        .wants("E1", &[ADA])
        .wants("E2", &[BOB, ("title", "Clerk")])
        .wants("E3", &[("userName", "eve@x")]);
    town.policy.switches = Switches {
        create: false,
        update: false,
        reactivate: false,
        deactivate: false,
    };
    assert_eq!(
        town.decided(),
        ["E1 skipped 1", "E2 skipped 2", "E3 skipped"]
    );
    let reasons: Vec<_> = town
        .plan()
        .entries
        .into_iter()
        .filter_map(|entry| entry.reason)
        .collect();
    assert_eq!(reasons[1], "`update` is switched off.");
}

#[test]
fn a_plan_is_the_same_after_its_file_but_for_what_is_nobodys_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    let town = Town::new()
        .account("1", &[ADA, ("number", "E1")])
        .wants("E1", &[ADA, ("title", "Analyst")])
        .wants("E2", &[BOB, ("password", "correct horse")]);
    let plan = town.plan();
    plan.write(&path).unwrap();
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(!written.contains("correct horse"), "{written}");
    let read = Plan::read(&path).unwrap();
    let mut expected = plan.clone();
    let password = expected.entries[1]
        .changes
        .iter_mut()
        .find(|change| change.hidden);
    password.unwrap().new = vec![text(crate::sync::values::HIDDEN)];
    assert_eq!(read, expected);
    std::fs::write(&path, written.replace("\"version\": 1", "\"version\": 2")).unwrap();
    assert!(
        Plan::read(&path)
            .unwrap_err()
            .to_string()
            .contains("version 2")
    );
}

mod approved {
    use super::*;

    fn town() -> Town {
        Town::new()
            .account("1", &[ADA, ("number", "E1")])
            .wants("E1", &[ADA, ("title", "Analyst")])
            .wants("E2", &[BOB])
    }

    fn carried(approved: &Plan, town: &Town) -> (Vec<String>, Vec<String>, Vec<String>) {
        let compared = compare(approved, town.plan().entries);
        let names = |left: &[crate::sync::plan::Left]| left.iter().map(|left| left.who()).collect();
        let carried = compared.entries.iter().map(|entry| entry.who().to_owned());
        (
            carried.collect(),
            names(&compared.moved),
            names(&compared.rejected),
        )
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_in_both_is_carried_out_and_what_is_in_one_is_not() {
        let approved = town().plan();
        let later = town().wants("E3", &[("userName", "eve@x")]);
        let (carried, moved, _) = carried(&approved, &later);
        assert_eq!((carried, moved), (owned(&["E1", "E2"]), owned(&["E3"])));
    }

    #[test]
    fn an_account_that_changed_meanwhile_has_moved() {
        let approved = town().plan();
        let mut later = town();
        later.accounts[0]
            .attributes
            .extend(attributes(&[("site", "London")]));
        let (carried, moved, _) = carried(&approved, &later);
        assert_eq!((carried, moved), (owned(&["E2"]), owned(&["E1"])));
    }

    #[test]
    fn other_changes_are_another_plan() {
        let approved = town().plan();
        let mut later = town();
        later.wishes[0].attributes[2].values = vec![text("Director")];
        let (_, moved, _) = carried(&approved, &later);
        assert_eq!(moved, owned(&["E1"]));
    }

    #[test]
    fn what_was_done_meanwhile_is_neither_repeated_nor_missed() {
        let approved = town().plan();
        let mut later = town();
        later.accounts[0]
            .attributes
            .extend(attributes(&[("title", "Analyst")]));
        let (carried, moved, _) = carried(&approved, &later);
        assert_eq!((carried, moved), (owned(&["E2"]), owned(&[])));
    }

    #[test]
    fn who_waited_for_a_name_that_is_free_by_now_waits_for_nobody() {
        let town = |hers: &str| {
            Town::new()
                .account("1", &[("userName", hers), ("number", "E1")])
                .account("2", &[BOB, ("number", "E2")])
                .wants("E1", &[("userName", "countess@x")])
                .wants("E2", &[ADA])
        };
        let approved = town("ada@x").plan();
        let (carried_out, moved, _) = carried(&approved, &town("countess@x"));
        assert_eq!((carried_out, moved), (owned(&["E2"]), owned(&[])));
        // Somebody else has the name by now, and gives it up, too: another plan.
        let later = town("countess@x")
            .account("3", &[ADA, ("number", "E3")])
            .wants("E3", &[("userName", "eve@x")]);
        let (carried_out, moved, _) = carried(&approved, &later);
        assert_eq!((carried_out, moved), (owned(&[]), owned(&["E2", "E3"])));
    }

    #[test]
    fn what_a_reviewer_rejected_or_left_open_stays() {
        let mut approved = town().plan();
        approved.entries[0].approved = Some(false);
        assert_eq!(carried(&approved, &town()).2, owned(&["E1", "E2"]));
        approved.entries[1].approved = Some(true);
        let (carried, _, rejected) = carried(&approved, &town());
        assert_eq!((carried, rejected), (owned(&["E2"]), owned(&["E1"])));
    }
}

/// What is read to look things up in goes to disk, and no listing fills that.
#[test]
fn a_run_keeps_no_more_on_disk_than_the_operator_allows() {
    let limits = Limits {
        scratch_bytes: 1 << 20,
        ..Limits::default()
    };
    let scratch = Scratch::new(&manifest(), &policy(), &limits).unwrap();
    let full = (0..5_000).find_map(|number| {
        let account = Account {
            id: format!("account-{number}"),
            status: AccountStatus::Active,
            attributes: attributes(&[("title", &"x".repeat(1_000))]),
            version: None,
        };
        Some((number, scratch.add_account(&account).err()?))
    });
    let (number, error) = full.expect("it grows without end");
    assert!(number > 300, "{number} accounts of a kilobyte fit");
    assert_eq!(error.kind(), "limit-reached", "{error}");
    let message = error.to_string();
    assert!(
        message.contains("`scratch-bytes` under [limits]"),
        "{message}"
    );
}
