//! What SECURITY.md claims: lines such as ``- `origin`: `one::test`, `another::test` ``.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// A protection, and the tests that show it.
pub(crate) struct Claim {
    pub(crate) protection: String,
    pub(crate) tests: Vec<String>,
}

/// All claims, in the document's order.
pub(crate) fn claims(document: &Path) -> Result<Vec<Claim>> {
    let text = std::fs::read_to_string(document)
        .with_context(|| format!("cannot read {}", document.display()))?;
    let claims = of_text(&text);
    if claims.is_empty() {
        bail!("{} claims nothing", document.display());
    }
    Ok(claims)
}

pub(crate) fn of_text(text: &str) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut within = false;
    for line in text.lines() {
        if let Some((protection, rest)) = line
            .strip_prefix("- `")
            .and_then(|line| line.split_once("`:"))
        {
            claims.push(Claim {
                protection: protection.to_owned(),
                tests: names(rest),
            });
            within = true;
        } else if within && line.starts_with("  ") {
            if let Some(claim) = claims.last_mut() {
                claim.tests.extend(names(line));
            }
        } else {
            within = false;
        }
    }
    claims
}

/// What stands between backticks and is a path.
fn names(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.contains("::"))
        .map(str::to_owned)
        .collect()
}
