//! Changes that somebody might make to the contract of 0.1.0, and what is said of each: the
//! comparison finds every kind of breach, and lets every kind of growth pass.

use super::growth::Rule::{
    self, ClosedExports, ClosedTypes, ClosedWorlds, FixedFunctions, NewVersion, NothingGoes,
    OnePackage, Since,
};
use super::growth::since_release;
use super::package::{Package, Sources};

const RELEASED: &str = "provisioning:connector@0.1.0";
const LATER: &str = "provisioning:connector@0.1.1";

/// Pieces that stand once in a file, and what takes their place.
type Edits = &'static [(&'static str, &'static str)];

/// A kind of change, the file and what is edited there, what is told of it, and the rule.
type Breaking = (&'static str, &'static str, Edits, &'static str, Rule);

const TYPES: &[Breaking] = &[
    (
        "a record gains a field",
        "http.wit",
        &[("record header {", "record header { raw: list<u8>,")],
        "http.header: its field raw is new",
        ClosedTypes,
    ),
    (
        "a record loses a field",
        "http.wit",
        &[("delay-ms: u32,", "")],
        "http.request: its field delay-ms is gone",
        ClosedTypes,
    ),
    (
        "a field gets another name",
        "http.wit",
        &[("delay-ms: u32,", "pause-ms: u32,")],
        "http.request: its field delay-ms is gone",
        ClosedTypes,
    ),
    (
        "a field gets another type",
        "http.wit",
        &[("delay-ms: u32,", "delay-ms: u64,")],
        "http.request: its field delay-ms was `u32` and is `u64`",
        ClosedTypes,
    ),
    (
        "a field is no longer optional",
        "types.wit",
        &[("        version: option<string>", "        version: string")],
        "types.account: its field version was `option<string>` and is `string`",
        ClosedTypes,
    ),
    (
        "fields change places",
        "accounts.wit",
        &[
            ("notices: list<notice>,\n", ""),
            (
                "record check-report {",
                "record check-report { notices: list<notice>,",
            ),
        ],
        "accounts.check-report: its parts stand in another order",
        ClosedTypes,
    ),
    (
        "an enum gains a case",
        "types.wit",
        &[("enum effect {", "enum effect { moved,")],
        "types.effect: its case moved is new",
        ClosedTypes,
    ),
    (
        "an enum loses a case",
        "types.wit",
        &[("        updated,\n", "")],
        "types.effect: its case updated is gone",
        ClosedTypes,
    ),
    (
        "a variant gains a case",
        "types.wit",
        &[("integer(s64),", "integer(s64), decimal(f64),")],
        "types.value: its case decimal is new",
        ClosedTypes,
    ),
    (
        "a case carries something else",
        "types.wit",
        &[("integer(s64),", "integer(s32),")],
        "types.value: its case integer was `s64` and is `s32`",
        ClosedTypes,
    ),
    (
        "flags gain one",
        "manifest.wit",
        &[("        set-status,", "        set-status, search,")],
        "manifest.operations: its flag search is new",
        ClosedTypes,
    ),
    (
        "a name stands for another type",
        "types.wit",
        &[("type account-id = string;", "type account-id = u64;")],
        "types.account-id: its type was `string` and is `u64`",
        ClosedTypes,
    ),
    (
        "a type becomes another kind of type",
        "types.wit",
        &[("enum account-status {", "flags account-status {")],
        "types.account-status: it was enum and is flags",
        ClosedTypes,
    ),
    (
        "a type goes",
        "manifest.wit",
        &[
            ("record parameter {", "record pair {"),
            ("parameters: list<parameter>", "parameters: list<pair>"),
        ],
        "manifest.parameter: it is gone",
        NothingGoes,
    ),
    (
        "an exported interface gains a type",
        "manifest.wit",
        &[(
            "/// Pure: sends",
            "@since(version = 0.1.1) type hint = string; /// Pure: sends",
        )],
        "manifest.hint: it was added",
        ClosedExports,
    ),
];

const FUNCTIONS: &[Breaking] = &[
    (
        "an imported function goes",
        "log.wit",
        &[("emit: func(", "say: func(")],
        "log.emit: it is gone",
        NothingGoes,
    ),
    (
        "an exported function goes",
        "manifest.wit",
        &[("describe: func()", "tell: func()")],
        "manifest.describe: it is gone",
        NothingGoes,
    ),
    (
        "a function takes one more",
        "http.wit",
        &[(
            "send: func(request: request)",
            "send: func(request: request, attempts: u32)",
        )],
        "http.send: its parameter attempts is new",
        FixedFunctions,
    ),
    (
        "a parameter gets another name",
        "http.wit",
        &[("send: func(request: request)", "send: func(ask: request)")],
        "http.send: its parameter request is gone",
        FixedFunctions,
    ),
    (
        "a parameter gets another type",
        "log.wit",
        &[("message: string,", "message: list<u8>,")],
        "log.emit: its parameter message was `string` and is `list<u8>`",
        FixedFunctions,
    ),
    (
        "parameters change places",
        "log.wit",
        &[(
            "level: level, message: string,",
            "message: string, level: level,",
        )],
        "log.emit: its parts stand in another order",
        FixedFunctions,
    ),
    (
        "a function gives something else",
        "http.wit",
        &[("-> result<response, transport-failure>", "-> response")],
        "http.send: its result was `result<http.response, http.transport-failure>` and is \
         `http.response`",
        FixedFunctions,
    ),
    (
        "a function gives nothing any more",
        "http.wit",
        &[("-> result<response, transport-failure>", "")],
        "http.send: its result is gone",
        FixedFunctions,
    ),
    (
        "a function becomes async",
        "http.wit",
        &[("send: func(", "send: async func(")],
        "http.send: it was func and is async func",
        FixedFunctions,
    ),
    (
        "a method becomes static",
        "accounts.wit",
        &[("learned: func()", "learned: static func()")],
        "accounts.connection.learned: it is gone",
        NothingGoes,
    ),
    (
        "an exported interface gains a function",
        "manifest.wit",
        &[(
            "/// Pure: sends",
            "@since(version = 0.1.1) icon: func(); /// Pure: sends",
        )],
        "manifest.icon: it was added",
        ClosedExports,
    ),
    (
        "an exported resource gains a method",
        "accounts.wit",
        &[(
            "resource connection {",
            "resource connection { @since(version = 0.1.1) count: func();",
        )],
        "accounts.connection.count: it was added",
        ClosedExports,
    ),
    (
        "what is new says that it is old",
        "http.wit",
        &[(
            "/// Sends one request",
            "@since(version = 0.1.0) peek: func(); /// Sends one request",
        )],
        "http.peek: it was not there in 0.1.0, as it says",
        Since,
    ),
    (
        "what is new does not say since when",
        "http.wit",
        &[("interface http {", "interface http { hush: func();")],
        "http.hush: it does not say since when it is there",
        Since,
    ),
];

const WORLDS: &[Breaking] = &[
    (
        "an interface goes",
        "log.wit",
        &[("interface log {", "interface journal {")],
        "log: it is gone",
        NothingGoes,
    ),
    (
        "a world goes",
        "world.wit",
        &[("world connector {", "world plugin {")],
        "world connector: it is gone",
        NothingGoes,
    ),
    (
        "a world exports one more",
        "world.wit",
        &[(
            "world connector {",
            "world connector { export extra: interface {}",
        )],
        "world connector: its export extra is new",
        ClosedWorlds,
    ),
    (
        "a world imports one more",
        "world.wit",
        &[(
            "world connector {",
            "world connector { import clock: interface {}",
        )],
        "world connector: its import clock is new",
        ClosedWorlds,
    ),
    (
        "a world imports a function",
        "world.wit",
        &[(
            "world connector {",
            "world connector { import now: func() -> u64;",
        )],
        "world connector: its import now is new",
        ClosedWorlds,
    ),
    (
        "a world no longer imports one",
        "world.wit",
        &[("@since(version = 0.1.0)\n    import log;", "")],
        "world connector: its import provisioning:connector/log is gone",
        ClosedWorlds,
    ),
    (
        "a world no longer exports one",
        "world.wit",
        &[("@since(version = 0.1.0)\n    export manifest;", "")],
        "world connector: its export provisioning:connector/manifest is gone",
        ClosedWorlds,
    ),
];

/// A change that no older connector notices, the file and what is edited there, what it adds.
type Additive = (&'static str, &'static str, Edits, &'static [&'static str]);

