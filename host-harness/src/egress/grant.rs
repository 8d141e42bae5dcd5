//! What a connection may reach. A [`Grant`] is made of the operator's own words, a
//! `base-url` setting, and of nothing else: its origin, and its path by whole segments. A
//! connector may narrow it and never widen it.
//!
//! URLs are compared as they are spelled. Whatever could be read in two ways (another
//! spelling of the host, dots and slashes in disguise, doubled slashes) is refused rather
//! than normalised, since the upstream may read it in the other way.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::contract::{Problem, Refusal, RefusalReason};
use crate::sandbox::{URL_BYTES, is_wild};

/// An origin and a path that a connection's requests stay under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    setting: String,
    origin: String,
    host: GrantedHost,
    segments: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GrantedHost {
    Name(String),
    Address(IpAddr),
}

impl Grant {
    /// Reads what the operator typed for `setting`. One of `endings` is taken off the end
    /// of the path, once, and never the only segment. Plain http is for loopback alone,
    /// and only where `allow_loopback_http` says so.
    ///
    /// # Errors
    ///
    /// What is wrong with the URL, and how it should be written.
    pub fn from_operator(
        setting: &str,
        typed: &str,
        endings: &[String],
        allow_loopback_http: bool,
    ) -> Result<Self, Problem> {
        let problem = |code: &str, message: String| Problem {
            name: setting.to_owned(),
            code: code.to_owned(),
            message: format!("{setting}: {message}"),
        };
        let typed = typed.trim();
        if let Some((code, message)) = spelling_problem(typed) {
            return Err(problem(code, message));
        }
        let url = Url::parse(typed).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => problem(
                "not-absolute",
                format!(
                    "`{}` has no scheme; write https:// before it.",
                    shown(typed)
                ),
            ),
            error => problem(
                "invalid-url",
                format!("`{}` is no URL: {error}.", shown(typed)),
            ),
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(problem(
                "user-info",
                "a user name or password in the URL is refused; credentials go under [credentials]."
                    .to_owned(),
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(problem(
                "query-or-fragment",
                "leave out what follows `?` or `#`.".to_owned(),
            ));
        }
        let host = match url.host() {
            None => {
                return Err(problem(
                    "no-host",
                    format!("`{}` names no host.", shown(typed)),
                ));
            }
            Some(Host::Domain(name)) => GrantedHost::Name(name.to_owned()),
            Some(Host::Ipv4(address)) => GrantedHost::Address(address.into()),
            Some(Host::Ipv6(address)) => GrantedHost::Address(address.into()),
        };
        let spelled = url.host_str().unwrap_or_default();
        if let GrantedHost::Address(address) = &host
            && !typed.contains(spelled)
        {
            return Err(problem(
                "address-spelling",
                format!("write the address as {address}."),
            ));
        }
        if spelled.ends_with('.') {
            return Err(problem(
                "trailing-dot",
                "write the host without the dot at its end.".to_owned(),
            ));
        }
        match url.scheme() {
            "https" => {}
            "http" if !host.is_loopback() => {
                return Err(problem(
                    "not-https",
                    "plain http would show the credential to everyone on the way; write https://."
                        .to_owned(),
                ));
            }
            "http" if !allow_loopback_http => {
                return Err(problem(
                    "not-https",
                    "plain http needs `allow-loopback-http = true` under [network].".to_owned(),
                ));
            }
            "http" => {}
            scheme => {
                return Err(problem(
                    "not-https",
                    format!("`{}` is not https.", shown(scheme)),
                ));
            }
        }
        let mut segments: Vec<String> = path_segments(url.path())
            .map_err(|what| problem("ambiguous-path", format!("the path {what}.")))?
            .into_iter()
            .map(str::to_owned)
            .collect();
        if segments.len() > 1 && segments.last().is_some_and(|last| endings.contains(last)) {
            segments.pop();
        }
        Ok(Self {
            setting: setting.to_owned(),
            origin: url.origin().ascii_serialization(),
            host,
            segments,
        })
    }

    /// The setting whose value this is.
    #[must_use]
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// Whether it spans a whole origin, since the operator typed no path.
    #[must_use]
    pub fn is_bare_origin(&self) -> bool {
        self.segments.is_empty()
    }

    pub(crate) fn host(&self) -> &GrantedHost {
        &self.host
    }

    /// The part of this grant that the connector asks for.
    pub(crate) fn narrowed_to(&self, reach: &str) -> Result<Self, Refusal> {
        let url = self.permit(reach)?;
        if url.query().is_some() {
            return Err(self.refuse(RefusalReason::Path, reach, "has a query"));
        }
        let segments = path_segments(url.path())
            .map_err(|what| self.refuse(RefusalReason::Path, reach, what))?;
        Ok(Self {
            segments: segments.into_iter().map(str::to_owned).collect(),
            ..self.clone()
        })
    }

    /// Whether a request's URL lies within this grant; if so, the URL.
    pub(crate) fn permit(&self, spelled: &str) -> Result<Url, Refusal> {
        if spelled.len() > URL_BYTES {
            return Err(Refusal {
                reason: RefusalReason::Path,
                message: format!("A URL of more than {URL_BYTES} bytes was refused."),
            });
        }
        if !spelled.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(self.refuse(
                RefusalReason::Path,
                spelled,
                "holds a blank, a control character, or one that is not ASCII",
            ));
        }
        let Some(rest) = spelled
            .strip_prefix(self.origin.as_str())
            .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        else {
            return Err(self.refuse(
                RefusalReason::Origin,
                spelled,
                &format!("is not at {}", self.origin),
            ));
        };
        if rest.contains(['#', '\\']) {
            return Err(self.refuse(RefusalReason::Path, spelled, "holds `#` or a backslash"));
        }
        let path = rest.split_once('?').map_or(rest, |(path, _)| path);
        let segments =
            path_segments(path).map_err(|what| self.refuse(RefusalReason::Path, spelled, what))?;
        if segments.len() < self.segments.len()
            || self
                .segments
                .iter()
                .zip(&segments)
                .any(|(granted, asked)| granted != asked)
        {
            return Err(self.refuse(RefusalReason::Path, spelled, "lies outside it"));
        }
        let url = Url::parse(spelled)
            .map_err(|_| self.refuse(RefusalReason::Path, spelled, "is no URL"))?;
        // What the parser spells otherwise, the upstream may read otherwise.
        let same = url.as_str() == spelled
            || (!rest.starts_with('/') && url.as_str().len() == spelled.len() + 1);
        if !same {
            return Err(self.refuse(
                RefusalReason::Path,
                spelled,
                "is not spelled in the usual way",
            ));
        }
        Ok(url)
    }

