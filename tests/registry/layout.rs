//! An OCI image layout on disk, as tools such as `oras` and `wkg` write one.

use std::path::Path;

use component_8x8::CONNECTOR_8X8;
use serde_json::{Value as Json, json};

use super::{Shop, Signer, names, newest, version};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Writes a blob; its descriptor.
fn blob(layout: &Path, media_type: &str, bytes: &[u8]) -> Json {
    let digest = digest(bytes);
    let folder = layout.join("blobs/sha256");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(&digest), bytes).unwrap();
    json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len() })
}

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};

    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A connector's manifest; its descriptor, tagged.
fn artifact(layout: &Path, component: &[u8], tag: &str, annotations: Json) -> Json {
    let config = json!({ "architecture": "wasm", "os": "wasip2", "layerDigests": [] });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(
            layout,
            "application/vnd.wasm.config.v0+json",
            config.to_string().as_bytes(),
        ),
        "layers": [blob(layout, "application/wasm", component)],
        "annotations": annotations,
    });
    tagged(blob(layout, MANIFEST, manifest.to_string().as_bytes()), tag)
}

fn tagged(mut descriptor: Json, tag: &str) -> Json {
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    descriptor
}

fn index(layout: &Path, manifests: &[Json]) {
    let index = json!({ "schemaVersion": 2, "manifests": manifests });
    std::fs::write(
        layout.join("oci-layout"),
        r#"{"imageLayoutVersion": "1.0.0"}"#,
    )
    .unwrap();
    std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
}

#[tokio::test]
async fn a_layout_offers_its_connectors_and_leaves_other_images_alone() {
    let shop = Shop::new();
    let layout = shop.path();
    let image = json!({
        "schemaVersion": 2,
        "config": blob(layout, "application/vnd.oci.image.config.v1+json", b"{}"),
        "layers": [],
    });
    let image = blob(layout, MANIFEST, image.to_string().as_bytes());
    let nested = json!({ "schemaVersion": 2, "manifests": [
        artifact(layout, &version("0.1.2"), "8x8:0.1.2", json!({})),
    ] });
    let nested = blob(
        layout,
        "application/vnd.oci.image.index.v1+json",
        nested.to_string().as_bytes(),
    );
    let versioned = json!({ "org.opencontainers.image.version": "0.1.0" });
    let first = artifact(layout, CONNECTOR_8X8, "latest", versioned);
    index(layout, &[image.clone(), nested.clone(), first.clone()]);
    let registry = shop.open().await;
    assert_eq!(names(&registry.releases()), ["8x8 0.1.0", "8x8 0.1.2"]);
    assert!(
        registry.refused().await.is_empty(),
        "{:?}",
        registry.refused().await
    );
    assert_eq!(registry.refresh().await.unwrap(), Default::default());
    assert_eq!(shop.loads.count(), 2);

    // The tag moves on.
    let next = artifact(layout, &version("0.1.3"), "latest", json!({}));
    index(layout, &[image, nested, next]);
    let refreshed = registry.refresh().await.unwrap();
    assert_eq!(names(&refreshed.added), ["8x8 0.1.3"]);
    assert_eq!(names(&refreshed.removed), ["8x8 0.1.0"]);
    assert_eq!(shop.loads.count(), 3, "what is known is not loaded again");
}

