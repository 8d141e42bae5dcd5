//! [`Component`]: a connector that was read, found to ask for nothing beyond the contract,
//! compiled, and has described itself.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmparser::{Encoding, Parser, Payload};

use crate::bindings::ConnectorPre;
use crate::connection::{Connection, ConnectionOptions};
use crate::contract::Manifest;
use crate::engine::Host;
use crate::failure::Failure;
use crate::manifest;
use crate::sandbox::{COMPONENT_BYTES, Limits, Sandbox, StoreState};

/// What a connector may import: the contract's, at any 0.1.
const IMPORTS: [&str; 3] = ["http", "log", "types"];
/// What a connector exports.
const EXPORTS: [&str; 2] = ["manifest", "accounts"];
const PACKAGE: &str = "provisioning:connector/";
const VERSION: &str = "@0.1.";

/// Why a component was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// What is wrong with the component in a file.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<LoadError>,
    },
    /// The file cannot be read.
    #[error("The component {} cannot be read: {reason}.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// It is larger than any connector is.
    #[error("The component has more than {most} bytes, the most that is taken.")]
    TooLarge {
        /// The most bytes that are taken.
        most: u64,
    },
    /// There are no bytes.
    #[error("The component is empty.")]
    Empty,
    /// The bytes are no WebAssembly.
    #[error("This is not a WebAssembly component: {reason}.")]
    NotWasm {
        /// What is wrong with them.
        reason: String,
    },
    /// A module without the component around it.
    #[error(
        "This is a core WebAssembly module, not a component; wrap it with \
         `wasm-tools component new`."
    )]
    CoreModule,
    /// It wants more of its host than the contract has.
    #[error("The component imports what the contract does not have: {}.", beyond.join(", "))]
    BeyondContract {
        /// The imports in question.
        beyond: Vec<String>,
    },
    /// It is a component for something else.
    #[error("The component is no connector: it does not export {}.", missing.join(", "))]
    OtherWorld {
        /// The exports that it lacks.
        missing: Vec<String>,
    },
    /// Its imports or exports have the contract's names and other types, or its code is
    /// not valid.
    #[error("The component does not fit the contract: {reason}.")]
    Mismatch {
        /// What wasmtime said.
        reason: String,
    },
    /// Its manifest contradicts itself.
    #[error("The connector's manifest is wrong: {}", problems.join(" "))]
    Manifest {
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
}

impl LoadError {
    fn in_file(self, path: &Path) -> Self {
        Self::InFile {
            path: path.to_owned(),
            source: Box::new(self),
        }
    }
}

/// What a component is from the outside, read without compiling or running it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// The names of its imports.
    pub imports: Vec<String>,
    /// The names of its exports.
    pub exports: Vec<String>,
    /// In bytes.
    pub size: u64,
    /// Of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// Whether it imports nothing beyond the contract.
    pub contract_only: bool,
    /// The imports beyond the contract.
    pub beyond: Vec<String>,
    /// The exports of a connector that it lacks.
    pub missing: Vec<String>,
}

impl Inspection {
    /// Looks at a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds no component.
    pub fn of_file(path: &Path) -> Result<Self, LoadError> {
        Self::of_bytes(&read(path)?).map_err(|error| error.in_file(path))
    }

    /// Looks at a component's bytes.
    ///
    /// # Errors
    ///
    /// They are no component.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        let (imports, exports) = names(bytes)?;
        let beyond: Vec<String> = imports
            .iter()
            .filter(|name| !IMPORTS.iter().any(|known| is_of_contract(name, known)))
            .cloned()
            .collect();
        let missing = EXPORTS
            .iter()
            .filter(|wanted| !exports.iter().any(|name| is_of_contract(name, wanted)))
            .map(|wanted| format!("{PACKAGE}{wanted}{VERSION}x"))
            .collect();
        Ok(Self {
            imports,
            exports,
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            sha256: Sha256::digest(bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            contract_only: beyond.is_empty(),
            beyond,
            missing,
        })
    }

