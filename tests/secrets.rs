//! The token stands in one header of the requests to the tenant, and nowhere else.

use std::fmt::Debug;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use host_harness::contract::AccountStatus;
use host_harness::provision::{Matching, deprovision, provision};
use host_harness::trace::HarFile;
use host_harness::{Connection, ConnectionOptions, SandboxLifetime, StaticCredentials, json};
use serde_json::json;
use simulated_8x8::{SimulatedTenant, TenantOptions};

use crate::memory;
use crate::stage::{ADA, attribute, but, draft, edits, options, set_status, text};
use crate::upstream::{Request, Upstream, answer};

/// With characters that change under every encoding.
pub(crate) const CANARY: &str = "c4nary-T0ken/with+odd=chars~7Q";

type Encoding = fn(&str) -> String;

/// How software writes a text into another one.
const ENCODINGS: [Encoding; 10] = [
    |text| odd(text, |c| format!("%{:02X}", u32::from(c))),
    |text| odd(text, |c| format!("%{:02x}", u32::from(c))),
    |text| text.replace('/', "\\/"),
    |text| text.replace('=', "\\u003d").replace('+', "\\u002B"),
    |text| odd(text, |c| format!("\\x{:02x}", u32::from(c))),
    |text| odd(text, |c| format!("&#{};", u32::from(c))),
    |text| odd(text, |c| format!("&#x{:x};", u32::from(c))),
    |text| STANDARD.encode(text),
    |text| URL_SAFE_NO_PAD.encode(text),
    |text| STANDARD_NO_PAD.encode(format!("Bearer {text}")),
];

fn odd(text: &str, spell: fn(char) -> String) -> String {
    let spelled = text.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_string()
        } else {
            spell(c)
        }
    });
    spelled.collect()
}

/// The token as it is, in each encoding, and in each encoding once more.
pub(crate) fn forms() -> &'static [String] {
    static FORMS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let once = ENCODINGS.map(|encode| encode(CANARY));
        let twice = ENCODINGS
            .iter()
            .flat_map(|encode| once.iter().map(|form| encode(form)));
        let mut forms = vec![CANARY.to_owned()];
        forms.extend(once.clone());
        forms.extend(twice);
        forms
    });
    &FORMS
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Everything that was said, for the search.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn note(&self, thing: &impl Debug) {
        writeln!(self.clone(), "{thing:?} {thing:#?}").unwrap();
    }

    fn text(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Takes down all that is traced in this thread, down to the least of it.
fn listen() -> (Said, tracing::subscriber::DefaultGuard) {
    let said = Said::default();
    let writer = said.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    (said, tracing::subscriber::set_default(subscriber))
}

fn with_canary(options: ConnectionOptions, har: &Path) -> ConnectionOptions {
    let mut options =
        memory::asked(options).credentials(StaticCredentials::new().with("api-token", CANARY));
    options.observer = Some(Arc::new(HarFile::create(har, true).unwrap()));
    options.sandbox = SandboxLifetime::OnePerConnection;
    options
}

/// Everything that can be done, with whatever comes of it.
async fn live(connection: &Connection, said: &Said) {
    let matching = Matching::default();
    said.note(&connection.check().await);
    let made = connection.create(&draft(&ADA)).await;
    said.note(&made);
    let id = made.map_or("1".to_owned(), |made| made.account.id);
    said.note(&connection.get(&id).await);
    said.note(&connection.find("userName", &text(ADA[0].1)).await);
    said.note(
        &connection
            .update(&id, &edits(&[("title", "Countess")]))
            .await,
    );
    said.note(
        &connection
            .update(&id, &set_status(AccountStatus::Inactive))
            .await,
    );
    said.note(&provision(connection, &draft(&ADA), &matching).await);
    let person = [attribute("userName", ADA[0].1)];
    said.note(&deprovision(connection, &person, &matching).await);
    said.note(&connection.delete(&id).await);
    let mut listing = connection.listing();
    for _ in 0..10 {
        match listing.next().await {
            Some(item) => said.note(&item),
            None => break,
        }
    }
    // And what fails.
    let nobody = but(&ADA, &[("externalId", "E-2")]);
    for failure in [
        connection.create(&draft(&ADA)).await.err(),
        connection.get("nobody").await.err(),
        connection.get("..").await.err(),
        connection.find("title", &text("x")).await.err(),
        provision(connection, &draft(&nobody), &matching)
            .await
            .err(),
    ] {
        let Some(failure) = failure else { continue };
        said.note(&failure);
        writeln!(said.clone(), "{failure} {}", json::failure(&failure)).unwrap();
    }
    said.note(connection);
    said.note(&connection.learned());
}

/// That a search of `bytes` finds what is there, and the token in no form.
fn clean(what: &str, bytes: &[u8], there: &str) {
    assert!(
        holds(bytes, there),
        "the search of the {what} finds nothing"
    );
    for form in forms() {
        assert!(!holds(bytes, form), "{form} is in the {what}");
    }
}

async fn clean_memory(connection: &Connection, there: &str) {
    assert!(
        memory::holds(connection, there).await,
        "the search of the guest's memory finds nothing"
    );
    for form in forms() {
        let held = memory::holds(connection, form).await;
        assert!(!held, "{form} is in the guest's memory");
    }
}

#[tokio::test]
async fn the_token_is_in_one_header_and_nowhere_else() {
    let (said, _listening) = listen();
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("trace.har");
    let tenant = SimulatedTenant::start(TenantOptions {
        token: CANARY.to_owned(),
        people: 3,
        ..TenantOptions::default()
    })
    .await
    .unwrap();
    let connector = memory::connector().await;
    let options = with_canary(options(&tenant), &har);
    said.note(&options);
    said.note(&StaticCredentials::new().with("api-token", CANARY));
    let connection = connector.connect(options).await.unwrap();
    said.note(&connector);
    live(&connection, &said).await;

    clean_memory(&connection, "ada.lovelace@example.com").await;
    // The tenant's own log leaves the header's value out by itself.
    clean(
        "requests",
        format!("{:?}", tenant.log()).as_bytes(),
        "Lovelace",
    );
    assert!(tenant.log().iter().all(|received| received.authorised));

    tenant.clear_token();
    let refused = connection.check().await.unwrap_err();
    assert_eq!(refused.kind(), "unauthenticated");
    said.note(&refused);

    clean("output", &said.text(), "Lovelace");
    assert!(holds(&said.text(), "TRACE"), "tracing is heard");
    clean("archive", &std::fs::read(&har).unwrap(), "[redacted]");
}

/// An upstream that does.
pub(crate) async fn echoing() -> Upstream {
    Upstream::start(echo).await
}

/// Says in every header and member what the request's headers were, also encoded.
fn echo(request: &Request) -> String {
    let given = request.header("authorization").unwrap_or_default();
    let token = given.strip_prefix("Bearer ").unwrap_or_default();
    let (half, other_half) = token.split_at(token.len() / 2);
    let encoded: String = forms()[..ENCODINGS.len() + 1]
        .iter()
        .map(|form| format!("x-form: {form}\r\n"))
        .collect();
    let echoed = format!(
        "{encoded}x-last-third: {}\r\nx-first: {}\r\nx-second: {}\r\n\
         x-request-id: {given}\r\nlocation: /{token}\r\netag: {token}\r\nset-cookie: s={token}\r\n\
         x-half: {half}\r\nx-other-half: {other_half}\r\nwww-authenticate: {given}\r\n",
        &CANARY[20..],
        &CANARY[..10],
        &CANARY[10..20],
    );
    let user = json!({
        "id": "1",
        "userName": ADA[0].1,
        "title": given,
        "externalId": token,
        "name": {"givenName": forms()[1], "familyName": forms()[8]},
        "locale": forms()[2],
        "timezone": forms()[10],
        "emails": [{"type": "work", "value": format!("{token}@example.com")}],
        "meta": {"version": token, "location": format!("/{token}")},
        "heads": request.head,
        "forms": forms(),
    });
    if request.head.starts_with("GET") && request.head.contains("/Users?") {
        let page = json!({"Resources": [user], "totalResults": 1, "nextCursor": null});
        return answer(200, &echoed, &page.to_string());
    }
    if request.head.starts_with("GET") {
        return answer(200, &echoed, &user.to_string());
    }
    let error = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "400", "scimType": token, "detail": format!("you sent {given}"),
        "forms": forms(),
    });
    answer(400, &echoed, &error.to_string())
}

