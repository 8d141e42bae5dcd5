//! Files that their owner alone can read, from the moment they exist: traces, recordings, tokens,
//! plans, journals and reports hold people's data or what lets somebody in.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A new file; one that is there already, or a link, is an error.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    private(File::options().write(true).create_new(true)).open(path)
}

/// An empty file in the place of whatever file is there. It is another file from the start: who
/// had the old one open, or could read it, sees nothing of what is written here, and where a link
/// stands at the path, it is the link that gives way and not the file that it leads to.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    Replacement::of(path)?.in_place()
}

/// Opens a file for reading and writing, and makes it if there is none. In a folder that others
/// can write to, what stands at the path may be theirs: no link is followed, and what is there is
/// a regular file of that name alone, of this user or of the folder's owner, who could read it in
/// any case.
#[cfg(feature = "sync")]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let file = not_through_links(private(&mut options))
        .open(path)
        .map_err(in_words)?;
    only_file(&file)?;
    of_us_or_of_its_folder(&file.metadata()?, path)?;
    keep_private(&file)?;
    Ok(file)
}

/// Whether a file that may be there is one that [`open`] would take.
#[cfg(feature = "sync")]
pub(crate) fn if_there(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(io::Error::other(NOT_REGULAR)),
        Ok(found) => of_us_or_of_its_folder(&found, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(feature = "sync")]
const NOT_REGULAR: &str = "it is not a regular file";

/// Never through a link. A pipe would keep the program waiting, and a terminal would become its
/// own.
#[cfg(all(unix, feature = "sync"))]
fn not_through_links(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let flags = OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::NONBLOCK;
    options.custom_flags(flags.bits().cast_signed())
}

#[cfg(all(unix, feature = "sync"))]
pub(crate) fn in_words(error: io::Error) -> io::Error {
    use rustix::io::Errno;

    match Errno::from_io_error(&error) {
        Some(Errno::LOOP | Errno::MLINK) => io::Error::other("it is a link, which is not followed"),
        _ => error,
    }
}

/// Whether it is a regular file of one name: another name of it may be a file that is precious.
#[cfg(all(unix, feature = "sync"))]
pub(crate) fn only_file(file: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other(NOT_REGULAR));
    }
    if found.nlink() > 1 {
        return Err(io::Error::other("it is a file of another name as well"));
    }
    Ok(())
}

#[cfg(all(unix, feature = "sync"))]
fn of_us_or_of_its_folder(found: &std::fs::Metadata, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let us = rustix::process::geteuid().as_raw();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = std::fs::metadata(folder.unwrap_or(Path::new(".")))?;
    allowed(found.uid(), us, folder.uid())
}

/// Who owns a file can read what is written into it.
#[cfg(all(unix, feature = "sync"))]
fn allowed(owner: u32, us: u32, of_folder: u32) -> io::Result<()> {
    if owner == us || owner == of_folder {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "it belongs to another user (number {owner})"
    )))
}

#[cfg(all(not(unix), feature = "sync"))]
fn not_through_links(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(all(not(unix), feature = "sync"))]
fn in_words(error: io::Error) -> io::Error {
    error
}

#[cfg(all(not(unix), feature = "sync"))]
fn only_file(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(all(not(unix), feature = "sync"))]
fn of_us_or_of_its_folder(_: &std::fs::Metadata, _: &Path) -> io::Result<()> {
    Ok(())
}

/// A file that takes another's place once it is complete: a program that is stopped halfway leaves
/// what was there.
#[derive(Debug)]
pub(crate) struct Replacement {
    file: File,
    written: PathBuf,
    path: PathBuf,
}

