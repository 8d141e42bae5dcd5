//! New versions of a connector come while others run: from a folder, or from an OCI layout.

mod layout;
mod swap;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use component_8x8::CONNECTOR_8X8;
use host_harness::registry::{Refused, Registry, RegistryOptions, Release};
use host_harness::trace::{Exchange, Observer, OperationStats};
use host_harness::{CompiledCode, Host, HostOptions, Inspection};
use simulated_8x8::Switches;
use tempfile::TempDir;

use crate::stage::Stage;

/// The 8x8 connector as if it were of this version, five characters long.
fn version(version: &str) -> Vec<u8> {
    replaced(CONNECTOR_8X8, |before| before != b'@', version)
}

/// The 8x8 connector as if it were made for this contract.
fn of_contract(contract: &str) -> Vec<u8> {
    replaced(CONNECTOR_8X8, |before| before == b'@', contract)
}

fn replaced(bytes: &[u8], after: impl Fn(u8) -> bool, with: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = bytes
        .windows(6)
        .enumerate()
        .filter(|(_, window)| window.ends_with(b"0.1.0") && after(window[0]))
        .map(|(at, _)| at + 1)
        .collect();
    assert!(!places.is_empty() && with.len() == 5);
    for at in places {
        bytes[at..at + 5].copy_from_slice(with.as_bytes());
    }
    bytes
}

/// Counts the components that describe themselves: those that were loaded.
#[derive(Default)]
struct Loads(Mutex<usize>);

impl Observer for Loads {
    fn exchange(&self, _: &Exchange) {}

    fn operation(&self, stats: &OperationStats) {
        if stats.operation == "describe" {
            *self.0.lock().unwrap() += 1;
        }
    }
}

impl Loads {
    fn count(&self) -> usize {
        *self.0.lock().unwrap()
    }
}

/// A folder of connectors, and a host for them.
struct Shop {
    folder: TempDir,
    host: Host,
    loads: Arc<Loads>,
}

