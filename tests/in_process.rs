//! The answers of a simulated tenant, recorded once and given without a socket: to the host in
//! place of its network, and to the connector where it runs natively.

use std::sync::Arc;

use host_harness::StaticCredentials;
use host_harness::{Component, Connection, ConnectionOptions, InProcess, SandboxLifetime};
use serde_json::{Value, json};
use simulated_8x8::Switches;

use crate::stage::{ADA, Stage, connector, draft, edits};

pub(crate) const BASE: &str = "https://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2";

/// So many on a page, as 8x8 has it.
const PAGE: usize = 100;

/// What the tenant answers, to whoever asks.
#[derive(Clone)]
pub(crate) struct Recorded(Arc<Answers>);

struct Answers {
    id: String,
    ada: Vec<u8>,
    /// Ada with another title.
    changed: Vec<u8>,
    /// Ada alone on a list.
    found: Vec<u8>,
    pages: Vec<Vec<u8>>,
}

impl Recorded {
    /// Of a tenant of so many people, and of Ada.
    pub(crate) async fn of(people: usize) -> Self {
        let stage = Stage::with(Switches::none(), people).await;
        let users = stage.tenant.users();
        let pages = users.chunks(PAGE).enumerate();
        let pages = pages.map(|(page, users)| list(users, page * PAGE + 1, people));
        let pages = pages.collect();
        let made = stage.connection.create(&draft(&ADA)).await.unwrap();
        let id = made.account.id;
        let ada = stage.tenant.user(&id).unwrap();
        let title = edits(&[("title", "Countess")]);
        stage.connection.update(&id, &title).await.unwrap();
        let changed = stage.tenant.user(&id).unwrap();
        Self(Arc::new(Answers {
            id,
            ada: bytes(&ada),
            changed: bytes(&changed),
            found: list(&[ada], 1, 1),
            pages,
        }))
    }

    /// Ada's.
    pub(crate) fn id(&self) -> &str {
        &self.0.id
    }

    /// The status and the body.
    pub(crate) fn answer(&self, method: &str, url: &str) -> (u16, Vec<u8>) {
        let answers = &*self.0;
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let (status, body) = match method {
            "POST" => (201, &answers.ada),
            "PATCH" => (200, &answers.changed),
            _ if !path.ends_with("/Users") => (200, &answers.ada),
            _ if query.contains("filter=") => (200, &answers.found),
            _ => {
                let start = query.split('&').find_map(|pair| {
                    let (name, value) = pair.split_once('=')?;
                    (name == "startIndex").then(|| value.parse().ok())?
                });
                let page = start.unwrap_or(1usize) / PAGE;
                (200, &answers.pages[page])
            }
        };
        (status, body.clone())
    }

    /// The bundled connector in the host, behind these answers.
    pub(crate) async fn connect(&self, lifetime: SandboxLifetime) -> Connection {
        self.connect_in(&connector().await, lifetime).await
    }

    pub(crate) async fn connect_in(
        &self,
        connector: &Component,
        lifetime: SandboxLifetime,
    ) -> Connection {
        let mut options = ConnectionOptions::new()
            .setting("instance-url", BASE)
            .credentials(StaticCredentials::new().with("api-token", "in-process-token"));
        let recorded = self.clone();
        options.wire = Some(Arc::new(InProcess::new(move |method, url, _| {
            recorded.answer(method, url)
        })));
        options.sandbox = lifetime;
        connector.connect(options).await.unwrap()
    }
}

fn list(users: &[Value], start: usize, total: usize) -> Vec<u8> {
    bytes(&json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": users.len(),
        "Resources": users,
    }))
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
