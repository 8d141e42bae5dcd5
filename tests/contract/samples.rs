//! Changes that somebody might make to the contract of 0.1.0, and what is said of each.

use super::growth::Rule::{
    self, ClosedExports, ClosedTypes, ClosedWorlds, FixedFunctions, NothingGoes, Since,
};
use super::package::{Package, Sources};

pub(crate) const RELEASED: &str = "provisioning:connector@0.1.0";
pub(crate) const LATER: &str = "provisioning:connector@0.1.1";

/// Pieces that stand once in the package's files, and what takes their place.
pub(crate) type Edits = &'static [(&'static str, &'static str)];

/// A kind of change, the edits, what is told of it, and the rule.
pub(crate) type Breaking = (&'static str, Edits, &'static str, Rule);

pub(crate) const TYPES: &[Breaking] = &[
    (
        "a record gains a field",
        &[("record header {", "record header { raw: list<u8>,")],
        "http.header: its field raw is new",
        ClosedTypes,
    ),
    (
        "a record loses a field",
        &[("delay-ms: u32,", "")],
        "http.request: its field delay-ms is gone",
        ClosedTypes,
    ),
    (
        "a field gets another name",
        &[("delay-ms: u32,", "pause-ms: u32,")],
        "http.request: its field delay-ms is gone",
        ClosedTypes,
    ),
    (
        "a field gets another type",
        &[("delay-ms: u32,", "delay-ms: u64,")],
        "http.request: its field delay-ms was `u32` and is `u64`",
        ClosedTypes,
    ),
    (
        "a field is no longer optional",
        &[("        version: option<string>", "        version: string")],
        "types.account: its field version was `option<string>` and is `string`",
        ClosedTypes,
    ),
    (
        "fields change places",
        &[
            ("        writable: option<bool>,\n", ""),
            (
                "record check-report {",
                "record check-report { writable: option<bool>,",
            ),
        ],
        "accounts.check-report: its parts stand in another order",
        ClosedTypes,
    ),
    (
        "an enum gains a case",
        &[("enum effect {", "enum effect { moved,")],
        "types.effect: its case moved is new",
        ClosedTypes,
    ),
    (
        "an enum loses a case",
        &[("        updated,\n", "")],
        "types.effect: its case updated is gone",
        ClosedTypes,
    ),
    (
        "a variant gains a case",
        &[("integer(s64),", "integer(s64), decimal(f64),")],
        "types.value: its case decimal is new",
        ClosedTypes,
    ),
    (
        "a case carries something else",
        &[("integer(s64),", "integer(s32),")],
        "types.value: its case integer was `s64` and is `s32`",
        ClosedTypes,
    ),
    (
        "flags gain one",
        &[("        set-status,", "        set-status, search,")],
        "manifest.operations: its flag search is new",
        ClosedTypes,
    ),
    (
        "a name stands for another type",
        &[("type account-id = string;", "type account-id = u64;")],
        "types.account-id: its type was `string` and is `u64`",
        ClosedTypes,
    ),
    (
        "a type becomes another kind of type",
        &[("enum account-status {", "flags account-status {")],
        "types.account-status: it was enum and is flags",
        ClosedTypes,
    ),
    (
        "a type goes",
        &[
            ("record parameter {", "record pair {"),
            ("parameters: list<parameter>", "parameters: list<pair>"),
        ],
        "manifest.parameter: it is gone",
        NothingGoes,
    ),
    (
        "an exported interface gains a type",
        &[(
            "/// Pure: sends",
            "@since(version = 0.1.1) type hint = string; /// Pure: sends",
        )],
        "manifest.hint: it was added",
        ClosedExports,
    ),
];

