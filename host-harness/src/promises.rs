//! What the contract promises of a connector's results, checked before anybody relies on
//! them. A result that breaks it is a fault of the connector.

use std::collections::BTreeSet;

use crate::attributes::{same, spec, values};
use crate::contract::{Account, Deletion, Manifest, Outcome, Page, Value, ValueType};
use crate::failure::Failure;
use crate::limits::{CURSOR_BYTES, ID_BYTES};
use crate::text::is_wild;

/// An account: an id that can be shown, attributes of the manifest, none twice.
pub(crate) fn account(manifest: &Manifest, account: &Account) -> Result<(), Failure> {
    if account.id.is_empty() || account.id.len() > ID_BYTES {
        return Err(broken(format!("an id of {} bytes", account.id.len())));
    }
    if account.id.contains(is_wild) {
        return Err(broken("an id with control characters".to_owned()));
    }
    let mut seen = BTreeSet::new();
    for attribute in &account.attributes {
        let name = attribute.name.escape_debug();
        let Some(spec) = manifest
            .attributes
            .iter()
            .find(|spec| spec.name == attribute.name)
        else {
            return Err(broken(format!(
                "an attribute `{name}` that its manifest does not list"
            )));
        };
        if !seen.insert(attribute.name.as_str()) {
            return Err(broken(format!("the attribute `{name}` twice")));
        }
        match attribute.values.len() {
            0 => return Err(broken(format!("the attribute `{name}` without a value"))),
            1 => {}
            _ if spec.multi_valued => {}
            _ => return Err(broken(format!("several values for `{name}`"))),
        }
        let typed = attribute.values.iter().all(|value| {
            matches!(
                (value, spec.value_type),
                (Value::Text(_), ValueType::Text)
                    | (Value::Boolean(_), ValueType::Boolean)
                    | (Value::Integer(_), ValueType::Integer)
            )
        });
        if !typed {
            return Err(broken(format!("a value of the wrong type for `{name}`")));
        }
    }
    Ok(())
}

/// The account that was asked for, and no other.
pub(crate) fn account_of(manifest: &Manifest, id: &str, found: &Account) -> Result<(), Failure> {
    if found.id != id {
        return Err(broken("another account than was asked for".to_owned()));
    }
    account(manifest, found)
}

/// An account that has the value it was looked for by.
pub(crate) fn found(
    manifest: &Manifest,
    name: &str,
    value: &Value,
    found: Option<&Account>,
) -> Result<(), Failure> {
    let Some(found) = found else {
        return Ok(());
    };
    account(manifest, found)?;
    let holds = spec(manifest, name).is_some_and(|spec| {
        let wanted = std::slice::from_ref(value);
        let has = |held: &Value| same(spec, std::slice::from_ref(held), wanted);
        values(found, name).iter().any(has)
    });
    if holds {
        Ok(())
    } else {
        Err(broken(
            "an account without the value that was looked for".to_owned(),
        ))
    }
}

/// The outcome of a change of one account.
pub(crate) fn outcome_of(manifest: &Manifest, id: &str, outcome: &Outcome) -> Result<(), Failure> {
    account_of(manifest, id, &outcome.account)
}

/// An outcome: its account.
pub(crate) fn outcome(manifest: &Manifest, outcome: &Outcome) -> Result<(), Failure> {
    account(manifest, &outcome.account)
}

/// A deletion: the outcome, if the account was kept.
pub(crate) fn deletion(manifest: &Manifest, id: &str, deletion: &Deletion) -> Result<(), Failure> {
    match deletion {
        Deletion::Gone => Ok(()),
        Deletion::Kept(kept) => outcome_of(manifest, id, kept),
    }
}

/// A page: no larger than asked, no id twice, a cursor that leads on.
pub(crate) fn page(
    manifest: &Manifest,
    limit: u32,
    cursor: Option<&str>,
    page: &Page,
) -> Result<(), Failure> {
    if page.accounts.len() > usize::try_from(limit).unwrap_or(usize::MAX) {
        return Err(broken(format!(
            "{} accounts where {limit} were asked for",
            page.accounts.len()
        )));
    }
    let mut ids = BTreeSet::new();
    for listed in &page.accounts {
        account(manifest, listed)?;
        if !ids.insert(listed.id.as_str()) {
            return Err(broken("one account twice on a page".to_owned()));
        }
    }
    match &page.next {
        Some(next) if next.len() > CURSOR_BYTES => {
            Err(broken("a cursor that is too long".to_owned()))
        }
        Some(next) if Some(next.as_str()) == cursor => Err(repeated_cursor()),
        _ => Ok(()),
    }
}

/// Pages without end that show nobody new.
pub(crate) fn stale_listing(pages: u32) -> Failure {
    broken(format!("{pages} pages in a row that show nobody new"))
}

/// A listing that goes in circles.
pub(crate) fn repeated_cursor() -> Failure {
    broken("a cursor that it had given before, so that the listing would never end".to_owned())
}

fn broken(what: String) -> Failure {
    Failure::ConnectorFault {
        message: format!("The connector broke its contract: it gave {what}."),
    }
}
