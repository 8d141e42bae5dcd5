//! Whatever is wrong gets a sentence that names it and what to do, the agreed exit code, and
//! changes nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::program::{Run, Tenant, harness, program, run};

/// That a run ended as it should, in plain words and, with `--json`, in the agreed shape.
fn refused(run: &Run, json: &Run, code: i32, kind: &str, words: &[&str]) {
    assert_eq!(run.code, code, "{run:?}");
    assert!(run.stdout.is_empty(), "{run:?}");
    for word in words {
        assert!(run.stderr.contains(word), "{word}: {run:?}");
    }
    assert!(run.stderr.starts_with("error: "), "{run:?}");
    assert!(run.is_civil(), "{run:?}");

    assert_eq!(json.code, code, "{json:?}");
    let document = json.json();
    let failure = &document["failure"];
    assert_eq!(failure["kind"], kind, "{json:?}");
    for part in [
        "code", "message", "problems", "account", "retry", "upstream",
    ] {
        assert!(failure.get(part).is_some(), "{part}: {json:?}");
    }
    assert!(json.is_civil(), "{json:?}");
}

/// Runs with the tenant's connection file, for people and for programs.
fn both(tenant: &Tenant, arguments: &[&str], code: i32, kind: &str, words: &[&str]) {
    refused(
        &tenant.run(arguments),
        &tenant.json(arguments),
        code,
        kind,
        words,
    );
}

/// Runs as it stands.
fn bare(arguments: &[&str], code: i32, kind: &str, words: &[&str]) {
    let json = [&["--json"], arguments].concat();
    refused(&harness(arguments), &harness(&json), code, kind, words);
}

