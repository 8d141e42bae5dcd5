//! Ctrl-C ends a command cleanly, and says what was and was not done.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value as Json;
use simulated_8x8::{Fault, SimulatedTenant, Switch, TenantOptions};

use super::program::program;

/// Runs a command against a tenant of three with these faults, and interrupts it once the last
/// of them has struck. `ID` in the arguments is somebody's id.
fn interrupted(faults: &[&str], arguments: &[&str]) -> Json {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tenant = runtime
        .block_on(SimulatedTenant::start(TenantOptions {
            people: 3,
            switches: [Switch::PatchNoContent].into_iter().collect(),
            ..TenantOptions::default()
        }))
        .unwrap();
    for fault in faults {
        tenant.inject(fault.parse::<Fault>().unwrap());
    }
    let somebody = tenant.users()[0]["id"].as_str().unwrap().to_owned();
    let arguments = arguments.iter().map(|text| text.replace("ID", &somebody));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tenant.toml");
    let text = format!(
        "[settings]\ninstance-url = \"{}\"\ncustomer-id = \"{}\"\n[credentials]\n\
         api-token = {{ env = \"TOKEN\" }}\n[network]\nallow-loopback-http = true\n",
        tenant.instance_url(),
        tenant.customer_id(),
    );
    std::fs::write(&file, text).unwrap();
    let mut command = program(&["--json", "--connection", file.to_str().unwrap()]);
    let child = command
        .args(arguments)
        .env("TOKEN", tenant.token())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let arrived = (0..1_000).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        let log = tenant.log();
        let struck = log.iter().filter(|received| received.fault.is_some());
        struck.count() == faults.len()
    });
    assert!(arrived, "the request arrives");
    let mut kill = std::process::Command::new("kill");
    let id = child.id().to_string();
    assert!(kill.args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

fn message(failure: &Json) -> &str {
    assert_eq!(failure["failure"]["kind"], "cancelled", "{failure}");
    failure["failure"]["message"].as_str().unwrap()
}

const CREATE: [&str; 6] = [
    "account",
    "create",
    "userName=zoe@example.com",
    "givenName=Zoe",
    "familyName=Lin",
    "workEmail=zoe@example.com",
];

#[test]
fn interrupted_while_reading_nothing_was_written() {
    // A listing is written as it arrives, and stays one document.
    let failure = interrupted(&["get:delay-60s"], &["account", "list"]);
    assert_eq!(failure["accounts"], Json::Array(vec![]));
    assert_eq!(message(&failure), "Interrupted. Nothing had been written.");
    assert_eq!(failure["failure"]["retry"]["after-ms"], 0);
}

#[test]
fn interrupted_while_a_write_has_no_answer_it_says_so() {
    let failure = interrupted(&["post:delay-60s"], &CREATE);
    let message = message(&failure);
    let sent = "Sent and not answered: POST /udi/customers/";
    assert!(message.contains(sent), "{message}");
    assert!(message.contains("not known"), "{message}");
    assert_eq!(failure["failure"]["retry"], "after-repair");
}

#[test]
fn interrupted_after_a_write_it_names_that() {
    // The PATCH is answered with 204, and the read that has to show its effect hangs.
    let faults = ["get:delay-1ms", "get:delay-60s"];
    let failure = interrupted(&faults, &["account", "deactivate", "ID"]);
    let message = message(&failure);
    assert!(message.contains("Answered before: PATCH /udi"), "{message}");
    assert!(message.contains("(204)"), "{message}");
    assert!(!message.contains("not answered"), "{message}");
}
