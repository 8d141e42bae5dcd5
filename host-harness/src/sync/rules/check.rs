//! What can be known of rules before there is a roster.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::attributes;
use crate::contract::{AttributeSpec, Manifest};
use crate::sync::expression::{About, Expression, Subject};
use crate::toml_file::Reader;

/// A value that is the same for everybody has to be one that the attribute takes.
///
/// # Errors
///
/// Why it is not, as a sentence.
pub(super) fn constant(
    manifest: &Manifest,
    spec: &AttributeSpec,
    expression: &Expression,
) -> Result<(), String> {
    if !expression.is_constant() {
        return Ok(());
    }
    let nobody = Subject::new(About::Person, HashMap::new(), Date::MIN);
    let texts = expression.texts(&nobody)?;
    let pairs: Vec<_> = texts
        .into_iter()
        .map(|text| (spec.name.clone(), text))
        .collect();
    attributes::edits(manifest, &pairs)
        .map(drop)
        .map_err(|failure| failure.message())
}

/// Tells which of the tables without which nothing can be done are missing.
pub(super) fn complete(
    reader: &mut Reader<'_>,
    manifest: &Manifest,
    has_key: bool,
    has_provision: bool,
    has_attributes: bool,
) {
    let mut missing = |table: &str, message: String| {
        reader.problem(table, "missing", None, message);
    };
    if !has_key {
        let message = "`key` is missing in [match]: who a row is about, such as \
                       \"person.employee_id\"; unique in the roster, and never given to another";
        missing("match", message.to_owned());
    }
    if !has_provision {
        let message = "[provision] says who gets an account: `everyone = true`, or roles with an \
                       expression each under [provision.roles]";
        missing("provision", message.to_owned());
    }
    if !has_attributes {
        let required = manifest.attributes.iter().filter(|spec| spec.required);
        let names: Vec<_> = required.map(|spec| spec.name.as_str()).collect();
        let message = format!(
            "[attributes] is missing: what an account holds; {} needs {}",
            manifest.title,
            names.join(", ")
        );
        missing("attributes", message);
    }
}