    fn refuse(&self, reason: RefusalReason, spelled: &str, what: &str) -> Refusal {
        Refusal {
            reason,
            message: format!(
                "A request to `{}` was refused: it {what}. The setting `{}` grants {self} and \
                 what lies below; only its own value can allow more.",
                shown(spelled),
                self.setting,
            ),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        for segment in &self.segments {
            write!(f, "/{segment}")?;
        }
        if self.segments.is_empty() {
            f.write_str("/")?;
        }
        Ok(())
    }
}

impl GrantedHost {
    fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost",
            Self::Address(address) => address.is_loopback(),
        }
    }
}

/// What a URL parser would quietly repair in a URL that a person typed.
fn spelling_problem(typed: &str) -> Option<(&'static str, String)> {
    if typed.is_empty() {
        return Some(("missing", "is empty.".to_owned()));
    }
    if typed.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some((
            "invalid-url",
            "holds a blank or a control character.".to_owned(),
        ));
    }
    let after_scheme = typed.split_once("://").map_or(typed, |(_, rest)| rest);
    let host = after_scheme
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default();
    if !host.is_ascii() {
        return Some((
            "host-not-ascii",
            format!(
                "the host `{}` holds characters that are not ASCII; write it as xn--….",
                shown(host)
            ),
        ));
    }
    if !typed.is_ascii() {
        return Some((
            "invalid-url",
            "holds characters that are not ASCII; write them percent-encoded.".to_owned(),
        ));
    }
    if typed.contains('\\') {
        return Some(("invalid-url", "holds a backslash; write `/`.".to_owned()));
    }
    let path = after_scheme.find('/').and_then(|at| after_scheme.get(at..));
    // Looked at before parsing, since parsing resolves dots.
    if let Some(path) = path
        && let Err(what) = path_segments(path.split(['?', '#']).next().unwrap_or_default())
    {
        return Some(("ambiguous-path", format!("the path {what}.")));
    }
    None
}

