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

use super::spelling::{path_segments, shown, spelling_problem};
use crate::contract::{Problem, Refusal, RefusalReason};
use crate::limits::URL_BYTES;

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
                format!("`{}` is not a URL: {error}.", shown(typed)),
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
        let rest = self.covers(spelled)?;
        let url = Url::parse(spelled)
            .map_err(|_| self.refuse(RefusalReason::Path, spelled, "is not a URL"))?;
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

    /// Whether a URL, as it is spelled, lies within this grant; if so, what follows the
    /// origin. For one that was read already, which this does not do.
    pub(crate) fn covers<'a>(&self, spelled: &'a str) -> Result<&'a str, Refusal> {
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
        let at_home = spelled
            .strip_prefix(self.origin.as_str())
            .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        let Some(rest) = at_home else {
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
        let segments = match path_segments(path) {
            Err(what) => return Err(self.refuse(RefusalReason::Path, spelled, what)),
            Ok(segments) => segments,
        };
        let below = segments.len() >= self.segments.len()
            && self
                .segments
                .iter()
                .zip(&segments)
                .all(|(granted, asked)| granted == asked);
        if !below {
            return Err(self.refuse(RefusalReason::Path, spelled, "lies outside it"));
        }
        Ok(rest)
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

#[cfg(test)]
mod tests;
