//! From the options of the command line to a connector, and to a connection.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::options::{Options, Stop};
use super::output::{Output, printable};
use crate::attributes::is_hidden;
use crate::compiler::Compiler;
use crate::component::Component;
use crate::connection::{Connection, ConnectionOptions};
use crate::connection_file::ConnectionFile;
use crate::contract::Manifest;
use crate::failure::Failure;
use crate::host::Host;
use crate::host::HostOptions;
use crate::text::clean;
use crate::trace::{HarFile, Observer};
use component_8x8::CONNECTOR_8X8;

/// How long something may take without a word about it.
const MOMENT: Duration = Duration::from_secs(1);
/// Bytes of a file's name that are shown.
const MOST_NAME: usize = 2_000;

/// A connection, and the trace that has to be closed at its end.
pub(super) struct Connected {
    pub(super) connection: Connection,
    trace: Option<Arc<HarFile>>,
}

impl Connected {
    /// Makes sure that the trace is on disk.
    pub(super) fn finish(&self) -> Result<(), Stop> {
        closed(self.trace.as_deref())
    }
}

pub(super) fn host(options: &Options) -> Result<Host, Stop> {
    host_with(options, HostOptions::default())
}

pub(super) fn host_with(options: &Options, host: HostOptions) -> Result<Host, Stop> {
    let host = HostOptions {
        compiler: Some(this_program()?),
        // One program, one operation at a time: a large pool would only cost address space.
        max_instances: 16,
        count_fuel: host.count_fuel || options.stats,
        observer: observer(options.measured()),
        ..host
    };
    Host::new(host).map_err(|error| Stop::Usage(error.to_string()))
}

/// This program, started again to compile; see [`super::Command::Compile`].
fn this_program() -> Result<Compiler, Stop> {
    // By the system's own link to what runs, where there is one: the file may have been replaced
    // by a newer build meanwhile, which is of no use to this one.
    let link = Path::new("/proc/self/exe");
    let program = match link.exists() {
        true => Ok(link.to_owned()),
        false => std::env::current_exe(),
    };
    let program = program
        .map_err(|error| Stop::Usage(format!("This program does not find itself: {error}.")))?;
    Ok(Compiler::new(program).argument(super::options::COMPILE))
}

/// Loads a component. Where that means compiling it, and it takes longer than a moment, a line
/// on stderr says what is going on.
pub(super) async fn loaded<T>(
    host: &Host,
    options: &Options,
    file: Option<&Path>,
    loading: impl Future<Output = T>,
) -> T {
    let mut loading = std::pin::pin!(loading);
    tokio::select! {
        biased;
        loaded = &mut loading => return loaded,
        () = host.compiling().has_taken(MOMENT) => {}
    }
    let name = file.map_or_else(
        || "the bundled 8x8 connector".to_owned(),
        |file| clean(&file.display().to_string(), MOST_NAME),
    );
    let once = match host.code().is_lasting() {
        true => " (once: its code is kept)",
        false => "",
    };
    Output::new(options.json).note(format!("compiling {name} …{once}"));
    loading.await
}

/// The connector, loaded for its manifest alone.
pub(super) async fn named_component(
    options: &Options,
    file: Option<&ConnectionFile>,
) -> Result<Component, Stop> {
    let host = match file {
        Some(file) => host_with(options, file.host_options())?,
        None => host(options)?,
    };
    component(&host, options, file).await
}

/// The connector named on the command line or in the connection file, else the bundled one.
pub(super) async fn component(
    host: &Host,
    options: &Options,
    file: Option<&ConnectionFile>,
) -> Result<Component, Stop> {
    let named = options
        .component
        .as_ref()
        .or_else(|| file?.component.as_ref());
    let provenance = file.map(|file| file.provenance.clone()).unwrap_or_default();
    if let Some(path) = named {
        let loading = Component::from_known_file(host, path, &provenance);
        return Ok(loaded(host, options, Some(path), loading).await?);
    }
    provenance
        .verify(CONNECTOR_8X8, None)
        .map_err(Failure::from)?;
    let loading = Component::from_bytes(host, CONNECTOR_8X8);
    Ok(loaded(host, options, None, loading).await?)
}

/// The connection file that the options name; in a replay without one, what the recording has
/// of it.
pub(super) fn connection_file(options: &Options) -> Result<ConnectionFile, Stop> {
    if let (Some(_), None) = (&options.replay, &options.connection) {
        let replay = options
            .tapes
            .replay(options.replay.as_deref(), options.dry_run)?;
        let recorded = replay.map(|replay| replay.options()).unwrap_or_default();
        return Ok(ConnectionFile {
            settings: recorded.settings,
            network: recorded.network,
            ..ConnectionFile::default()
        });
    }
    let path = options.connection.as_ref().ok_or_else(|| {
        Stop::Usage(
            "Which connection? Name its file with --connection FILE (or in HARNESS_CONNECTION). \
             `harness connection new FILE` writes one to fill in, `harness demo` needs none."
                .to_owned(),
        )
    })?;
    let file = ConnectionFile::read(path)?;
    if options.replay.is_none() {
        file.check_credentials()?;
    }
    Ok(file)
}

pub(super) async fn connect(options: &Options) -> Result<Connected, Stop> {
    let file = connection_file(options)?;
    let host = host_with(options, file.host_options())?;
    let component = component(&host, options, Some(&file)).await?;
    connect_with(options, &component, file.options()).await
}

