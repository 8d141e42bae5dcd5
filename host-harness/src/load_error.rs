//! [`LoadError`]: why a component was not loaded.

use std::path::{Path, PathBuf};

use crate::bindings::CONTRACT_VERSION;
use crate::limits::{
    COMPILE_EFFORT, COMPONENT_BYTES, IN_PROCESS_CODE, IN_PROCESS_EFFORT, MESSAGE_BYTES,
};
use crate::text::clean;

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
        /// As [`Inside::compile_effort`](crate::Inside::compile_effort) counts it.
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
        /// As [`Inside::compile_effort`](crate::Inside::compile_effort) counts it.
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

/// Reads a component's file, which is not taken where it is larger than any connector is.
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
