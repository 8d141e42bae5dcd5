//! Which secrets are looked for in an answer, and which are refused.

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::*;

fn credential(name: &str) -> Credential {
    Credential {
        name: name.to_owned(),
        ..manifest().credentials.remove(0)
    }
}

/// A vault with a secret that changes.
#[derive(Default)]
struct Rotating(Mutex<u32>);

impl Rotating {
    fn turn(&self) {
        *self.0.lock().unwrap() += 1;
    }
}

impl Credentials for Rotating {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<SecretString, CredentialError>> {
        let secret = format!("{name}/{}", self.0.lock().unwrap().to_string().repeat(9));
        Box::pin(async move { Ok(secret.into()) })
    }
}

#[tokio::test]
async fn a_secret_that_no_request_names_is_taken_out_of_the_first_answer() {
    let echo = format!("kept: {TOKEN} and other-c4nary and %6fther-c4nary");
    let server = Server::start(vec![status(200, &format!("x-echo: {TOKEN}\r\n"), &echo)]).await;
    let mut bench = Bench::new(server.url());
    bench.manifest.credentials.push(credential("other-token"));
    let both = StaticCredentials::new().with("api-token", TOKEN);
    bench.credentials = Arc::new(both.with("other-token", "other-c4nary"));
    let open = Request {
        credentials: vec![],
        ..bench.get()
    };
    let response = bench.send(open).await.unwrap();
    assert!(!server.seen()[0].contains("authorization"));
    assert_eq!(
        response.body,
        b"kept: [redacted] and [redacted] and [redacted]"
    );
    assert!(!format!("{:?}", response.headers).contains(TOKEN));
}

#[tokio::test]
async fn each_operation_learns_secrets_that_have_changed_since() {
    let echo = "api-token/000000000 api-token/111111111 api-token/222222222";
    let server = Server::start(vec![status(200, "", echo); 2]).await;
    let mut bench = Bench::new(server.url());
    let vault = Arc::new(Rotating::default());
    bench.credentials = vault.clone();
    let egress = bench.egress();
    let open = || Request {
        credentials: vec![],
        ..bench.get()
    };
    let first = egress
        .send(&mut bench.begin(), &*egress.begin(&bench.begun()), open())
        .await
        .unwrap();
    assert_eq!(
        first.body,
        b"[redacted] api-token/111111111 api-token/222222222"
    );
    vault.turn();
    let second = egress
        .send(&mut bench.begin(), &*egress.begin(&bench.begun()), open())
        .await
        .unwrap();
    assert_eq!(second.body, b"[redacted] [redacted] api-token/222222222");
}

/// Has one secret and cannot be asked for the other.
struct Broken(&'static str);

impl Credentials for Broken {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<SecretString, CredentialError>> {
        let secret = if name == "api-token" {
            Ok(TOKEN.into())
        } else {
            Err(CredentialError {
                code: self.0,
                message: "The vault says no.".to_owned(),
            })
        };
        Box::pin(async move { secret })
    }
}

#[tokio::test]
async fn nothing_is_sent_where_a_secret_that_is_there_cannot_be_known() {
    let server = Server::start(vec![status(200, "", "")]).await;
    let mut bench = Bench::new(server.url());
    bench.manifest.credentials.push(credential("other-token"));
    bench.credentials = Arc::new(Broken("unreadable"));
    assert_eq!(
        refused(&bench.send(bench.get()).await),
        RefusalReason::Credential
    );
    assert!(server.seen().is_empty());
    // One that is not there is in no answer.
    bench.credentials = Arc::new(Broken("missing"));
    assert!(bench.send(bench.get()).await.is_ok());
}

#[tokio::test]
async fn a_secret_that_the_wire_would_change_is_not_sent() {
    let server = Server::start(vec![]).await;
    let mut bench = Bench::new(server.url());
    for secret in [
        " c4nary",
        "c4nary ",
        "c4nary\n",
        "c4\tnary",
        "c4n\u{e4}ry",
        "c4\u{7f}nary",
    ] {
        bench.credentials = Arc::new(StaticCredentials::new().with("api-token", secret));
        for credentials in [vec!["api-token".to_owned()], vec![]] {
            let request = Request {
                credentials,
                ..bench.get()
            };
            match bench.send(request).await {
                Err(TransportFailure::Refused(refusal)) => {
                    assert_eq!(refusal.reason, RefusalReason::Credential);
                    assert!(
                        refusal.message.contains("`api-token`"),
                        "{}",
                        refusal.message
                    );
                    assert!(!refusal.message.contains("nary"), "{}", refusal.message);
                }
                other => panic!("{secret:?}: {other:?}"),
            }
        }
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_request_with_more_secrets_than_are_looked_for_is_refused() {
    let server = Server::start(vec![status(200, "", "secret-00 secret-31 secret-39")]).await;
    let mut bench = Bench::new(server.url());
    let names: Vec<String> = (0..40).map(|number| format!("token-{number:02}")).collect();
    bench.manifest.credentials = names.iter().map(|name| credential(name)).collect();
    let mut all = StaticCredentials::new();
    for (number, name) in names.iter().enumerate() {
        all = all.with(name, format!("secret-{number:02}"));
    }
    bench.credentials = Arc::new(all);
    let naming = |count: usize| Request {
        credentials: names[..count].to_vec(),
        ..bench.get()
    };
    assert_eq!(
        refused(&bench.send(naming(33)).await),
        RefusalReason::Credential
    );
    assert!(server.seen().is_empty());
    let response = bench.send(naming(32)).await.unwrap();
    assert_eq!(response.body, b"[redacted] [redacted] [redacted]");
}
