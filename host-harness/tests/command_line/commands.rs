//! Every command, for people and with `--json`.

use component_8x8::CONNECTOR_8X8;
use serde_json::{Value as Json, json};

use crate::program::{Tenant, harness, program, run};

const ADA: [&str; 7] = [
    "userName=ada@example.com",
    "givenName=Ada",
    "familyName=Lovelace",
    "workEmail=ada@example.com",
    "externalId=E-1815",
    "title=Analyst",
    "site=London",
];

fn with<'a>(command: &[&'a str], attributes: &[&'a str]) -> Vec<&'a str> {
    [command, attributes].concat()
}

fn keys(object: &Json) -> Vec<&str> {
    let mut keys: Vec<&str> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

/// The agreed shape of an account.
fn account(account: &Json) -> &Json {
    assert_eq!(keys(account), ["attributes", "id", "status", "version"]);
    assert!(
        account["attributes"]
            .as_object()
            .unwrap()
            .values()
            .all(Json::is_string)
    );
    account
}

/// The agreed shape of an outcome.
fn outcome<'a>(outcome: &'a Json, effect: &str) -> &'a Json {
    assert_eq!(keys(outcome), ["account", "effect", "notices"]);
    assert_eq!(outcome["effect"], effect, "{outcome}");
    for notice in outcome["notices"].as_array().unwrap() {
        assert_eq!(keys(notice), ["attribute", "code", "message"]);
    }
    account(&outcome["account"])
}

/// One person's whole life, by the agreed JSON.
fn lifecycle(tenant: &Tenant) {
    let json = |arguments: &[&str]| tenant.json(arguments).done();
    assert_eq!(
        keys(&json(&["check"])),
        ["ok", "upstream", "warnings", "writable"]
    );

    let made = json(&with(&["account", "create"], &ADA));
    let id = outcome(&made, "created")["id"].as_str().unwrap().to_owned();
    let shown = json(&["account", "get", &id]);
    assert_eq!(account(&shown)["attributes"]["title"], "Analyst");
    assert_eq!(
        json(&["account", "find", "userName=ADA@example.com"]),
        shown
    );
    assert_eq!(json(&["account", "find", "externalId=E-1815"]), shown);
    assert_eq!(json(&["account", "find", "userName=nobody"]), Json::Null);

    let changes = ["title=", "department=R&D", "workPhone=+44 20 7946 0018"];
    let changed = json(&with(&["account", "update", &id], &changes));
    let attributes = &outcome(&changed, "updated")["attributes"];
    assert_eq!(attributes["title"], Json::Null);
    assert_eq!(attributes["department"], "R&D");

    let left = json(&["account", "deactivate", &id]);
    assert_eq!(outcome(&left, "updated")["status"], "inactive");
    outcome(&json(&["account", "deactivate", &id]), "unchanged");
    let back = json(&["account", "activate", &id]);
    assert_eq!(outcome(&back, "updated")["status"], "active");

    outcome(&json(&with(&["provision"], &ADA)), "updated");
    outcome(&json(&with(&["provision"], &ADA)), "unchanged");
    let left = json(&["deprovision", "userName=ada@example.com"]);
    assert_eq!(outcome(&left, "updated")["status"], "inactive");
    assert_eq!(json(&["deprovision", "userName=nobody"]), Json::Null);
    outcome(&json(&with(&["provision"], &ADA)), "updated");

    let deleted = json(&["account", "delete", &id]);
    assert_eq!(deleted["deletion"], "kept");
    outcome(&deleted["outcome"], "updated");
    assert_eq!(
        json(&["account", "delete", "no-such-id"]),
        json!({"deletion": "gone"})
    );

    let listed = tenant.everybody();
    assert_eq!(keys(&listed), ["accounts", "total"]);
    assert_eq!(listed["total"], 1);
    account(&listed["accounts"][0]);
}

#[test]
fn one_persons_life_by_the_agreed_json() {
    lifecycle(&Tenant::start(&[]));
}

