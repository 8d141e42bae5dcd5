//! One run at a time for a tenant, of one user on one machine: a file in a folder of the user's
//! own, named after the tenant, that a run holds locked. The operating system lets go of it when
//! the process ends, however it ends.
//!
//! The folder is `host-harness` in `$XDG_STATE_HOME`, or in `~/.local/state`. It is the same for
//! every run of the user, wherever journal and temporary files are, and nobody else can make, hold
//! or replace what is in it: in a folder that others can write to, one of them could hold the lock
//! for ever, or put a link to another file in its place.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::tenant::Tenant;
use crate::text::is_unseen;

/// More than a holder writes of itself.
const MOST_BYTES: u64 = 1024;
/// How often a lock is looked for again that its last holder took away meanwhile.
const TRIES: usize = 100;

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
    #[error(
        "The lock {} cannot be used: {source}. It stands in a folder of your own; set \
         XDG_STATE_HOME to name another.",
        path.display()
    )]
    Unusable {
        /// Where it is.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is no folder for it.
    #[error(
        "There is no folder for the lock that keeps runs apart: this user has no home. Set \
         XDG_STATE_HOME to the whole path of a folder of your own."
    )]
    Homeless,
}

/// The lock, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of a tenant, in the folder for the user's locks; `command` is what others
    /// are told of this run.
    ///
    /// # Errors
    ///
    /// Another run has it; or the file cannot be used.
    pub fn take(tenant: &Tenant, since: &str, command: &str) -> Result<Self, LockError> {
        let folder = user_state().ok_or(LockError::Homeless)?;
        Self::take_in(&folder, tenant, since, command)
    }

    /// Takes the lock of a tenant in another folder, which is made where there is none. Only runs
    /// that use the same folder exclude each other.
    ///
    /// # Errors
    ///
    /// Those of [`take`](Self::take).
    pub fn take_in(
        folder: &Path,
        tenant: &Tenant,
        since: &str,
        command: &str,
    ) -> Result<Self, LockError> {
        let name = tenant.digest().get(..32).unwrap_or_default();
        let name = format!("harness-sync-{name}.lock");
        let path = folder.join(&name);
        let unusable = |source| LockError::Unusable {
            path: path.clone(),
            source,
        };
        let mut file = locked(folder, &name).map_err(|error| match error {
            Refused::Held(holder) => LockError::Held {
                tenant: tenant.label().to_owned(),
                holder: said(&holder),
            },
            Refused::Unusable(source) => unusable(source),
        })?;
        // Only now: what stands there is the holder's until then.
        let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME"));
        let about = format!(
            "process {}, user {}, since {since}, {command}",
            std::process::id(),
            user.as_deref().unwrap_or("unknown"),
        );
        // Best effort: the lock holds without it.
        let _ = file.set_len(0).and_then(|()| {
            file.rewind()?;
            file.write_all(about.as_bytes())
        });
        Ok(Self { file, path })
    }
}

/// The file is taken away while it is still locked, so that nobody else's is.
impl Drop for Lock {
    fn drop(&mut self) {
        #[cfg(unix)]
        if place::is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

enum Refused {
    Held(String),
    Unusable(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Unusable(error)
    }
}

/// The file, locked. A holder takes its file away at its end; who opened it before, and locks
/// it after, has a file that no other run will ever find, and looks for the next one.
fn locked(folder: &Path, name: &str) -> Result<File, Refused> {
    for _ in 0..TRIES {
        let file = place::open(folder, name)?;
        match file.try_lock() {
            Ok(()) if place::is_gone(&file)? => {}
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                let mut holder = Vec::new();
                // Best effort: the answer is the same without it.
                let _ = (&file).take(MOST_BYTES).read_to_end(&mut holder);
                return Err(Refused::Held(String::from_utf8_lossy(&holder).into_owned()));
            }
            Err(TryLockError::Error(source)) => return Err(source.into()),
        }
    }
    Err(io::Error::other("other runs begin and end all the time").into())
}

/// The folder for what the program remembers between its runs.
fn user_state() -> Option<PathBuf> {
    let base = match std::env::var_os("XDG_STATE_HOME").map(PathBuf::from) {
        Some(path) if path.is_absolute() => path,
        _ => std::env::home_dir()
            .filter(|home| home.is_absolute())?
            .join(".local/state"),
    };
    Some(base.join("host-harness"))
}

/// The file in its folder, looked at by what was opened and not by its name, which may be another
/// file's a moment later.
#[cfg(unix)]
mod place {
    use std::fs::{DirBuilder, File, Metadata, Permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
    use std::path::Path;

    use crate::private_file::{in_words, keep_private, only_file};
    use rustix::fs::{Mode, OFlags, open as open_at_path, openat};
    use rustix::process::geteuid;

    pub(super) fn open(folder: &Path, name: &str) -> io::Result<File> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let closed = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = open_at_path(folder, closed | OFlags::DIRECTORY, Mode::empty());
        let folder = File::from(folder.map_err(|error| in_words(error.into()))?);
        let found = folder.metadata()?;
        owned(found.uid(), geteuid().as_raw()).map_err(|error| {
            io::Error::new(error.kind(), format!("its folder is not safe: {error}"))
        })?;
        if found.permissions().mode() & 0o077 != 0 {
            folder.set_permissions(Permissions::from_mode(0o700))?;
        }
        // A pipe would keep the program waiting, and a terminal would become its own.
        let quietly = closed | OFlags::NOCTTY | OFlags::NONBLOCK;
        let writable = OFlags::RDWR | OFlags::CREATE;
        let file = openat(&folder, name, quietly | writable, Mode::RUSR | Mode::WUSR);
        let file = File::from(file.map_err(|error| in_words(error.into()))?);
        only_file(&file)?;
        owned(file.metadata()?.uid(), geteuid().as_raw())?;
        keep_private(&file)?;
        Ok(file)
    }

