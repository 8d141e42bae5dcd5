//! Files that their owner alone can read, from the moment they exist: plans, journals and
//! reports hold people's data.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Opens a file for reading and writing, and makes it if there is none.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let file = private(&mut options).open(path)?;
    keep_private(&file)?;
    Ok(file)
}

/// A file that takes another's place once it is complete: whoever is stopped halfway leaves
/// what was there.
#[derive(Debug)]
pub(crate) struct Replacement {
    file: File,
    written: PathBuf,
    path: PathBuf,
}

impl Replacement {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let mut name = path
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this names no file"))?
            .to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let written = path.with_file_name(name);
        // A left-over of an earlier process with this number.
        let _ = std::fs::remove_file(&written);
        let mut options = File::options();
        options.write(true).create_new(true);
        let file = private(&mut options).open(&written)?;
        Ok(Self {
            file,
            written,
            path: path.to_owned(),
        })
    }

    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts it in its place.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.written, &self.path)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // Not there any more where it was finished.
        let _ = std::fs::remove_file(&self.written);
    }
}

#[cfg(unix)]
fn private(options: &mut std::fs::OpenOptions) -> &mut std::fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut std::fs::OpenOptions) -> &mut std::fs::OpenOptions {
    options
}

/// The mode at opening counts for a new file only.
#[cfg(unix)]
fn keep_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_private(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

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

    #[cfg(unix)]
    #[test]
    fn the_owner_alone_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let open_to_all = folder.path().join("journal");
        std::fs::write(&open_to_all, "").unwrap();
        std::fs::set_permissions(&open_to_all, std::fs::Permissions::from_mode(0o644)).unwrap();
        open(&open_to_all).unwrap();
        assert_eq!(mode(&open_to_all), 0o600);
        let fresh = folder.path().join("plan");
        Replacement::of(&fresh).unwrap().finish().unwrap();
        assert_eq!(mode(&fresh), 0o600);
    }
}
