//! Which header lines a connector may set, and which of an answer it may see.

use std::collections::BTreeSet;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::credential;
use crate::contract::{Header, Manifest, Refusal, RefusalReason};
use crate::limits::{Limit, Limits};

/// What every connector may set.
pub(crate) const ALLOWED: [&str; 6] = [
    "accept",
    "accept-language",
    "content-type",
    "if-match",
    "if-none-match",
    "prefer",
];

/// What no manifest gets a connector leave to set: framing, credentials, routing, and
/// whatever would make an answer unreadable for the search for echoes.
const FORBIDDEN: [&str; 34] = [
    "a-im",
    "accept-charset",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "early-data",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "if-range",
    "keep-alive",
    "max-forwards",
    "origin",
    "range",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method",
    "x-method-override",
    "x-rewrite-url",
];
const FORBIDDEN_BEGINNINGS: [&str; 4] = ["proxy-", "sec-", "x-forwarded-", "x-original-"];

/// What the names of headers and parameters hold in which services take credentials, in lower
/// case and without what separates words.
const CREDENTIAL_NAMES: [&str; 20] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "appkey",
    "authentication",
    "authkey",
    "authorization",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "functionskey",
    "idtoken",
    "jwt",
    "password",
    "privatetoken",
    "secretkey",
    "securitytoken",
    "sessiontoken",
    "subscriptionkey",
];
/// Those that are such names as a whole, with `x-` before them or not.
const WHOLE_CREDENTIAL_NAMES: [&str; 8] = [
    "auth",
    "credential",
    "secret",
    "session",
    "sessionid",
    "sig",
    "signature",
    "token",
];

/// What of an answer is the host's business alone.
const HIDDEN: [&str; 9] = [
    "authentication-info",
    "authorization",
    "cookie",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
];

/// The header rules of one connection.
#[derive(Debug)]
pub(crate) struct HeaderRules {
    allowed: BTreeSet<String>,
}

impl HeaderRules {
    /// The usual ones and the manifest's, less those that are never a connector's to set
    /// and those that credentials are put into.
    pub(crate) fn new(claimed: &[String], credentials: &BTreeSet<String>) -> Self {
        let claimed = claimed
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .filter(|name| !is_forbidden(name) && !credentials.contains(name))
            .filter(|name| !takes_a_credential(name));
        Self {
            allowed: ALLOWED
                .iter()
                .map(|name| (*name).to_owned())
                .chain(claimed)
                .collect(),
        }
    }

    /// Those of a connector with this manifest.
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let credentials = manifest.credentials.iter();
        let credentials = credentials
            .filter_map(|credential| credential::header_name(&credential.placement))
            .collect();
        Self::new(&manifest.headers, &credentials)
    }

    /// Whether the connector may set this header.
    pub(crate) fn allow(&self, name: &str) -> bool {
        self.allowed.contains(&name.to_ascii_lowercase())
    }

    /// The request's header lines, if all of them may be set. Their number and size were
    /// looked at before ([`request_over_limit`]).
    pub(crate) fn request(&self, lines: &[Header]) -> Result<HeaderMap, Refusal> {
        let mut map = HeaderMap::new();
        for line in lines {
            let refuse = |what: &str| Refusal {
                reason: RefusalReason::Header,
                message: format!(
                    "The request header `{}` was refused: {what}.",
                    shown(&line.name)
                ),
            };
            let name = HeaderName::from_bytes(line.name.as_bytes())
                .map_err(|_| refuse("that is no header name"))?;
            if !self.allow(name.as_str()) {
                return Err(refuse(
                    "it is the host's to set, or the connector's manifest does not list it",
                ));
            }
            let value = HeaderValue::from_str(&line.value)
                .map_err(|_| refuse("its value holds characters that a header cannot hold"))?;
            map.try_append(name, value)
                .map_err(|_| refuse("there are too many header lines"))?;
        }
        Ok(map)
    }
}

fn is_forbidden(name: &str) -> bool {
    // Servers that hand headers to programs as variables take `_` and `-` for the same.
    let name = name.to_ascii_lowercase().replace('_', "-");
    FORBIDDEN.contains(&name.as_str())
        || FORBIDDEN_BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
}

/// Whether services take a credential in a header or parameter of this name. A connector that sent
/// one of its own would be its author's in the upstream, and not the operator's. That others take
/// one elsewhere, this cannot know.
pub(super) fn takes_a_credential(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let whole = name.strip_prefix('x').unwrap_or(&name);
    CREDENTIAL_NAMES.iter().any(|known| name.contains(known))
        || [whole, &name]
            .iter()
            .any(|name| WHOLE_CREDENTIAL_NAMES.contains(name))
}

