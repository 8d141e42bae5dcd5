//! What reaches a terminal: whatever comes from outside is shown, and none of it is obeyed. Into a
//! pipe the escape sequences are left out in any case, so only a pseudo-terminal shows it.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Command;
use std::sync::mpsc;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::{Value as Json, json};

use crate::program::{PATIENCE, Tenant, harness, program};

/// Sets the title, the clipboard and a colour, in both spellings of the escape; goes back; turns
/// the reading direction; and has characters that nobody sees.
const HOSTILE: &str = "Zo\u{1b}]0;t\u{7}\u{1b}]52;c;QQ==\u{1b}\\\u{1b}[38;5;199m\u{9b}31m\
    \u{8}\u{7f}\u{85}\u{202e}\u{2066}\u{200f}\u{61c}\u{200b}\u{2060}\u{feff}\u{ad}\u{e0041}Lin";

/// What a terminal got, with its line ends as the program wrote them.
fn on_terminal(mut command: Command) -> String {
    let size = Winsize {
        ws_row: 50,
        ws_col: 250,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    let name = ptsname(&screen, Vec::new()).unwrap();
    let program = File::options()
        .read(true)
        .write(true)
        .custom_flags(i32::try_from(OpenptFlags::NOCTTY.bits()).unwrap())
        .open(name.to_str().unwrap())
        .unwrap();
    tcsetwinsize(&program, size).unwrap();
    let mut screen = File::from(screen);
    let mut child = command
        .env("TERM", "xterm-256color")
        .stdin(program.try_clone().unwrap())
        .stdout(program.try_clone().unwrap())
        .stderr(program)
        .spawn()
        .unwrap();
    // It holds the program's end open.
    drop(command);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
        // An error is how the end of a terminal shows.
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            seen.extend_from_slice(&buffer[..count]);
        }
        sender.send(seen)
    });
    let seen = receiver.recv_timeout(PATIENCE).expect("it ends");
    child.wait().unwrap();
    String::from_utf8(seen).unwrap().replace("\r\n", "\n")
}

fn shown(arguments: &[&str]) -> String {
    on_terminal(program(arguments))
}

/// That the hostile text was shown, and with nothing in it that is obeyed or cannot be seen.
fn is_calm(seen: &str) {
    assert!(seen.contains("Lin"), "it was not shown: {seen:?}");
    let wild = [
        "\u{1b}]",
        "\u{7}",
        "\u{1b}\\",
        "\u{1b}[38;5;199m",
        "\u{9b}",
        "\u{8}",
        "\u{7f}",
        "\u{85}",
        "\u{202e}",
        "\u{2066}",
        "\u{200f}",
        "\u{61c}",
        "\u{200b}",
        "\u{2060}",
        "\u{feff}",
        "\u{ad}",
        "\u{e0041}",
    ];
    let obeyed: Vec<_> = wild.iter().filter(|wild| seen.contains(**wild)).collect();
    assert!(obeyed.is_empty(), "{obeyed:?} in {seen:?}");
}

#[test]
fn what_was_typed_is_repeated_without_what_a_terminal_obeys() {
    // What follows an = would be a value.
    let name = HOSTILE.replace('=', "");
    for arguments in [
        &[HOSTILE] as &[&str],
        &[&format!("--{name}")],
        &["account", "find", &name],
        &["tenant", "--switch", HOSTILE],
        &["sync", "r", "--rules", "r", "--only", HOSTILE],
        &["--connection", HOSTILE, "check"],
        &["--component", HOSTILE, "describe"],
        &["--replay", HOSTILE, "check"],
        &["--trace", &format!("/nowhere/{HOSTILE}"), "demo"],
        &["inspect", HOSTILE],
        &["rules", "check", HOSTILE],
        &["history", "--journal", HOSTILE],
        &["review", HOSTILE],
        &["build", HOSTILE],
        &["--json", HOSTILE],
        &["--json", "--component", HOSTILE, "describe"],
    ] {
        is_calm(&shown(arguments));
    }
}

