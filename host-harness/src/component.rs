//! [`Component`]: a connector that was read, found to ask for nothing beyond the contract,
//! compiled, and has described itself.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Weak};

use crate::contract::Manifest;
use crate::engine::Share;
use crate::failure::Failure;
use crate::host::Host;
use crate::inspection::Inspection;
use crate::limits::Limits;
use crate::load_error::{self, LoadError};
use crate::manifest;
use crate::provenance::Provenance;
use crate::sandbox::{Exports, Sandbox};
use crate::trace::Meter;

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
        let bytes = load_error::read(path)?;
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
                let mut sandbox = Sandbox::start(&exports, limits, None, meter).await?;
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
        Sandbox::start(&self.0.exports, limits, share, meter).await
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
