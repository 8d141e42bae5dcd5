//! What an engine calls itself, and a component's code.

use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;

use crate::provenance::hexadecimal;

/// What an engine's code depends on, for comparison: version, processor, configuration.
pub(crate) fn key(engine: &Engine) -> String {
    hexadecimal(&hashed(&engine.precompile_compatibility_hash()))
}

/// How wasmtime calls a component's code in its cache: what the code depends on, the component,
/// and the two further inputs that there could be. A version of wasmtime that does it otherwise
/// is noticed by the process that compiles, which does not find the code again.
pub(crate) fn entry_name(engine: &Engine, component: &[u8]) -> String {
    let (debug_package, intrinsics): (Option<&[u8]>, Option<&str>) = (None, None);
    let depends_on = engine.precompile_compatibility_hash();
    URL_SAFE_NO_PAD.encode(hashed(&(depends_on, component, debug_package, intrinsics)))
}

fn hashed(value: &impl Hash) -> [u8; 32] {
    struct Everything(Sha256);

    impl Hasher for Everything {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    let mut everything = Everything(Sha256::new());
    value.hash(&mut everything);
    everything.0.finalize().into()
}