#[tokio::test]
async fn an_upstream_that_echoes_the_request_gives_the_token_to_nobody() {
    let (said, _listening) = listen();
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("trace.har");
    let upstream = echoing().await;
    let mut options = ConnectionOptions::new().setting("instance-url", upstream.url());
    options.network.allow_loopback_http = true;
    let options = with_canary(options, &har);
    let connection = memory::connector().await.connect(options).await.unwrap();
    live(&connection, &said).await;

    let authorised = upstream.requests();
    assert!(!authorised.is_empty());
    for request in &authorised {
        assert_eq!(
            request.header("authorization").unwrap(),
            format!("Bearer {CANARY}")
        );
        assert_eq!(request.head.matches(CANARY).count(), 1);
    }
    clean_memory(&connection, "[redacted]").await;
    clean("output", &said.text(), "[redacted]");
    clean("archive", &std::fs::read(&har).unwrap(), "[redacted]");
}

/// What the echo is wrapped in, one way after the other.
fn failing_echo(request: &Request) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let given = request.header("authorization").unwrap_or_default();
    let page = format!("<html><pre>{}</pre></html>", request.head);
    let error = |status| answer(status, &format!("x-echo: {given}\r\n"), &page);
    match COUNT.fetch_add(1, Ordering::Relaxed) % 11 {
        0 => error(500),
        1 => error(503),
        2 => error(401),
        3 => error(404),
        4 => answer(
            302,
            &format!("location: https://evil.example/?{given}\r\n"),
            &page,
        ),
        5 => answer(200, "content-encoding: gzip\r\n", &page),
        6 => answer(200, "", &page),
        7 => answer(200, "", &format!("{{\"id\": 7, \"title\": \"{given}\"}}")),
        // Cut in the middle, and no answer at all.
        8 => format!("HTTP/1.1 200 X\r\ncontent-length: 9999\r\nx-echo: {given}\r\n\r\n{page}"),
        9 => String::new(),
        _ => format!("HTTP/1.1 {given}\r\n\r\n"),
    }
}

#[tokio::test]
async fn no_failure_gives_the_token_to_anybody() {
    let (said, _listening) = listen();
    let folder = tempfile::tempdir().unwrap();
    let har = folder.path().join("trace.har");
    let upstream = Upstream::start(failing_echo).await;
    let mut options = ConnectionOptions::new().setting("instance-url", upstream.url());
    options.network.allow_loopback_http = true;
    options.limits.operation_time = std::time::Duration::from_secs(1);
    let connection = memory::connector()
        .await
        .connect(with_canary(options, &har))
        .await
        .unwrap();
    for _ in 0..3 {
        live(&connection, &said).await;
    }
    assert!(upstream.requests().len() > 22, "each answer came twice");
    clean("output", &said.text(), "Failure");
    clean("archive", &std::fs::read(&har).unwrap(), "[redacted]");
    clean_memory(&connection, "instance-url").await;
}
