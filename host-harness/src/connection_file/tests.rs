//! Connection files, right and wrong.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::egress::SecretSource;
use crate::limits::Limit;

fn parsed(text: &str) -> Result<ConnectionFile, Vec<String>> {
    ConnectionFile::parse(Path::new("conf/8x8.toml"), text).map_err(|failure| {
        assert_eq!(failure.kind(), "invalid-settings");
        failure
            .problems()
            .iter()
            .map(|p| p.message.clone())
            .collect()
    })
}

#[test]
fn a_whole_file_is_read() {
    let file = parsed(
        r#"
        [component]
        file = "my-connector.wasm"
        [settings]
        instance-url = "https://h.example/"
        verbose = true
        [credentials]
        api-token = { env = "TOKEN" }
        other = { file = "secret.txt", shared = true }
        [network]
        read-only = true
        timeout = "5s"
        operation-timeout = "2m"
        max-concurrency = 4
        max-requests-per-minute = 60
        allow-addresses = ["10.0.0.0/8"]
        ca-file = "/etc/ca.pem"
        [limits]
        cpu = "500ms"
        memory = 1_048_576
        "#,
    )
    .unwrap();
    assert_eq!(file.component, Some("conf/my-connector.wasm".into()));
    assert_eq!(file.settings["verbose"], "true");
    assert_eq!(
        file.credentials.0["api-token"],
        SecretSource::Environment("TOKEN".into())
    );
    assert_eq!(
        file.credentials.0["other"],
        SecretSource::File {
            path: "conf/secret.txt".into(),
            shared: true,
        }
    );
    assert!(file.network.read_only);
    assert_eq!(file.network.ca_file, Some("/etc/ca.pem".into()));
    assert_eq!(file.network.max_requests_per_minute, Some(60));
    assert_eq!(file.limits.request_time, Duration::from_secs(5));
    assert_eq!(file.limits.operation_time, Duration::from_secs(120));
    assert_eq!(file.limits.cpu, Duration::from_millis(500));
    assert_eq!(file.limits.memory, 1 << 20);
}

#[test]
fn unknown_keys_are_named_with_line_and_nearest_key() {
    let problems = parsed("[network]\nreadonly = true\n[setings]\nx = 1\n").unwrap_err();
    assert_eq!(
        problems,
        [
            "conf/8x8.toml:2: there is no `readonly` in [network]; did you mean `read-only`?",
            "conf/8x8.toml:3: there is no `setings`; did you mean `settings`?",
        ]
    );
}

#[test]
fn a_secret_in_the_place_of_a_key_is_not_repeated() {
    for wrong in [
        "{ S3CRETTOKEN = \"env\" }",
        "{ env = \"A\", S3CRETTOKEN = 1 }",
        "{ S3CRETTOKEN.x = 1 }",
    ] {
        let text = format!("[credentials]\napi-token = {wrong}\n");
        let problems = parsed(&text).unwrap_err();
        assert_eq!(
            problems,
            ["conf/8x8.toml:2: `api-token` has a key that is none of `env`, `file`, `shared`."]
        );
    }
    let near = parsed("[credentials]\napi-token = { fiel = \"a\" }\n").unwrap_err();
    assert!(near[0].contains("did you mean `file`?"), "{near:?}");
}

#[test]
fn wrong_values_are_named_with_what_they_should_be() {
    for (text, problem) in [
        (
            "[network]\ntimeout = 30",
            "`timeout` is a duration such as \"30s\", \"2m\" or \"500ms\".",
        ),
        (
            "[network]\nmax-concurrency = 0",
            "`max-concurrency` is a whole number above 0.",
        ),
        ("[settings]\nx = 1", "`x` is text in quotes."),
        (
            "[limits]\nmemory = 999999999999",
            "`memory` is a whole number from 1 to 268435456.",
        ),
    ] {
        assert_eq!(
            parsed(text).unwrap_err(),
            [format!("conf/8x8.toml:2: {problem}")]
        );
    }
}

#[test]
fn a_secret_typed_into_the_file_is_refused_and_not_repeated() {
    let problems = parsed("[credentials]\napi-token = \"canary\"").unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(!problems[0].contains("canary"));
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_line() {
    let problems = parsed("[settings]\nx = \n").unwrap_err();
    assert!(
        problems[0].starts_with("conf/8x8.toml:2: this is not TOML"),
        "{problems:?}"
    );
}

#[test]
fn missing_secrets_are_found_before_anything_is_sent() {
    let file = parsed("[credentials]\na = { file = \"nowhere\" }").unwrap();
    let failure = file.check_credentials().unwrap_err();
    assert_eq!(failure.problems()[0].code, "missing");
}

#[test]
fn each_limit_that_a_failure_names_is_a_key_of_the_file() {
    for limit in Limit::ALL {
        let value = if limit == Limit::Cpu { "\"1s\"" } else { "1" };
        let file = parsed(&format!("[limits]\n{} = {value}", limit.name())).unwrap();
        assert_ne!(file, parsed("").unwrap(), "{limit}");
    }
}

#[test]
fn what_a_host_decides_for_all_connections_comes_from_the_file_too() {
    let file = parsed("[limits]\nstack = 100_000\nfuel = 7\ncpu = \"1s\"").unwrap();
    let options = file.host_options();
    assert_eq!(options.stack_bytes, 100_000);
    assert!(options.count_fuel);
    assert_eq!(options.limits.cpu, Duration::from_secs(1));
    assert!(!parsed("").unwrap().host_options().count_fuel);
}