const ADDITIVE: &[Additive] = &[
    ("nothing", "http.wit", &[], &[]),
    (
        "documentation",
        "http.wit",
        &[("/// Sends one request", "/// Sends a request")],
        &[],
    ),
    (
        "a deprecation",
        "log.wit",
        &[(
            "    emit: func",
            "    @deprecated(version = 0.1.1) emit: func",
        )],
        &[],
    ),
    (
        "a function of an imported interface",
        "http.wit",
        &[(
            "/// Sends one request",
            "@since(version = 0.1.1) left: func(); /// Sends one request",
        )],
        &["http.left"],
    ),
    (
        "an async one",
        "log.wit",
        &[(
            "interface log {",
            "interface log { @since(version = 0.1.1) flush: async func();",
        )],
        &["log.flush"],
    ),
    (
        "a type of an imported interface",
        "types.wit",
        &[(
            "interface types {",
            "interface types { @since(version = 0.1.1) type group-id = string;",
        )],
        &["types.group-id"],
    ),
    (
        "a resource of an imported interface",
        "log.wit",
        &[(
            "interface log {",
            "interface log { @since(version = 0.1.1) resource span {
                @since(version = 0.1.1) close: func();
            }",
        )],
        &["log.span", "log.span.close"],
    ),
    (
        "an interface that takes a connection, in a further world",
        "world.wit",
        &[(
            "/// A connector: one",
            "@since(version = 0.1.1) interface groups {
                use accounts.{connection};
                members: func(of: borrow<connection>) -> u32;
            }
            @since(version = 0.1.1) world connector-with-groups {
                include connector;
                export groups;
            }
            /// A connector: one",
        )],
        &["groups", "world connector-with-groups"],
    ),
];

