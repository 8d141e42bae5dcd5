//! A caller who gives an operation up ends its exchange too, and whoever watches hears of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_harness::contract::TransportFailure;
use host_harness::trace::{Exchange, Observer};
use host_harness::{ConnectionOptions, StaticCredentials};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::stage::connector;

#[derive(Default)]
struct Watch(Mutex<Vec<Exchange>>);

impl Observer for Watch {
    fn exchange(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(exchange.clone());
    }
}

#[tokio::test]
async fn giving_an_operation_up_closes_its_exchange() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let watch = Arc::new(Watch::default());
    let mut options = ConnectionOptions::new()
        .setting(
            "instance-url",
            format!("http://{address}/udi/customers/A1/scim/v2"),
        )
        .setting("customer-id", "A1")
        .credentials(StaticCredentials::new().with("api-token", "secret"));
    options.network.allow_loopback_http = true;
    options.observer = Some(watch.clone());
    let connection = connector().await.connect(options).await.unwrap();

    let operation = tokio::spawn(async move { connection.get("17").await });
    let (mut upstream, _) = listener.accept().await.unwrap();
    let mut request = [0; 4_096];
    assert!(upstream.read(&mut request).await.unwrap() > 0);
    operation.abort();
    assert!(operation.await.unwrap_err().is_cancelled());

    // The rest of the request, and then the end.
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(10), upstream.read_to_end(&mut rest));
    assert!(end.await.is_ok(), "the connection stayed open");
    let exchanges = watch.0.lock().unwrap();
    assert_eq!(exchanges.len(), 1);
    let result = exchanges[0].result.as_ref();
    assert!(matches!(result, Err(TransportFailure::NoAnswer(_))));
}
