//! One run at a time for a tenant, on this machine: a file in the folder for temporary files,
//! named after the tenant, that a run holds locked. The operating system lets go of it when
//! the process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::tenant::Tenant;

/// More than a holder writes of itself.
const MOST_BYTES: u64 = 1024;

/// The lock cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another run has it.
    #[error(
        "Another run for {tenant} is under way: {holder}. One run at a time; wait for it to end."
    )]
    Held {
        /// For which tenant.
        tenant: String,
        /// Who has it, as far as they say.
        holder: String,
    },
    /// The file cannot be used.
    #[error("The lock {} cannot be used: {source}.", path.display())]
    Unusable {
        /// Where it is.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// The lock, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a tenant; `command` is what others are told of this run.
    ///
    /// # Errors
    ///
    /// Another run has it; or the file cannot be used.
    pub fn take(tenant: &Tenant, since: &str, command: &str) -> Result<Self, LockError> {
        Self::take_in(&std::env::temp_dir(), tenant, since, command)
    }

    fn take_in(
        folder: &Path,
        tenant: &Tenant,
        since: &str,
        command: &str,
    ) -> Result<Self, LockError> {
        let name = tenant.digest().get(..32).unwrap_or_default();
        let path = folder.join(format!("harness-sync-{name}.lock"));
        let unusable = |source| LockError::Unusable {
            path: path.clone(),
            source,
        };
        let mut file = open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Best effort: the answer is the same without it.
                let _ = (&file).take(MOST_BYTES).read_to_string(&mut holder);
                return Err(LockError::Held {
                    tenant: tenant.label().to_owned(),
                    holder: said(&holder),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        // Only now: what stands there is the holder's until then.
        let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME"));
        let about = format!(
            "process {}, user {}, since {since}, {command}",
            std::process::id(),
            user.as_deref().unwrap_or("unknown"),
        );
        // A file that another user made can be locked and not written.
        let _ = file.set_len(0).and_then(|()| {
            file.rewind()?;
            file.write_all(about.as_bytes())
        });
        Ok(Self { _file: file })
    }
}

/// Everybody may write into the folder: what is at the path must be a file, and no way to
/// somebody else's.
fn open(path: &Path) -> io::Result<File> {
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(path),
        opened => opened,
    }
}

/// What a holder says of itself, fit for a terminal.
fn said(holder: &str) -> String {
    let clean: String = holder.chars().filter(|c| !c.is_control()).collect();
    if clean.is_empty() {
        "it does not say who".to_owned()
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_who_holds_the_lock_and_the_next_one_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let take = |tenant: &str| {
            let tenant = Tenant::named("acme", tenant);
            Lock::take_in(
                folder.path(),
                &tenant,
                "2026-03-01T09:00:00Z",
                "harness sync",
            )
        };
        let first = take("a").unwrap();
        let second = take("a").unwrap_err().to_string();
        let process = format!("process {}", std::process::id());
        assert!(second.contains(&process), "{second}");
        assert!(second.contains("since 2026-03-01T09:00:00Z"), "{second}");
        take("b").unwrap();
        drop(first);
        take("a").unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let tenant = Tenant::named("acme", "a");
        let victim = folder.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        let name = format!("harness-sync-{}.lock", &tenant.digest()[..32]);
        std::os::unix::fs::symlink(&victim, folder.path().join(name)).unwrap();
        let refused = Lock::take_in(folder.path(), &tenant, "now", "harness sync");
        assert!(matches!(refused, Err(LockError::Unusable { .. })));
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
    }
}
