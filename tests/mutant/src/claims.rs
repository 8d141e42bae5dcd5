//! What the mutant claims of itself: more than 8x8's connector, or less, as the marker says.

use std::sync::atomic::{AtomicBool, Ordering};

use connector_8x8::connection::Result;
use connector_8x8::contract::FailureKind;
use connector_8x8::contract::manifest::{
    AttributeSpec, DeletionEffect, Manifest, Mutability, Operations, Setting, SettingKind,
    Uniqueness, ValueType,
};

use crate::{Mutant, other, wider};

/// The claims or the fault, after the colon and up to the first blank run.
static CLAIMS: [u8; 64] = *b"mutant-claims:                                                  ";

/// What a test wrote behind the colon.
pub(crate) fn marker() -> String {
    // What the bytes are is known only after the test wrote them.
    let text = String::from_utf8_lossy(std::hint::black_box(&CLAIMS));
    text.split_once(':')
        .map_or_else(String::new, |(_, what)| what.trim().to_owned())
}

fn operations() -> Operations {
    match marker().as_str() {
        "lists" => Operations::LIST,
        "gets-and-updates" => Operations::GET | Operations::UPDATE,
        _ => connector_8x8::manifest::describe().operations,
    }
}

fn claims(operation: Operations) -> bool {
    (operations() & operation) == operation
}

pub(crate) fn describe() -> Manifest {
    let mut manifest = connector_8x8::manifest::describe();
    manifest.id = "mutant".to_owned();
    manifest.operations = operations();
    if !claims(Operations::FIND) {
        manifest.lookup_keys.clear();
    }
    manifest.settings.push(Setting {
        name: "fault".to_owned(),
        title: "Fault".to_owned(),
        help: "The one that is committed.".to_owned(),
        kind: SettingKind::Text,
        required: false,
        default: None,
    });
    for spec in &mut manifest.attributes {
        match spec.name.as_str() {
            wider::LIST => spec.multi_valued = true,
            wider::SHORT => spec.max_length = Some(wider::MOST),
            wider::CHOSEN => spec.choices = wider::CHOICES.map(str::to_owned).to_vec(),
            _ => {}
        }
    }
    manifest.attributes.push(AttributeSpec {
        name: wider::DERIVED.to_owned(),
        title: "Display name".to_owned(),
        help: String::new(),
        path: "displayName".to_owned(),
        value_type: ValueType::Text,
        format: None,
        multi_valued: false,
        required: false,
        case_exact: true,
        sensitive: false,
        mutability: Mutability::ReadOnly,
        uniqueness: Uniqueness::None,
        choices: Vec::new(),
        max_length: None,
    });
    match marker().as_str() {
        "removes" => manifest.deletion = DeletionEffect::Removes,
        "choice-twice" => {
            for spec in &mut manifest.attributes {
                spec.choices.extend(spec.choices.first().cloned());
            }
        }
        "another-title-when-asked-again" => {
            static ASKED: AtomicBool = AtomicBool::new(false);
            if ASKED.swap(true, Ordering::Relaxed) {
                manifest.title = "Another".to_owned();
            }
        }
        _ => {}
    }
    manifest
}

impl Mutant {
    /// Refuses what the manifest does not claim.
    pub(crate) fn may(&self, operation: Operations, name: &str) -> Result<()> {
        if claims(operation) || self.is(&format!("unclaimed-{name}")) {
            Ok(())
        } else {
            Err(other(FailureKind::Unsupported))
        }
    }
}