impl Replacement {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let invalid = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
        let name = path
            .file_name()
            .ok_or_else(|| invalid("this names no file"))?;
        // A device would be replaced by a file of its name, for every program of the machine.
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(invalid("it is not a regular file"));
        }
        let (file, written) = beside(path, name)?;
        Ok(Self {
            file,
            written,
            path: path.to_owned(),
        })
    }

    #[cfg(feature = "sync")]
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts it in its place, complete.
    #[cfg(feature = "sync")]
    pub(crate) fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.written, &self.path)
    }

    /// Puts it in its place as it is, to be written there.
    fn in_place(self) -> io::Result<File> {
        std::fs::rename(&self.written, &self.path)?;
        self.file.try_clone()
    }
}

/// A new file in the same folder, by a name that nobody can take beforehand.
fn beside(path: &Path, name: &OsStr) -> io::Result<(File, PathBuf)> {
    /// One is enough, as a rule: the name exists by chance alone.
    const TRIES: usize = 16;

    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..TRIES {
        let mut written = name.to_owned();
        written.push(format!(".{:016x}.part", fastrand::u64(..)));
        let written = path.with_file_name(written);
        match create_new(&written) {
            Ok(file) => return Ok((file, written)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // Not there any more where it was put in its place.
        let _ = std::fs::remove_file(&self.written);
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The mode at opening counts for a new file only.
#[cfg(all(unix, feature = "sync"))]
pub(crate) fn keep_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(all(not(unix), feature = "sync"))]
pub(crate) fn keep_private(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn a_replacement_takes_its_place_only_when_it_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        std::fs::write(&path, "old").unwrap();
        let mut dropped = Replacement::of(&path).unwrap();
        dropped.file().write_all(b"half").unwrap();
        drop(dropped);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");

        let mut whole = Replacement::of(&path).unwrap();
        whole.file().write_all(b"new").unwrap();
        whole.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(all(unix, feature = "sync"))]
    #[test]
    fn what_belongs_to_another_user_than_the_folder_is_not_used() {
        for (owner, us, of_folder) in [(7, 7, 7), (7, 7, 0), (7, 0, 7)] {
            assert!(allowed(owner, us, of_folder).is_ok());
        }
        for (owner, us, of_folder) in [(7, 8, 8), (7, 0, 0), (0, 7, 7), (7, 8, 0)] {
            assert!(allowed(owner, us, of_folder).is_err());
        }
        // Only root can give a file away.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.journal");
        std::fs::write(&path, "").unwrap();
        if std::os::unix::fs::chown(&path, Some(12_345), None).is_ok() {
            let refused = open(&path).unwrap_err().to_string();
            assert!(refused.contains("another user (number 12345)"), "{refused}");
            assert!(if_there(&path).is_err());
        }
    }

    #[test]
    fn who_had_the_old_file_open_sees_nothing_of_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "old").unwrap();
        let mut old = File::open(&path).unwrap();
        create(&path).unwrap().write_all(b"secret").unwrap();
        let mut seen = String::new();
        old.read_to_string(&mut seen).unwrap();
        assert_eq!(seen, "old");
        assert_eq!(std::fs::read(&path).unwrap(), b"secret");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_a_file_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("folder");
        std::fs::create_dir(&path).unwrap();
        assert!(create(&path).is_err());
        assert!(path.is_dir());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_gives_way_and_the_file_behind_it_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, path) = (folder.path().join("victim"), folder.path().join("token"));
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        assert!(create_new(&path).is_err());
        create(&path).unwrap().write_all(b"secret").unwrap();
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
        assert!(path.symlink_metadata().unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn the_owner_alone_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let open_to_all = |name| {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            path
        };
        let journal = open_to_all("journal");
        open(&journal).unwrap();
        assert_eq!(mode(&journal), 0o600);
        let token = open_to_all("token");
        create(&token).unwrap();
        assert_eq!(mode(&token), 0o600);
        let fresh = folder.path().join("plan");
        Replacement::of(&fresh).unwrap().finish().unwrap();
        assert_eq!(mode(&fresh), 0o600);
        let exchange = folder.path().join("exchange");
        create_new(&exchange).unwrap();
        assert_eq!(mode(&exchange), 0o600);
    }
}
