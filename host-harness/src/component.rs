//! [`Component`]: a connector that was read, found to ask for nothing beyond the contract,
//! compiled, and has described itself.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use crate::connection::{Connection, ConnectionOptions};
use crate::contract::Manifest;
use crate::engine::{Host, Share};
use crate::failure::Failure;
use crate::inspection::{CONTRACT_VERSION, Inspection};
use crate::manifest;
use crate::mitigation::Mitigation;
use crate::provenance::Provenance;
use crate::sandbox::{
    COMPILE_EFFORT, COMPONENT_BYTES, Exports, IN_PROCESS_CODE, IN_PROCESS_EFFORT, Limits,
    MESSAGE_BYTES, Sandbox, clean,
};
use crate::trace::Meter;

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
    /// Its code is made so that compiling it would take long.
    #[error(
        "Compiling the component would take too long: its functions have {effort} joins of \
         values, and {COMPILE_EFFORT} are the most that is taken. Fewer locals, fewer branches and \
         flatter loops in its largest functions mend that."
    )]
    TooMuchToCompile {
        /// As [`Inside::compile_effort`](crate::inspection::Inside::compile_effort) counts it.
        effort: u64,
    },
    /// Compiling took longer than it may.
    #[error(
        "Compiling the component took more than {seconds} s of processor time, the most that it \
         may take. A component is not normally made like that; whoever made it can tell why."
    )]
    CompileTime {
        /// The processor time that it had.
        seconds: u64,
    },
    /// Compiling took more memory than it may.
    #[error(
        "Compiling the component took more than {} MiB of memory, the most that it may take. A \
         component is not normally made like that; whoever made it can tell why.", bytes >> 20
    )]
    CompileMemory {
        /// The memory that it had.
        bytes: u64,
    },
    /// The program that compiles did not do its work.
    #[error("The component could not be compiled: {reason}.")]
    NotCompiled {
        /// What happened.
        reason: String,
    },
    /// It is more than this process compiles by itself.
    #[error(
        "Compiling the component is too much for this process: it has {code_bytes} bytes of code, \
         and an effort of {effort}; {IN_PROCESS_CODE} bytes and {IN_PROCESS_EFFORT} are the most. A \
         program that compiles, named in `HostOptions::compiler`, takes more."
    )]
    NeedsCompiler {
        /// As [`Inside::compile_effort`](crate::inspection::Inside::compile_effort) counts it.
        effort: u64,
        /// Of all its functions.
        code_bytes: u64,
    },
    /// There is more in it of some kind than is looked at.
    #[error("The component has more than {most} {what}, the most that is taken.")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The most that is taken.
        most: u64,
    },
    /// There are no bytes.
    #[error("The component is empty.")]
    Empty,
    /// The bytes are no WebAssembly.
    #[error("This is not a WebAssembly component: {}.", calm(reason))]
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
    #[error("The component imports what the contract does not have: {}.", calm(&beyond.join(", ")))]
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
    /// It is not the component that was pinned.
    #[error(
        "The component is another than the pinned one: its digest is {found}. If it is the one \
         you want, write sha256 = \"{found}\" under [component] in the connection file."
    )]
    OtherDigest {
        /// The SHA-256 that it has.
        found: String,
    },
    /// It is not signed as demanded.
    #[error("The component is not signed as `public-key` under [component] demands: {reason}.")]
    Unsigned {
        /// What is wrong with the signature.
        reason: String,
    },
    /// Its imports or exports have the contract's names and other types, or its code is
    /// not valid.
    #[error("The component does not fit the contract: {}.", calm(reason))]
    Mismatch {
        /// What wasmtime said.
        reason: String,
    },
    /// It is made for another version of the contract.
    #[error(
        "The component is made for contract {}, and this host has contract {}: take a \
         version of the connector, or of the host, that fits the other.",
        calm(wanted),
        CONTRACT_VERSION
    )]
    OtherContract {
        /// Its major and minor version.
        wanted: String,
    },
    /// A registry does not have it.
    #[error("The registry {} has no connector `{id}`.", path.display())]
    NotInRegistry {
        /// The connector that was asked for.
        id: String,
        /// Where the registry is.
        path: PathBuf,
    },
    /// An OCI layout, or what it refers to, is not as it says it is.
    #[error("{}", calm(what))]
    Layout {
        /// What is wrong, in a sentence.
        what: String,
    },
    /// Its manifest contradicts itself.
    #[error("The connector's manifest is wrong: {}", problems.join(" "))]
    Manifest {
        /// Everything that is wrong with it.
        problems: Vec<String>,
    },
}

