//! What a component may be made of so that looking at it has an end: whatever is in it is read
//! and checked before anything is known of it.

use wasmparser::{ComponentInstance, Payload};

use crate::load_error::LoadError;

/// Sections of the component and of all that is nested in it. Those that are known have some
/// hundred.
const SECTIONS: u64 = 50_000;
/// Functions of all modules: an engine of Python has 30,000.
const FUNCTIONS: u64 = 200_000;
/// Bytes of types, imports, exports, instances and the like: everything but code, data and
/// custom sections. An engine of Python has half a megabyte.
const STRUCTURE: u64 = 4 << 20;
/// Instances that the component comes to: one that instantiates a nested one twice, which does
/// so in its turn, needs no more than a line for each doubling.
const INSTANCES: u64 = 100_000;

/// What has been seen so far.
#[derive(Default)]
pub(super) struct Bounds {
    sections: u64,
    functions: u64,
    structure: u64,
    instances: u64,
    /// Of each component that is open: how many instances it makes of others.
    open: Vec<u64>,
}

impl Bounds {
    pub(super) fn admit(&mut self, payload: &Payload<'_>) -> Result<(), LoadError> {
        match payload {
            Payload::Version { .. } => self.open.push(0),
            Payload::ComponentInstanceSection(section) => {
                // An instance that only gathers exports is none of a component.
                let made = section.clone().into_iter().filter(|instance| {
                    matches!(instance, Ok(ComponentInstance::Instantiate { .. }))
                });
                let made = u64::try_from(made.count()).unwrap_or(u64::MAX);
                if let Some(open) = self.open.last_mut() {
                    *open = open.saturating_add(made);
                }
            }
            // Each of them may be within any other that comes later.
            Payload::End(_) => {
                let instances = self.open.pop().unwrap_or_default().saturating_add(1);
                self.instances = self.instances.max(1).saturating_mul(instances);
                within("instances of components", self.instances, INSTANCES)?;
            }
            Payload::FunctionSection(section) => {
                self.functions = self.functions.saturating_add(section.count().into());
                within("functions", self.functions, FUNCTIONS)?;
            }
            _ => {}
        }
        let Some((_, range)) = payload.as_section() else {
            return Ok(());
        };
        self.sections += 1;
        within("sections", self.sections, SECTIONS)?;
        let holds_no_structure = matches!(
            payload,
            Payload::CodeSectionStart { .. }
                | Payload::DataSection(_)
                | Payload::CustomSection(_)
                | Payload::ModuleSection { .. }
                | Payload::ComponentSection { .. }
        );
        if !holds_no_structure {
            let bytes = u64::try_from(range.len()).unwrap_or(u64::MAX);
            self.structure = self.structure.saturating_add(bytes);
            within(
                "bytes of types, imports and exports",
                self.structure,
                STRUCTURE,
            )?;
        }
        Ok(())
    }
}

fn within(what: &'static str, count: u64, most: u64) -> Result<(), LoadError> {
    match count > most {
        true => Err(LoadError::TooMany { what, most }),
        false => Ok(()),
    }
}