    /// Whether nobody will find it again, since it was taken away.
    pub(super) fn is_gone(file: &File) -> io::Result<bool> {
        Ok(file.metadata()?.nlink() == 0)
    }

    /// Whether it is still the one of its name.
    pub(super) fn is_at(file: &File, path: &Path) -> bool {
        let same =
            |one: &Metadata, other: &Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
        match (file.metadata(), path.symlink_metadata()) {
            (Ok(ours), Ok(there)) => same(&ours, &there),
            _ => false,
        }
    }

    /// Who owns a folder decides what is in it, and who owns a file who can open it.
    fn owned(owner: u32, us: u32) -> io::Result<()> {
        if owner == us {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "it belongs to another user (number {owner})"
        )))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_belongs_to_another_user_is_not_used() {
            assert!(owned(1000, 1000).is_ok());
            for (owner, us) in [(1000, 1001), (1000, 0), (0, 1000)] {
                assert!(owned(owner, us).is_err(), "{owner} {us}");
            }
        }
    }
}

#[cfg(not(unix))]
mod place {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn open(folder: &Path, name: &str) -> io::Result<File> {
        std::fs::create_dir_all(folder)?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        options.open(folder.join(name))
    }

    pub(super) fn is_gone(_: &File) -> io::Result<bool> {
        Ok(false)
    }
}

/// What a holder says of itself, fit for a terminal.
fn said(holder: &str) -> String {
    let clean: String = holder.chars().filter(|c| !is_unseen(*c)).collect();
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

    #[test]
    fn a_run_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let tenant = Tenant::named("acme", "a");
        drop(Lock::take_in(folder.path(), &tenant, "now", "harness sync").unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// Who opened the file before its holder took it away has one that keeps nobody out.
    #[cfg(unix)]
    #[test]
    fn many_who_want_it_at_once_have_it_one_at_a_time() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let folder = tempfile::tempdir().unwrap();
        let (inside, had) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let tenant = Tenant::named("acme", "a");
                    for _ in 0..200 {
                        match Lock::take_in(folder.path(), &tenant, "now", "harness sync") {
                            Ok(lock) => {
                                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                                had.fetch_add(1, Ordering::SeqCst);
                                std::thread::yield_now();
                                inside.fetch_sub(1, Ordering::SeqCst);
                                drop(lock);
                            }
                            Err(LockError::Held { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
        });
        assert!(had.into_inner() > 0);
    }

    #[cfg(unix)]
    mod in_a_folder_that_others_can_write_to {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        use super::*;

        fn take(folder: &Path) -> Result<Lock, LockError> {
            let tenant = Tenant::named("acme", "a");
            Lock::take_in(folder, &tenant, "now", "harness sync")
        }

        fn name() -> String {
            let tenant = Tenant::named("acme", "a");
            format!("harness-sync-{}.lock", &tenant.digest()[..32])
        }

        fn refused(folder: &Path) -> String {
            match take(folder) {
                Err(error @ LockError::Unusable { .. }) => error.to_string(),
                taken => panic!("{taken:?}"),
            }
        }

        #[test]
        fn no_link_is_followed_and_nothing_behind_one_is_written_over() {
            let folder = tempfile::tempdir().unwrap();
            let victim = folder.path().join("victim");
            std::fs::write(&victim, "precious").unwrap();

            let locks = folder.path().join("symbolic");
            std::fs::create_dir(&locks).unwrap();
            symlink(&victim, locks.join(name())).unwrap();
            assert!(refused(&locks).contains("a link"), "{}", refused(&locks));

            let locks = folder.path().join("hard");
            std::fs::create_dir(&locks).unwrap();
            std::fs::hard_link(&victim, locks.join(name())).unwrap();
            assert!(refused(&locks).contains("another name"));

            let locks = folder.path().join("elsewhere");
            symlink(folder.path().join("hard"), &locks).unwrap();
            refused(&locks);

            assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
        }

        #[test]
        fn what_is_not_a_file_is_not_waited_for() {
            let folder = tempfile::tempdir().unwrap();
            let _socket = std::os::unix::net::UnixListener::bind(folder.path().join(name()));
            refused(folder.path());
            std::fs::remove_file(folder.path().join(name())).unwrap();
            std::fs::create_dir(folder.path().join(name())).unwrap();
            refused(folder.path());
        }

        #[test]
        fn the_owner_alone_can_get_at_it() {
            let folder = tempfile::tempdir().unwrap();
            let locks = folder.path().join("locks");
            std::fs::create_dir(&locks).unwrap();
            std::fs::write(locks.join(name()), "").unwrap();
            for path in [&locks, &locks.join(name())] {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
            }
            let _lock = take(&locks).unwrap();
            for path in [&locks, &locks.join(name())] {
                let mode = std::fs::metadata(path).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{}", path.display());
            }
        }
    }
}
