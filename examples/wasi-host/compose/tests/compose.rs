//! What `compose` says to what it cannot compose. What it makes is run by `.ci/foreign`.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

/// What it says to these words, having failed.
fn told(words: &[&str]) -> String {
    let mut compose = Command::new(env!("CARGO_BIN_EXE_compose"));
    let output = compose
        .args(words)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_is_no_component_is_refused_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("connector.wasm");
    let out = folder.path().join("out.wasm");
    let words = [file.to_str().unwrap(), out.to_str().unwrap()];
    assert!(told(&words).contains("cannot read"), "{}", told(&words));
    std::fs::write(&file, b"\0asm\x01\0\0\0").unwrap();
    let said = told(&words);
    assert!(said.contains("connector.wasm is no component"), "{said}");
    assert!(!out.exists());
}

#[test]
fn other_words_are_answered_with_the_usage() {
    assert!(told(&[]).contains("usage: compose CONNECTOR OUT"));
}
