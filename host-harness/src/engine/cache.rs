//! Where compiled code is kept: a directory that no other user can write to, since what is in it
//! is run.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wasmtime::{Cache, CacheConfig};

use super::error::HostError;

/// Where compiled code is kept between runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CompiledCode {
    /// In the user's cache directory: `$XDG_CACHE_HOME` or `~/.cache`, `host-harness`
    /// below it. Not kept where there is none, or where it or a directory above it is another
    /// user's or can be written to by others.
    #[default]
    InUserCache,
    /// In this directory, which is made private to the user. Anyone who can write to it can
    /// make the host run code of theirs.
    In(PathBuf),
    /// Not kept.
    NotKept,
}

/// The directory that is in use, if any.
pub(crate) struct CodeStore {
    cache: Option<Cache>,
    /// Goes with the host: compiled code that is not kept is still handed over in a directory
    /// by the process that compiles.
    _until_the_end: Option<TempDir>,
}

impl CodeStore {
    /// Where `handed_over`, there is a directory in every case.
    pub(crate) fn open(choice: &CompiledCode, handed_over: bool) -> Result<Self, HostError> {
        let mut until_the_end = None;
        let directory = match lasting(choice)? {
            Some(directory) => Some(directory),
            None if handed_over => {
                let folder = temporary().map_err(|error| {
                    HostError(format!("no directory for compiled code: {error}"))
                })?;
                Some(until_the_end.insert(folder).path().to_owned())
            }
            None => None,
        };
        let cache = directory.map(|directory| opened(&directory)).transpose()?;
        Ok(Self {
            cache,
            _until_the_end: until_the_end,
        })
    }

    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Whether the next process finds what this one compiles.
    #[cfg(feature = "cli")]
    pub(crate) fn is_lasting(&self) -> bool {
        self._until_the_end.is_none() && self.cache.is_some()
    }
}

fn temporary() -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("host-harness-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir()
}

fn lasting(choice: &CompiledCode) -> Result<Option<PathBuf>, HostError> {
    match choice {
        CompiledCode::NotKept => Ok(None),
        CompiledCode::In(directory) => match made_private(directory) {
            Ok(directory) => Ok(Some(directory)),
            Err(error) => Err(HostError(format!(
                "cache directory {}: {error}",
                directory.display()
            ))),
        },
        CompiledCode::InUserCache => {
            let Some(directory) = user_cache() else {
                return Ok(None);
            };
            match made_private(&directory) {
                Ok(directory) => Ok(Some(directory)),
                Err(error) => {
                    let directory = directory.display();
                    tracing::debug!("compiled code is not kept: {directory}: {error}");
                    Ok(None)
                }
            }
        }
    }
}

/// Opens a directory that exists.
pub(crate) fn opened(directory: &Path) -> Result<Cache, HostError> {
    // wasmtime takes canonical paths alone.
    let directory = directory
        .canonicalize()
        .map_err(|error| HostError(format!("{}: {error}", directory.display())))?;
    let mut config = CacheConfig::new();
    config.with_directory(directory);
    Cache::new(config).map_err(|error| HostError(format!("{error:#}")))
}

fn user_cache() -> Option<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from) {
        Some(path) if path.is_absolute() => path,
        _ => std::env::home_dir()
            .filter(|home| home.is_absolute())?
            .join(".cache"),
    };
    Some(base.join("host-harness"))
}

/// Makes a directory that only its owner can use, and says where it really is. Compiled code is
/// trusted when it is loaded, so one that others can write to, or exchange, is refused.
fn made_private(directory: &Path) -> std::io::Result<PathBuf> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

        builder.mode(0o700).create(directory)?;
        let real = directory.canonicalize()?;
        let me = rustix::process::geteuid().as_raw();
        owned(directory, &real, me)?;
        let mode = std::fs::metadata(&real)?.permissions().mode();
        if mode & 0o022 != 0 {
            // What is in it may be theirs, and would be run.
            return Err(refused(
                "others can write to it; name a directory of your own".to_owned(),
            ));
        }
        if mode & 0o077 != 0 {
            std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o700))?;
        }
        Ok(real)
    }
    #[cfg(not(unix))]
    {
        builder.create(directory)?;
        directory.canonicalize()
    }
}

