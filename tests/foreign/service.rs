//! One service, met through the proxy: by the connector, and without it.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Request;
use host_harness::contract::{Draft, Effect, Outcome};
use host_harness::provision::{Matching, deprovision, provision};
use host_harness::{Connection, ConnectionOptions, Failure, StaticCredentials};
use serde_json::{Value as Json, json};
use url::Url;

use crate::arguments::Arguments;
use crate::plain_client::send;
use crate::proxy::{CUSTOMER, Proxy};
use crate::stage;

pub(crate) struct Service {
    proxy: Proxy,
    token: String,
    pub(crate) etags: bool,
    pub(crate) paging: bool,
    /// With the settings that an administrator pastes, and none beyond.
    pub(crate) connection: Connection,
}

/// A status and a body.
pub(crate) type Answer = (u16, Json);

impl Service {
    pub(crate) async fn meet(arguments: &Arguments) -> Result<Self, String> {
        let proxy = Proxy::start(arguments.base.clone()).await?;
        let options = options(proxy.url(), &arguments.token);
        let connection = stage::connector()
            .await
            .connect(options)
            .await
            .map_err(|failure| format!("{failure:?}"))?;
        Ok(Self {
            proxy,
            token: arguments.token.clone(),
            etags: arguments.etags,
            paging: arguments.paging,
            connection,
        })
    }

    /// Another connection, with further settings.
    pub(crate) async fn connect(&self, settings: &[(&str, &str)]) -> Connection {
        let mut options = options(self.proxy.url(), &self.token);
        for (name, value) in settings {
            options = options.setting(*name, *value);
        }
        stage::connector().await.connect(options).await.unwrap()
    }

    /// A connection with another token.
    pub(crate) async fn stranger(&self) -> Connection {
        let options = options(self.proxy.url(), "some-other-token");
        stage::connector().await.connect(options).await.unwrap()
    }

    /// The requests since the last call, a line each.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.proxy.take_seen()
    }

    /// Those that are no GET.
    pub(crate) fn writes(&self) -> Vec<String> {
        let mut seen = self.seen();
        seen.retain(|line| !line.starts_with("GET "));
        seen
    }

    pub(crate) async fn provision(&self, person: &[(&str, &str)]) -> Result<Outcome, Failure> {
        let draft: Draft = stage::draft(person);
        provision(&self.connection, &draft, &Matching::default()).await
    }

    pub(crate) async fn deprovision(
        &self,
        person: &[(&str, &str)],
    ) -> Result<Option<Effect>, Failure> {
        let person: Vec<_> = person
            .iter()
            .map(|(name, value)| stage::attribute(name, value))
            .collect();
        let outcome = deprovision(&self.connection, &person, &Matching::default()).await?;
        Ok(outcome.map(|outcome| outcome.effect))
    }

    /// What the service itself says, without the connector's help.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<&Json>) -> Answer {
        let url = self.proxy.url();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", url.path()))
            .header("host", url.authority())
            .header("accept", "application/scim+json")
            .header("authorization", format!("Bearer {}", self.token));
        if body.is_some() {
            request = request.header("content-type", "application/scim+json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = send(url.authority(), request.body(body).unwrap()).await;
        let answer = answer.unwrap();
        let json = serde_json::from_slice(answer.body()).unwrap_or(Json::Null);
        (answer.status().as_u16(), json)
    }

    /// Makes a user as another client would, and gives the id.
    pub(crate) async fn plant(&self, user: &Json) -> Result<String, Answer> {
        let (status, body) = self.ask("POST", "/Users", Some(user)).await;
        match body["id"].as_str() {
            Some(id) if status == 201 => Ok(id.to_owned()),
            _ => Err((status, body)),
        }
    }

    /// One user, as the service has it.
    pub(crate) async fn user(&self, id: &str) -> Option<Json> {
        let (status, user) = self.ask("GET", &format!("/Users/{id}"), None).await;
        (status == 200).then_some(user)
    }

    /// The attributes of one user, read without the connector's help.
    pub(crate) async fn stored(&self, id: &str) -> BTreeMap<String, String> {
        stage::stored(&self.user(id).await.unwrap_or(Json::Null))
    }

    pub(crate) async fn is_active(&self, id: &str) -> Option<bool> {
        Some(self.user(id).await?["active"] == json!(true))
    }

    /// How many there are, as the service counts.
    pub(crate) async fn count(&self) -> Option<u64> {
        let (_, page) = self.ask("GET", "/Users?startIndex=1&count=1", None).await;
        page["totalResults"].as_u64()
    }
}

fn options(instance_url: &Url, token: &str) -> ConnectionOptions {
    let mut options = ConnectionOptions::new()
        .setting("instance-url", instance_url.as_str())
        .setting("customer-id", CUSTOMER)
        .credentials(StaticCredentials::new().with("api-token", token));
    options.network.allow_loopback_http = true;
    options
}