pub(super) async fn connect_with(
    options: &Options,
    component: &Component,
    connection: ConnectionOptions,
) -> Result<Connected, Stop> {
    let (connection, trace) = watched(options, component.manifest(), connection)?;
    let connection = component.connect(connection).await?;
    Ok(Connected { connection, trace })
}

/// With everything that the options of the command line want to see, and the trace that has
/// to be closed at the end.
pub(super) fn watched(
    options: &Options,
    manifest: &Manifest,
    mut connection: ConnectionOptions,
) -> Result<(ConnectionOptions, Option<Arc<HarFile>>), Stop> {
    let trace = trace(options, manifest)?;
    let (record, replay) = (options.record.as_deref(), options.replay.as_deref());
    connection.wire = options.tapes.wire(record, replay, options.dry_run)?;
    connection.dry_run = options.dry_run;
    let written = trace.clone().map(|trace| trace as Arc<dyn Observer>);
    let writes: Arc<dyn Observer> = options.writes.clone();
    let watching = written.into_iter().chain(options.measured());
    connection.observer = observer(watching.chain([writes]));
    Ok((connection, trace))
}

/// Makes sure that the trace is on disk.
pub(super) fn closed(trace: Option<&HarFile>) -> Result<(), Stop> {
    match trace {
        Some(trace) => trace
            .finish()
            .map_err(|error| Stop::Usage(format!("The trace could not be written: {error}."))),
        None => Ok(()),
    }
}

impl Options {
    /// Who wants to know what operations used up.
    pub(super) fn measured(&self) -> Option<Arc<dyn Observer>> {
        let measured: Arc<dyn Observer> = self.measured.clone();
        self.stats.then_some(measured)
    }
}

/// All of them as one; none where nobody watches, since an observer costs time.
pub(super) fn observer(
    watching: impl IntoIterator<Item = Arc<dyn Observer>>,
) -> Option<Arc<dyn Observer>> {
    let watching: Vec<_> = watching.into_iter().collect();
    (!watching.is_empty()).then(|| Arc::new(watching) as Arc<dyn Observer>)
}

/// The trace that the options ask for. Where values would stand in it that are nobody's to read,
/// it is written without any.
pub(super) fn trace(options: &Options, manifest: &Manifest) -> Result<Option<Arc<HarFile>>, Stop> {
    let Some(path) = &options.trace else {
        return Ok(None);
    };
    let hidden = manifest.attributes.iter().filter(|spec| is_hidden(spec));
    let hidden: Vec<_> = hidden.map(|spec| printable(&spec.name)).collect();
    if !hidden.is_empty() && !options.trace_without_values {
        Output::new(options.json).note(format!(
            "The trace is without bodies and query strings, as with --trace-without-values: \
             sensitive values would stand there ({}).",
            hidden.join(", ")
        ));
    }
    let with_values = hidden.is_empty() && !options.trace_without_values;
    let file = HarFile::create(path, with_values).map_err(|error| {
        Stop::Usage(format!(
            "The trace {} cannot be written: {error}.",
            path.display()
        ))
    })?;
    Ok(Some(Arc::new(file)))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;
    use crate::contract::{AttributeSpec, DeletionEffect, Mutability, Operations};
    use crate::contract::{TransportFailure, Uniqueness, ValueType};
    use crate::trace::{Exchange, SentRequest};

    fn manifest(mutability: Mutability, sensitive: bool) -> Manifest {
        Manifest {
            id: "test".to_owned(),
            title: "Test".to_owned(),
            version: "0.1.0".to_owned(),
            setup: String::new(),
            settings: vec![],
            credentials: vec![],
            headers: vec![],
            attributes: vec![AttributeSpec {
                name: "pin".to_owned(),
                title: String::new(),
                help: String::new(),
                path: String::new(),
                value_type: ValueType::Text,
                format: None,
                multi_valued: false,
                required: false,
                case_exact: true,
                sensitive,
                mutability,
                uniqueness: Uniqueness::None,
                choices: vec![],
                max_length: None,
            }],
            lookup_keys: vec![],
            identity_key: None,
            operations: Operations::all(),
            deletion: DeletionEffect::Removes,
            max_page_size: 1,
            quirks: vec![],
        }
    }

    #[test]
    fn a_trace_has_no_values_where_an_attribute_is_nobodys_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.har");
        let cli = Cli::parse_from(["harness", "--trace", path.to_str().unwrap(), "check"]);
        for (mutability, sensitive, shown) in [
            (Mutability::ReadWrite, false, true),
            (Mutability::ReadWrite, true, false),
            (Mutability::WriteOnly, false, false),
        ] {
            let file = trace(&cli.options, &manifest(mutability, sensitive)).unwrap();
            file.unwrap().exchange(&Exchange {
                operation: "create",
                attempt: 1,
                started: std::time::SystemTime::UNIX_EPOCH,
                duration: std::time::Duration::ZERO,
                request: SentRequest {
                    method: "POST".to_owned(),
                    url: "https://h.example/?pin=4711".to_owned(),
                    headers: vec![],
                    body: Some(b"{\"pin\":\"4711\"}".to_vec()),
                },
                result: Err(TransportFailure::NoAnswer(String::new())),
            });
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains("h.example"));
            assert_eq!(text.contains("4711"), shown, "{mutability:?} {sensitive}");
        }
    }
}
