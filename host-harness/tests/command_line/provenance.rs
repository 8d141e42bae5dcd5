//! A pinned or signed component runs, and no other in its place.

use component_8x8::CONNECTOR_8X8;

use crate::program::{Tenant, harness};

/// The tenant's connection file with this under `[component]`, and the component beside it.
fn with_component(tenant: &Tenant, component: &[u8], demand: &str) -> String {
    let file = tenant.write("connector.wasm", component);
    let section = format!("[component]\nfile = \"{file}\"\n{demand}\n[settings]");
    tenant.edited("component.toml", "[settings]", &section)
}

/// Checks the connection; `Some` is the reason for which it was refused.
fn refused(file: &str) -> Option<String> {
    let run = harness(&["--json", "--connection", file, "check"]);
    assert!(run.is_civil(), "{run:?}");
    if run.code == 0 {
        assert_eq!(run.json()["ok"], true);
        return None;
    }
    assert_eq!(run.code, 2, "{run:?}");
    Some(
        run.json()["failure"]["message"]
            .as_str()
            .unwrap()
            .to_owned(),
    )
}

/// The connector with a byte more in a section that nobody reads.
fn altered() -> Vec<u8> {
    let mut bytes = CONNECTOR_8X8.to_vec();
    bytes.extend([0, 3, 1, b'x', 0]);
    bytes
}

#[test]
fn a_pinned_component_runs_and_an_altered_one_does_not() {
    let tenant = Tenant::start(&[]);
    let document = harness(&["inspect", "--json"]).done();
    let pin = format!("sha256 = \"{}\"", document["sha256"].as_str().unwrap());
    let file = with_component(&tenant, CONNECTOR_8X8, &pin);
    assert_eq!(refused(&file), None);
    let file = with_component(&tenant, &altered(), "");
    assert_eq!(refused(&file), None, "it is a connector all the same");
    let file = with_component(&tenant, &altered(), &pin);
    let reason = refused(&file).unwrap();
    assert!(reason.contains("another than the pinned one"), "{reason}");
    assert!(reason.contains("sha256 = "), "{reason}");
}

#[test]
fn a_component_runs_with_the_signature_of_the_key_and_not_without() {
    let tenant = Tenant::start(&[]);
    let keys = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let demand = format!("public-key = \"{}\"", keys.pk.to_base64());
    let file = with_component(&tenant, CONNECTOR_8X8, &demand);
    let reason = refused(&file).unwrap();
    assert!(reason.contains("connector.wasm.minisig"), "{reason}");

    let signature = minisign::sign(None, &keys.sk, CONNECTOR_8X8, None, None).unwrap();
    tenant.write("connector.wasm.minisig", signature.into_string());
    assert_eq!(refused(&file), None);
    let file = with_component(&tenant, &altered(), &demand);
    let reason = refused(&file).unwrap();
    assert!(reason.contains("does not fit"), "{reason}");
}
