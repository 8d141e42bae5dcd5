//! [`Inspection`]: what a component is from the outside, read without compiling or running
//! it. For reviewers, and for the verdict that comes before loading.

mod bounds;
mod effort;
mod interfaces;

use std::path::Path;

use wasmparser::types::Types;
use wasmparser::{
    CustomSectionReader, Encoding, KnownCustom, Parser, Payload, ValidPayload, Validator,
};

use self::bounds::Bounds;
use self::effort::Signatures;
use self::interfaces::Lister;
pub use self::interfaces::{Function, Interface};

use crate::bindings::CONTRACT_VERSION;
use crate::engine::GUEST_FEATURES;
use crate::limits::{COMPILE_EFFORT, COMPONENT_BYTES};
use crate::load_error::LoadError;
use crate::provenance::sha256;

/// What a connector may import: the contract's, at any 0.1.
const IMPORTS: [&str; 3] = ["http", "log", "types"];
/// What a connector exports.
const EXPORTS: [&str; 2] = ["manifest", "accounts"];
const PACKAGE: &str = "provisioning:connector/";
const VERSION: &str = "@0.1.";
/// Of WebAssembly's memories, in bytes.
const PAGE: u64 = 64 << 10;

/// What a component is from the outside, read without compiling or running it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// The names of its imports.
    pub imports: Vec<String>,
    /// The names of its exports.
    pub exports: Vec<String>,
    /// The imports, down to their functions; empty where the component is [not
    /// valid](Self::invalid).
    pub imported: Vec<Interface>,
    /// The exports, likewise.
    pub exported: Vec<Interface>,
    /// What contradicts itself in its types or its structure, so that it will not load. Code
    /// is not looked at here, but when it is compiled.
    pub invalid: Option<String>,
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
    /// What is inside.
    pub inside: Inside,
}

/// What is inside a component, its modules taken together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inside {
    /// Core modules: the guest's, and the shims of the tool that wrapped it.
    pub modules: usize,
    /// Each memory: what it begins with and may grow to, in bytes. `None` is no maximum of
    /// its own; the host has one.
    pub memories: Vec<(u64, Option<u64>)>,
    /// Each table: its initial and largest number of elements.
    pub tables: Vec<(u64, Option<u64>)>,
    /// Of all functions.
    pub code_bytes: u64,
    /// What compiling them takes, by their looks, in a unit of its own: for each function, its
    /// locals times the places where values may come from two sides, each as often as loops lie
    /// around it; and more for values that many branches hand over, and for its size.
    pub compile_effort: u64,
    /// The most effort that is taken.
    pub compile_effort_limit: u64,
    /// Of all data segments.
    pub data_bytes: u64,
    /// Name and size of each custom section.
    pub custom_sections: Vec<(String, usize)>,
    /// What it was made with: field, name and version (`producers` section).
    pub producers: Vec<(String, String, String)>,
    /// How many were read for that.
    producers_read: usize,
    /// What it says of itself: `name`, and the annotations of the OCI image specification
    /// (`version`, `licenses`, `source`, `description` …).
    pub annotations: Vec<(String, String)>,
}

impl Inspection {
    /// Looks at a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds no component.
    pub fn of_file(path: &Path) -> Result<Self, LoadError> {
        Self::of_bytes(&crate::load_error::read(path)?).map_err(|error| error.in_file(path))
    }

    /// Looks at a component's bytes.
    ///
    /// # Errors
    ///
    /// They are no component.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        let Read {
            imports,
            exports,
            inside,
            types,
        } = look(bytes)?;
        let (imported, exported, invalid) = match types {
            Ok(types) => {
                let mut lister = Lister::new(&types);
                let imported = lister.imports(&imports);
                (imported, lister.exports(&exports), None)
            }
            Err(reason) => (Vec::new(), Vec::new(), Some(reason)),
        };
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
            imported,
            exported,
            invalid,
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            sha256: sha256(bytes),
            contract_only: beyond.is_empty(),
            beyond,
            missing,
            inside,
        })
    }

    /// Whether it may be loaded.
    pub(crate) fn verdict(&self) -> Result<(), LoadError> {
        if let Some(wanted) = self.other_contract() {
            return Err(LoadError::OtherContract { wanted });
        }
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
        if let Some(reason) = &self.invalid {
            return Err(LoadError::Mismatch {
                reason: reason.clone(),
            });
        }
        let effort = self.inside.compile_effort;
        if effort > COMPILE_EFFORT {
            return Err(LoadError::TooMuchToCompile { effort });
        }
        Ok(())
    }
}

