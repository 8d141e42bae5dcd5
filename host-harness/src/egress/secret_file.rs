//! A secret in a file: only its owner may be able to read it, unless the operator says that
//! others are meant to.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::limits::SECRET_FILE_BYTES;

/// What is wrong with the file: a stable code, and a sentence.
pub(super) type Wrong = (&'static str, String);

/// Reads the text of a secret file. With `shared`, others than its owner may read it too:
/// container platforms mount secrets so.
pub(super) fn read(path: &Path, shared: bool) -> Result<Zeroizing<String>, Wrong> {
    let wrong = |error: std::io::Error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => "missing",
            _ => "unreadable",
        };
        (
            code,
            format!("cannot read {}: {error}.", shown(path, &error)),
        )
    };
    // A pipe gives its text once, and keeps a reader waiting who wants it again.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err((
            "unreadable",
            format!("{} is no regular file.", path.display()),
        ));
    }
    let file = File::open(path).map_err(wrong)?;
    if !shared {
        refuse_others(path, &file.metadata().map_err(wrong)?)?;
    }
    let mut text = Zeroizing::new(String::new());
    file.take(SECRET_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(wrong)?;
    if text.len() as u64 > SECRET_FILE_BYTES {
        return Err((
            "invalid",
            format!(
                "{} is larger than {SECRET_FILE_BYTES} bytes.",
                path.display()
            ),
        ));
    }
    Ok(text)
}

/// A path in a message. What is not there may be the secret, written where its file should be named.
fn shown(path: &Path, error: &std::io::Error) -> String {
    const SHORTEST_SECRET: usize = 16;

    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let may_be_a_secret = error.kind() == std::io::ErrorKind::NotFound
        && name.len() >= SHORTEST_SECRET
        && name.chars().all(|c| c.is_ascii_graphic())
        && name.contains(|c: char| c.is_ascii_digit())
        && path.extension().is_none_or(|extension| extension.len() > 8);
    if may_be_a_secret {
        return "what `file` names (which is not shown, since it does not look like a file's name; \
                the secret itself does not belong there)"
            .to_owned();
    }
    path.display().to_string()
}

/// Asks the open file, so that no other can take its place in between.
#[cfg(unix)]
fn refuse_others(path: &Path, metadata: &std::fs::Metadata) -> Result<(), Wrong> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err((
        "exposed",
        format!(
            "others than its owner can get at {} (mode {mode:03o}). Run `chmod 600 {}`, or, where \
             the platform mounts it so, write `shared = true` beside `file`.",
            path.display(),
            quoted(path),
        ),
    ))
}

#[cfg(not(unix))]
fn refuse_others(_: &Path, _: &std::fs::Metadata) -> Result<(), Wrong> {
    Ok(())
}

/// As a shell takes it.
#[cfg(unix)]
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%".contains(c);
    if text.chars().all(plain) && !text.starts_with('-') {
        return text;
    }
    let dashed = if text.starts_with('-') { "-- " } else { "" };
    format!("{dashed}'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;

    /// Longer than the random part of a temporary folder's name, which messages hold.
    const SECRET: &str = "the text of the secret";

    fn file(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api token");
        std::fs::write(&path, SECRET).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        for mode in [0o644, 0o640, 0o604, 0o620] {
            let (_folder, path) = file(mode);
            let (code, message) = read(&path, false).unwrap_err();
            assert_eq!(code, "exposed", "{mode:o}");
            assert!(
                message.contains(&format!("`chmod 600 '{}'`", path.display())),
                "{message}"
            );
            assert!(message.contains("`shared = true`"), "{message}");
            assert!(!message.contains(SECRET));
        }
    }

    #[test]
    fn a_file_of_its_owner_alone_is_read_and_a_shared_one_where_that_is_meant() {
        for (mode, shared) in [(0o600, false), (0o400, false), (0o444, true)] {
            let (_folder, path) = file(mode);
            assert_eq!(*read(&path, shared).unwrap(), SECRET, "{mode:o}");
        }
    }

    #[test]
    fn what_is_no_regular_file_or_far_too_large_is_not_read() {
        assert_eq!(
            read(Path::new("/dev/zero"), true).unwrap_err().0,
            "unreadable"
        );
        let (_folder, path) = file(0o600);
        std::fs::write(&path, "x".repeat(100_000)).unwrap();
        assert_eq!(read(&path, false).unwrap_err().0, "invalid");
    }

    #[test]
    fn a_secret_in_the_place_of_its_files_name_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        for secret in ["S3CRETTOKEN12345", "eyJhbGciOi.eyJzdWIi.SflKxw-RJSMe4"] {
            let (code, message) = read(&folder.path().join(secret), false).unwrap_err();
            assert_eq!(code, "missing");
            assert!(!message.contains(&secret[..8]), "{message}");
        }
        for name in ["8x8.token", "api-token", "token-of-2026-for-8x8.txt"] {
            let (_, message) = read(&folder.path().join(name), false).unwrap_err();
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn the_command_is_as_a_shell_takes_it() {
        assert_eq!(quoted(Path::new("/etc/8x8.token")), "/etc/8x8.token");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
        assert_eq!(quoted(Path::new("-f")), "-- '-f'");
    }
}
