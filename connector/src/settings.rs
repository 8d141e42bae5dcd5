//! What people paste, turned into a [`Tenant`], which exists only where every setting is
//! right.
//!
//! The Instance URL is the tenant's SCIM URL as the Admin Console shows it,
//! `https://platform.8x8.com/udi/customers/{customer-id}/scim/v2`. The host is the
//! tenant's own: none is known here.

use fluent_uri::{Uri, UriRef};

use crate::attributes::{SITE_SCHEMA, SITE_SCHEMA_ELSEWHERE};
use crate::contract::{Problem, SettingValue};
use crate::prelude::*;

/// Setting: the tenant's SCIM URL.
pub const INSTANCE_URL: &str = "instance-url";
/// Setting: the segment after `/customers/`.
pub const CUSTOMER_ID: &str = "customer-id";
/// Setting: the URN that holds the site.
pub const SITE_SCHEMA_SETTING: &str = "site-schema";
/// Setting: `auto`, `patch` or `put`.
pub const UPDATE_METHOD: &str = "update-method";

/// How a user is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMethod {
    /// PATCH, and PUT where PATCH turns out not to be served.
    Auto,
    /// PATCH alone.
    Patch,
    /// GET, merge, PUT.
    Put,
}

/// Whether two hosts are below one registered name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SameDomain(pub bool);

/// One customer's SCIM service.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// `…/udi/customers/{customer-id}/scim/v2`, without a slash at the end.
    base: String,
    customer_id: String,
    /// The URN that a site is written under.
    pub site_schema: String,
    /// How a user is changed.
    pub update_method: UpdateMethod,
}

impl Tenant {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Every problem there is, at once.
    pub fn from_settings(settings: &[SettingValue]) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        for (index, setting) in settings.iter().enumerate() {
            let known = [
                INSTANCE_URL,
                CUSTOMER_ID,
                SITE_SCHEMA_SETTING,
                UPDATE_METHOD,
            ];
            if !known.contains(&setting.name.as_str()) {
                problems.add(
                    &setting.name,
                    "unknown",
                    text!("8x8 has no such setting; there are ", known.join(", "), "."),
                );
            } else if settings.iter().take(index).any(|s| s.name == setting.name) {
                problems.add(&setting.name, "repeated", "This setting is given twice.");
            }
        }
        let given = |name: &str| {
            settings
                .iter()
                .find(|setting| setting.name == name)
                .map(|setting| setting.value.trim())
                .filter(|value| !value.is_empty())
        };
        let customer_id = given(CUSTOMER_ID).and_then(|id| problems.take(customer_id(id)));
        let base = match given(INSTANCE_URL) {
            None => {
                problems.add(
                    INSTANCE_URL,
                    "missing",
                    "Paste the 8x8 URL from Admin Console → Home → Identity and Security → User \
                     Provisioning Integration (SCIM).",
                );
                None
            }
            Some(text) => problems.take_all(base(text, customer_id, given(CUSTOMER_ID).is_some())),
        };
        let site_schema = given(SITE_SCHEMA_SETTING).map_or(Some(SITE_SCHEMA.to_owned()), |urn| {
            problems.take(site_schema(urn))
        });
        let update_method = given(UPDATE_METHOD).map_or(Some(UpdateMethod::Auto), |method| {
            problems.take(update_method(method))
        });
        match (base, site_schema, update_method) {
            (Some((base, customer_id)), Some(site_schema), Some(update_method))
                if problems.0.is_empty() =>
            {
                Ok(Self {
                    base,
                    customer_id,
                    site_schema,
                    update_method,
                })
            }
            _ => Err(problems.0),
        }
    }

    /// The URL that every request stays under.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The segment after `/customers/`.
    #[must_use]
    pub fn customer_id(&self) -> &str {
        &self.customer_id
    }

    /// `…/{segments}?{query}`. Each segment is encoded whole, so that none can become two.
    #[must_use]
    pub fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> String {
        let mut text = self.base.clone();
        for segment in segments {
            text.push('/');
            percent_encode(segment, &mut text);
        }
        for (index, (name, value)) in query.iter().enumerate() {
            text.push(if index == 0 { '?' } else { '&' });
            text.push_str(name);
            text.push('=');
            percent_encode(value, &mut text);
        }
        text
    }

    /// What a URL that the service gave names below the base, by segments; `None` where it
    /// is not one of this tenant's.
    #[must_use]
    pub fn path_below(&self, url: &str) -> Option<Vec<String>> {
        let url = UriRef::parse(url).ok()?;
        let base = Uri::parse(self.base.as_str()).ok()?;
        // A Location may be relative (RFC 9110 §10.2.2), but not to a path.
        if let Some(authority) = url.authority() {
            let own = base.authority()?;
            let same = authority.as_str().eq_ignore_ascii_case(own.as_str())
                && url.scheme().is_none_or(|scheme| scheme == base.scheme());
            if !same {
                return None;
            }
        } else if url.has_scheme() {
            return None;
        }
        let below = url.path().as_str().strip_prefix(base.path().as_str())?;
        let mut segments = Vec::new();
        for segment in below.strip_prefix('/')?.split('/') {
            segments.push(percent_decode(segment)?);
        }
        Some(segments)
    }

    /// Whether a SCIM URL could be this customer's Instance URL, and whether its host belongs
    /// to whoever has the tenant's: it is the same, or both are below one registered name.
    #[must_use]
    pub fn recognises(&self, url: &str) -> Option<SameDomain> {
        let (theirs, _) = base(url, Some(&self.customer_id), true).ok()?;
        let (theirs, own) = (host(&theirs)?, host(&self.base)?);
        Some(SameDomain(is_same_domain(own, theirs)))
    }

    /// Every URN that a site may stand under, the one to write first.
    pub fn site_schemas(&self) -> [&str; 3] {
        [&self.site_schema, SITE_SCHEMA, SITE_SCHEMA_ELSEWHERE]
    }
}