#[test]
fn attributes_that_are_wrong_are_named_with_what_to_do() {
    let tenant = Tenant::start(&["--people", "1"]);
    let before = tenant.everybody();
    let id = before["accounts"][0]["id"].as_str().unwrap();
    let create = [
        "account",
        "create",
        "userName=a@x.example",
        "givenName=A",
        "familyName=B",
    ];
    let with = |more: &[&'static str]| [&create[..], more].concat();
    let invalid = "invalid-account";
    for (arguments, words) in [
        (
            with(&["workEmail=a@x.example", "titel=x"]),
            &["titel", "did you mean title?"][..],
        ),
        (
            with(&["workEmail=a@x.example", "USERNAME=x"]),
            &["USERNAME", "userName"],
        ),
        (with(&[]), &["workEmail is missing"]),
        (with(&["workEmail="]), &["workEmail", "clears"]),
        (
            with(&["workEmail=a@x.example", "title="]),
            &["title", "only an update can clear"],
        ),
        (
            with(&["workEmail=a@x.example", "title=a", "title=b"]),
            &["title", "given twice"],
        ),
        (
            vec!["account", "update", id, "userName="],
            &["userName", "cannot be cleared"],
        ),
        (
            vec!["account", "update", id, "title=a", "title="],
            &["title", "set and cleared"],
        ),
        (
            vec!["account", "update", id, "nonsense=a"],
            &["nonsense", "userName"],
        ),
        (
            vec!["account", "find", "userName="],
            &["userName", "no value"],
        ),
        (vec!["account", "find", "nickName=x"], &["nickName"]),
        (
            vec!["provision", "userName=a@x.example"],
            &["givenName is missing"],
        ),
        (
            vec!["provision", "userName=a@x.example", "title="],
            &["title"],
        ),
        (vec!["deprovision", "userName="], &["userName", "no value"]),
        (vec!["deprovision", "site=London"], &["userName"]),
    ] {
        both(&tenant, &arguments, 1, invalid, words);
    }
    both(
        &tenant,
        &["account", "find", "title=x"],
        1,
        "unsupported",
        &["userName or externalId", "title"],
    );
    both(
        &tenant,
        &["account", "update", id, "site=Atlantis"],
        1,
        invalid,
        &["site", "does not let"],
    );
    both(
        &tenant,
        &["deprovision", "--match", "title", "title=x"],
        1,
        "unsupported",
        &["title", "userName or externalId"],
    );
    assert_eq!(tenant.everybody(), before);
}

#[test]
fn an_id_that_is_no_path_segment_is_refused_before_anything_is_sent() {
    let tenant = Tenant::start(&["--people", "1"]);
    let before = tenant.everybody();
    for id in [
        "", " ", ".", "..", "a/b", "..%2f", "%2e%2e", "a\\b", "a\nb", "%00",
    ] {
        for command in ["get", "activate", "deactivate", "delete"] {
            both(
                &tenant,
                &["account", command, id],
                1,
                "invalid-account",
                &["id"],
            );
        }
        let update = ["account", "update", id, "title=x"];
        both(&tenant, &update, 1, "invalid-account", &["id"]);
    }
    assert_eq!(tenant.everybody(), before);
}

#[test]
fn an_id_of_nobody_is_not_found() {
    let tenant = Tenant::start(&["--people", "1"]);
    for arguments in [
        &["account", "get", "nobody"][..],
        &["account", "update", "nobody", "title=x"],
        &["account", "activate", "nobody"],
    ] {
        both(
            &tenant,
            arguments,
            1,
            "not-found",
            &["no user with this id"],
        );
    }
}

#[test]
fn a_command_line_that_cannot_be_read_is_wrong_usage() {
    for (arguments, words) in [
        (&["frobnicate"][..], &["frobnicate"][..]),
        (&["acount", "list"], &["acount", "account"]),
        (&["account", "lst"], &["lst", "list"]),
        (&["check", "--verbos"], &["--verbos", "--verbose"]),
        (&["account", "create"], &["NAME=VALUE"]),
        (
            &["account", "create", "userName"],
            &["userName", "NAME=VALUE"],
        ),
        (&["account", "create", "=x"], &["NAME=VALUE"]),
        (&["account", "list", "--limit", "0"], &["--limit"]),
        (
            &["account", "list", "--limit", "many"],
            &["--limit", "many"],
        ),
        (&["account", "get"], &["<ID>"]),
        (&["check"], &["--connection"]),
        (
            &["tenant", "--switch", "patch-maybe"],
            &["patch-maybe", "patch-refused"],
        ),
        (
            &["tenant", "--listen", "0.0.0.0:0"],
            &["0.0.0.0:0", "loopback"],
        ),
        (&["tenant", "--fault", "post:teapot"], &["teapot"]),
    ] {
        bare(arguments, 2, "invalid-settings", words);
    }
}

#[test]
fn a_secret_that_the_wire_would_change_is_refused_with_the_reason() {
    let tenant = Tenant::start(&[]);
    let file = tenant.connection_file();
    for (secret, words) in [
        ("c4nary-t0ken \n", "begins or ends with a blank"),
        (" c4nary-t0ken", "begins or ends with a blank"),
        ("c4nary-t0ken\n\n", "holds a line end"),
        ("c4nary\tt0ken", "holds a control character"),
        ("c4nary-t\u{f6}ken", "not ASCII"),
        ("\u{feff}c4nary-t0ken", "not ASCII"),
    ] {
        std::fs::write(tenant.path("tenant.toml.token"), secret).unwrap();
        bare(
            &["--connection", &file, "check"],
            2,
            "invalid-settings",
            &["api-token", words],
        );
        let said = harness(&["--connection", &file, "check"]);
        assert!(!said.stderr.contains("c4nary"), "{said:?}");
    }
}

#[test]
fn a_connection_file_that_cannot_be_used_is_named_with_the_line_at_fault() {
    let tenant = Tenant::start(&[]);
    let settings = format!("[settings]\ninstance-url = \"{}\"\n", tenant.url());
    let token = "[credentials]\napi-token = { file = \"tenant.toml.token\" }\n";
    let loopback = "[network]\nallow-loopback-http = true\n";
    for (name, text, words) in [
        (
            "not.toml",
            "settings]".to_owned(),
            &["not.toml", "TOML"][..],
        ),
        (
            "table.toml",
            format!("{settings}{token}{loopback}[netwrk]\n"),
            &["netwrk", "network"],
        ),
        (
            "key.toml",
            format!("{settings}{token}{loopback}read-onyl = true\n"),
            &["read-onyl", "read-only", "key.toml"],
        ),
        (
            "setting.toml",
            format!("{settings}instance-ulr = \"x\"\n{token}{loopback}"),
            &["instance-ulr", "instance-url"],
        ),
        (
            "duration.toml",
            format!("{settings}{token}{loopback}timeout = \"soon\"\n"),
            &["timeout", "30s"],
        ),
        (
            "secret.toml",
            format!("{settings}[credentials]\napi-token = \"t0ps3cret\"\n"),
            &["api-token", "env"],
        ),
        (
            "none.toml",
            format!("{settings}{loopback}"),
            &["api-token", "env"],
        ),
        (
            "variable.toml",
            format!(
                "{settings}{loopback}[credentials]\napi-token = {{ env = \"HARNESS_TEST_UNSET\" }}\n"
            ),
            &["HARNESS_TEST_UNSET", "api-token"],
        ),
        (
            "secret-for-variable.toml",
            format!("{settings}{loopback}[credentials]\napi-token = {{ env = \"t0ps3cret\" }}\n"),
            &["api-token", "does not look like a name"],
        ),
        (
            "file.toml",
            format!(
                "{settings}{loopback}[credentials]\napi-token = {{ file = \"no-such-file\" }}\n"
            ),
            &["no-such-file", "api-token"],
        ),
        (
            "component.toml",
            format!("[component]\nfle = \"x\"\n{settings}{token}{loopback}"),
            &["fle"],
        ),
        (
            "ca.toml",
            format!("{settings}{token}{loopback}ca-file = \"no-such.pem\"\n"),
            &["no-such.pem"],
        ),
    ] {
        let file = tenant.write(name, text);
        bare(
            &["--connection", &file, "check"],
            2,
            "invalid-settings",
            words,
        );
        let said = harness(&["--connection", &file, "check"]);
        assert!(!said.stderr.contains("t0ps3cret"), "{said:?}");
    }
    bare(
        &["--connection", "no-such-connection.toml", "check"],
        2,
        "invalid-settings",
        &["no-such-connection.toml", "cannot be read"],
    );
    let file = tenant.path("variable.toml").display().to_string();
    let mut empty = program(&["--connection", &file, "check"]);
    empty.env("HARNESS_TEST_UNSET", "");
    let empty = run(empty);
    assert_eq!(empty.code, 2);
    assert!(empty.stderr.contains("HARNESS_TEST_UNSET"), "{empty:?}");
}

#[test]
fn a_component_that_is_none_is_refused_with_what_it_is() {
    let tenant = Tenant::start(&[]);
    let module = tenant.write("module.wasm", wat::parse_str("(module)").unwrap());
    let empty = tenant.write("empty.wasm", "");
    let text = tenant.write("text.wasm", "this is no wasm");
    let world = tenant.write("world.wasm", wat::parse_str("(component)").unwrap());
    let more = r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#;
    let more = tenant.write("more.wasm", wat::parse_str(more).unwrap());
    for (file, words) in [
        ("no-such.wasm", &["no-such.wasm", "cannot be read"][..]),
        (&module, &["core WebAssembly module", "component"]),
        (&empty, &["empty"]),
        (&text, &["not a WebAssembly component"]),
        (&world, &["no connector", "does not export"]),
        (&more, &["wasi:clocks/wall-clock@0.2.0"]),
    ] {
        both(
            &tenant,
            &["--component", file, "check"],
            2,
            "invalid-settings",
            words,
        );
        bare(&["describe", file], 2, "invalid-settings", words);
    }
    for file in ["no-such.wasm", &module, &empty, &text] {
        bare(&["inspect", file], 2, "invalid-settings", &[]);
    }
}

#[test]
fn an_instance_url_of_each_wrong_form_is_refused_and_named() {
    let tenant = Tenant::start(&[]);
    let host = "https://platform.8x8.com/udi/customers";
    for (url, words) in [
        (String::new(), &[][..]),
        ("platform.8x8.com".to_owned(), &[]),
        (format!("{host}/0012J00042NkZQIQA3/scim/v2?x=1"), &[]),
        (format!("{host}/0012J00042NkZQIQA3/scim/v2#x"), &[]),
        (format!("https://me:pw@{}", &host[8..]), &[]),
        (
            format!("{host}/SOMEBODYELSE/scim/v2"),
            &["customer-id", "SOMEBODYELSE"],
        ),
        (format!("{host}/../0012J00042NkZQIQA3/scim/v2"), &[]),
        (
            "http://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2".into(),
            &["http"],
        ),
        (
            "ftp://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2".into(),
            &[],
        ),
        (
            "https://plätform.example/udi/customers/0012J00042NkZQIQA3/scim/v2".into(),
            &["xn--"],
        ),
    ] {
        let file = tenant.edited("url.toml", tenant.url(), &url);
        let arguments = ["--connection", file.as_str(), "check"];
        bare(&arguments, 2, "invalid-settings", words);
        let said = harness(&arguments);
        let named = said.stderr.contains("instance-url") || said.stderr.contains("Instance URL");
        assert!(named || !words.is_empty(), "{said:?}");
        assert!(!said.stderr.contains("me:pw"), "{said:?}");
    }
    // Plain http is for those who ask for it, even on this machine.
    let file = tenant.edited("http.toml", "allow-loopback-http = true", "");
    let words = ["allow-loopback-http"];
    bare(
        &["--connection", &file, "check"],
        2,
        "invalid-settings",
        &words,
    );
}

#[test]
fn an_upstream_that_does_not_let_us_in_is_told_apart() {
    let tenant = Tenant::start(&[]);
    let token = tenant.write("wrong-token", "wrong");
    let path = tenant.path("tenant.toml.token").display().to_string();
    let file = tenant.edited("token.toml", &path, &token);
    bare(
        &["--connection", &file, "check"],
        1,
        "unauthenticated",
        &["API Token", "Admin Console"],
    );

    let url = tenant.url().replace("0012J00042NkZQIQA3", "SOMEBODYELSE");
    let file = tenant.edited("customer.toml", tenant.url(), &url);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("customer-id = \"0012J00042NkZQIQA3\"", ""),
    )
    .unwrap();
    bare(
        &["--connection", &file, "check"],
        1,
        "forbidden",
        &["customer", "SOMEBODYELSE"],
    );

    // A port that nothing listens on any more.
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{gone}/udi/customers/0012J00042NkZQIQA3/scim/v2");
    let file = tenant.edited("gone.toml", tenant.url(), &url);
    bare(
        &["--connection", &file, "check"],
        1,
        "unavailable",
        &["could not be reached"],
    );

    let url = tenant.url().replace("/scim/v2", "/elsewhere/scim/v2");
    let file = tenant.edited("path.toml", tenant.url(), &url);
    bare(
        &["--connection", &file, "check"],
        2,
        "invalid-settings",
        &["Instance URL"],
    );
}

