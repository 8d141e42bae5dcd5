//! A manifest's claims, each beside what the host would grant. A claim grants nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use url::Url;

use super::super::output::wrapped;
use super::line::line;
use crate::connection_file::ConnectionFile;
use crate::contract::{Credential, CredentialPlacement, Manifest, Method, SettingKind};
use crate::egress::{Grant, HeaderRules, Network, SecretSource, USUAL_HEADERS};
use crate::json;
use crate::limits::LimitValue;
use crate::settings::{self, Checked};

const READING: [Method; 2] = [Method::Get, Method::Head];
const WRITING: [Method; 6] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
];

pub(super) struct Claims<'a> {
    manifest: &'a Manifest,
    /// What the operator decided; the defaults where there is no connection file.
    decided: ConnectionFile,
    /// What comes of the connection file's settings.
    checked: Option<Checked>,
    headers: HeaderRules,
}

/// What is granted of a claim, or why nothing is.
enum Granted {
    /// It is not known before there is a connection file.
    AsTyped,
    To(String),
    Nothing(String),
}

impl<'a> Claims<'a> {
    pub(super) fn new(manifest: &'a Manifest, file: Option<&ConnectionFile>) -> Self {
        Self {
            manifest,
            decided: file.cloned().unwrap_or_default(),
            // Looks at the names of credentials alone.
            checked: file.map(|file| {
                settings::check(manifest, &file.settings, &file.credentials, &file.network)
            }),
            headers: HeaderRules::of(manifest),
        }
    }

    /// Why the connection file does not go with this connector.
    pub(super) fn problems(&self) -> Vec<String> {
        let problems = self.checked.iter().flat_map(|checked| &checked.problems);
        problems.map(|problem| problem.message.clone()).collect()
    }

    /// What the setting, a base-url, grants.
    fn granted(&self, setting: &str) -> Granted {
        let Some(checked) = &self.checked else {
            return Granted::AsTyped;
        };
        let grant = checked.grants.iter().find(|g| g.setting() == setting);
        let problem = checked.problems.iter().find(|p| p.name == setting);
        match (grant, problem) {
            (Some(grant), _) => Granted::To(Grant::to_string(grant)),
            (None, Some(problem)) => Granted::Nothing(problem.message.clone()),
            (None, None) => {
                Granted::Nothing(format!("The connection file does not set `{setting}`."))
            }
        }
    }

    fn credential(&self, credential: &Credential) -> Granted {
        match &credential.placement {
            CredentialPlacement::ClientCredentials(_) => Granted::Nothing(
                "This host does not support OAuth client credentials yet.".to_owned(),
            ),
            _ => self.granted(&credential.base_url),
        }
    }

    /// Where the secret would be read from; it is not read here.
    fn source(&self, credential: &Credential) -> Option<String> {
        let source = self.decided.credentials.0.get(&credential.name)?;
        Some(match source {
            SecretSource::Environment(variable) => format!("the variable {variable}"),
            SecretSource::File { path, .. } => format!("the file {}", path.display()),
        })
    }

    /// Name, whether it writes, and the methods that the host lets pass in it.
    fn operations(&self) -> impl Iterator<Item = (&'static str, bool, Vec<&'static str>)> {
        let read_only = self.decided.network.read_only;
        let claimed = json::operations(self.manifest);
        std::iter::once("check").chain(claimed).map(move |name| {
            let writes = !matches!(name, "check" | "list" | "get" | "find");
            let methods: &[Method] = if writes && !read_only {
                &WRITING
            } else {
                &READING
            };
            let methods = methods.iter().map(|method| method.as_str()).collect();
            (name, writes, methods)
        })
    }