/// The program's own help keeps its styles.
#[test]
fn the_programs_own_styles_reach_a_terminal() {
    assert!(shown(&["--help"]).contains("\u{1b}[1m"));
    assert!(shown(&["nonsense"]).starts_with("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m "));
    let piped = harness(&["nonsense"]);
    assert!(piped.stderr.starts_with("error: "), "{piped:?}");
}

/// A message of several lines cannot make one that looks like the program's.
#[test]
fn a_line_end_in_a_message_begins_no_line_of_the_programs() {
    let seen = shown(&["--component", "x\nok: Lin\n", "describe"]);
    assert!(seen.contains("ok: Lin"), "{seen:?}");
    assert!(!seen.contains("\nok: Lin"), "{seen:?}");
}

#[test]
fn a_component_that_is_refused_cannot_write_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let name: String = HOSTILE
        .bytes()
        .map(|byte| format!("\\{byte:02x}"))
        .collect();
    for (file, wat) in [
        (
            "core.wasm",
            format!(
                r#"(component (core module (import "{name}" "{name}" (func)) (export "{name}" (func 0))))"#
            ),
        ),
        (
            "import.wasm",
            format!(r#"(component (import "{name}" (func)))"#),
        ),
        (
            "export.wasm",
            format!(r#"(component (import "a" (func $a)) (export "{name}" (func $a)))"#),
        ),
    ] {
        let path = folder.path().join(file);
        std::fs::write(&path, wat::parse_str(&wat).unwrap()).unwrap();
        let path = path.to_str().unwrap();
        for command in ["describe", "check", "inspect"] {
            let seen = match command {
                "check" => shown(&["--component", path, "--replay", "/nowhere", command]),
                command => shown(&[command, path]),
            };
            let wild = seen.contains(['\u{7}', '\u{9b}', '\u{202e}', '\u{200b}']);
            assert!(
                !wild && !seen.contains("\u{1b}]"),
                "{command} {file}: {seen:?}"
            );
        }
        if file == "import.wasm" {
            is_calm(&shown(&["describe", path]));
        }
    }
}

#[test]
fn a_connection_file_cannot_write_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    for content in [
        format!("{} = 1\n", text(HOSTILE)),
        format!("[settings]\n{} = \"x\"\n", text(HOSTILE)),
        format!(
            "[credentials]\napi-token = {{ file = {} }}\n",
            text(HOSTILE)
        ),
        format!("[component]\nfile = {}\n", text(HOSTILE)),
    ] {
        std::fs::write(&path, content).unwrap();
        is_calm(&shown(&["--connection", path.to_str().unwrap(), "check"]));
    }
}

#[test]
fn a_recording_cannot_write_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let text = toml::Value::String(HOSTILE.to_owned()).to_string();
    let head = |id: &str, contract: &str, setting: &str| {
        format!(
            "format = 1\ncontract = {contract}\n[connector]\nid = {id}\nversion = \"0\"\nsha256 = \
             \"0\"\n[settings]\n{setting} = 1\n[network]\nread-only = false\nallow-loopback-http = \
             true\n"
        )
    };
    for content in [
        head(&text, "\"0.1\"", "a"),
        head("\"8x8\"", &text, "a"),
        head("\"8x8\"", "\"0.1\"", &text),
        head(&text, "\"0.1\"", "a").replace("a = 1\n", ""),
    ] {
        std::fs::write(folder.path().join("recording.toml"), &content).unwrap();
        let seen = shown(&["--replay", folder.path().to_str().unwrap(), "check"]);
        if content.starts_with(&format!(
            "format = 1\ncontract = \"0.1\"\n[connector]\nid = {text}"
        )) && content.contains("a = 1")
        {
            // The setting is what it stumbles over.
            continue;
        }
        is_calm(&seen);
    }
}

const RULES: &str = r#"
[match]
key = "person.id"

[provision]
everyone = true

[attributes]
userName = "person.email"
workEmail = "person.email"
givenName = "person.given"
familyName = "person.family"
externalId = "person.id"
"#;

