//! Where a component comes from: a digest that pins it, and detached signatures in the
//! format of minisign. Checked on the bytes that are then loaded, before any of them runs.

use std::path::{Path, PathBuf};

use minisign_verify::{PublicKey, Signature};
use sha2::{Digest as _, Sha256};

use crate::limits::SIGNATURE_BYTES;
use crate::load_error::LoadError;

/// What an operator demands of a component. Nothing is demanded by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provenance {
    /// The SHA-256 of the component, in hexadecimal.
    pub sha256: Option<String>,
    /// The public key of minisign, in base64, that it must be signed with.
    pub public_key: Option<String>,
    /// The file of the signature; `None` is the component's own with `.minisig` behind.
    pub signature: Option<PathBuf>,
}

impl Provenance {
    /// Whether the bytes are the ones demanded. `file` is where they were read, for the
    /// signature beside it.
    ///
    /// # Errors
    ///
    /// [`LoadError::OtherDigest`], [`LoadError::Unsigned`].
    pub fn verify(&self, bytes: &[u8], file: Option<&Path>) -> Result<(), LoadError> {
        if let Some(wanted) = &self.sha256 {
            let found = sha256(bytes);
            if !wanted.trim().eq_ignore_ascii_case(&found) {
                return Err(LoadError::OtherDigest { found });
            }
        }
        match &self.public_key {
            Some(key) => self
                .verify_signature(bytes, key, file)
                .map_err(|reason| LoadError::Unsigned { reason }),
            None => Ok(()),
        }
    }

    /// Whether there is a signature of the key demanded, before anything of the component is
    /// read. Whether it fits, [`verify`](Self::verify) tells.
    pub(crate) fn look_for_signature(&self, file: &Path) -> Result<(), LoadError> {
        let Some(key) = &self.public_key else {
            return Ok(());
        };
        let looked = self.signature(key, Some(file)).and_then(|signed| {
            let began = signed.key.verify_stream(&signed.signature);
            began.map(drop).map_err(|_| signed.does_not_fit())
        });
        looked.map_err(|reason| LoadError::Unsigned { reason })
    }

    fn verify_signature(&self, bytes: &[u8], key: &str, file: Option<&Path>) -> Result<(), String> {
        let signed = self.signature(key, file)?;
        // Only signatures of the digest: the older kind has no advantage left.
        let verified = signed.key.verify(bytes, &signed.signature, false);
        verified.map_err(|_| signed.does_not_fit())
    }

    fn signature(&self, key: &str, file: Option<&Path>) -> Result<Signed, String> {
        let key = PublicKey::from_base64(key.trim())
            .map_err(|_| "`public-key` is no public key of minisign".to_owned())?;
        let path = match (&self.signature, file) {
            (Some(path), _) => path.clone(),
            (None, Some(file)) => beside(file),
            (None, None) => return Err("the bundled connector has no signature".to_owned()),
        };
        let text = read(&path)
            .map_err(|error| format!("its signature {} cannot be read: {error}", path.display()))?;
        let signature = Signature::decode(&text)
            .map_err(|_| format!("{} is no signature of minisign", path.display()))?;
        Ok(Signed {
            key,
            signature,
            path,
        })
    }
}

/// A key, and what is said to be its signature.
struct Signed {
    key: PublicKey,
    signature: Signature,
    path: PathBuf,
}

impl Signed {
    fn does_not_fit(&self) -> String {
        format!("{} does not fit it and the public key", self.path.display())
    }
}

/// In lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where a file's signature is.
pub(crate) fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;

    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(SIGNATURE_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: &[u8] = b"a component";

    #[test]
    fn a_pin_takes_the_one_component_and_no_other() {
        let pinned = Provenance {
            sha256: Some(sha256(BYTES).to_uppercase()),
            ..Provenance::default()
        };
        assert_eq!(pinned.verify(BYTES, None), Ok(()));
        let found = sha256(b"another");
        let refused = Err(LoadError::OtherDigest { found });
        assert_eq!(pinned.verify(b"another", None), refused);
        let nonsense = Provenance {
            sha256: Some(String::new()),
            ..Provenance::default()
        };
        assert!(nonsense.verify(BYTES, None).is_err());
    }

    #[test]
    fn only_the_signature_of_the_key_over_these_bytes_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.wasm");
        let keys = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let other = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let signed = Provenance {
            public_key: Some(keys.pk.to_base64()),
            ..Provenance::default()
        };
        let refused = |bytes: &[u8]| match signed.verify(bytes, Some(&file)) {
            Err(LoadError::Unsigned { reason }) => reason,
            other => panic!("{other:?}"),
        };
        let sign = |keys: &minisign::KeyPair, bytes: &[u8]| {
            let signature = minisign::sign(None, &keys.sk, bytes, None, None).unwrap();
            std::fs::write(beside(&file), signature.into_string()).unwrap();
        };
        assert!(refused(BYTES).contains("cannot be read"));
        sign(&keys, BYTES);
        assert_eq!(signed.verify(BYTES, Some(&file)), Ok(()));
        assert!(refused(b"another").contains("does not fit"));
        sign(&other, BYTES);
        assert!(refused(BYTES).contains("does not fit"));
        std::fs::write(beside(&file), "untrusted comment: none").unwrap();
        assert!(refused(BYTES).contains("is no signature"));
    }
}