#[test]
fn the_same_over_tls_with_the_ca_file() {
    let tenant = Tenant::start(&["--tls"]);
    assert!(tenant.url().starts_with("https://127.0.0.1:"));
    lifecycle(&tenant);
}

#[test]
fn one_persons_life_as_people_read_it() {
    let tenant = Tenant::start(&[]);
    let ends_well = |arguments: &[&str], words: &[&str]| {
        let run = tenant.run(arguments);
        for word in words {
            assert!(run.text().contains(word), "{word}: {run:?}");
        }
        assert!(run.is_civil(), "{run:?}");
        run.stdout
    };
    ends_well(&["check"], &["ok: 8x8 answers at http://127.0.0.1:"]);
    let made = ends_well(
        &with(&["account", "create"], &ADA),
        &["created", "Lovelace", "licence-by-hand"],
    );
    let id = made
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .last()
        .unwrap();
    ends_well(&["account", "get", id], &["ada@example.com", "active"]);
    ends_well(&["account", "find", "userName=ada@example.com"], &[id]);
    ends_well(&["account", "find", "userName=nobody"], &["nobody"]);
    ends_well(&["account", "list"], &["USERNAME", "ada@example.com", id]);
    ends_well(
        &["account", "update", id, "title=Countess"],
        &["updated", "Countess"],
    );
    ends_well(&["account", "update", id, "title=Countess"], &["unchanged"]);
    ends_well(
        &["account", "deactivate", id],
        &["inactive", "licence-suspended"],
    );
    ends_well(&["account", "activate", id], &["active"]);
    ends_well(&with(&["provision"], &ADA), &["updated", "Analyst"]);
    ends_well(&["deprovision", "userName=ada@example.com"], &["inactive"]);
    ends_well(&["deprovision", "userName=nobody"], &["nobody there"]);
    ends_well(
        &["account", "delete", id],
        &["kept", "deletion-deactivates"],
    );
    ends_well(&["account", "delete", "no-such-id"], &["gone"]);
    ends_well(
        &["describe"],
        &["instance-url", "userName", "set-once", "deactivates"],
    );
    ends_well(
        &["inspect"],
        &["provisioning:connector/http@0.1.0", "verdict"],
    );
}

#[test]
fn a_listing_ends_where_it_is_told_to() {
    let tenant = Tenant::start(&["--people", "250"]);
    let listed = tenant.everybody();
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 250);
    assert_eq!(listed["total"], 250);
    let few = tenant.json(&["account", "list", "--limit", "7"]).done();
    assert_eq!(few["accounts"].as_array().unwrap().len(), 7);
    let run = tenant.run(&["account", "list"]);
    assert_eq!(run.text().lines().count(), 251);
    assert!(run.stderr.contains("250 of 250"), "{run:?}");
}

#[test]
fn a_listing_that_breaks_off_says_so_in_its_document() {
    let tenant = Tenant::start(&[
        "--people",
        "25",
        "--switch",
        "pages-of-10",
        "--switch",
        "page-repeats",
    ]);
    let run = tenant.json(&["account", "list"]);
    assert_eq!(run.code, 1, "{run:?}");
    let document = run.json();
    assert_eq!(document["accounts"].as_array().unwrap().len(), 10);
    assert_eq!(document["failure"]["kind"], "malformed-answer");
}

#[test]
fn describe_tells_what_a_platform_maps() {
    let document = harness(&["describe", "--json"]).done();
    let names: Vec<&str> = document["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attribute| attribute["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "userName",
            "givenName",
            "familyName",
            "workEmail",
            "externalId",
            "mobilePhone",
            "workPhone",
            "title",
            "locale",
            "timezone",
            "department",
            "site",
        ]
    );
    assert_eq!(document["identity-key"], "externalId");
    assert_eq!(document["deletion"], "deactivates");
}

/// A connection file and the component that it names: ours, with another word in what it says
/// of itself.
fn of_another_connector(tenant: &Tenant) -> String {
    let mut bytes = CONNECTOR_8X8.to_vec();
    let (from, to) = (b"Admin Console", b"Admin Konsole");
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, found)| found == from)
        .map(|(at, _)| at)
        .collect();
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    tenant.write("other.wasm", bytes);
    let component = "[component]\nfile = \"other.wasm\"\n[settings]";
    tenant.edited("other.toml", "[settings]", component)
}