/// The segments of a path, without the empty one after a slash at the end; or why the
/// path can be read in two ways.
fn path_segments(path: &str) -> Result<Vec<&str>, &'static str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let mut segments: Vec<&str> = path.split('/').collect();
    if segments.last().is_some_and(|last| last.is_empty()) {
        segments.pop();
    }
    for segment in &segments {
        match *segment {
            "" => return Err("has two slashes in a row"),
            _ => {}
        }
        // Some servers take off what follows a `;` before they look for dots.
        if matches!(segment.split(';').next(), Some("." | "..")) {
            return Err("has a `.` or `..` segment");
        }
        let mut decoded = Vec::with_capacity(segment.len());
        let mut rest = *segment;
        while let Some((before, after)) = rest.split_once('%') {
            let Some(code) = after
                .get(..2)
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            else {
                return Err("has a `%` that encodes nothing");
            };
            rest = after.get(2..).unwrap_or_default();
            let doubled = code == b'%'
                && ["2e", "2f", "5c"].iter().any(|hidden| {
                    rest.get(..2)
                        .is_some_and(|r| r.eq_ignore_ascii_case(hidden))
                });
            if matches!(code, b'/' | b'\\' | b'.') || doubled {
                return Err("has an encoded slash, backslash or dot");
            }
            if code.is_ascii_control() {
                return Err("has an encoded control character");
            }
            decoded.extend_from_slice(before.as_bytes());
            decoded.push(code);
        }
        // A slash or a dot in more bytes than it needs is one to lenient servers.
        if std::str::from_utf8(&decoded).is_err() {
            return Err("has encoded bytes that are no UTF-8");
        }
    }
    Ok(segments)
}

