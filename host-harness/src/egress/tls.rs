//! Whom the host believes to be the upstream: the public certificate authorities, and
//! those of the operator's `ca-file`.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::contract::Problem;

/// TLS sessions that a connection keeps to resume: it has one upstream, and a proxy at most.
/// Room for the usual 256 would be most of what an idle connection takes up.
const SESSIONS: usize = 8;

/// The public certificate authorities, which all connections share.
fn public() -> &'static Arc<RootCertStore> {
    static PUBLIC: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    PUBLIC.get_or_init(|| {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
        Arc::new(RootCertStore::from_iter(roots))
    })
}

/// The TLS configuration of one connection.
pub(crate) fn config(ca_file: Option<&Path>) -> Result<rustls::ClientConfig, Problem> {
    let roots = match ca_file {
        None => Arc::clone(public()),
        Some(path) => {
            let mut roots = RootCertStore::clone(public());
            add_file(&mut roots, path)?;
            Arc::new(roots)
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| problem("tls", format!("TLS cannot be set up: {error}.")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), Problem> {
    let wrong = |what: String| problem("ca-file", format!("ca-file {}: {what}.", path.display()));
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(error.to_string()))?;
        found = true;
    }
    if !found {
        return Err(wrong("holds no certificate in PEM form".to_owned()));
    }
    Ok(())
}

fn problem(name: &str, message: String) -> Problem {
    Problem {
        name: name.to_owned(),
        code: "invalid".to_owned(),
        message,
    }
}

/// Why the upstream's certificate is not trusted, if a connection failed for that.
pub(crate) fn certificate_error<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a rustls::CertificateError> {
    match cause::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(error)) => Some(error),
        _ => None,
    }
}

/// The first error of type `E` behind `error`.
pub(crate) fn cause<'a, E: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        // An `io::Error` hides what it wraps from `source`.
        next = match error.downcast_ref::<std::io::Error>() {
            Some(io) => io
                .get_ref()
                .map(|inner| inner as &(dyn std::error::Error + 'static)),
            None => error.source(),
        };
    }
    None
}