/// The first release under another name and version, with one file changed.
fn changed(package: &str, file: &str, edits: Edits) -> Result<Package, String> {
    let (_, mut files): (String, Sources) = super::released().remove(0);
    for (name, text) in &mut files {
        *text = text.replace(RELEASED, package);
        for (from, to) in edits.iter().filter(|_| name == file) {
            assert_eq!(text.matches(from).count(), 1, "{file} holds once: {from}");
            *text = text.replace(from, to);
        }
    }
    // Worlds and interfaces name each other across files.
    if edits
        .iter()
        .any(|(_, to)| to.starts_with("interface journal"))
    {
        let (_, world) = &mut files[5];
        *world = world.replace("import log;", "import journal;");
    }
    Package::parse(&files)
}

fn release() -> Package {
    changed(RELEASED, "", &[]).unwrap()
}

#[test]
fn each_kind_of_breach_is_found_and_named_with_its_rule() {
    for (sample, file, edits, told, rule) in [TYPES, FUNCTIONS, WORLDS].concat() {
        let present = changed(LATER, file, edits).unwrap_or_else(|e| panic!("{sample}: {e}"));
        let breaches = since_release(&release(), &present).breaches;
        let told = format!("{told}. ");
        let mut found = breaches.iter().filter(|breach| breach.rule == rule);
        assert!(
            found.any(|breach| breach.to_string().starts_with(&told)),
            "{sample}: {told}\n{breaches:#?}"
        );
    }
}

#[test]
fn growth_passes_with_a_new_version_and_not_without() {
    for (sample, file, edits, added) in ADDITIVE {
        let present = changed(LATER, file, edits).unwrap_or_else(|e| panic!("{sample}: {e}"));
        let growth = since_release(&release(), &present);
        assert!(
            growth.breaches.is_empty(),
            "{sample}: {:#?}",
            growth.breaches
        );
        assert_eq!(growth.added, *added, "{sample}");

        let mut unversioned = present;
        unversioned.version = release().version;
        let breaches = since_release(&release(), &unversioned).breaches;
        let rules: Vec<Rule> = breaches.iter().map(|breach| breach.rule).collect();
        let expected: &[Rule] = if added.is_empty() { &[] } else { &[NewVersion] };
        assert_eq!(rules, expected, "{sample}");
    }
}

#[test]
fn another_package_or_minor_version_stands_beside_this_one_and_not_in_its_place() {
    for other in [
        "provisioning:connector@0.2.0",
        "provisioning:connector@1.1.0",
        "provisioning:plugin@0.1.1",
    ] {
        let present = changed(other, "", &[]).unwrap();
        let breaches = since_release(&release(), &present).breaches;
        assert_eq!(breaches.len(), 1, "{breaches:?}");
        assert_eq!(breaches[0].rule, OnePackage);
    }
    // And no release is followed by an earlier one.
    let later = changed(LATER, "", &[]).unwrap();
    let breaches = since_release(&later, &release()).breaches;
    assert_eq!(breaches[0].rule, OnePackage);
}

#[test]
fn a_breach_is_told_with_what_to_do_instead() {
    let (_, file, edits, ..) = FUNCTIONS[2];
    let present = changed(LATER, file, edits).unwrap();
    let breaches = since_release(&release(), &present).breaches;
    assert_eq!(
        breaches[0].to_string(),
        "http.send: its parameter attempts is new. A function stays what it is, with its \
         parameters, their names and its result; add another one."
    );
}
