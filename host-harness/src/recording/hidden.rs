//! Values that stay out of recordings, as far as the host knows them: those that an operation
//! was given for attributes that are nobody's to read.

use crate::attributes::is_hidden;
use crate::contract::{Attribute, Change, Manifest, Mutability, Value, ValueType};
use crate::egress::Given;
use crate::scrub::Scrubber;
use crate::trace::SentRequest;

/// Looks for every value of a hidden attribute.
pub(super) fn scrubber(given: Given<'_>, manifest: &Manifest) -> Scrubber {
    let mut scrubber = Scrubber::default();
    let of = |attribute: &'_ Attribute| (attribute.name.clone(), attribute.values.clone());
    let given: Vec<(String, Vec<Value>)> = match given {
        Given::Nothing => Vec::new(),
        Given::Key(name, value) => vec![(name.to_owned(), vec![value.clone()])],
        Given::Draft(draft) => draft.attributes.iter().map(of).collect(),
        Given::Edits(edits) => {
            let changes = edits.changes.iter().filter_map(|change| match change {
                Change::Set(attribute) | Change::Add(attribute) | Change::Remove(attribute) => {
                    Some(attribute)
                }
                Change::Clear(_) => None,
            });
            changes.map(of).collect()
        }
    };
    for (name, values) in given {
        let mut specs = manifest.attributes.iter();
        if specs.any(|spec| spec.name == name && is_hidden(spec)) {
            for value in values {
                if let Value::Text(text) = value {
                    scrubber.add(&text.into(), None);
                }
            }
        }
    }
    scrubber
}

/// The attributes for which nothing can be promised: hidden, and read back from the upstream,
/// or of a kind whose few values stand everywhere.
pub(super) fn unhideable(manifest: &Manifest) -> Vec<&str> {
    let specs = manifest.attributes.iter();
    specs
        .filter(|spec| {
            is_hidden(spec)
                && (spec.mutability != Mutability::WriteOnly || spec.value_type != ValueType::Text)
        })
        .map(|spec| spec.name.as_str())
        .collect()
}

/// The request without them.
pub(super) fn scrubbed(scrubber: &Scrubber, request: &SentRequest) -> SentRequest {
    SentRequest {
        method: request.method.clone(),
        url: scrubber.scrub_text(request.url.clone()),
        headers: scrubber.scrub_lines(request.headers.clone()),
        body: request.body.clone().map(|body| scrubber.scrub(body)),
    }
}