#[test]
fn every_command_means_the_component_that_the_connection_file_names() {
    let tenant = Tenant::start(&[]);
    let other = of_another_connector(&tenant);
    let ours = tenant.connection_file();
    let rules = tenant.path("rules.toml").display().to_string();
    for (command, says) in [
        (&["describe"] as &[&str], true),
        (&["connection", "new"], true),
        (&["inspect"], false),
    ] {
        let run = |file: &str| harness(&[&["--connection", file, "--json"], command].concat());
        let (other, ours) = (
            run(&other).done().to_string(),
            run(&ours).done().to_string(),
        );
        assert_ne!(other, ours, "{command:?}");
        assert_eq!(other.contains("Konsole"), says, "{command:?}: {other}");
        assert!(!ours.contains("Konsole"), "{command:?}: {ours}");
    }
    // One that cannot be loaded is not passed over.
    let gone = tenant.edited(
        "gone.toml",
        "[settings]",
        "[component]\nfile = \"gone.wasm\"\n[settings]",
    );
    for command in [
        &["describe"] as &[&str],
        &["connection", "new"],
        &["rules", "new"],
        &["rules", "check", &rules],
        &["inspect"],
        &["conform"],
        &["check"],
        &["account", "list"],
    ] {
        let run = harness(&[&["--connection", &gone], command].concat());
        assert_ne!(run.code, 0, "{command:?}: {run:?}");
        assert!(run.stderr.contains("gone.wasm"), "{command:?}: {run:?}");
    }
}

#[test]
fn describe_needs_no_secret_and_holds_the_component_to_the_pin() {
    let tenant = Tenant::start(&[]);
    let file = tenant.edited("lost.toml", "tenant.toml.token", "lost.token");
    harness(&["--connection", &file, "describe"]).text();
    let pin = format!("[component]\nsha256 = \"{}\"\n[settings]", "0".repeat(64));
    let pinned = tenant.edited("pinned.toml", "[settings]", &pin);
    let refused = harness(&["--connection", &pinned, "describe"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("another than the pinned one"),
        "{refused:?}"
    );
    let missing = harness(&["--connection", "/nowhere/c.toml", "describe"]);
    assert_eq!(missing.code, 2, "{missing:?}");
}

/// What is written beside it demands the same of the component.
#[test]
fn a_connection_file_made_from_another_has_its_component_and_its_pin() {
    let tenant = Tenant::start(&[]);
    let other = of_another_connector(&tenant);
    let made = tenant.path("made.toml").display().to_string();
    harness(&["--connection", &other, "connection", "new", &made]).text();
    let text = std::fs::read_to_string(&made).unwrap();
    assert!(text.contains("[component]\nfile = \""), "{text}");
    assert!(
        text.contains("other.wasm\"\n") && text.contains("Konsole"),
        "{text}"
    );
    harness(&["--connection", &made, "describe"]).text();

    let digest = harness(&["--json", "inspect"]).done()["sha256"].clone();
    let pin = format!("[component]\nsha256 = {digest}\n[settings]");
    let pinned = tenant.edited("pinned.toml", "[settings]", &pin);
    let made = harness(&["--connection", &pinned, "connection", "new"]);
    assert!(
        made.text()
            .contains(&format!("[component]\nsha256 = {digest}\n")),
        "{made:?}"
    );
}

/// The variable may name the file that is to be written.
#[test]
fn the_first_connection_file_may_have_the_name_that_the_environment_has() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acme.toml").display().to_string();
    let mut command = program(&["connection", "new", &file]);
    command.env("HARNESS_CONNECTION", &file);
    run(command).text();
}

