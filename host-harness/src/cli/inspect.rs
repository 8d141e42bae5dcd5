//! `harness inspect`: what a reviewer reads of a component: what it is from the outside, what
//! it claims, what it would be granted, and a verdict. Only a component that may be loaded
//! is run, for its manifest; no secret is read.

mod claims;
mod line;
mod outside;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};

use self::claims::Claims;
use self::line::line;
use super::connect::{host, host_with, loaded};
use super::options::{Options, Stop};
use super::output::{Output, wrapped};
use crate::component::Component;
use crate::connection_file::ConnectionFile;
use crate::failure::Failure;
use crate::inspection::Inspection;
use crate::json;
use crate::load_error::LoadError;
use crate::provenance::Provenance;
use component_8x8::CONNECTOR_8X8;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The component [default: --component, else the connection file's, else the bundled 8x8
    /// connector]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The public key of minisign that it must be signed with
    #[arg(long, value_name = "KEY")]
    public_key: Option<String>,
    /// The signature's file [default: FILE.minisig]
    #[arg(long, value_name = "FILE", requires = "public_key")]
    signature: Option<PathBuf>,
}

pub(super) async fn run(
    arguments: Arguments,
    options: &Options,
    output: Output,
) -> Result<(), Stop> {
    let connection = options.connection.as_deref().map(Connection::read);
    let usable = connection.as_ref().and_then(Connection::file);
    let file = arguments
        .file
        .as_deref()
        .or(options.component.as_deref())
        .or_else(|| usable?.component.as_deref());
    let bytes = match file {
        Some(file) => Cow::Owned(crate::load_error::read(file).map_err(Failure::from)?),
        None => Cow::Borrowed(CONNECTOR_8X8),
    };
    let inspection = Inspection::of_bytes(&bytes).map_err(|error| match file {
        Some(file) => Failure::from(error.in_file(file)),
        None => error.into(),
    })?;
    let origin = Origin::of(&bytes, file, demanded(&arguments, usable));
    let mut reasons: Vec<String> = inspection
        .verdict()
        .err()
        .map(|error| error.to_string())
        .into_iter()
        .chain(origin.problems())
        .collect();
    // What may not be loaded is not run either.
    let described = if reasons.is_empty() {
        let host = match usable {
            Some(file) => host_with(options, file.host_options())?,
            None => host(options)?,
        };
        let loading = Component::from_bytes(&host, &bytes);
        Some(loaded(&host, options, file, loading).await)
    } else {
        None
    };
    if let Some(Err(failure)) = &described {
        reasons.push(failure.message());
    }
    let review = Review {
        file,
        inspection: &inspection,
        origin: &origin,
        connection: connection.as_ref(),
        claims: match &described {
            Some(Ok(component)) => Some(Claims::new(component.manifest(), usable)),
            _ => None,
        },
        reasons,
    };
    output.answer(|| review.document(), || review.text());
    review.end()
}

/// What the command line demands of the component, else the connection file.
fn demanded(arguments: &Arguments, file: Option<&ConnectionFile>) -> Provenance {
    let mut demanded = file.map(|file| file.provenance.clone()).unwrap_or_default();
    if arguments.public_key.is_some() {
        demanded.public_key.clone_from(&arguments.public_key);
        demanded.signature.clone_from(&arguments.signature);
    }
    demanded
}

/// The connection file, or why it cannot be used.
struct Connection {
    path: PathBuf,
    file: Result<ConnectionFile, Failure>,
}

impl Connection {
    fn read(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: ConnectionFile::read(path),
        }
    }

    fn file(&self) -> Option<&ConnectionFile> {
        self.file.as_ref().ok()
    }
}

/// Whether the component is the one that was demanded; `None` where nothing was.
struct Origin {
    pinned: Option<Result<(), LoadError>>,
    signed: Option<Result<(), LoadError>>,
}

impl Origin {
    fn of(bytes: &[u8], file: Option<&Path>, demanded: Provenance) -> Self {
        let pin = Provenance {
            sha256: demanded.sha256,
            ..Provenance::default()
        };
        let signature = Provenance {
            sha256: None,
            ..demanded
        };
        let verify = |provenance: &Provenance| provenance.verify(bytes, file);
        Self {
            pinned: pin.sha256.is_some().then(|| verify(&pin)),
            signed: signature.public_key.is_some().then(|| verify(&signature)),
        }
    }

    fn problems(&self) -> impl Iterator<Item = String> {
        [&self.pinned, &self.signed]
            .into_iter()
            .filter_map(|state| Some(state.as_ref()?.as_ref().err()?.to_string()))
    }
}

/// Everything that is told.
struct Review<'a> {
    file: Option<&'a Path>,
    inspection: &'a Inspection,
    origin: &'a Origin,
    connection: Option<&'a Connection>,
    /// Where the component was run and its manifest is good.
    claims: Option<Claims<'a>>,
    /// Why it is not to be used.
    reasons: Vec<String>,
}

impl Review<'_> {
    /// What is wrong with the connection file.
    fn connection_problems(&self) -> Vec<String> {
        match self.connection.map(|connection| &connection.file) {
            Some(Err(failure)) => vec![failure.message()],
            _ => self
                .claims
                .as_ref()
                .map(Claims::problems)
                .unwrap_or_default(),
        }
    }

    fn end(&self) -> Result<(), Stop> {
        if !self.reasons.is_empty() {
            Err(Stop::Verdict)
        } else if !self.connection_problems().is_empty() {
            Err(Stop::Unusable)
        } else {
            Ok(())
        }
    }

    fn document(&self) -> Json {
        let state = |state: &Option<Result<(), LoadError>>| state.as_ref().map(Result::is_ok);
        let mut document = json::inspection(self.inspection);
        document["file"] = json!(self.file.map(|file| file.display().to_string()));
        document["pin-valid"] = state(&self.origin.pinned).into();
        document["signature-valid"] = state(&self.origin.signed).into();
        document["connection"] = match self.connection {
            None => Json::Null,
            Some(connection) => json!({
                "file": connection.path.display().to_string(),
                "problems": self.connection_problems(),
            }),
        };
        document["claims"] = self.claims.as_ref().map(Claims::document).into();
        document["verdict"] = json!({
            "good": self.reasons.is_empty(),
            "reasons": self.reasons,
        });
        document
    }

    fn text(&self) -> String {
        let mut text = outside::report(self.file, self.inspection);
        text.push_str("signature\n");
        text.push_str(&match &self.origin.signed {
            None => {
                "  not asked for; --public-key KEY does, or `public-key` in the connection file\n"
                    .to_owned()
            }
            Some(Ok(())) => "  valid: it is the public key's\n".to_owned(),
            Some(Err(error)) => wrapped("  ", "  ", &line(&error.to_string())),
        });
        text.push_str("connection file\n");
        match self.connection {
            None => text.push_str("  none; --connection FILE shows what that one grants\n"),
            Some(connection) => {
                let path = connection.path.display().to_string();
                text.push_str(&format!("  {}\n", line(&path)));
                for problem in self.connection_problems() {
                    let first = "  cannot be used: ";
                    text.push_str(&wrapped(first, "    ", &line(&problem)));
                }
            }
        }
        match &self.claims {
            Some(claims) => text.push_str(&claims.text()),
            None => text.push_str("claims\n  not known, since it was not loaded\n"),
        }
        if self.reasons.is_empty() {
            text.push_str("verdict: a connector that imports nothing beyond the contract\n");
        } else {
            text.push_str("verdict: not to be used\n");
        }
        for reason in &self.reasons {
            text.push_str(&wrapped("  ", "  ", &line(reason)));
        }
        text
    }
}
