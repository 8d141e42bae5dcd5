//! An embedding platform's first ten lines: load a connector, connect it to one tenant,
//! look an account up. Run it with a component, an instance URL and a user name:
//!
//! ```text
//! API_TOKEN=… cargo run --example embed -- connector.wasm https://… ada@example.com
//! ```

use std::error::Error;

use host_harness::contract::Value;
use host_harness::{
    Component, ConnectionOptions, Host, HostOptions, SecretSource, StaticCredentials, json,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(url), Some(name)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: embed COMPONENT INSTANCE-URL USER-NAME".into());
    };
    // A platform has a vault; see the trait `Credentials`.
    let token = SecretSource::Environment("API_TOKEN".to_owned()).read("api-token")?;

    let host = Host::new(HostOptions::default())?;
    let connector = Component::from_file(&host, file).await?;
    let options = ConnectionOptions::new()
        .setting("instance-url", url)
        .credentials(StaticCredentials::new().with("api-token", token));
    let connection = connector.connect(options).await?;
    match connection.find("userName", &Value::Text(name)).await {
        Ok(Some(account)) => println!("{:#}", json::account(connection.manifest(), &account)),
        Ok(None) => println!("nobody has this name"),
        Err(failure) => println!("{:#}", json::failure(&failure)),
    }
    Ok(())
}