/// Also where a file of that name was there, for everybody to read, or a link to another.
#[cfg(unix)]
#[test]
fn the_tenants_token_is_its_owners_alone_whatever_was_there() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["t.toml", "t.toml.token", "victim"] {
        std::fs::write(path(name), "old").unwrap();
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    symlink(path("victim"), path("ca.pem")).unwrap();
    let mut reader = std::fs::File::open(path("t.toml.token")).unwrap();
    let tenant = Tenant::start_in(folder, &["--tls"], "t.toml");
    for name in ["t.toml", "t.toml.token", "ca.pem"] {
        let found = tenant.path(name).symlink_metadata().unwrap();
        assert!(found.is_file(), "{name}");
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(std::fs::read(tenant.path("victim")).unwrap(), b"old");
    let mut seen = String::new();
    std::io::Read::read_to_string(&mut reader, &mut seen).unwrap();
    assert_eq!(seen, "old");
    let file = tenant.path("t.toml").display().to_string();
    assert_eq!(
        harness(&["--connection", &file, "--json", "check"]).done()["ok"],
        true
    );
}

#[test]
fn the_demo_shows_each_step_and_ends_in_a_verdict() {
    let run = harness(&["demo"]);
    assert_eq!(run.code, 0, "{run:?}");
    for word in ["POST", "PATCH", "GET"] {
        assert!(run.stdout.contains(word), "{word}: {run:?}");
    }
    assert!(run.is_civil(), "{run:?}");
}

#[test]
fn a_new_connection_file_is_filled_in_and_works() {
    let tenant = Tenant::start(&[]);
    let path = tenant.path("new.toml").display().to_string();
    harness(&["connection", "new", &path]).text();
    let before = std::fs::read_to_string(&path).unwrap();
    let secret = tenant.write("secret", "simulated-tenant-token\n");
    let filled = before
        .replace(
            "instance-url = \"\"",
            &format!("instance-url = \"{}\"", tenant.url()),
        )
        .replace(
            "{ env = \"API_TOKEN_8X8\" }",
            &format!("{{ file = '{secret}' }}"),
        )
        .replace(
            "# allow-loopback-http = false",
            "allow-loopback-http = true",
        );
    std::fs::write(&path, filled).unwrap();
    let checked = harness(&["--connection", &path, "check", "--json"]).done();
    assert_eq!(checked["ok"], true);

    let again = harness(&["connection", "new", &path]);
    assert_eq!(again.code, 2, "somebody's work: {again:?}");
    assert!(again.stderr.contains("new.toml"), "{again:?}");
    let shown = harness(&["connection", "new"]);
    assert!(shown.text().contains("[credentials]"));
    let shown = harness(&["connection", "new", "--json"]).done();
    assert_eq!(shown["text"].as_str().unwrap(), before);
}

#[test]
fn the_connection_file_may_be_named_by_the_environment() {
    let tenant = Tenant::start(&[]);
    let mut command = program(&["check", "--json"]);
    command.env("HARNESS_CONNECTION", tenant.connection_file());
    assert_eq!(run(command).done()["ok"], true);
}

#[test]
fn proxies_of_the_environment_are_ignored() {
    let tenant = Tenant::start(&[]);
    let file = tenant.connection_file();
    let mut command = program(&["--connection", &file, "check", "--json"]);
    for variable in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ] {
        command.env(variable, "http://127.0.0.1:9");
    }
    assert_eq!(run(command).done()["ok"], true);
}

#[test]
fn a_whole_origin_that_is_granted_is_pointed_out() {
    let tenant = Tenant::start(&[]);
    let origin = tenant.url().split("/udi").next().unwrap();
    let file = tenant.edited("origin.toml", tenant.url(), origin);
    let checked = harness(&["--connection", &file, "check", "--json"]).done();
    let warnings = checked["warnings"].as_array().unwrap();
    let codes: Vec<_> = warnings.iter().map(|warning| &warning["code"]).collect();
    assert_eq!(codes, ["no-users-visible", "grant-is-a-whole-origin"]);
}