/// Everything but RFC 3986's unreserved characters: a space becomes `%20` and a plus
/// `%2B`, since services differ in what a plus means (RFC 7644 §1.2).
fn percent_encode(value: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 0xF] {
                out.extend(HEX.get(usize::from(nibble)).map(|digit| char::from(*digit)));
            }
        }
    }
}

/// `None` where the bytes are no UTF-8 or an escape is broken.
fn percent_decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, name: &str, code: &str, message: impl Into<String>) {
        self.0.push(problem(name, code, message));
    }

    fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        self.take_all(result.map_err(|problem| vec![problem]))
    }

    fn take_all<T>(&mut self, result: Result<T, Vec<Problem>>) -> Option<T> {
        result.map_err(|problems| self.0.extend(problems)).ok()
    }
}

fn problem(name: &str, code: &str, message: impl Into<String>) -> Problem {
    Problem {
        name: name.to_owned(),
        code: code.to_owned(),
        message: message.into(),
    }
}

fn customer_id(text: &str) -> Result<&str, Problem> {
    if is_customer_id(text) {
        Ok(text)
    } else {
        Err(problem(
            CUSTOMER_ID,
            "malformed",
            "A Customer ID is made of letters and digits, such as 0012J00042NkZQIQA3: copy the \
             part of the 8x8 URL right after /customers/.",
        ))
    }
}

