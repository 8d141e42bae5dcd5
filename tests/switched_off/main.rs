//! Takes away each protection of SECURITY.md in turn and shows that exactly the tests
//! named for it fail. `.ci/protections [NAME…]` runs it on a copy of the source that has the
//! patches of `tests/protections`; without them nothing can be taken away.
//!
//! With names it does so for these alone. With `--everything` it runs all tests of the host
//! and of the sandbox instead of those that SECURITY.md names, so that it shows what is
//! missing there too.

mod document;
mod run;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use document::Claim;
use run::Executable;

/// Protections that are tried at once.
const AT_A_TIME: usize = 3;

fn main() -> Result<ExitCode> {
    let (flags, names): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    let everything = match flags.as_slice() {
        [] => false,
        [flag] if flag == "--everything" => true,
        _ => bail!("usage: switched-off [--everything] [PROTECTION…]"),
    };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace's folder")?;
    let claims = document::claims(&workspace.join("SECURITY.md"))?;
    if let Some(unknown) = names
        .iter()
        .find(|name| !claims.iter().any(|claim| claim.protection == **name))
    {
        bail!("SECURITY.md has no protection `{unknown}`");
    }
    let named: BTreeSet<&str> = claims
        .iter()
        .flat_map(|claim| &claim.tests)
        .map(String::as_str)
        .collect();
    let executables = run::build(workspace)?;
    let tests = run::choose(&executables, (!everything).then_some(&named))?;

    let before = run::failing(&tests, None)?;
    if !before.is_empty() {
        let mut text = String::new();
        for (test, said) in &before {
            text.push_str(&format!("\n`{test}`:\n{said}"));
        }
        bail!("with every protection on, these fail:{text}");
    }
    let is_asked = |claim: &&Claim| names.is_empty() || names.contains(&claim.protection);
    let asked: Vec<_> = claims.iter().filter(is_asked).collect();
    let wrong = wrong(&asked, &tests)?;
    if wrong > 0 {
        eprintln!("{wrong} protections have other tests than SECURITY.md says");
        return Ok(ExitCode::FAILURE);
    }
    println!("{} protections of {}", asked.len(), claims.len());
    Ok(ExitCode::SUCCESS)
}

/// How many have other tests than SECURITY.md says. Several at a time, since most tests whose
/// protection is off wait for what does not come.
fn wrong(claims: &[&Claim], tests: &[(Executable, Vec<String>)]) -> Result<usize> {
    let next = AtomicUsize::new(0);
    let some = || {
        let mut wrong = 0;
        while let Some(claim) = claims.get(next.fetch_add(1, Ordering::Relaxed)) {
            wrong += usize::from(!holds(claim, tests)?);
        }
        Ok(wrong)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(some)).collect();
        let wrong = threads.into_iter().map(|thread| {
            let ended = thread.join();
            ended.unwrap_or_else(|_| bail!("a thread of this program ended early"))
        });
        wrong.sum()
    })
}

/// Whether exactly the tests named for it fail when it is off.
fn holds(claim: &Claim, tests: &[(Executable, Vec<String>)]) -> Result<bool> {
    let began = Instant::now();
    let fail = run::failing(tests, Some((&claim.protection, &claim.tests)))?;
    let failing: BTreeSet<String> = fail.keys().cloned().collect();
    let named: BTreeSet<String> = claim.tests.iter().cloned().collect();
    if failing == named && !named.is_empty() {
        println!(
            "without {}: {} fail ({} s)",
            claim.protection,
            failing.len(),
            began.elapsed().as_secs()
        );
        return Ok(true);
    }
    let mut text = format!("without {}: WRONG", claim.protection);
    for test in named.difference(&failing) {
        text.push_str(&format!("\n  named, and passes: `{test}`"));
    }
    for test in failing.difference(&named) {
        let said = fail.get(test).map(String::as_str).unwrap_or_default();
        text.push_str(&format!("\n  fails, and is not named: `{test}`:\n{said}"));
    }
    println!("{text}");
    Ok(false)
}