/// The names in a component are its author's words, and go into messages for people.
fn calm(words: &str) -> String {
    clean(words, MESSAGE_BYTES)
}

impl LoadError {
    /// What wasmtime has against it.
    pub(crate) fn mismatch(error: wasmtime::Error) -> Self {
        Self::Mismatch {
            reason: format!("{error:#}"),
        }
    }

    pub(crate) fn in_file(self, path: &Path) -> Self {
        Self::InFile {
            path: path.to_owned(),
            source: Box::new(self),
        }
    }
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
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
    exports: Arc<Exports>,
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
        Self::from_known_file(host, path, &Provenance::default()).await
    }

    /// Loads a component from a file, if it is the one that the operator demands.
    ///
    /// # Errors
    ///
    /// Those of [`from_file`](Self::from_file), and of [`Provenance::verify`].
    pub async fn from_known_file(
        host: &Host,
        path: impl AsRef<Path>,
        provenance: &Provenance,
    ) -> Result<Self, Failure> {
        let path = path.as_ref();
        let bytes = read(path)?;
        provenance
            .verify(&bytes, Some(path))
            .map_err(|error| error.in_file(path))?;
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
        let bytes: Arc<[u8]> = bytes.into();
        // It takes as long as the component is large, and others wait for this thread.
        let inspected = tokio::task::spawn_blocking({
            let bytes = Arc::clone(&bytes);
            move || {
                let inspection = Inspection::of_bytes(&bytes)?;
                inspection.verdict()?;
                Ok::<_, LoadError>(inspection)
            }
        });
        let inspection = inspected.await.map_err(|_| LoadError::NotCompiled {
            reason: "it could not be looked at".to_owned(),
        })??;
        let exports = host.compiled(bytes, &inspection).await?;
        let manifest = {
            let limits = host.limits();
            let work = async {
                let meter = Meter::start("describe", host.observer(), host.clock());
                let mut sandbox = Sandbox::start(host, &exports, limits, None, meter).await?;
                sandbox.describe().await
            };
            host.within("describe", limits.operation_time, work).await?
        };
        let problems = manifest::problems(&manifest);
        if !problems.is_empty() && Mitigation::ManifestRules.is_on() {
            return Err(LoadError::Manifest { problems }.into());
        }
        Ok(Self(Arc::new(Inner {
            host: host.clone(),
            exports,
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

    /// Starts a sandbox with the host's limits and throws it away.
    ///
    /// # Errors
    ///
    /// Those of instantiating the component.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub async fn start_sandbox(&self) -> Result<(), Failure> {
        self.sandbox(self.0.host.limits(), None, None)
            .await
            .map(drop)
    }

    /// Calls `describe` once more, in a sandbox of its own.
    ///
    /// # Errors
    ///
    /// Those of `describe` when a component is loaded.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub async fn describe_anew(&self) -> Result<Manifest, Failure> {
        let mut sandbox = self.sandbox(self.0.host.limits(), None, None).await?;
        sandbox.describe().await
    }

    /// Does not keep it, and tells whether anything else does.
    pub(crate) fn downgrade(&self) -> WeakComponent {
        WeakComponent(Arc::downgrade(&self.0))
    }

    pub(crate) fn host(&self) -> &Host {
        &self.0.host
    }

    pub(crate) async fn sandbox(
        &self,
        limits: &Limits,
        share: Option<&Share>,
        meter: Option<Meter>,
    ) -> Result<Sandbox, Failure> {
        Sandbox::start(&self.0.host, &self.0.exports, limits, share, meter).await
    }
}

/// A component that is kept by others, if at all. It owns its compiled code, so that this is
/// gone when it is.
#[derive(Clone)]
pub(crate) struct WeakComponent(Weak<Inner>);

impl WeakComponent {
    pub(crate) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Why a component is refused that has the exports of a connector by name alone, and this inside.
    async fn refused(inside: &str) -> LoadError {
        let wat = format!(
            r#"(component
                {inside}
                (instance $empty)
                (export "provisioning:connector/manifest@0.1.0" (instance $empty))
                (export "provisioning:connector/accounts@0.1.0" (instance $empty)))"#
        );
        let options = crate::HostOptions {
            compiled_code: crate::CompiledCode::NotKept,
            max_instances: 1,
            ..crate::HostOptions::default()
        };
        let host = Host::new(options).unwrap();
        let bytes = wat::parse_str(wat).unwrap();
        let failure = Component::from_bytes(&host, &bytes).await.unwrap_err();
        assert_eq!(failure.kind(), "invalid-settings");
        match failure {
            Failure::Component(error) => error,
            failure => panic!("{failure:?}"),
        }
    }

    #[tokio::test]
    async fn what_webassembly_has_beyond_connectors_is_refused() {
        for (module, word) in [
            ("(func return_call 0)", "tail_call"),
            (
                "(type $f (func)) (func (param (ref null $f)))",
                "function references",
            ),
            (
                "(func (drop (ref.func 0)) (drop (ref.as_non_null (ref.func 0)))) (elem declare func 0)",
                "function_references",
            ),
            ("(memory i64 1)", "memory64"),
            ("(memory 1) (memory 1)", "multi"),
            ("(memory 1 1 shared)", "threads"),
            ("(memory 1 (pagesize 1))", "page size"),
            (
                "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
                "relaxed_simd",
            ),
            ("(tag (param i32))", "exceptions"),
            ("(type (struct))", "gc"),
            (
                "(func (drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))) drop)",
                "wide_arithmetic",
            ),
        ] {
            match refused(&format!("(core module {module})")).await {
                LoadError::Mismatch { reason } => {
                    let compiled = reason.contains("does not export");
                    assert!(!compiled && !reason.is_empty(), "{word}: {reason}");
                }
                error => panic!("{module}: {error:?}"),
            }
        }
    }

    /// It would be compiled where a program is named for that.
    #[tokio::test]
    async fn without_a_program_that_compiles_a_component_is_to_be_small_and_plain() {
        let locals = "i32 ".repeat(1_000);
        let branches = "(br_if 0 (local.get 0))".repeat(3_000);
        let effort = format!("(func (param i32) (local {locals}) (block {branches}))");
        let function = format!("(func {})", "(drop (i32.const 1))".repeat(40_000));
        let size = function.repeat(10);
        for inside in [effort, size] {
            let error = refused(&format!("(core module {inside})")).await;
            assert!(
                matches!(error, LoadError::NeedsCompiler { .. }),
                "{error:?}"
            );
        }
    }

    #[tokio::test]
    async fn exports_of_the_right_name_and_another_type_do_not_fit() {
        let error = refused("").await;
        assert!(matches!(error, LoadError::Mismatch { .. }), "{error:?}");
    }

    #[test]
    fn names_in_a_component_are_calm_in_what_is_said_of_it() {
        let name = "a\u{1b}[2J\nb\u{202e}c".to_owned();
        for error in [
            LoadError::BeyondContract {
                beyond: vec![name.clone()],
            },
            LoadError::Mismatch {
                reason: name.clone(),
            },
            LoadError::NotWasm {
                reason: name.clone(),
            },
            LoadError::OtherContract {
                wanted: name.clone(),
            },
            LoadError::Layout { what: name },
        ] {
            let said = error.to_string();
            assert!(said.contains("a\u{fffd}[2J b\u{fffd}c"), "{said:?}");
        }
    }

    /// Were it compiled, it would be refused for its exports.
    #[tokio::test]
    async fn what_would_take_long_to_compile_is_refused() {
        let locals = "i32 ".repeat(1_000);
        let branches = "(br_if 0 (local.get 0))".repeat(31_000);
        let body = format!("(func (param i32) (local {locals}) (block {branches}))");
        let error = refused(&format!("(core module {body})")).await;
        match error {
            LoadError::TooMuchToCompile { effort } => assert!(effort > 1_002 * 31_000),
            error => panic!("{error:?}"),
        }
    }
}
