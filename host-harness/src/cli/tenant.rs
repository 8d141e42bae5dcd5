//! `harness tenant`: a simulated 8x8 tenant on this machine, until Ctrl-C.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::options::Stop;
use super::output::{Output, printable};
use crate::private_file;
use simulated_8x8::{Fault, FaultSchedule, SimulatedTenant, Switch, TenantOptions};

#[derive(Debug, Args)]
#[command(after_help = switches_help())]
pub(super) struct Arguments {
    /// Where to listen; loopback only, port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,
    /// Serve https, with a certificate authority made at start
    #[arg(long)]
    tls: bool,
    /// Write the authority's certificate here; for --tls
    #[arg(long, value_name = "FILE", requires = "tls")]
    write_ca: Option<PathBuf>,
    /// Write the connection file here, and the token into FILE.token beside it
    #[arg(long, value_name = "FILE")]
    write_connection: Option<PathBuf>,
    /// The Customer ID
    #[arg(long, value_name = "ID", default_value = "0012J00042NkZQIQA3")]
    customer_id: String,
    /// The API token [default: a made-up one]
    #[arg(
        long,
        value_name = "TOKEN",
        default_value = "simulated-tenant-token",
        hide_default_value = true
    )]
    token: String,
    /// A site that exists; may be given several times [default: London, Madrid, New York,
    /// Singapore]
    #[arg(long, value_name = "NAME")]
    site: Vec<String>,
    /// Begin with so many generated users
    #[arg(long, value_name = "N", default_value_t = 0)]
    people: usize,
    /// Differ from the default behaviour; may be given several times, see below
    #[arg(long, value_name = "SWITCH")]
    switch: Vec<Switch>,
    /// Let something go wrong once, such as post:cut-after-commit or get:429-retry-after-2;
    /// may be given several times
    #[arg(long, value_name = "METHOD:EFFECT")]
    fault: Vec<Fault>,
    /// Let things go wrong at random, the same for the same number: with every tenth request,
    /// or as often as --fault-rate says
    #[arg(long, value_name = "N")]
    fault_seed: Option<u64>,
    /// The share of requests that something goes wrong with; for --fault-seed
    #[arg(long, value_name = "0..1", requires = "fault_seed")]
    fault_rate: Option<f64>,
}

fn switches_help() -> String {
    let mut text =
        String::from("Switches, each for something that is not known of 8x8's service:\n");
    for switch in Switch::ALL {
        text.push_str(&format!("  {:28} {}\n", switch.name(), switch.help()));
    }
    text
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<(), Stop> {
    let defaults = TenantOptions::default();
    let tenant = SimulatedTenant::start(TenantOptions {
        listen: arguments.listen,
        customer_id: arguments.customer_id,
        token: arguments.token,
        sites: if arguments.site.is_empty() {
            defaults.sites
        } else {
            arguments.site
        },
        tls: arguments.tls,
        switches: arguments.switch.into_iter().collect(),
        people: arguments.people,
        max_page: defaults.max_page,
        fault_schedule: arguments.fault_seed.map(|seed| {
            let schedule = FaultSchedule::new(seed);
            match arguments.fault_rate {
                Some(rate) => schedule.rate(rate),
                None => schedule,
            }
        }),
    })
    .await
    .map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Stop::Usage(format!("{error}{}.", cause.unwrap_or_default()))
    })?;
    for fault in arguments.fault {
        tenant.inject(fault);
    }
    let ca_file = arguments.write_ca.as_deref();
    if let (Some(path), Some(pem)) = (ca_file, tenant.ca_pem()) {
        write(path, pem)?;
    }
    let connection_file = arguments.write_connection.as_deref();
    let text = match connection_file {
        Some(path) => {
            let token_file = beside(path, "token");
            write(&token_file, tenant.token())?;
            let source = format!("{{ file = {} }}", quoted(&absolute(&token_file)));
            let text = connection(&tenant, ca_file, &source);
            write(path, &text)?;
            text
        }
        None => connection(&tenant, ca_file, "{ env = \"API_TOKEN_8X8\" }"),
    };
    output.answer(
        || {
            serde_json::json!({
                "instance-url": tenant.instance_url(),
                "customer-id": tenant.customer_id(),
                "api-token": tenant.token(),
                "connection-file": connection_file.map(|path| path.display().to_string()),
                "ca-file": ca_file.map(|path| path.display().to_string()),
            })
        },
        || text.clone(),
    );
    match connection_file {
        Some(path) => output.note(format!(
            "A simulated 8x8 tenant is running. In another terminal:\n  harness --connection {} \
             check",
            path.display()
        )),
        None => output.note(format!(
            "A simulated 8x8 tenant is running. Save the lines above as tenant.toml; in another \
             terminal:\n  API_TOKEN_8X8={} harness --connection tenant.toml check",
            tenant.token()
        )),
    }
    if tenant.ca_pem().is_some() && ca_file.is_none() {
        output
            .note("Its certificate is of its own making: --write-ca FILE writes the authority's.");
    }
    output.note("Ctrl-C stops it. What it receives:");
    watch(&tenant, output).await;
    tenant.stop().await;
    Ok(())
}

/// Shows what arrives, until Ctrl-C.
async fn watch(tenant: &SimulatedTenant, output: Output) {
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut shown = 0;
    loop {
        let stop = tokio::select! {
            _ = &mut interrupted => true,
            () = tokio::time::sleep(Duration::from_millis(100)) => false,
        };
        shown = show(tenant, shown, output);
        if stop {
            return;
        }
    }
}

/// A dash stands where no answer was sent, or not yet.
fn show(tenant: &SimulatedTenant, shown: u64, output: Output) -> u64 {
    let dropped = tenant.log_dropped();
    let skip = usize::try_from(shown.saturating_sub(dropped)).unwrap_or(usize::MAX);
    let mut count = shown.max(dropped);
    for received in tenant.log_since(skip) {
        let status = received
            .status
            .map_or("-".to_owned(), |status| status.to_string());
        let committed = if received.committed { "  changed" } else { "" };
        let fault = received
            .fault
            .map_or(String::new(), |fault| format!("  ({fault})"));
        let path = printable(&received.path);
        output.note(format!(
            "  {:6} {status:3}  {path}{committed}{fault}",
            received.method
        ));
        count += 1;
    }
    count
}

fn connection(tenant: &SimulatedTenant, ca_file: Option<&Path>, token: &str) -> String {
    let mut text = format!(
        "[settings]\ninstance-url = \"{}\"\ncustomer-id = \"{}\"\n\n[credentials]\napi-token = \
         {token}\n\n[network]\n",
        tenant.instance_url(),
        tenant.customer_id(),
    );
    match (tenant.ca_pem(), ca_file) {
        (None, _) => text.push_str("allow-loopback-http = true\n"),
        (Some(_), Some(path)) => text.push_str(&format!("ca-file = {}\n", quoted(&absolute(path)))),
        (Some(_), None) => text.push_str("# ca-file = \"…\"\n"),
    }
    text
}

fn quoted(path: &Path) -> toml::Value {
    toml::Value::String(path.display().to_string())
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Readable by the owner alone.
fn write(path: &Path, text: &str) -> Result<(), Stop> {
    private_file::create(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Stop::Usage(format!("{} cannot be written: {error}.", path.display())))
}