pub(crate) const FUNCTIONS: &[Breaking] = &[
    (
        "an imported function goes",
        &[("emit: func(", "say: func(")],
        "log.emit: it is gone",
        NothingGoes,
    ),
    (
        "an exported function goes",
        &[("describe: func()", "tell: func()")],
        "manifest.describe: it is gone",
        NothingGoes,
    ),
    (
        "a function takes one more",
        &[(
            "send: func(request: request)",
            "send: func(request: request, attempts: u32)",
        )],
        "http.send: its parameter attempts is new",
        FixedFunctions,
    ),
    (
        "a parameter gets another name",
        &[("send: func(request: request)", "send: func(ask: request)")],
        "http.send: its parameter request is gone",
        FixedFunctions,
    ),
    (
        "a parameter gets another type",
        &[(
            "level: level, message: string,",
            "level: level, message: list<u8>,",
        )],
        "log.emit: its parameter message was `string` and is `list<u8>`",
        FixedFunctions,
    ),
    (
        "parameters change places",
        &[(
            "level: level, message: string,",
            "message: string, level: level,",
        )],
        "log.emit: its parts stand in another order",
        FixedFunctions,
    ),
    (
        "a function gives something else",
        &[("-> result<response, transport-failure>", "-> response")],
        "http.send: its result was `result<http.response, http.transport-failure>` and is \
         `http.response`",
        FixedFunctions,
    ),
    (
        "a function gives nothing any more",
        &[("-> result<response, transport-failure>", "")],
        "http.send: its result is gone",
        FixedFunctions,
    ),
    (
        "a function becomes async",
        &[("send: func(", "send: async func(")],
        "http.send: it was func and is async func",
        FixedFunctions,
    ),
    (
        "a method becomes static",
        &[("learned: func()", "learned: static func()")],
        "accounts.connection.learned: it is gone",
        NothingGoes,
    ),
    (
        "an exported interface gains a function",
        &[(
            "/// Pure: sends",
            "@since(version = 0.1.1) icon: func(); /// Pure: sends",
        )],
        "manifest.icon: it was added",
        ClosedExports,
    ),
    (
        "an exported resource gains a method",
        &[(
            "resource connection {",
            "resource connection { @since(version = 0.1.1) count: func();",
        )],
        "accounts.connection.count: it was added",
        ClosedExports,
    ),
    (
        "what is new says that it is old",
        &[(
            "/// Sends one request",
            "@since(version = 0.1.0) peek: func(); /// Sends one request",
        )],
        "http.peek: it was not there in 0.1.0, as it says",
        Since,
    ),
    (
        "what is new does not say since when",
        &[("interface http {", "interface http { hush: func();")],
        "http.hush: it does not say since when it is there",
        Since,
    ),
];

pub(crate) const WORLDS: &[Breaking] = &[
    (
        "an interface goes",
        &[
            ("interface log {", "interface journal {"),
            ("import log;", "import journal;"),
        ],
        "log: it is gone",
        NothingGoes,
    ),
    (
        "a world goes",
        &[("world connector {", "world plugin {")],
        "world connector: it is gone",
        NothingGoes,
    ),
    (
        "a world exports one more",
        &[(
            "world connector {",
            "world connector { export extra: interface {}",
        )],
        "world connector: its export extra is new",
        ClosedWorlds,
    ),
    (
        "a world imports one more",
        &[(
            "world connector {",
            "world connector { import clock: interface {}",
        )],
        "world connector: its import clock is new",
        ClosedWorlds,
    ),
    (
        "a world imports a function",
        &[(
            "world connector {",
            "world connector { import now: func() -> u64;",
        )],
        "world connector: its import now is new",
        ClosedWorlds,
    ),
    (
        "a world no longer imports one",
        &[("@since(version = 0.1.0)\n    import log;", "")],
        "world connector: its import provisioning:connector/log is gone",
        ClosedWorlds,
    ),
    (
        "a world no longer exports one",
        &[("@since(version = 0.1.0)\n    export manifest;", "")],
        "world connector: its export provisioning:connector/manifest is gone",
        ClosedWorlds,
    ),
];

/// A change that no older connector notices, the edits, and what it adds.
pub(crate) type Additive = (&'static str, Edits, &'static [&'static str]);

pub(crate) const ADDITIVE: &[Additive] = &[
    ("nothing", &[], &[]),
    (
        "documentation",
        &[("/// Sends one request", "/// Sends a request")],
        &[],
    ),
    (
        "a deprecation",
        &[(
            "    emit: func",
            "    @deprecated(version = 0.1.1) emit: func",
        )],
        &[],
    ),
    (
        "a function of an imported interface",
        &[(
            "/// Sends one request",
            "@since(version = 0.1.1) left: func(); /// Sends one request",
        )],
        &["http.left"],
    ),
    (
        "an async one",
        &[(
            "interface log {",
            "interface log { @since(version = 0.1.1) flush: async func();",
        )],
        &["log.flush"],
    ),
    (
        "a type of an imported interface",
        &[(
            "interface types {",
            "interface types { @since(version = 0.1.1) type group-id = string;",
        )],
        &["types.group-id"],
    ),
    (
        "a resource of an imported interface",
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

/// The first release under another name and version, edited.
pub(crate) fn changed(package: &str, edits: Edits) -> Result<Package, String> {
    let (_, mut files): (String, Sources) = super::released().remove(0);
    for (_, text) in &mut files {
        *text = text.replace(RELEASED, package);
    }
    for (from, to) in edits {
        let times: usize = files
            .iter()
            .map(|(_, text)| text.matches(from).count())
            .sum();
        assert_eq!(times, 1, "it stands there once: {from}");
        for (_, text) in &mut files {
            *text = text.replace(from, to);
        }
    }
    Package::parse(&files)
}

pub(crate) fn release() -> Package {
    changed(RELEASED, &[]).unwrap()
}
