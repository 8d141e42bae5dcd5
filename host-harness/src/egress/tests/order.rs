//! The order of the checks: nothing is fetched, resolved or connected before the policy has
//! passed.

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::*;

/// What happened, in order.
type Journal = Arc<Mutex<Vec<&'static str>>>;

struct Vault {
    journal: Journal,
    has_it: bool,
}

impl Credentials for Vault {
    fn secret<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<SecretString, CredentialError>> {
        self.journal.lock().unwrap().push("credential");
        let secret = if self.has_it {
            Ok(TOKEN.into())
        } else {
            Err(CredentialError {
                code: "missing",
                message: "The vault is empty.".to_owned(),
            })
        };
        Box::pin(async move { secret })
    }
}

/// A bench whose upstream has a name, and that writes down what is done.
async fn watched(has_it: bool, leads_to: Option<[u8; 4]>) -> (Bench, Server, Journal) {
    let server = Server::start(vec![status(200, "", ""); 3]).await;
    let mut bench = Bench::new(format!("http://localhost:{}/scim", server.address.port()));
    let journal = Journal::default();
    bench.credentials = Arc::new(Vault {
        journal: Arc::clone(&journal),
        has_it,
    });
    let (seen, mut address) = (Arc::clone(&journal), server.address);
    if let Some(octets) = leads_to {
        address.set_ip(octets.into());
    }
    bench.lookup = Some(Arc::new(move |_| {
        seen.lock().unwrap().push("resolve");
        Box::pin(async move { Ok(vec![address]) })
    }));
    (bench, server, journal)
}

#[tokio::test]
async fn a_request_that_passes_is_credentialed_and_resolved_in_this_order() {
    let (bench, server, journal) = watched(true, None).await;
    assert!(bench.send(bench.get()).await.is_ok());
    assert_eq!(*journal.lock().unwrap(), ["credential", "resolve"]);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn what_the_policy_refuses_is_neither_credentialed_nor_resolved() {
    let (mut bench, server, journal) = watched(true, None).await;
    let get = bench.get();
    let header = Header {
        name: "host".to_owned(),
        value: "evil.example".to_owned(),
    };
    let other = |url: &str| Request {
        url: url.to_owned(),
        ..get.clone()
    };
    let refusals = [
        other("https://evil.example/scim/Users"),
        other("http://169.254.169.254/latest"),
        other(&format!("{}/../admin", bench.base)),
        Request {
            headers: vec![header],
            ..get.clone()
        },
        Request {
            credentials: vec!["other".to_owned()],
            ..get.clone()
        },
        Request {
            delay_ms: u32::MAX,
            ..get.clone()
        },
        Request {
            body: Some(vec![0; 2 << 20]),
            ..get.clone()
        },
    ];
    for request in refusals {
        refused(&bench.send(request).await);
    }
    bench.dry_run = true;
    refused(&bench.send(bench.post()).await);
    bench.dry_run = false;
    bench.reading = true;
    refused(&bench.send(bench.post()).await);
    bench.limits.requests = 0;
    refused(&bench.send(bench.get()).await);
    assert!(journal.lock().unwrap().is_empty());
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn without_its_credential_nothing_is_resolved() {
    let (bench, server, journal) = watched(false, None).await;
    assert_eq!(
        refused(&bench.send(bench.get()).await),
        RefusalReason::Credential
    );
    assert_eq!(*journal.lock().unwrap(), ["credential"]);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_not_connected_to() {
    let (bench, server, _) = watched(true, Some([169, 254, 169, 254])).await;
    assert_eq!(
        refused(&bench.send(bench.get()).await),
        RefusalReason::Address
    );
    assert!(server.seen().is_empty());
}