#[test]
fn a_certificate_that_is_not_trusted_says_how_to_trust_it() {
    let tenant = Tenant::start(&["--tls"]);
    let file = tenant.edited("untrusting.toml", "ca-file", "# ca-file");
    bare(
        &["--connection", &file, "check"],
        1,
        "unavailable",
        &["certificate", "ca-file"],
    );
    let other = Tenant::start(&["--tls"]);
    let (own, wrong) = (tenant.path("ca.pem"), other.path("ca.pem"));
    let (own, wrong) = (own.display().to_string(), wrong.display().to_string());
    let file = tenant.edited("wrong-ca.toml", &own, &wrong);
    bare(
        &["--connection", &file, "check"],
        1,
        "unavailable",
        &["certificate", "ca-file"],
    );
}

#[test]
fn a_web_page_in_place_of_scim_is_said_to_be_one() {
    let tenant = Tenant::start(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Ends with the two runs of the test.
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let _request = stream.read(&mut [0; 4096]).unwrap();
            let page = "<html>Sign in</html>";
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close";
            write!(
                stream,
                "{head}\r\ncontent-length: {}\r\n\r\n{page}",
                page.len()
            )
            .unwrap();
        }
    });
    let url = format!("http://{address}/udi/customers/0012J00042NkZQIQA3/scim/v2");
    let file = tenant.edited("page.toml", tenant.url(), &url);
    let words = ["a web page instead of SCIM", "Instance URL"];
    bare(
        &["--connection", &file, "check"],
        1,
        "malformed-answer",
        &words,
    );
    server.join().unwrap();
}