/// A piece of outside text, short and on one line, for a message.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(200)
        .map(|c| if is_wild(c) { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(200).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPED: &str = "https://platform.8x8.example/udi/customers/A1/scim/v2";

    fn grant(typed: &str) -> Result<Grant, Problem> {
        Grant::from_operator("instance-url", typed, &["Users".to_owned()], false)
    }

    fn refused(url: &str) -> RefusalReason {
        grant(TYPED).unwrap().permit(url).unwrap_err().reason
    }

    #[test]
    fn what_lies_below_by_whole_segments_is_permitted() {
        let grant = grant(TYPED).unwrap();
        for below in [
            "",
            "/",
            "/Users",
            "/Users/1",
            "?x=1",
            "/Users?filter=a%20eq%20%22b%22",
        ] {
            assert!(grant.permit(&format!("{TYPED}{below}")).is_ok(), "{below}");
        }
    }

    #[test]
    fn another_path_is_refused_even_if_it_begins_alike() {
        assert_eq!(refused(&format!("{TYPED}x/Users")), RefusalReason::Path);
        assert_eq!(
            refused("https://platform.8x8.example/udi/customers/A2/scim/v2/Users"),
            RefusalReason::Path
        );
        assert_eq!(
            refused("https://platform.8x8.example/udi/customers"),
            RefusalReason::Path
        );
    }

    #[test]
    fn another_origin_and_other_spellings_of_it_are_refused() {
        let path = "/udi/customers/A1/scim/v2/Users";
        for origin in [
            "http://platform.8x8.example",
            "https://platform.8x8.example:444",
            "https://platform.8x8.example:443",
            "https://PLATFORM.8x8.example",
            "https://platform.8x8.example.",
            "https://platform.8x8.example.evil.example",
            "https://user@platform.8x8.example",
            "https://platform.8x8.example@evil.example",
            "https:/platform.8x8.example",
            "https://plat%66orm.8x8.example",
            "https://evil.example",
        ] {
            assert_eq!(
                refused(&format!("{origin}{path}")),
                RefusalReason::Origin,
                "{origin}"
            );
        }
    }

    #[test]
    fn paths_that_can_be_read_in_two_ways_are_refused() {
        for tail in [
            "/../x",
            "/./x",
            "/%2e%2e/x",
            "/%2E./x",
            "/a%2fb",
            "/a%5Cb",
            "/a//b",
            "/a\\b",
            "/a#b",
            "/a%00b",
            "/a%0d%0ab",
            "/a%",
            "/a%zz",
            "/a%252fb",
            "/..;/x",
            "/.;a=b/x",
            "/%c0%ae%c0%ae/x",
            "/a%c0%afb",
            "/a%ff",
            "/a b",
            "/\u{e9}",
            "/a\r\nb",
            "/\"",
        ] {
            assert_eq!(
                refused(&format!("{TYPED}{tail}")),
                RefusalReason::Path,
                "{tail:?}"
            );
        }
    }

    #[test]
    fn one_declared_ending_is_taken_off_and_never_the_only_segment() {
        assert_eq!(
            grant("https://h.example/v2/Users/").unwrap().to_string(),
            "https://h.example/v2"
        );
        assert_eq!(
            grant("https://h.example/v2/Users/Users")
                .unwrap()
                .to_string(),
            "https://h.example/v2/Users"
        );
        assert_eq!(
            grant("https://h.example/Users").unwrap().to_string(),
            "https://h.example/Users"
        );
    }

    #[test]
    fn an_upper_case_host_typed_by_the_operator_is_taken_as_lower_case() {
        assert_eq!(
            grant(" https://H.Example:443/V2 ").unwrap().to_string(),
            "https://h.example/V2"
        );
    }

    #[test]
    fn a_connector_may_narrow_a_grant_and_not_widen_it() {
        let grant = grant("https://h.example/udi").unwrap();
        let narrow = grant
            .narrowed_to("https://h.example/udi/customers/A")
            .unwrap();
        assert!(narrow.permit("https://h.example/udi/other").is_err());
        assert!(grant.narrowed_to("https://h.example/").is_err());
        assert!(grant.narrowed_to("https://other.example/udi").is_err());
    }

    #[test]
    fn each_wrong_url_has_its_code() {
        for (typed, code) in [
            ("", "missing"),
            ("platform.8x8.example/scim", "not-absolute"),
            ("http://platform.8x8.example/scim", "not-https"),
            ("http://127.0.0.1:8080/scim", "not-https"),
            ("ftp://h.example/", "not-https"),
            ("https://u:p@h.example/", "user-info"),
            ("https://h.example/?a=b", "query-or-fragment"),
            ("https://h.example/#a", "query-or-fragment"),
            ("https://b\u{fc}cher.example/", "host-not-ascii"),
            ("https://2130706433/", "address-spelling"),
            ("https://0177.0.0.1/", "address-spelling"),
            ("https://h.example./", "trailing-dot"),
            ("https://h.example/a/../b", "ambiguous-path"),
            ("https://h.example/a//b", "ambiguous-path"),
            ("https://h.example\\a", "invalid-url"),
        ] {
            assert_eq!(grant(typed).unwrap_err().code, code, "{typed}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_with_leave_alone() {
        for typed in [
            "http://127.0.0.1:8080/x",
            "http://localhost:1/x",
            "http://[::1]:1/x",
        ] {
            assert!(
                Grant::from_operator("u", typed, &[], true).is_ok(),
                "{typed}"
            );
        }
        assert!(Grant::from_operator("u", "http://10.0.0.1/x", &[], true).is_err());
    }
}