fn is_customer_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// The base URL and the customer id that it names.
fn base(
    text: &str,
    typed_id: Option<&str>,
    id_was_typed: bool,
) -> Result<(String, String), Vec<Problem>> {
    let refuse = |code: &str, message: &str| Err(vec![problem(INSTANCE_URL, code, message)]);
    if !text.is_ascii() {
        return refuse("not-ascii", "Write the host name in ASCII, as xn--…");
    }
    let parsed = Uri::parse(text).ok();
    let Some((url, authority)) = parsed.and_then(|url| Some((url, url.authority()?))) else {
        return refuse(
            "malformed",
            "This is no URL. It should look like \
             https://platform.8x8.com/udi/customers/0012J00042NkZQIQA3/scim/v2",
        );
    };
    let mut problems = Vec::new();
    let mut add = |code: &str, message: &str| problems.push(problem(INSTANCE_URL, code, message));
    let scheme = url.scheme().as_str().to_ascii_lowercase();
    match scheme.as_str() {
        "https" => {}
        "http" if is_loopback(authority.host()) => {}
        "http" => add(
            "not-https",
            "Use https: the API token must not travel in the clear.",
        ),
        _ => add("malformed", "The Instance URL begins with https://"),
    }
    if authority.has_userinfo() {
        add(
            "user-info",
            "Leave out what stands before the @: the API token has a place of its own.",
        );
    }
    let port_is_wrong = authority.port_to_u16().is_err();
    if authority.host().is_empty() || authority.host().as_bytes().contains(&b'%') || port_is_wrong {
        add("malformed", "The host name or the port is wrong.");
    }
    if url.has_query() {
        add("query", "Leave out the question mark and what follows it.");
    }
    if url.has_fragment() {
        add("fragment", "Leave out the # and what follows it.");
    }
    let Some((prefix, found_id)) = path(url.path().as_str()) else {
        add(
            "path",
            "The path of an Instance URL is /udi/customers/{Customer ID}/scim/v2; copy the 8x8 \
             URL as it is.",
        );
        return Err(problems);
    };
    let id = match (found_id, typed_id) {
        (Some(found), Some(typed)) if found != typed => {
            problems.push(problem(
                CUSTOMER_ID,
                "contradiction",
                text!(
                    "The Instance URL names the customer ",
                    found,
                    " and the Customer ID says ",
                    typed,
                    ". One of them belongs to another company: copy both again."
                ),
            ));
            return Err(problems);
        }
        (Some(id), _) | (None, Some(id)) => id,
        (None, None) => {
            // A Customer ID that was typed wrongly has its own problem already.
            if !id_was_typed {
                problems.push(problem(
                    CUSTOMER_ID,
                    "missing",
                    "The Instance URL names no customer, so the Customer ID is needed: the part \
                     of the 8x8 URL right after /customers/.",
                ));
            }
            return Err(problems);
        }
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut base = text!(scheme, "://", authority.host().to_ascii_lowercase());
    // The scheme's own port is left out, as the host has it (RFC 3986 §6.2.3).
    let port = authority.port().map(|port| port.as_str());
    let own = if scheme == "https" { "443" } else { "80" };
    if let Some(port) = port.filter(|port| !port.is_empty() && *port != own) {
        base.push(':');
        base.push_str(port);
    }
    for part in [prefix, "/customers/", id, "/scim/v2"] {
        base.push_str(part);
    }
    Ok((base, id.to_owned()))
}

/// What stands before `/customers`, and the id behind it.
fn path(path: &str) -> Option<(&str, Option<&str>)> {
    let path = path.trim_end_matches('/');
    let mut found = None;
    let mut at = 0;
    for segment in path.split('/').skip(1) {
        if matches!(segment, "" | "." | "..") || segment.as_bytes().contains(&b'%') {
            return None;
        }
        if segment == "customers" {
            found = found.or(Some(at));
        }
        at += 1 + segment.len();
    }
    let Some(at) = found else {
        return matches!(path, "" | "/udi").then_some(("/udi", None));
    };
    let (prefix, rest) = path.split_at_checked(at)?;
    let Some(rest) = rest.strip_prefix("/customers/") else {
        return Some((prefix, None));
    };
    let (id, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let is_known = matches!(
        rest,
        "" | "scim" | "scim/v2" | "scim/v2/Users" | "scim/v2/users"
    );
    (is_known && is_customer_id(id)).then_some((prefix, Some(id)))
}

/// The host of a base URL, whose form is known.
fn host(base: &str) -> Option<&str> {
    let (_, rest) = base.split_once("://")?;
    let authority = rest.split('/').next()?;
    let port = authority.rfind(':').filter(|_| !authority.ends_with(']'));
    port.map_or(Some(authority), |port| authority.get(..port))
}

/// Careful rather than complete, since what is registered stands in a list that is not here: a
/// name of two labels is taken for a registered one where the last has three letters or more, as
/// in `8x8.com`, and not in `co.uk`.
fn is_same_domain(own: &str, theirs: &str) -> bool {
    let is_below = |name: &str| {
        let below = theirs.strip_suffix(name);
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    };
    if is_below(own) {
        return true;
    }
    let Some((_, parent)) = own.split_once('.') else {
        return false;
    };
    let labels = parent.split('.').count();
    let top = parent.rsplit('.').next().unwrap_or_default();
    let is_name = top.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_name && (labels > 2 || labels == 2 && top.len() > 2) && is_below(parent)
}

/// Only a first look, for a message in time: what loopback is, is the host's to judge.
fn is_loopback(host: &str) -> bool {
    let numbers = |host: &str| {
        host.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.starts_with("127.") && numbers(host)
}

fn site_schema(text: &str) -> Result<String, Problem> {
    let is_urn = text
        .get(..4)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
        && text.len() <= 256
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b":.-_".contains(&byte));
    if is_urn {
        Ok(text.to_owned())
    } else {
        Err(problem(
            SITE_SCHEMA_SETTING,
            "malformed",
            text!("A schema is a URN such as ", SITE_SCHEMA, "."),
        ))
    }
}

fn update_method(text: &str) -> Result<UpdateMethod, Problem> {
    match text {
        "auto" => Ok(UpdateMethod::Auto),
        "patch" => Ok(UpdateMethod::Patch),
        "put" => Ok(UpdateMethod::Put),
        _ => Err(problem(
            UPDATE_METHOD,
            "not-a-choice",
            "The update method is auto, patch or put.",
        )),
    }
}