/// Whether a directory is this user's, also where this user is root and may use any; and
/// whether each one above it is this user's or root's: the owner of one of those can put another
/// directory in this one's place.
#[cfg(unix)]
fn owned(named: &Path, real: &Path, me: u32) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let other = |path: &Path, owner: u32| {
        Err(refused(format!(
            "{} belongs to another user ({owner}); name a directory of your own",
            path.display()
        )))
    };
    let owner = std::fs::metadata(real)?.uid();
    if owner != me {
        return other(real, owner);
    }
    // Where it is a link, the link as well.
    let owner = std::fs::symlink_metadata(named)?.uid();
    if owner != me && owner != 0 {
        return other(named, owner);
    }
    for above in real.ancestors().skip(1) {
        let found = std::fs::metadata(above)?;
        if found.uid() != me && found.uid() != 0 {
            return other(above, found.uid());
        }
        let (anybody, sticky) = (found.mode() & 0o002 != 0, found.mode() & 0o1000 != 0);
        if anybody && !sticky {
            return Err(refused(format!(
                "others can write to {} above it; name a directory of your own",
                above.display()
            )));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn refused(why: String) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::PermissionDenied, why)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    fn with_mode(directory: &Path, mode: u32) {
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn refusal(directory: &Path) -> String {
        let choice = CompiledCode::In(directory.to_owned());
        let refused = CodeStore::open(&choice, false).err();
        refused.map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_cache_directory_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        for mode in [0o777, 0o770, 0o702] {
            std::fs::create_dir_all(&cache).unwrap();
            with_mode(&cache, mode);
            let error = refusal(&cache);
            assert!(error.contains("others can write to it"), "{error}");
        }
    }

    #[test]
    fn a_cache_directory_below_one_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("shared");
        std::fs::create_dir(&shared).unwrap();
        with_mode(&shared, 0o777);
        let error = refusal(&shared.join("cache"));
        assert!(error.contains("others can write to"), "{error}");
        assert!(error.contains("shared above it"), "{error}");
        // As /tmp is: there a user removes only what is their own.
        with_mode(&shared, 0o1777);
        assert_eq!(refusal(&shared.join("cache")), "");
    }

    /// Only root can give a directory to another user, so that this is shown by the rule itself
    /// for everyone else.
    #[test]
    fn a_cache_directory_of_another_user_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        std::fs::create_dir(&cache).unwrap();
        with_mode(&cache, 0o700);
        let me = std::fs::metadata(&cache).unwrap().uid();
        let real = cache.canonicalize().unwrap();
        owned(&cache, &real, me).unwrap();
        let error = owned(&cache, &real, me + 1).unwrap_err().to_string();
        assert!(error.contains("belongs to another user"), "{error}");

        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&cache, &link).unwrap();
        if std::os::unix::fs::lchown(&link, Some(12_345), None).is_ok() {
            let error = refusal(&link);
            assert!(error.contains("belongs to another user (12345)"), "{error}");
            let below = cache.join("below");
            std::fs::create_dir(&below).unwrap();
            std::os::unix::fs::chown(&cache, Some(12_345), None).unwrap();
            for directory in [&cache, &below] {
                let error = refusal(directory);
                assert!(error.contains("belongs to another user (12345)"), "{error}");
            }
        }
    }

    #[test]
    fn the_cache_directory_is_private_to_the_user() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("a/b");
        assert_eq!(refusal(&cache), "");
        assert_eq!(
            std::fs::metadata(&cache).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }

    #[test]
    fn code_that_is_not_kept_is_handed_over_in_a_private_directory_that_goes_with_the_host() {
        let store = CodeStore::open(&CompiledCode::NotKept, true).unwrap();
        let directory = store.cache().unwrap().directory().clone();
        let mode = std::fs::metadata(&directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(store);
        assert!(!directory.exists());
        let none = CodeStore::open(&CompiledCode::NotKept, false).unwrap();
        assert!(none.cache().is_none());
    }
}