#[test]
fn a_dry_run_shows_the_request_and_changes_nothing() {
    let tenant = Tenant::start(&["--people", "3"]);
    let before = tenant.everybody();
    let somebody = &before["accounts"][0];
    let id = somebody["id"].as_str().unwrap();
    let name = format!(
        "userName={}",
        somebody["attributes"]["userName"].as_str().unwrap()
    );
    for (arguments, method) in [
        (with(&["account", "create"], &ADA), "POST"),
        (vec!["account", "update", id, "title=Countess"], "PATCH"),
        (vec!["account", "deactivate", id], "PATCH"),
        (vec!["account", "delete", id], "DELETE"),
        (with(&["provision"], &ADA), "POST"),
        (vec!["deprovision", &name], "PATCH"),
    ] {
        let document = tenant.json(&with(&["--dry-run"], &arguments)).done();
        let request = &document["dry-run"]["request"];
        assert_eq!(
            keys(request),
            ["body", "headers", "method", "url"],
            "{arguments:?}"
        );
        assert_eq!(request["method"], method, "{arguments:?}");
        assert!(request["url"].as_str().unwrap().starts_with(tenant.url()));
        assert!(!document.to_string().contains("simulated-tenant-token"));
        let shown = tenant.run(&with(&["--dry-run"], &arguments));
        assert!(
            shown.text().contains(&format!("{method} http://")),
            "{shown:?}"
        );
    }
    for arguments in [
        vec!["account", "activate", id],
        vec!["account", "delete", "no-such-id"],
        vec!["deprovision", "userName=nobody"],
    ] {
        let document = tenant.json(&with(&["--dry-run"], &arguments)).done();
        assert_eq!(
            document,
            json!({"dry-run": {"request": null}}),
            "{arguments:?}"
        );
        let shown = tenant.run(&with(&["--dry-run"], &arguments));
        assert!(shown.text().contains("nothing would be sent"));
    }
    assert_eq!(tenant.everybody(), before);
}

#[test]
fn colours_are_for_terminals() {
    let tenant = Tenant::start(&["--people", "1"]);
    for (variable, coloured) in [("NO_COLOR", false), ("CLICOLOR_FORCE", true)] {
        let file = tenant.connection_file();
        let mut command = program(&["--connection", &file, "deprovision", "userName=nobody"]);
        let mut failing = program(&["--connection", &file, "account", "get", "nobody"]);
        command.env(variable, "1");
        failing.env(variable, "1");
        let (shown, failed) = (run(command), run(failing));
        assert!(!shown.stdout.contains('\u{1b}'), "{shown:?}");
        assert_eq!(failed.stderr.contains('\u{1b}'), coloured, "{failed:?}");
    }
    let piped = tenant.run(&["account", "get", "nobody"]);
    assert!(!piped.stderr.contains('\u{1b}'), "{piped:?}");
}

#[test]
fn every_command_has_a_help_text_that_names_its_arguments() {
    for (command, words) in [
        (
            "",
            &["provision", "Exit codes", "--dry-run", "--trace", "--stats"][..],
        ),
        ("demo", &["simulated"]),
        ("connection", &["new"]),
        ("connection new", &["FILE", "stdout"]),
        ("inspect", &["FILE", "bundled"]),
        ("describe", &["FILE", "bundled"]),
        ("check", &["changes nothing"]),
        ("account", &["list", "find", "deactivate", "delete"]),
        ("account list", &["--limit"]),
        ("account get", &["<ID>"]),
        ("account find", &["NAME=VALUE"]),
        ("account create", &["NAME=VALUE", "given twice"]),
        ("account update", &["<ID>", "NAME=VALUE", "clears"]),
        ("account activate", &["<ID>"]),
        ("account deactivate", &["<ID>"]),
        ("account delete", &["<ID>", "deactivated"]),
        ("provision", &["NAME=VALUE", "--match", "--identity-key"]),
        ("deprovision", &["NAME=VALUE", "--match"]),
        (
            "tenant",
            &["--listen", "--tls", "--write-ca", "patch-active-only"],
        ),
    ] {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let run = harness(&arguments);
        for word in words {
            assert!(run.text().contains(word), "{command}: {word}");
        }
    }
}
