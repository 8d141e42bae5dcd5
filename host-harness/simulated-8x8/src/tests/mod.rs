//! A started tenant, driven over a real socket.

mod faults;
mod gate;
mod lifecycle;
mod lists;
mod switches;

use serde_json::{Value, json};

use super::{SimulatedTenant, Switch, TenantOptions};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const SITE: &str = "urn:ietf:params:scim:schemas:extension:8x8:1.1:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A tenant and a client that holds its token.
struct Rig {
    tenant: SimulatedTenant,
    client: reqwest::Client,
}

/// What a client sees of an answer.
#[derive(Debug)]
struct Seen {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn scim_type(&self) -> String {
        self.json()["scimType"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn id(&self) -> String {
        self.json()["id"].as_str().unwrap_or_default().to_owned()
    }
}

fn client() -> reqwest::ClientBuilder {
    // Another test of the process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

impl Rig {
    async fn start(options: TenantOptions) -> Self {
        let tenant = SimulatedTenant::start(options).await.unwrap();
        let client = client().build().unwrap();
        Self { tenant, client }
    }

    async fn with(switches: &[Switch]) -> Self {
        Self::start(TenantOptions {
            switches: switches.to_vec().into(),
            ..TenantOptions::default()
        })
        .await
    }

    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.tenant.instance_url());
        let request = self
            .client
            .request(method.parse().unwrap(), url)
            .bearer_auth(self.tenant.token());
        match body {
            None => request,
            Some(body) => request
                .header("content-type", "application/scim+json")
                .body(body.to_string()),
        }
    }

    async fn try_send(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Seen> {
        let response = self.request(method, path, body).send().await.ok()?;
        seen(response).await
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Seen {
        self.try_send(method, path, body).await.unwrap()
    }

    async fn get(&self, path: &str) -> Seen {
        self.send("GET", path, None).await
    }

    async fn create(&self, body: &Value) -> Seen {
        self.send("POST", "/Users", Some(body)).await
    }

    async fn patch(&self, id: &str, operations: Value) -> Seen {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        self.send("PATCH", &format!("/Users/{id}"), Some(&body))
            .await
    }

    async fn find(&self, filter: &str) -> Seen {
        let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        self.get(&format!("/Users?filter={query}")).await
    }
}

async fn seen(response: reqwest::Response) -> Option<Seen> {
    Some(Seen {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.ok()?,
    })
}

fn ada() -> Value {
    json!({
        "schemas": [USER, SITE],
        "userName": "ada@example.com",
        "externalId": "E1",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"value": "ada@example.com", "type": "work"}],
        "phoneNumbers": [{"value": "+44 20 7946 0018", "type": "mobile"}],
        "title": "Analyst",
        (SITE): {"site": "London"},
    })
}

fn ada_with(more: Value) -> Value {
    let mut ada = ada();
    let more = more.as_object().cloned().unwrap();
    ada.as_object_mut().unwrap().extend(more);
    ada
}