    fn verdict(&self) -> Result<(), LoadError> {
        if !self.beyond.is_empty() {
            return Err(LoadError::BeyondContract {
                beyond: self.beyond.clone(),
            });
        }
        if !self.missing.is_empty() {
            return Err(LoadError::OtherWorld {
                missing: self.missing.clone(),
            });
        }
        Ok(())
    }
}

fn is_of_contract(name: &str, interface: &str) -> bool {
    name.strip_prefix(PACKAGE)
        .and_then(|rest| rest.strip_prefix(interface))
        .and_then(|rest| rest.strip_prefix(VERSION))
        .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
}

/// The names that the outermost component imports and exports.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    if u64::try_from(bytes.len()).is_ok_and(|size| size > COMPONENT_BYTES) {
        return Err(LoadError::TooLarge {
            most: COMPONENT_BYTES,
        });
    }
    let wrong = |error: wasmparser::BinaryReaderError| LoadError::NotWasm {
        // What follows the first line are bytes.
        reason: error
            .message()
            .lines()
            .next()
            .unwrap_or_default()
            .trim_end_matches(" - expected=[")
            .to_owned(),
    };
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(wrong)? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => return Err(LoadError::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(wrong)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(wrong)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    use std::io::Read as _;

    let read = || {
        let mut bytes = Vec::new();
        // One more shows that it is too large; a device would have no end.
        let most = COMPONENT_BYTES.saturating_add(1);
        std::fs::File::open(path)?
            .take(most)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error: std::io::Error| LoadError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// A connector, ready to be connected. Clones are the same component.
#[derive(Clone)]
pub struct Component(Arc<Inner>);

struct Inner {
    host: Host,
    instance: ConnectorPre<StoreState>,
    manifest: Manifest,
    inspection: Inspection,
}

impl Component {
    /// Loads a component from a file.
    ///
    /// # Errors
    ///
    /// [`Failure::Component`], and what `describe` may end in: a fault or a limit.
    pub async fn from_file(host: &Host, path: impl AsRef<Path>) -> Result<Self, Failure> {
        let path = path.as_ref();
        let bytes = read(path)?;
        match Self::from_bytes(host, &bytes).await {
            Err(Failure::Component(error)) => Err(error.in_file(path).into()),
            loaded => loaded,
        }
    }

    /// Loads a component from its bytes.
    ///
    /// # Errors
    ///
    /// Those of [`from_file`](Self::from_file).
    pub async fn from_bytes(host: &Host, bytes: &[u8]) -> Result<Self, Failure> {
        let inspection = Inspection::of_bytes(bytes)?;
        inspection.verdict()?;
        let compiled = tokio::task::spawn_blocking({
            let (host, bytes) = (host.clone(), bytes.to_vec());
            move || compile(&host, &bytes)
        });
        let instance = compiled.await.map_err(|_| LoadError::Mismatch {
            reason: "it could not be compiled".to_owned(),
        })??;
        let manifest = {
            let _running = host.run_clockwork();
            let limits = host.limits();
            let work = async {
                let mut sandbox = Sandbox::start(host, &instance, limits).await?;
                sandbox.describe().await
            };
            host.within("describe", limits.operation_time, work).await?
        };
        let problems = manifest::problems(&manifest);
        if !problems.is_empty() {
            return Err(LoadError::Manifest { problems }.into());
        }
        Ok(Self(Arc::new(Inner {
            host: host.clone(),
            instance,
            manifest,
            inspection,
        })))
    }

    /// What the connector says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// What the component is from the outside.
    #[must_use]
    pub fn inspection(&self) -> &Inspection {
        &self.0.inspection
    }

    /// Opens a connection to one upstream tenant. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidSettings`] with every problem that host and connector find, and
    /// what a call into the connector may end in.
    pub async fn connect(&self, options: ConnectionOptions) -> Result<Connection, Failure> {
        Connection::open(self.clone(), options).await
    }

    pub(crate) fn host(&self) -> &Host {
        &self.0.host
    }

    pub(crate) async fn sandbox(&self, limits: &Limits) -> Result<Sandbox, Failure> {
        Sandbox::start(&self.0.host, &self.0.instance, limits).await
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("id", &self.0.manifest.id)
            .field("version", &self.0.manifest.version)
            .field("sha256", &self.0.inspection.sha256)
            .finish_non_exhaustive()
    }
}

fn compile(host: &Host, bytes: &[u8]) -> Result<ConnectorPre<StoreState>, LoadError> {
    let mismatch = |error: wasmtime::Error| LoadError::Mismatch {
        reason: format!("{error:#}"),
    };
    // `from_binary` alone, which takes no precompiled code.
    let component =
        wasmtime::component::Component::from_binary(host.engine(), bytes).map_err(mismatch)?;
    let instance = host
        .linker()
        .instantiate_pre(&component)
        .map_err(mismatch)?;
    ConnectorPre::new(instance).map_err(mismatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspected(wat: &str) -> Result<Inspection, LoadError> {
        Inspection::of_bytes(&wat::parse_str(wat).unwrap())
    }

    #[test]
    fn bytes_that_are_no_component_are_told_apart() {
        assert_eq!(Inspection::of_bytes(b""), Err(LoadError::Empty));
        assert!(matches!(
            Inspection::of_bytes(b"<html>"),
            Err(LoadError::NotWasm { .. })
        ));
        assert_eq!(inspected("(module)"), Err(LoadError::CoreModule));
        assert_eq!(
            Inspection::of_bytes(&vec![0; 33 << 20]),
            Err(LoadError::TooLarge { most: 32 << 20 })
        );
        assert!(matches!(
            Inspection::of_file(Path::new("/nowhere/at-all.wasm")),
            Err(LoadError::Unreadable { .. })
        ));
    }

    #[test]
    fn imports_beyond_the_contract_are_named() {
        let inspection = inspected(
            r#"(component
                (import "provisioning:connector/http@0.1.7" (instance))
                (import "provisioning:connector/clock@0.1.0" (instance))
                (import "provisioning:connector/log@0.2.0" (instance))
                (import "wasi:cli/environment@0.2.3" (instance)))"#,
        )
        .unwrap();
        assert!(!inspection.contract_only);
        assert_eq!(
            inspection.beyond,
            [
                "provisioning:connector/clock@0.1.0",
                "provisioning:connector/log@0.2.0",
                "wasi:cli/environment@0.2.3"
            ]
        );
    }

    #[test]
    fn a_component_of_another_world_is_told_what_it_lacks() {
        let inspection = inspected("(component)").unwrap();
        let error = inspection.verdict().unwrap_err();
        assert_eq!(
            error.to_string(),
            "The component is no connector: it does not export \
             provisioning:connector/manifest@0.1.x, provisioning:connector/accounts@0.1.x."
        );
    }

    #[tokio::test]
    async fn exports_of_the_right_name_and_another_type_do_not_fit() {
        let wat = r#"(component
            (instance $empty)
            (export "provisioning:connector/manifest@0.1.0" (instance $empty))
            (export "provisioning:connector/accounts@0.1.0" (instance $empty)))"#;
        let options = crate::HostOptions {
            compiled_code: crate::CompiledCode::NotKept,
            max_instances: 1,
            ..crate::HostOptions::default()
        };
        let host = Host::new(options).unwrap();
        let bytes = wat::parse_str(wat).unwrap();
        let failure = Component::from_bytes(&host, &bytes).await.unwrap_err();
        assert!(
            matches!(failure, Failure::Component(LoadError::Mismatch { .. })),
            "{failure:?}"
        );
        assert_eq!(failure.kind(), "invalid-component");
    }

    #[test]
    fn imports_of_nested_components_are_not_the_components_own() {
        let inspection = inspected(r#"(component (component (import "x" (func))))"#).unwrap();
        assert!(inspection.imports.is_empty());
    }
}