    fn limits(&self) -> [(&'static str, LimitValue); 22] {
        self.decided.limits.by_key(self.decided.stack_bytes)
    }

    pub(super) fn document(&self) -> Json {
        let grant = |granted: Granted| match granted {
            Granted::AsTyped => (Json::Null, Json::Null),
            Granted::To(to) => (json!(to), Json::Null),
            Granted::Nothing(why) => (Json::Null, json!(why)),
        };
        let reach = base_urls(self.manifest).map(|setting| {
            let (granted, refused) = grant(self.granted(&setting.name));
            json!({
                "setting": setting.name,
                "required": setting.required,
                "proposed": setting.default,
                "granted": granted,
                "not-granted": refused,
            })
        });
        let credentials = self.manifest.credentials.iter().map(|credential| {
            let (granted, refused) = grant(self.credential(credential));
            json!({
                "name": credential.name,
                "placement": placement(&credential.placement),
                "setting": credential.base_url,
                "granted": granted,
                "not-granted": refused,
                "source": self.source(credential),
                "seen-by-connector": false,
            })
        });
        let headers = self.manifest.headers.iter();
        let headers =
            headers.map(|name| json!({ "name": name, "granted": self.headers.allow(name) }));
        let operations = self.operations().map(|(name, writes, methods)| {
            let access = if writes { "writes" } else { "reads" };
            json!({ "name": name, "access": access, "methods": methods })
        });
        let limits: Map<String, Json> = self
            .limits()
            .into_iter()
            .map(|(name, value)| match value {
                LimitValue::Time(time) => (format!("{name}-ms"), json!(ms(time))),
                LimitValue::Bytes(bytes) => {
                    let name = name.strip_suffix("-bytes").unwrap_or(name);
                    (format!("{name}-bytes"), json!(bytes))
                }
                LimitValue::Count(count) => (name.to_owned(), json!(count)),
                LimitValue::Unlimited => (name.to_owned(), Json::Null),
            })
            .collect();
        let network = &self.decided.network;
        json!({
            "id": self.manifest.id,
            "title": self.manifest.title,
            "version": self.manifest.version,
            "reach": reach.collect::<Json>(),
            "credentials": credentials.collect::<Json>(),
            "headers": headers.collect::<Json>(),
            "operations": operations.collect::<Json>(),
            "network": {
                "read-only": network.read_only,
                "proxy": network.proxy.as_deref().map(without_user),
                "allow-loopback-http": network.allow_loopback_http,
                "allow-addresses": addresses(network),
                "max-concurrency": network.max_concurrency,
                "max-requests-per-minute": network.max_requests_per_minute,
                "ca-file": network.ca_file.as_ref().map(|file| file.display().to_string()),
            },
            "limits": limits,
        })
    }

    pub(super) fn text(&self) -> String {
        let manifest = self.manifest;
        let mut text = format!(
            "claims, and what would be granted\n  {} {} ({})\n",
            line(&manifest.title),
            line(&manifest.version),
            line(&manifest.id)
        );
        for setting in base_urls(manifest) {
            let name = line(&setting.name);
            text.push_str(&format!("reach: {name}\n"));
            let optional = if setting.required {
                ""
            } else {
                ", if anything"
            };
            let mut claim = format!("what the operator types as `{name}`{optional}");
            if let Some(proposed) = &setting.default {
                claim.push_str(&format!(
                    "; proposed: {}, which grants nothing",
                    line(proposed)
                ));
            }
            rows(&mut text, &claim, &to(self.granted(&setting.name)));
        }
        for credential in &manifest.credentials {
            text.push_str(&format!("credential: {}\n", line(&credential.name)));
            let setting = line(&credential.base_url);
            let claim = format!(
                "{} in requests under `{setting}`",
                line(&placement(&credential.placement))
            );
            rows(&mut text, &claim, &to(self.credential(credential)));
            let mut secret = "the connector never sees it".to_owned();
            if let Some(source) = self.source(credential) {
                secret.push_str(&format!("; read from {} at each request", line(&source)));
            }
            text.push_str(&wrapped("  secret   ", "           ", &secret));
        }
        text.push_str("request headers\n");
        let usual = format!("every connector may set {}", USUAL_HEADERS.join(", "));
        text.push_str(&wrapped("  ", "  ", &usual));
        let mut by_answer: BTreeMap<bool, Vec<String>> = BTreeMap::new();
        for name in &manifest.headers {
            let names = by_answer.entry(self.headers.allow(name)).or_default();
            names.push(line(name));
        }
        for (granted, names) in by_answer.iter().rev() {
            let answer = if *granted {
                "  asked for, and granted: "
            } else {
                "  asked for, and not granted, since they are the host's: "
            };
            text.push_str(&wrapped(answer, "    ", &names.join(", ")));
        }
        text.push_str("operations\n");
        for (name, writes, methods) in self.operations() {
            let access = if writes { "writes" } else { "reads" };
            text.push_str(&format!("  {name:12}{access:8}{}\n", methods.join(", ")));
        }
        if self.decided.network.read_only {
            text.push_str("  `read-only = true`: nothing but GET and HEAD passes\n");
        }
        text.push_str(&network(&self.decided.network));
        text.push_str("limits of one operation\n");
        for (name, value) in self.limits() {
            let value = match value {
                LimitValue::Time(time) => format!("{time:?}"),
                LimitValue::Bytes(bytes) => format!("{bytes} bytes"),
                LimitValue::Count(count) => count.to_string(),
                LimitValue::Unlimited => "not limited".to_owned(),
            };
            text.push_str(&format!("  {name:20}{value}\n"));
        }
        text
    }
}

fn base_urls(manifest: &Manifest) -> impl Iterator<Item = &crate::contract::Setting> {
    let settings = manifest.settings.iter();
    settings.filter(|setting| matches!(setting.kind, SettingKind::BaseUrl(_)))
}

fn rows(text: &mut String, claim: &str, granted: &str) {
    text.push_str(&wrapped("  claim    ", "           ", claim));
    text.push_str(&wrapped("  granted  ", "           ", granted));
}

fn to(granted: Granted) -> String {
    match granted {
        Granted::AsTyped => {
            "whatever the operator types there: that origin, and that path by whole segments"
                .to_owned()
        }
        Granted::To(to) => line(&to),
        Granted::Nothing(why) => format!("nothing: {}", line(&why)),
    }
}

fn placement(placement: &CredentialPlacement) -> String {
    match placement {
        CredentialPlacement::Bearer => "the header `authorization: Bearer …`".to_owned(),
        CredentialPlacement::Basic => "the header `authorization: Basic …`".to_owned(),
        CredentialPlacement::Header(header) => format!(
            "the header `{}: {}…`",
            header.name.to_ascii_lowercase(),
            header.prefix
        ),
        CredentialPlacement::Query(parameter) => format!("the query parameter `{parameter}`"),
        CredentialPlacement::ClientCredentials(client) => format!(
            "the header `authorization: Bearer …`, with a token from what is typed as `{}`",
            client.token_endpoint
        ),
    }
}

fn network(network: &Network) -> String {
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    let addresses = addresses(network);
    let rows = [
        ("read-only", yes(network.read_only).to_owned()),
        (
            "proxy",
            network
                .proxy
                .as_deref()
                .map_or_else(|| "none".to_owned(), without_user),
        ),
        (
            "plain http to loopback",
            yes(network.allow_loopback_http).to_owned(),
        ),
        (
            "other addresses",
            if addresses.is_empty() {
                "those of the public internet, and one that the operator's own URL names".to_owned()
            } else {
                format!("also {}", addresses.join(", "))
            },
        ),
    ];
    let rows = rows
        .iter()
        .map(|(name, value)| format!("  {name:24}{}\n", line(value)));
    std::iter::once("network\n".to_owned())
        .chain(rows)
        .collect()
}

fn addresses(network: &Network) -> Vec<String> {
    let ranges = network.allow_addresses.iter();
    ranges.map(ToString::to_string).collect()
}

/// A proxy without its user and password.
fn without_user(proxy: &str) -> String {
    let Ok(url) = Url::parse(proxy) else {
        return "no URL".to_owned();
    };
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let host = url.host_str().unwrap_or_default();
    format!("{}://{host}{port}", url.scheme())
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