#[tokio::test]
async fn what_is_not_what_its_digest_tag_or_annotation_says_is_refused_and_the_last_one_goes_on() {
    let shop = Shop::new();
    let layout = shop.path();
    index(
        layout,
        &[artifact(layout, CONNECTOR_8X8, "latest", json!({}))],
    );
    let registry = shop.open().await;
    let refused = async |manifest: Json, words: &str| {
        index(layout, &[manifest]);
        let refreshed = registry.refresh().await.unwrap();
        let [refused] = &refreshed.refused[..] else {
            panic!("{words}: {refreshed:?}");
        };
        assert!(refused.reason.contains(words), "{words}: {refused}");
        refused.clone()
    };

    let next = version("0.1.4");
    let good = artifact(layout, &next, "latest", json!({}));
    let file = layout.join("blobs/sha256").join(digest(&next));
    let mut spoiled = next.clone();
    spoiled[3000] ^= 1;
    std::fs::write(&file, &spoiled).unwrap();
    let refused_ = refused(good.clone(), "is not what its digest names").await;
    assert_eq!(refused_.kept.unwrap().version, "0.1.0");
    assert_eq!(newest(&registry), "0.1.0");
    std::fs::write(&file, &next[..9]).unwrap();
    refused(good.clone(), "has 9 bytes, and its descriptor says").await;
    std::fs::remove_file(&file).unwrap();
    refused(good.clone(), "cannot be read").await;

    let annotated = json!({ "org.opencontainers.image.version": "9.9.9" });
    let lying = artifact(layout, &next, "latest", annotated);
    refused(
        lying,
        "The annotation says 9.9.9, and the connector itself says 0.1.4",
    )
    .await;
    let lying = artifact(layout, &next, "0.1.5", json!({}));
    refused(lying, "The tag says 0.1.5").await;
    let lying = artifact(layout, &next, "example.com/other:0.1.4", json!({}));
    refused(lying, "The name before the tag is `other`").await;
    let mut elsewhere = good.clone();
    elsewhere["digest"] = json!("sha256:../../../etc/passwd");
    refused(elsewhere, "no sha256 in lower-case hexadecimal").await;

    // Mended without a trace in the index.
    std::fs::remove_file(&file).unwrap();
    refused(good, "cannot be read").await;
    std::fs::write(&file, &next).unwrap();
    registry.refresh().await.unwrap();
    assert_eq!(newest(&registry), "0.1.4");
    assert!(registry.refused().await.is_empty());
}

#[tokio::test]
async fn a_signature_is_a_layer_of_its_own() {
    let (shop, signer) = (Shop::new(), Signer::new());
    let layout = shop.path();
    let component = version("0.1.6");
    let artifact = |signed: &[u8]| {
        let title = json!({ "org.opencontainers.image.title": "connector.wasm.minisig" });
        let signature = signer.sign(signed);
        let mut layer = blob(layout, "application/octet-stream", signature.as_bytes());
        layer["annotations"] = title;
        let manifest = json!({
            "schemaVersion": 2,
            "config": blob(layout, "application/vnd.wasm.config.v0+json", b"{}"),
            "layers": [blob(layout, "application/wasm", &component), layer],
        });
        tagged(
            blob(layout, MANIFEST, manifest.to_string().as_bytes()),
            "0.1.6",
        )
    };
    index(layout, &[artifact(b"something else")]);
    let registry = shop.open_with(signer.options.clone()).await;
    assert!(registry.releases().is_empty());
    index(layout, &[artifact(&component)]);
    registry.refresh().await.unwrap();
    assert_eq!(names(&registry.releases()), ["8x8 0.1.6"]);
}

#[tokio::test]
async fn a_layout_that_is_none_is_an_error() {
    let shop = Shop::new();
    std::fs::write(
        shop.path().join("oci-layout"),
        r#"{"imageLayoutVersion": "2.0.0"}"#,
    )
    .unwrap();
    std::fs::write(shop.path().join("index.json"), "{").unwrap();
    let open = || {
        let options = super::RegistryOptions::default();
        super::Registry::open(&shop.host, shop.path(), options)
    };
    let message = open().await.unwrap_err().message();
    assert!(message.contains("image layout version 2.0.0"), "{message}");
    std::fs::write(
        shop.path().join("oci-layout"),
        r#"{"imageLayoutVersion": "1.0.0"}"#,
    )
    .unwrap();
    let message = open().await.unwrap_err().message();
    assert!(message.contains("index.json is no JSON"), "{message}");
}

/// An entry that names something by a digest that is none.
fn nothing(number: usize) -> Json {
    json!({ "mediaType": MANIFEST, "digest": format!("sha256:{number}"), "size": 1 })
}

