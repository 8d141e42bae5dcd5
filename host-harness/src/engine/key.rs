//! What an engine calls itself.

use std::hash::{Hash as _, Hasher};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;

use crate::provenance::hexadecimal;

/// What an engine's code depends on, for comparison: version, processor, configuration.
pub(crate) fn key(engine: &Engine) -> String {
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
    engine.precompile_compatibility_hash().hash(&mut everything);
    hexadecimal(&everything.0.finalize())
}
