//! A platform that runs for long: connectors come from a folder or an OCI layout, and new
//! versions of them while it runs. It looks every few seconds, tests one tenant, and goes on with
//! the newest version that works. Run it with a folder, a connector's id and an instance URL, and
//! put other versions into the folder meanwhile:
//!
//! ```text
//! API_TOKEN=… cargo run --example registry -- connectors 8x8 https://…
//! ```

use std::error::Error;
use std::time::Duration;

use host_harness::registry::{LiveConnection, Registry, RegistryOptions};
use host_harness::{ConnectionOptions, Host, HostOptions, SecretSource, StaticCredentials};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(id), Some(url)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: registry FOLDER CONNECTOR-ID INSTANCE-URL".into());
    };
    // A platform has a vault; see the trait `Credentials`.
    let token = SecretSource::Environment("API_TOKEN".to_owned()).read("api-token")?;

    // One host and one registry for the process.
    let host = Host::new(HostOptions::default())?;
    let mut demands = RegistryOptions::default();
    // What is not signed with the platform's key is never run.
    demands.public_key = std::env::var("PUBLIC_KEY").ok();
    let registry = Registry::open(&host, folder, demands).await?;
    for release in registry.releases() {
        println!("{release}");
    }
    for refused in registry.refused().await {
        println!("{refused}");
    }

    // One connection for each tenant.
    let options = ConnectionOptions::new()
        .setting("instance-url", url)
        .credentials(StaticCredentials::new().with("api-token", token));
    let tenant = registry.connect(&id, options).await?;
    tokio::spawn(keep_up(registry));
    loop {
        look(&tenant).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Picks up new versions. Operations that are under way end on the version they began on.
async fn keep_up(registry: Registry) {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        match registry.refresh().await {
            Ok(refreshed) => {
                for release in refreshed.added {
                    println!("from now on: {release}");
                }
                for refused in refreshed.refused {
                    println!("refused: {refused}");
                }
            }
            // Everything is offered as before.
            Err(failure) => println!("{failure}"),
        }
        for release in registry.retired() {
            println!("still at work: {release}");
        }
    }
}

/// One operation on the newest version there is.
async fn look(tenant: &LiveConnection) {
    let connection = tenant.current().await;
    let version = &connection.manifest().version;
    match connection.check().await {
        Ok(_) => println!("{version}: good"),
        Err(failure) => println!("{version}: {failure}"),
    }
    if let Some(problem) = tenant.problem() {
        println!("a newer version is not used: {problem}");
    }
}