/// Roster, rules, plan and journal, and what a tenant holds.
#[test]
fn people_and_plans_cannot_write_to_the_terminal() {
    let tenant = Tenant::start(&[]);
    let rules = tenant.write("rules.toml", RULES);
    let wide = tenant.write(
        "wide.csv",
        format!("id,email,given,family,{HOSTILE},{HOSTILE}\nE1,a@example.com,A,B,c,d\n"),
    );
    let people = tenant.write(
        "people.csv",
        format!(
            "id,email,given,family\nE1,a@example.com,Ada,{HOSTILE}\n{HOSTILE},b@example.com,Bo,{HOSTILE}\n"
        ),
    );
    let file = tenant.connection_file();
    let seen = |arguments: &[&str]| {
        let arguments = [&["--connection", &file], arguments].concat();
        shown(&arguments)
    };
    is_calm(&seen(&["rules", "check", &rules, "--sample", &wide]));
    is_calm(&seen(&["rules", "check", &rules, "--sample", &people]));
    is_calm(&seen(&["sync", &wide, "--rules", &rules, "--yes"]));
    is_calm(&seen(&["--dry-run", "sync", &people, "--rules", &rules]));
    is_calm(&seen(&[
        "--dry-run",
        "--json",
        "sync",
        &people,
        "--rules",
        &rules,
    ]));

    let plan = tenant.path("plan.json").display().to_string();
    is_calm(&seen(&[
        "sync", &people, "--rules", &rules, "--plan", &plan,
    ]));
    let mut made: Json = serde_json::from_slice(&std::fs::read(&plan).unwrap()).unwrap();
    made["tenant"] = json!(HOSTILE);
    made["tenant-digest"] = json!("0");
    let other = tenant.write("other.json", made.to_string());
    is_calm(&seen(&[
        "sync", &people, "--rules", &rules, "--apply", &other, "--yes",
    ]));
    made["version"] = json!(HOSTILE);
    let newer = tenant.write("newer.json", made.to_string());
    assert!(!seen(&["review", &newer]).contains('\u{202e}'));

    is_calm(&seen(&["sync", &people, "--rules", &rules, "--yes"]));
    is_calm(&seen(&["history", "E1"]));
    is_calm(&seen(&["history", HOSTILE]));
    is_calm(&seen(&["account", "list"]));
    is_calm(&seen(&["account", "find", "userName=a@example.com"]));
    is_calm(
        &seen(&[
            "-vv",
            "account",
            "find",
            &format!("userName={HOSTILE}@example.com"),
        ])
        .replace("nobody", "Lin"),
    );
    let named = format!("familyName={HOSTILE}");
    let create = [
        "account",
        "create",
        "userName=c@example.com",
        "givenName=Cy",
        &named,
        "workEmail=c@example.com",
    ];
    is_calm(&seen(&[&["--dry-run"], &create[..]].concat()));
    is_calm(&seen(&[&["--dry-run", "--json"], &create[..]].concat()));
    is_calm(&seen(&create));
}

#[test]
fn json_is_exact_in_a_pipe_and_says_the_same_on_a_terminal() {
    let tenant = Tenant::start(&[]);
    let named = format!("familyName={HOSTILE}");
    tenant
        .run(&[
            "account",
            "create",
            "userName=c@example.com",
            "givenName=Cy",
            &named,
            "workEmail=c@example.com",
        ])
        .text();
    let find = ["--json", "account", "find", "userName=c@example.com"];
    let piped = tenant.run(&find);
    assert!(
        piped.stdout.contains('\u{202e}') && piped.stdout.contains('\u{9b}'),
        "{piped:?}"
    );
    assert_eq!(piped.done()["attributes"]["familyName"], HOSTILE);
    let file = tenant.connection_file();
    let seen = shown(&[&["--connection", &file], &find[..]].concat());
    is_calm(&seen);
    let read: Json = serde_json::from_str(&seen).unwrap();
    assert_eq!(read, piped.done());
}