impl Inspection {
    /// The contract that it is made for, where that is another one and nothing else is wrong.
    fn other_contract(&self) -> Option<String> {
        let version = |name: &str| {
            let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
            let known = IMPORTS.contains(&interface) || EXPORTS.contains(&interface);
            let mut parts = version.split('.');
            let (major, minor) = (parts.next()?, parts.next()?);
            let sound = [major, minor].iter().all(|part| {
                !part.is_empty() && part.len() < 6 && part.bytes().all(|b| b.is_ascii_digit())
            });
            (known && sound).then(|| format!("{major}.{minor}"))
        };
        let exports = |wanted: &&&str| {
            let mut names = self.exports.iter();
            let name = names.find(|name| {
                name.strip_prefix(PACKAGE)
                    .and_then(|rest| rest.split_once('@'))
                    .is_some_and(|(interface, _)| interface == **wanted)
            });
            name.and_then(|name| version(name))
        };
        let mut exported = EXPORTS.iter().map(|wanted| exports(&wanted));
        let first = exported.next()??;
        let one = exported.all(|other| other.as_ref() == Some(&first))
            && self
                .beyond
                .iter()
                .all(|name| version(name).as_ref() == Some(&first));
        (one && first != CONTRACT_VERSION).then_some(first)
    }
}

fn is_of_contract(name: &str, interface: &str) -> bool {
    name.strip_prefix(PACKAGE)
        .and_then(|rest| rest.strip_prefix(interface))
        .and_then(|rest| rest.strip_prefix(VERSION))
        .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
}

struct Read {
    imports: Vec<String>,
    exports: Vec<String>,
    inside: Inside,
    /// Or what is not valid.
    types: Result<Types, String>,
}

fn look(bytes: &[u8]) -> Result<Read, LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    if u64::try_from(bytes.len()).is_ok_and(|size| size > COMPONENT_BYTES) {
        return Err(LoadError::TooLarge {
            most: COMPONENT_BYTES,
        });
    }
    let mut read = Read {
        imports: Vec::new(),
        exports: Vec::new(),
        inside: Inside {
            compile_effort_limit: COMPILE_EFFORT,
            ..Inside::default()
        },
        types: Err("it has no end".to_owned()),
    };
    let features = GUEST_FEATURES;
    let (mut depth, mut validator) = (0_usize, Some(Validator::new_with_features(features)));
    let (mut bounds, mut signatures) = (Bounds::default(), Signatures::default());
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(not_wasm)?;
        bounds.admit(&payload)?;
        match validator.as_mut().map(|valid| valid.payload(&payload)) {
            // The outermost ends last.
            Some(Ok(ValidPayload::End(types))) => read.types = Ok(types),
            Some(Err(error)) => {
                read.types = Err(first_line(&error));
                validator = None;
            }
            _ => {}
        }
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => return Err(LoadError::CoreModule),
            Payload::ModuleSection { .. } => {
                depth += 1;
                signatures = Signatures::default();
                read.inside.modules += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    read.imports
                        .push(import.map_err(not_wasm)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    read.exports
                        .push(export.map_err(not_wasm)?.name.name.to_owned());
                }
            }
            Payload::TypeSection(section) => signatures.types(section).map_err(not_wasm)?,
            Payload::FunctionSection(section) => {
                signatures.functions(section).map_err(not_wasm)?;
            }
            Payload::CodeSectionEntry(body) => {
                let found = signatures.next(&body).map_err(not_wasm)?;
                let effort = &mut read.inside.compile_effort;
                *effort = effort.saturating_add(found.effort);
                if let Some(proposal) = found.foreign
                    && validator.is_some()
                {
                    read.types = Err(format!(
                        "its code uses a proposal of WebAssembly that no connector needs, \
                         `{proposal}`"
                    ));
                    validator = None;
                }
            }
            payload => read.inside.take(payload)?,
        }
    }
    Ok(read)
}