#[tokio::test]
async fn a_layout_of_more_than_anybody_needs_is_an_error_and_what_was_there_goes_on() {
    let shop = Shop::new();
    let layout = shop.path();
    let good = artifact(layout, CONNECTOR_8X8, "latest", json!({}));
    index(layout, std::slice::from_ref(&good));
    let registry = shop.open().await;
    let entries: Vec<Json> = (0..1_000).map(nothing).chain([good]).collect();
    index(layout, &entries);
    let message = registry.refresh().await.unwrap_err().message();
    assert!(message.contains("more than 1000 artifacts"), "{message}");
    assert_eq!(names(&registry.releases()), ["8x8 0.1.0"]);

    // Images of something else are not counted among them, and are not read without end.
    let other = json!({ "mediaType": "application/octet-stream", "digest": "sha256:0", "size": 1 });
    index(layout, &vec![other; 10_001]);
    let message = registry.refresh().await.unwrap_err().message();
    assert!(message.contains("10000 entries"), "{message}");

    // Nor is what describes them.
    let large = |number: usize| {
        let mut bytes = json!({ "number": number, "config": {} })
            .to_string()
            .into_bytes();
        bytes.resize(4 << 20, b' ');
        blob(layout, MANIFEST, &bytes)
    };
    index(layout, &(0..18).map(large).collect::<Vec<_>>());
    let message = registry.refresh().await.unwrap_err().message();
    assert!(message.contains("67108864 bytes"), "{message}");
}

#[tokio::test]
async fn an_index_is_walked_through_once_however_often_it_is_named() {
    let shop = Shop::new();
    let layout = shop.path();
    let mut entries = vec![
        artifact(layout, CONNECTOR_8X8, "latest", json!({})),
        nothing(1),
    ];
    for _ in 0..4 {
        let nested = json!({ "schemaVersion": 2, "manifests": entries });
        let nested = blob(
            layout,
            "application/vnd.oci.image.index.v1+json",
            nested.to_string().as_bytes(),
        );
        entries = vec![nested; 5];
    }
    index(layout, &entries);
    let registry = shop.open().await;
    assert_eq!(names(&registry.releases()), ["8x8 0.1.0"]);
    assert_eq!(registry.refused().await.len(), 1);
}

/// Forty entries of 30 MB are more than a registry reads, and one blob is not.
#[tokio::test]
async fn a_component_is_read_once_however_many_entries_name_it() {
    let shop = Shop::new();
    let layout = shop.path();
    let component = vec![0; 30 << 20];
    let entries = (0..40).map(|number| {
        let annotations = json!({ "number": number.to_string() });
        artifact(layout, &component, &format!("tag-{number}"), annotations)
    });
    index(layout, &entries.collect::<Vec<_>>());
    let registry = shop.open().await;
    let refused = registry.refused().await;
    assert_eq!(refused.len(), 40);
    for refused in refused {
        assert!(
            refused.reason.contains("not a WebAssembly component"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn nothing_is_read_of_a_component_that_is_not_pinned_or_not_signed() {
    let (shop, signer, other) = (Shop::new(), Signer::new(), Signer::new());
    let layout = shop.path();
    let component = version("0.1.7");
    let signature = other.sign(&component);
    let mut layer = blob(layout, "application/octet-stream", signature.as_bytes());
    layer["annotations"] = json!({ "org.opencontainers.image.title": "c.minisig" });
    let signed = json!({
        "schemaVersion": 2,
        "config": blob(layout, "application/vnd.wasm.config.v0+json", b"{}"),
        "layers": [blob(layout, "application/wasm", &component), layer],
    });
    let signed = blob(layout, MANIFEST, signed.to_string().as_bytes());
    index(
        layout,
        &[
            artifact(layout, &component, "unsigned", json!({})),
            tagged(signed, "signed"),
        ],
    );
    // What is tried to be read would be missed.
    std::fs::remove_file(layout.join("blobs/sha256").join(digest(&component))).unwrap();
    let mut pinned = super::RegistryOptions::default();
    pinned.sha256 = vec![digest(b"another")];
    let refused = shop.open_with(pinned).await.refused().await;
    assert_eq!(refused.len(), 2);
    for refused in refused {
        assert!(
            refused.reason.contains("none of the pinned ones"),
            "{refused}"
        );
    }
    let refused = shop.open_with(signer.options.clone()).await.refused().await;
    let reasons: Vec<&str> = refused
        .iter()
        .map(|refused| refused.reason.as_str())
        .collect();
    let [unsigned, signed] = &reasons[..] else {
        panic!("{reasons:?}");
    };
    assert!(unsigned.contains("its signature"), "{unsigned}");
    assert!(
        signed.contains("does not fit it and the public key"),
        "{signed}"
    );
}
