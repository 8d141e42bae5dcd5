//! Which requests may go: to the origin and below the path that were granted, in a spelling that
//! nobody could read in two ways, with the headers that are a connector's to set.

use crate::exports::provisioning::connector::http::{Method, RefusalReason, Request};
use crate::settings::Settings;

/// What every connector may set. Headers of a manifest's own are refused: an adapter does not
/// know the manifest.
const HEADERS: [&str; 6] = [
    "accept",
    "accept-language",
    "content-type",
    "if-match",
    "if-none-match",
    "prefer",
];

/// Where a permitted request goes.
pub(crate) struct Target {
    pub(crate) is_https: bool,
    pub(crate) authority: String,
    pub(crate) path_with_query: String,
}

pub(crate) fn permit(
    settings: &Settings,
    request: &Request,
) -> Result<Target, (RefusalReason, String)> {
    let grant = settings.grant().ok_or((
        RefusalReason::Origin,
        "Nothing was granted: set CONNECTOR_GRANT to the URL of the tenant.".to_owned(),
    ))?;
    if settings.is_read_only() && !matches!(request.method, Method::Get | Method::Head) {
        return Err((
            RefusalReason::Method,
            "CONNECTOR_READ_ONLY lets only GET and HEAD pass.".to_owned(),
        ));
    }
    let own = |name: &str| !HEADERS.contains(&name.to_ascii_lowercase().as_str());
    if let Some(header) = request.headers.iter().find(|header| own(&header.name)) {
        let message = format!("The header {} is not a connector's to set.", header.name);
        return Err((RefusalReason::Header, message));
    }
    below(grant, &request.url).map_err(|reason| {
        let message = format!("CONNECTOR_GRANT allows {grant} and what lies below.");
        (reason, message)
    })
}

fn below(grant: &str, url: &str) -> Result<Target, RefusalReason> {
    let (scheme, authority, granted) = parts(grant).ok_or(RefusalReason::Other)?;
    let (its_scheme, its_authority, rest) = parts(url).ok_or(RefusalReason::Origin)?;
    if (scheme, authority) != (its_scheme, its_authority) {
        return Err(RefusalReason::Origin);
    }
    let path = rest.split('?').next().unwrap_or_default();
    if url.len() > 8192 || !is_plain(path) || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(RefusalReason::Path);
    }
    let mut asked = path.trim_matches('/').split('/');
    let granted = granted.trim_matches('/').split('/');
    let inside = granted
        .filter(|segment| !segment.is_empty())
        .all(|segment| asked.next() == Some(segment));
    if !inside {
        return Err(RefusalReason::Path);
    }
    Ok(Target {
        is_https: scheme == "https",
        authority: authority.to_owned(),
        path_with_query: if rest.starts_with('/') {
            rest.to_owned()
        } else {
            format!("/{rest}")
        },
    })
}

/// Scheme, authority, and the rest. Other schemes than these have none.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, after) = url.split_once("://")?;
    let end = after.find(['/', '?', '#', '\\']).unwrap_or(after.len());
    let (authority, rest) = after.split_at(end);
    let good = ["http", "https"].contains(&scheme)
        && !authority.is_empty()
        && !authority.contains('@')
        && !rest.contains(['#', '\\']);
    good.then_some((scheme, authority, rest))
}

/// Whether a path has no segment that a server could take for another.
fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let hidden = ["%2e", "%2f", "%5c", "%25", "%00"];
    let dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    !lower.contains("//")
        && !lower.split('/').any(dots)
        && !hidden.iter().any(|code| lower.contains(code))
}