impl Shop {
    fn new() -> Self {
        let loads = Arc::new(Loads::default());
        let mut options = HostOptions::default();
        options.compiled_code =
            CompiledCode::In(concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled").into());
        options.max_instances = 32;
        options.observer = Some(loads.clone());
        Self {
            folder: tempfile::tempdir().unwrap(),
            host: Host::new(options).unwrap(),
            loads,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a file in its place at once, as a careful deployment does.
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let (part, path) = (self.path().join("part"), self.path().join(name));
        std::fs::write(&part, bytes).unwrap();
        std::fs::rename(part, &path).unwrap();
        path
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).unwrap();
    }

    async fn open(&self) -> Registry {
        self.open_with(RegistryOptions::default()).await
    }

    async fn open_with(&self, options: RegistryOptions) -> Registry {
        Registry::open(&self.host, self.path(), options)
            .await
            .unwrap()
    }
}

fn names(releases: &[Release]) -> Vec<String> {
    let named = releases.iter();
    named
        .map(|release| format!("{} {}", release.id, release.version))
        .collect()
}

fn newest(registry: &Registry) -> String {
    registry.get("8x8").unwrap().manifest().version.clone()
}

fn sha256(bytes: &[u8]) -> String {
    Inspection::of_bytes(bytes).unwrap().sha256
}

#[tokio::test]
async fn the_newest_is_by_semantic_version_and_not_by_name() {
    let shop = Shop::new();
    shop.put("a.wasm", &version("0.9.0"));
    shop.put("b.wasm", &version("0.1.0"));
    shop.put("z.wasm", &version("0.0.9"));
    shop.put("notes.txt", b"not a connector");
    let registry = shop.open().await;
    assert_eq!(
        names(&registry.releases()),
        ["8x8 0.0.9", "8x8 0.1.0", "8x8 0.9.0"]
    );
    assert_eq!(newest(&registry), "0.9.0");
    let certain = registry.get_version("8x8", "0.1.0").unwrap();
    assert_eq!(certain.inspection().sha256, sha256(CONNECTOR_8X8));
    assert!(registry.get_version("8x8", "0.1.1").is_none());
    assert!(registry.get("another").is_none());
    assert!(registry.refused().await.is_empty());
}

#[tokio::test]
async fn a_refresh_where_nothing_changed_loads_nothing() {
    let shop = Shop::new();
    shop.put("a.wasm", &version("0.1.1"));
    shop.put("broken.wasm", b"broken");
    let registry = shop.open().await;
    let (loads, releases) = (shop.loads.count(), registry.releases());
    for _ in 0..10 {
        assert_eq!(registry.refresh().await.unwrap(), Default::default());
    }
    // Under another name it is still the same component.
    std::fs::rename(shop.path().join("a.wasm"), shop.path().join("c.wasm")).unwrap();
    assert_eq!(registry.refresh().await.unwrap(), Default::default());
    assert_eq!((shop.loads.count(), registry.releases()), (loads, releases));
    assert_eq!(loads, 1);
}

#[tokio::test]
async fn what_is_added_changed_and_removed_is_told() {
    let shop = Shop::new();
    shop.put("a.wasm", &version("0.1.1"));
    let registry = shop.open().await;
    shop.put("a.wasm", &version("0.1.2"));
    shop.put("b.wasm", &version("0.1.3"));
    let refreshed = registry.refresh().await.unwrap();
    assert_eq!(names(&refreshed.added), ["8x8 0.1.2", "8x8 0.1.3"]);
    assert_eq!(names(&refreshed.removed), ["8x8 0.1.1"]);
    shop.remove("b.wasm");
    let refreshed = registry.refresh().await.unwrap();
    assert_eq!(names(&refreshed.removed), ["8x8 0.1.3"]);
    assert_eq!(newest(&registry), "0.1.2");
}

#[tokio::test]
async fn a_broken_one_is_refused_with_the_reason_and_the_last_good_one_goes_on() {
    let shop = Shop::new();
    let good = version("0.1.4");
    shop.put("8x8.wasm", &good);
    let registry = shop.open().await;
    let half = &version("0.1.5")[..5000];
    let other_world = b"\0asm\x0d\0\x01\0";
    let module = b"\0asm\x01\0\0\0";
    for (bytes, reason) in [
        (&b"<html>"[..], "not a WebAssembly component"),
        (half, "not a WebAssembly component"),
        (b"", "is empty"),
        (module, "not a component"),
        (other_world, "is no connector"),
    ] {
        shop.put("8x8.wasm", bytes);
        let refreshed = registry.refresh().await.unwrap();
        assert!(refreshed.added.is_empty() && refreshed.removed.is_empty());
        let [refused] = &refreshed.refused[..] else {
            panic!("{reason}: {refreshed:?}");
        };
        assert!(refused.reason.contains(reason), "{reason}: {refused}");
        assert!(refused.to_string().ends_with(") goes on."), "{refused}");
        assert_eq!(refused.place, "8x8.wasm");
        assert_eq!(newest(&registry), "0.1.4");
    }
    assert_eq!(registry.refused().await.len(), 1);
    shop.put("8x8.wasm", &version("0.1.5"));
    registry.refresh().await.unwrap();
    assert_eq!(newest(&registry), "0.1.5");
    assert!(registry.refused().await.is_empty());
}

#[tokio::test]
async fn a_version_is_one_component_and_has_an_order() {
    let shop = Shop::new();
    let mut other = CONNECTOR_8X8.to_vec();
    // A custom section more: the same connector, and another digest.
    other.extend(b"\0\x02\x01x");
    shop.put("a.wasm", CONNECTOR_8X8);
    shop.put("b.wasm", &other);
    shop.put("c.wasm", &version("first"));
    let registry = shop.open().await;
    let refused: Vec<Refused> = registry.refused().await;
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(
        refused[0].reason.contains("one version is one component"),
        "{refused:?}"
    );
    assert!(
        refused[1]
            .reason
            .contains("`first`, which is no semantic version")
    );
    let taken = registry.get("8x8").unwrap();
    assert_eq!(taken.inspection().sha256, sha256(CONNECTOR_8X8));
    // Told once.
    assert!(registry.refresh().await.unwrap().refused.is_empty());
}

#[tokio::test]
async fn what_is_not_pinned_or_signed_is_not_run() {
    let shop = Shop::new();
    let (wanted, other) = (version("0.1.6"), version("0.1.7"));
    shop.put("a.wasm", &wanted);
    shop.put("b.wasm", &other);
    let mut options = RegistryOptions::default();
    options.sha256 = vec![sha256(&wanted).to_uppercase()];
    let registry = shop.open_with(options).await;
    assert_eq!(names(&registry.releases()), ["8x8 0.1.6"]);
    let [refused] = &registry.refused().await[..] else {
        panic!("one is refused");
    };
    assert!(
        refused.reason.contains("none of the pinned ones"),
        "{refused}"
    );
    assert_eq!(
        shop.loads.count(),
        1,
        "the other did not even describe itself"
    );
}

/// A key, its public half as the options take it, and what it signs.
struct Signer {
    keys: minisign::KeyPair,
    options: RegistryOptions,
}

impl Signer {
    fn new() -> Self {
        let keys = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let mut options = RegistryOptions::default();
        options.public_key = Some(keys.pk.to_base64());
        Self { keys, options }
    }

