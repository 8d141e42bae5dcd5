//! What a component is from the outside, as people read it.

use std::path::Path;

use super::super::output::wrapped;
use super::line::line;
use crate::inspection::{Inside, Inspection, Interface};

/// Things of a kind that are listed; a component can hold very many.
const MOST: usize = 100;

pub(super) fn report(file: Option<&Path>, inspection: &Inspection) -> String {
    let name = file.map_or_else(
        || "the bundled 8x8 connector".to_owned(),
        |file| line(&file.display().to_string()),
    );
    let mut text = format!("component\n  {name}\n");
    text.push_str(&interfaces(
        "imports",
        &inspection.imports,
        &inspection.imported,
    ));
    text.push_str(&interfaces(
        "exports",
        &inspection.exports,
        &inspection.exported,
    ));
    if let Some(reason) = &inspection.invalid {
        text.push_str(&wrapped("  not valid: ", "  ", &line(reason)));
    }
    text.push_str(&inside(&inspection.inside));
    text.push_str(&format!(
        "size\n  {} bytes\npin it with this line under [component] in the connection file\n  \
         sha256 = \"{}\"\n",
        inspection.size, inspection.sha256
    ));
    text
}

fn interfaces(title: &str, names: &[String], interfaces: &[Interface]) -> String {
    let mut text = format!("{title}\n");
    listed(&mut text, names, |text, name| {
        text.push_str(&format!("  {}\n", line(name)));
        let Some(interface) = interfaces.iter().find(|interface| interface.name == *name) else {
            return;
        };
        for function in &interface.functions {
            let function = format!("{}: {}", function.name, function.signature);
            text.push_str(&wrapped("    ", "      ", &line(&function)));
        }
        for other in &interface.others {
            text.push_str(&format!("    {}\n", line(other)));
        }
        if interface.unlisted > 0 {
            text.push_str(&format!("    … and {} more\n", interface.unlisted));
        }
    });
    text
}

fn inside(inside: &Inside) -> String {
    let range = |(from, to): &(u64, Option<u64>), what: &str| match to {
        Some(to) => format!("{from} {what} at first, {to} at most"),
        None => format!("{from} {what} at first, no maximum of its own"),
    };
    let mut text = format!(
        "inside\n  {} core modules, {} bytes of code, {} bytes of data\n",
        inside.modules, inside.code_bytes, inside.data_bytes
    );
    text.push_str(&format!(
        "  effort to compile it: {} of {} at most\n",
        inside.compile_effort, inside.compile_effort_limit
    ));
    listed(&mut text, &inside.memories, |text, memory| {
        text.push_str(&format!("  memory: {}\n", range(memory, "bytes")));
    });
    listed(&mut text, &inside.tables, |text, table| {
        text.push_str(&format!("  table: {}\n", range(table, "elements")));
    });
    if !(inside.annotations.is_empty() && inside.producers.is_empty()) {
        text.push_str("what it says of itself\n");
    }
    listed(&mut text, &inside.annotations, |text, (name, value)| {
        let first = format!("  {}: ", line(name));
        text.push_str(&wrapped(&first, "    ", &line(value)));
    });
    listed(
        &mut text,
        &inside.producers,
        |text, (field, name, version)| {
            let said = format!("{field}: {name} {version}");
            text.push_str(&wrapped("  ", "    ", &line(&said)));
        },
    );
    if !inside.custom_sections.is_empty() {
        text.push_str("custom sections\n");
    }
    listed(&mut text, &inside.custom_sections, |text, (name, size)| {
        text.push_str(&wrapped(
            "  ",
            "    ",
            &line(&format!("{name}: {size} bytes")),
        ));
    });
    text
}

/// Not all of very many.
fn listed<T>(text: &mut String, all: &[T], mut show: impl FnMut(&mut String, &T)) {
    for each in all.iter().take(MOST) {
        show(text, each);
    }
    if let Some(more) = all.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.push_str(&format!("  … and {more} more\n"));
    }
}
