//! A rules file to start from, made of a connector's manifest.

use crate::contract::{AttributeSpec, Manifest, Mutability};

/// The text of a commented rules file, whose columns are guessed from the attributes' names.
#[must_use]
pub fn starter(manifest: &Manifest) -> String {
    let mut text = HEAD.replace("TITLE", &manifest.title);
    let lookup = manifest.lookup_keys.first();
    let lookup = lookup.map(String::as_str).unwrap_or_default();
    text.push_str("[match]\n");
    comment(
        &mut text,
        "Who a row is about: unique in the roster, and never given to somebody else.",
    );
    text.push_str("key = \"person.employee_id\"\n");
    comment(&mut text, "Accounts are found by this attribute.");
    text.push_str(&format!("lookup = \"{lookup}\"\n"));
    if let Some(identity) = &manifest.identity_key {
        let sentence = "Who somebody is, whatever they are called: an account with another one \
                        is somebody else's.";
        comment(&mut text, sentence);
        text.push_str(&format!("identity = \"{identity}\"\n"));
    }
    text.push_str(PROVISION);
    text.push_str("[attributes]\n");
    for spec in &manifest.attributes {
        attribute(&mut text, spec, manifest);
    }
    text.push_str("[protect]\n");
    comment(
        &mut text,
        "Accounts that are never changed or deactivated. Put your administrators here.",
    );
    text.push_str(&format!(
        "accounts = {{ {lookup} = [\"admin@example.com\"] }}\n"
    ));
    text.push_str(&format!(
        "# when = 'account.{lookup}.endsWith(\"@partner.example\")'\n# people = 'person.department \
         == \"Board\"'\n"
    ));
    text.push_str(POLICY);
    text
}

fn attribute(text: &mut String, spec: &AttributeSpec, manifest: &Manifest) {
    if spec.mutability == Mutability::ReadOnly {
        return;
    }
    let title = format!("{}: {}", spec.title, spec.help);
    comment(text, title.trim_end().trim_end_matches(':'));
    if spec.mutability == Mutability::SetOnce {
        comment(text, "It is set once, and stays.");
    }
    if !spec.choices.is_empty() {
        comment(text, &format!("One of {}.", spec.choices.join(", ")));
    }
    let identity = manifest.identity_key.as_deref() == Some(&spec.name);
    let off = if spec.required || identity { "" } else { "# " };
    let column = if identity {
        "employee_id".to_owned()
    } else if spec.format.as_deref() == Some("email") || manifest.lookup_keys.contains(&spec.name) {
        "email".to_owned()
    } else {
        snake(&spec.name)
    };
    text.push_str(&format!("{off}{} = \"person.{column}\"\n\n", spec.name));
}

/// `givenName` is a column `given_name`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(match letter {
            letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
            _ => '_',
        });
    }
    snake
}

fn comment(text: &mut String, sentence: &str) {
    let mut line = "#".to_owned();
    for word in sentence.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > 90 {
            text.push_str(&line);
            text.push('\n');
            "#".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

const HEAD: &str = "\
# Who gets an account at TITLE, and what it holds.
#
# A value in quotes is an expression (CEL): `person.x` is column x of the roster, a constant text
# has quotes of its own: '\"London\"'. Operators: == != < > && || ! in + ?: ; functions: contains,
# startsWith, endsWith, lower, upper, title, trim, split, join, replace, substring, size,
# digits (of a phone number), orElse (for blank cells), date, dateFrom(text, \"%d/%m/%Y\"),
# plusDays. Dates are texts such as 2026-12-31, so that < and > compare days; `today` is one.
#
# An expression that fails makes that person a conflict, to whom nothing is done.

[roster]
# format = \"csv\"                 # or \"json-lines\"; default: by the file's name
# delimiter = \",\"
# lists = { groups = \";\" }       # columns that hold lists, and what separates their items

";

const PROVISION: &str = "
[provision]
# Everyone in the roster, or whoever a role applies to:
everyone = true
# [provision.roles]
# sales = 'person.department == \"Sales\" && person.country == \"GB\"'
# telephony = '\"Telephony\" in person.groups'

[dates]
# start = \"person.start_date\"    # not before this day
# end = \"person.end_date\"        # the last day; deactivated from the day after
# disabled = 'person.status == \"disabled\"'
time-zone = \"UTC\"               # where a day begins

";

const POLICY: &str = "
[policy]
leavers = \"deactivate\"          # who no longer qualifies: \"deactivate\" or \"keep\"
accounts-without-row = \"keep\"   # accounts that no row names: \"keep\" or \"deactivate\"
create = true
update = true
reactivate = true
deactivate = true
order = [\"joiners\", \"movers\", \"leavers\"]

[guards]
# More deactivations than that stop the run before it writes.
deactivations = { percent = 10, at-least = 5, at-most = 100 }
shorter-roster = 20             # a roster shorter than the last one by so many percent, too
failures = 50                   # and so many percent failures among the latest operations
";