    fn sign(&self, bytes: &[u8]) -> String {
        let signature = minisign::sign(None, &self.keys.sk, bytes, None, None);
        signature.unwrap().into_string()
    }
}

#[tokio::test]
async fn what_is_not_signed_is_not_run() {
    let (shop, signer) = (Shop::new(), Signer::new());
    let (signed, other) = (version("0.1.8"), version("0.1.9"));
    shop.put("a.wasm", &signed);
    shop.put("a.wasm.minisig", signer.sign(&signed).as_bytes());
    shop.put("b.wasm", &other);
    shop.put("c.wasm", &other);
    shop.put("c.wasm.minisig", signer.sign(&signed).as_bytes());
    let registry = shop.open_with(signer.options.clone()).await;
    assert_eq!(names(&registry.releases()), ["8x8 0.1.8"]);
    let refused = registry.refused().await;
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].reason.contains("b.wasm.minisig cannot be read"));
    assert!(refused[1].reason.contains("c.wasm.minisig does not fit it"));
    assert_eq!(
        shop.loads.count(),
        1,
        "the others did not even describe themselves"
    );

    // The signature comes after its component.
    shop.put("b.wasm.minisig", signer.sign(&other).as_bytes());
    registry.refresh().await.unwrap();
    assert_eq!(names(&registry.releases()), ["8x8 0.1.8", "8x8 0.1.9"]);
}

#[tokio::test]
async fn connectors_of_an_older_contract_run_beside_newer_ones_and_another_one_is_refused() {
    let shop = Shop::new();
    // The next contract, made up, adds to this one: a connector for it says so in its imports.
    let next = replaced(&of_contract("0.1.1"), |before| before != b'@', "0.2.0");
    shop.put("next.wasm", &next);
    shop.put("first.wasm", CONNECTOR_8X8);
    shop.put("breaking.wasm", &of_contract("0.2.0"));
    let registry = shop.open().await;
    assert_eq!(names(&registry.releases()), ["8x8 0.1.0", "8x8 0.2.0"]);
    let imports = registry.get("8x8").unwrap().inspection().imports.clone();
    assert!(
        imports.iter().any(|name| name.ends_with("/http@0.1.1")),
        "{imports:?}"
    );
    for version in ["0.1.0", "0.2.0"] {
        let connector = registry.get_version("8x8", version).unwrap();
        let stage = Stage::on(&connector, Switches::none(), 2).await;
        assert_eq!(stage.connection.check().await.unwrap().notices.len(), 0);
    }
    let [refused] = &registry.refused().await[..] else {
        panic!("one is refused");
    };
    assert!(
        refused.reason.starts_with(
            "The component is made for contract 0.2, and this host has contract 0.1: "
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_an_error_and_one_that_goes_away_takes_nothing_along() {
    let shop = Shop::new();
    let nowhere = shop.path().join("nowhere");
    let error = Registry::open(&shop.host, &nowhere, RegistryOptions::default()).await;
    assert!(error.unwrap_err().message().contains("nowhere"));
    let there = shop.path().join("there");
    std::fs::create_dir(&there).unwrap();
    std::fs::write(there.join("a.wasm"), version("0.1.8")).unwrap();
    let registry = Registry::open(&shop.host, &there, RegistryOptions::default())
        .await
        .unwrap();
    std::fs::rename(&there, &nowhere).unwrap();
    assert!(registry.refresh().await.is_err());
    assert_eq!(newest(&registry), "0.1.8");
    let tenant = host_harness::ConnectionOptions::new();
    let unknown = registry.connect("another", tenant).await.unwrap_err();
    assert!(
        unknown.message().contains("no connector `another`"),
        "{unknown}"
    );
}

#[tokio::test]
async fn a_folder_of_more_than_anybody_needs_is_an_error_and_what_was_there_goes_on() {
    let shop = Shop::new();
    shop.put("8x8.wasm", CONNECTOR_8X8);
    let registry = shop.open().await;
    for number in 0..1_000 {
        shop.put(&format!("{number}.wasm"), b"no component");
    }
    let message = registry.refresh().await.unwrap_err().message();
    assert!(message.contains("more than 1000 components"), "{message}");
    assert_eq!(names(&registry.releases()), ["8x8 0.1.0"]);
}