/// Whether not even a credential may be put into this header.
pub(crate) fn is_hosts_own(name: &str) -> bool {
    let credentials = ["authorization", "cookie", "proxy-authorization"];
    is_forbidden(name) && !credentials.contains(&name.to_ascii_lowercase().as_str())
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// The limit that a request's header lines exceed, before anything is done with them.
pub(crate) fn request_over_limit(lines: &[Header], limits: &Limits) -> Option<Limit> {
    let sizes = lines.iter().map(|line| (line.name.len(), line.value.len()));
    over_limit(sizes, limits)
}

/// The limit that an answer's header lines exceed.
pub(crate) fn answer_over_limit(map: &HeaderMap, limits: &Limits) -> Option<Limit> {
    let sizes = map
        .iter()
        .map(|(name, value)| (name.as_str().len(), value.len()));
    over_limit(sizes, limits)
}

fn over_limit(sizes: impl Iterator<Item = (usize, usize)>, limits: &Limits) -> Option<Limit> {
    let (mut lines, mut bytes) = (0_usize, 0_usize);
    for (name, value) in sizes {
        lines += 1;
        // With the colon, the blank and the line end.
        bytes = bytes
            .saturating_add(name)
            .saturating_add(value)
            .saturating_add(4);
    }
    if lines > limits.headers {
        Some(Limit::Headers)
    } else {
        (bytes > limits.header_bytes).then_some(Limit::HeaderBytes)
    }
}

/// The answer's header lines that a connector may see, before scrubbing.
pub(crate) fn visible(map: &HeaderMap) -> Vec<Header> {
    map.iter()
        .filter(|(name, _)| !HIDDEN.contains(&name.as_str()))
        .map(|(name, value)| Header {
            name: name.as_str().to_owned(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        })
        .collect()
}

/// The header lines that a connector may see of an answer.
pub(crate) fn without_hidden(mut lines: Vec<Header>) -> Vec<Header> {
    lines.retain(|line| {
        let name = line.name.to_ascii_lowercase();
        !HIDDEN.contains(&name.as_str())
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, value: &str) -> Header {
        Header {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    fn rules(claimed: &[&str]) -> HeaderRules {
        let claimed: Vec<String> = claimed.iter().map(|name| (*name).to_owned()).collect();
        HeaderRules::new(&claimed, &BTreeSet::from(["x-api-key".to_owned()]))
    }

    #[test]
    fn usual_headers_and_the_manifests_own_pass() {
        let rules = rules(&["X-Api-Version"]);
        for name in ["Accept", "content-type", "If-Match", "x-api-version"] {
            assert!(rules.request(&[line(name, "a")]).is_ok(), "{name}");
        }
    }

    #[test]
    fn headers_that_are_the_hosts_to_set_are_refused_whatever_the_manifest_says() {
        let claimed = [
            "authorization",
            "Host",
            "cookie",
            "range",
            "accept-encoding",
            "proxy-authorization",
            "x-http-method-override",
            "x-forwarded-for",
            "X-Api-Key",
            "transfer-encoding",
        ];
        let rules = rules(&claimed);
        for name in claimed.iter().chain(&["x-other"]) {
            let refusal = rules.request(&[line(name, "a")]).unwrap_err();
            assert_eq!(refusal.reason, RefusalReason::Header, "{name}");
        }
    }

    #[test]
    fn a_connector_sends_no_credential_of_its_own() {
        let claimed = [
            "X-Auth-Token",
            "x-access-token",
            "Ocp-Apim-Subscription-Key",
            "PRIVATE-TOKEN",
            "api_key",
            "token",
            "x-session",
        ];
        let rules = rules(&claimed);
        for name in claimed {
            assert!(rules.request(&[line(name, "a")]).is_err(), "{name}");
            assert!(takes_a_credential(name), "{name}");
        }
        for name in [
            "page-token",
            "x-continuation-token",
            "x-sync-token",
            "filter",
            "cursor",
        ] {
            assert!(!takes_a_credential(name), "{name}");
        }
    }

    #[test]
    fn line_ends_and_nul_are_refused_in_names_and_values() {
        let rules = rules(&[]);
        for value in ["a\r\nhost: b", "a\nb", "a\0b"] {
            assert!(
                rules.request(&[line("accept", value)]).is_err(),
                "{value:?}"
            );
        }
        assert!(rules.request(&[line("accept\r\nhost", "a")]).is_err());
    }
}
