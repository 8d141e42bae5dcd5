//! From a component's bytes to code, once for each component and kind of host.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compiler::{Compiler, Job, Leash};
use crate::engine::{CodeStore, Tuning, key};
use crate::inspection::Inspection;
use crate::limits::{IN_PROCESS_CODE, IN_PROCESS_EFFORT};
use crate::load_error::LoadError;
use crate::sandbox::{Exports, Runtime};

/// How a host compiles, and what it compiles at the moment.
pub(crate) struct Compiling {
    code: CodeStore,
    compiler: Option<Compiler>,
    /// One at a time: each may take all the memory that is allowed.
    turn: Arc<Semaphore>,
    under_way: watch::Sender<usize>,
}

impl Compiling {
    pub(super) fn new(code: CodeStore, compiler: Option<Compiler>) -> Self {
        Self {
            code,
            compiler,
            turn: Arc::new(Semaphore::new(1)),
            under_way: watch::Sender::new(0),
        }
    }

    pub(super) fn compiler(&self) -> Option<&Compiler> {
        self.compiler.as_ref()
    }

    pub(super) fn code(&self) -> &CodeStore {
        &self.code
    }

    fn begin(&self) -> UnderWay {
        self.under_way.send_modify(|count| *count += 1);
        UnderWay(self.under_way.clone())
    }

    /// Returns when something has been compiled for so long without a break.
    #[cfg(feature = "cli")]
    pub(crate) async fn has_taken(&self, time: std::time::Duration) {
        let mut under_way = self.under_way.subscribe();
        loop {
            if under_way.wait_for(|count| *count > 0).await.is_err() {
                return std::future::pending().await;
            }
            tokio::select! {
                () = tokio::time::sleep(time) => return,
                _ = under_way.wait_for(|count| *count == 0) => {}
            }
        }
    }

    /// A component's code, compiled where it is not there yet. The verdict was good.
    pub(super) async fn compiled(
        self: Arc<Self>,
        bytes: Arc<[u8]>,
        inspection: &Inspection,
        runtime: Arc<Runtime>,
        tuning: Tuning,
    ) -> Result<Arc<Exports>, LoadError> {
        let code_bytes = inspection.inside.code_bytes;
        match self.compiler.clone() {
            Some(compiler) => {
                let handed_over = self.handed_over(&bytes, code_bytes, &runtime, tuning, compiler);
                let component = handed_over.await?;
                off_the_runtime(move || exports(runtime, &component)).await
            }
            None => {
                let effort = inspection.inside.compile_effort;
                let plain = effort <= IN_PROCESS_EFFORT && code_bytes <= IN_PROCESS_CODE;
                if !plain {
                    return Err(LoadError::NeedsCompiler { effort, code_bytes });
                }
                let turn = Arc::clone(&self.turn).acquire_owned().await;
                let under_way = self.begin();
                off_the_runtime(move || {
                    let _until_it_is_done = (turn, under_way);
                    let component = loaded(runtime.engine(), &bytes);
                    exports(runtime, &component.map_err(LoadError::mismatch)?)
                })
                .await
            }
        }
    }

    /// What the program compiles, once for as long as its code is there. This process cannot:
    /// where code is missing or damaged, whatever removed or damaged it, its engine says so, and
    /// the program is asked again, within the same bounds.
    async fn handed_over(
        self: &Arc<Self>,
        bytes: &Arc<[u8]>,
        code_bytes: u64,
        runtime: &Arc<Runtime>,
        tuning: Tuning,
        compiler: Compiler,
    ) -> Result<Component, LoadError> {
        let load = || {
            let (bytes, runtime) = (Arc::clone(bytes), Arc::clone(runtime));
            off_the_runtime(move || Ok(loaded(runtime.engine(), &bytes)))
        };
        if let Ok(component) = load().await? {
            return Ok(component);
        }
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        // Another may have had it compiled meanwhile.
        if let Ok(component) = load().await? {
            return Ok(component);
        }
        let under_way = self.begin();
        let leash = Leash::default();
        // Giving up waiting ends the process.
        let _cut = leash.cut_on_drop();
        let (this, bytes, runtime) = (Arc::clone(self), Arc::clone(bytes), Arc::clone(runtime));
        off_the_runtime(move || {
            let _until_it_is_done = (turn, under_way);
            let Some(cache) = this.code.cache() else {
                return Err(LoadError::NotCompiled {
                    reason: "there is no directory for its code".to_owned(),
                });
            };
            let job = Job {
                component: &bytes,
                code_bytes,
                tuning,
                directory: cache.directory(),
                key: &key(runtime.engine()),
            };
            compiler.compile(&job, &leash)?;
            loaded(runtime.engine(), &bytes).map_err(|error| LoadError::NotCompiled {
                reason: format!("its code cannot be loaded: {error:#}"),
            })
        })
        .await
    }
}

struct UnderWay(watch::Sender<usize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Beside the operations: it takes as long as the component is large.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| LoadError::NotCompiled {
        reason: "the compiler gave up".to_owned(),
    })?
}

/// Code from the cache; where the engine compiles, also code that is not there.
fn loaded(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
    // `from_binary` alone, which takes no precompiled code.
    Component::from_binary(engine, bytes)
}

fn exports(runtime: Arc<Runtime>, component: &Component) -> Result<Arc<Exports>, LoadError> {
    let instance = runtime.linker().instantiate_pre(component);
    let instance = instance.map_err(LoadError::mismatch)?;
    let exports = Exports::of(instance, runtime);
    exports.map(Arc::new).map_err(LoadError::mismatch)
}