impl Inside {
    fn take(&mut self, payload: Payload<'_>) -> Result<(), LoadError> {
        match payload {
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory.map_err(not_wasm)?;
                    let bytes = |pages: u64| pages.saturating_mul(PAGE);
                    if self.memories.len() < MOST_LISTED {
                        self.memories
                            .push((bytes(memory.initial), memory.maximum.map(bytes)));
                    }
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table.map_err(not_wasm)?.ty;
                    if self.tables.len() < MOST_LISTED {
                        self.tables.push((table.initial, table.maximum));
                    }
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    self.data_bytes += data.map_err(not_wasm)?.data.len() as u64;
                }
            }
            Payload::CodeSectionStart { size, .. } => self.code_bytes += u64::from(size),
            Payload::CustomSection(section) => self.custom(&section)?,
            _ => {}
        }
        Ok(())
    }

    fn custom(&mut self, section: &CustomSectionReader<'_>) -> Result<(), LoadError> {
        let name = section.name();
        if self.custom_sections.len() < MOST_LISTED {
            self.custom_sections
                .push((name.to_owned(), section.data().len()));
        }
        match section.as_known() {
            KnownCustom::Producers(fields) => {
                for field in fields {
                    let field = field.map_err(not_wasm)?;
                    for value in field.values {
                        let value = value.map_err(not_wasm)?;
                        // Those that are listed already are read as well.
                        self.producers_read += 1;
                        let most = MOST_READ;
                        if self.producers.len() >= MOST_LISTED || self.producers_read > most {
                            return Ok(());
                        }
                        let producer = (field.name.into(), value.name.into(), value.version.into());
                        if !self.producers.contains(&producer) {
                            self.producers.push(producer);
                        }
                    }
                }
            }
            _ if ANNOTATIONS.contains(&name) && self.annotations.len() < MOST_LISTED => {
                let most = section.data().len().min(MOST_ANNOTATION);
                let text = String::from_utf8_lossy(section.data().get(..most).unwrap_or_default());
                self.annotations.push((name.to_owned(), text.into_owned()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// So many of each are listed: a connector has a handful, and looking at a component must not
/// take longer the more it wants to be looked at.
const MOST_LISTED: usize = 256;
/// So many producers are read, those included that say the same again.
const MOST_READ: usize = 10_000;
/// Bytes of what a component says of itself; the rest is cut.
const MOST_ANNOTATION: usize = 64 << 10;

/// Custom sections that hold a text.
const ANNOTATIONS: [&str; 7] = [
    "version",
    "licenses",
    "source",
    "homepage",
    "revision",
    "authors",
    "description",
];

fn not_wasm(error: wasmparser::BinaryReaderError) -> LoadError {
    LoadError::NotWasm {
        reason: first_line(&error),
    }
}

/// What follows the first line are bytes.
fn first_line(error: &wasmparser::BinaryReaderError) -> String {
    error
        .message()
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches(" - expected=[")
        .to_owned()
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

    #[test]
    fn looking_at_a_component_has_an_end_whatever_it_is_made_of() {
        let custom = "(@custom \"\" \"\")".repeat(60_000);
        let functions = "(func)".repeat(210_000);
        let long = "a".repeat(90_000);
        let exports: String = (0..50)
            .map(|at| format!("(export \"{at}-{long}\" (func 0))"))
            .collect();
        let doubled: String = (1..20)
            .map(|at| {
                let of = at - 1;
                format!("(component $c{at} (instance (instantiate $c{of})) (instance (instantiate $c{of})))")
            })
            .collect();
        for (inside, what) in [
            (custom, "sections"),
            (format!("(core module {functions})"), "functions"),
            (
                format!("(core module (func) {exports})"),
                "bytes of types, imports and exports",
            ),
            (
                format!("(component $c0) {doubled} (instance (instantiate $c19))"),
                "instances of components",
            ),
        ] {
            let error = inspected(&format!("(component {inside})")).unwrap_err();
            match error {
                LoadError::TooMany { what: found, .. } => assert_eq!(found, what),
                error => panic!("{what}: {error:?}"),
            }
        }
    }

    /// Looking at a component takes no longer the more it says of itself.
    #[test]
    fn what_it_was_made_with_is_listed_up_to_a_number() {
        let values: String = (0..5_000)
            .map(|number| format!("(processed-by \"tool-{number}\" \"1\")"))
            .collect();
        let inspection = inspected(&format!("(component (@producers {values}))")).unwrap();
        assert_eq!(inspection.inside.producers.len(), MOST_LISTED);
    }

    #[test]
    fn imports_of_nested_components_are_not_the_components_own() {
        let inspection = inspected(r#"(component (component (import "x" (func))))"#).unwrap();
        assert!(inspection.imports.is_empty());
    }
}
