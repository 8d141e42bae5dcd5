//! Which addresses a connection may go to. A name in a URL says nothing about where it
//! leads: the upstream's DNS could point it at the cloud's metadata service or at a
//! printer. So every address is looked at after it was resolved, and the request goes to
//! exactly the addresses that passed; an address that stands in the URL itself is looked
//! at before.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::grant::{Grant, GrantedHost};
use crate::mitigation::Mitigation;

/// Addresses that the operator allows by name: one, or a range such as `10.2.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    base: IpAddr,
    prefix: u32,
}

impl AddressRange {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let bits = 32 - self.prefix;
                shifted(base.to_bits().into(), bits) == shifted(address.to_bits().into(), bits)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let bits = 128 - self.prefix;
                shifted(base.to_bits(), bits) == shifted(address.to_bits(), bits)
            }
            _ => false,
        }
    }
}

fn shifted(address: u128, bits: u32) -> u128 {
    address.checked_shr(bits).unwrap_or(0)
}

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no address or range such as 10.2.0.0/16");
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| wrong())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| wrong())?,
            None => most,
        };
        if prefix > most {
            return Err(wrong());
        }
        Ok(Self { base, prefix })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

/// The policy of one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct AddressPolicy {
    /// What the operator's own URLs and the connection file name.
    ranges: Vec<AddressRange>,
    localhost: bool,
    proxy_host: Option<String>,
}

impl AddressPolicy {
    pub(crate) fn new<'a>(
        grants: impl IntoIterator<Item = &'a Grant>,
        allowed: &[AddressRange],
        proxy_host: Option<String>,
    ) -> Self {
        let mut policy = Self {
            ranges: allowed.to_vec(),
            localhost: false,
            proxy_host,
        };
        for grant in grants {
            match grant.host() {
                GrantedHost::Name(name) => policy.localhost |= name == "localhost",
                GrantedHost::Address(address) => policy.ranges.push(AddressRange {
                    base: *address,
                    prefix: if address.is_ipv4() { 32 } else { 128 },
                }),
            }
        }
        policy
    }

    /// Whether a request for `host` may go to `address`.
    pub(crate) fn check(&self, host: &str, address: IpAddr) -> Result<(), AddressRefused> {
        let Some(what) = special(address) else {
            return Ok(());
        };
        let localhost = self.localhost && host == "localhost" && address.is_loopback();
        // The operator named the proxy, so it may be anywhere.
        let proxy = self.proxy_host.as_deref() == Some(host);
        let off = !Mitigation::Addresses.is_on();
        if off || localhost || proxy || self.ranges.iter().any(|range| range.contains(address)) {
            return Ok(());
        }
        Err(AddressRefused {
            host: host.to_owned(),
            address,
            what,
        })
    }
}

/// A name led, or was about to lead, to an address that nobody allowed.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "`{host}` leads to {address}, {what}, and was refused. If that is right, write \
     `allow-addresses = [\"{address}\"]` under [network] in the connection file."
)]
pub(crate) struct AddressRefused {
    host: String,
    address: IpAddr,
    what: &'static str,
}

/// What sort of address it is, where it is not one of the public internet.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    Some(match (a, b, c) {
        (0, ..) => "an unspecified address",
        (127, ..) => "a loopback address",
        (169, 254, _) => "a link-local address, where clouds keep their metadata",
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => "a private address",
        (100, 64..=127, _) => "a carrier's private address",
        (192, 0, 0) | (198, 18..=19, _) => "an address set aside for networks",
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => "an address set aside for documentation",
        (224..=239, ..) => "a multicast address",
        (240.., ..) => "a reserved address",
        _ => return None,
    })
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("an unspecified address");
    }
    if address.is_loopback() {
        return Some("a loopback address");
    }
    let segments = address.segments();
    let [.., high, low] = segments;
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    let last_four = Ipv4Addr::new(a, b, c, d);
    match segments {
        // IPv4 in disguise: mapped, compatible, translated. The operator who means the
        // IPv4 address can write that.
        [0, 0, 0, 0, 0, 0xffff | 0, ..] => Some("an IPv4 address in IPv6 spelling"),
        [0, 0, 0, 0, 0xffff, 0, ..] => Some("an IPv4 address in IPv6 spelling"),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => special_v4(last_four),
        [0x64, 0xff9b, 1, ..] => Some("an address of a local translator"),
        [0x2002, ..] | [0x2001, 0, ..] => Some("an address of a tunnel"),
        [0x2001, 0xdb8, ..] => Some("an address set aside for documentation"),
        [0x100, 0, 0, 0, ..] => Some("an address that discards"),
        [first, ..] => match first {
            0xfc00..=0xfdff => Some("a private address"),
            0xfe80..=0xfebf => Some("a link-local address"),
            0xfec0..=0xfeff => Some("a private address"),
            0xff00.. => Some("a multicast address"),
            _ => None,
        },
    }
}

/// Turns names into addresses; a test puts its own in the place of the system's.
pub(crate) type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The system's resolver.
pub(crate) fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) })
    })
}

/// Hands reqwest only addresses that passed, so that what was checked is what is used.
pub(crate) struct CheckedResolver {
    pub(crate) policy: AddressPolicy,
    pub(crate) lookup: Lookup,
}

impl fmt::Debug for CheckedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedResolver").finish_non_exhaustive()
    }
}

impl reqwest::dns::Resolve for CheckedResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let policy = self.policy.clone();
        let found = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            // One wrong address refuses all: a name that leads to two places at once is
            // how such checks are walked around.
            for address in &found {
                policy.check(name.as_str(), address.ip())?;
            }
            Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(typed: &str, allowed: &[&str]) -> AddressPolicy {
        let grant = Grant::from_operator("u", typed, &[], true).unwrap();
        let allowed: Vec<AddressRange> = allowed.iter().map(|a| a.parse().unwrap()).collect();
        AddressPolicy::new([&grant], &allowed, None)
    }

    #[test]
    fn addresses_off_the_public_internet_are_refused() {
        let policy = policy("https://h.example/", &[]);
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:0:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(
                policy.check("h.example", address.parse().unwrap()).is_err(),
                "{address}"
            );
        }
        for address in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "64:ff9b::808:808",
        ] {
            assert!(
                policy.check("h.example", address.parse().unwrap()).is_ok(),
                "{address}"
            );
        }
    }

    #[test]
    fn an_address_is_allowed_where_the_operators_own_url_names_it() {
        let named = policy("https://10.1.2.3/", &[]);
        assert!(named.check("10.1.2.3", "10.1.2.3".parse().unwrap()).is_ok());
        assert!(
            named
                .check("10.1.2.3", "10.1.2.4".parse().unwrap())
                .is_err()
        );
        let localhost = policy("http://localhost:1/", &[]);
        assert!(
            localhost
                .check("localhost", "127.0.0.1".parse().unwrap())
                .is_ok()
        );
        assert!(
            localhost
                .check("localhost", "10.0.0.1".parse().unwrap())
                .is_err()
        );
        assert!(
            localhost
                .check("other.example", "127.0.0.1".parse().unwrap())
                .is_err()
        );
    }

    #[test]
    fn the_connection_file_allows_ranges() {
        let policy = policy("https://h.example/", &["10.2.0.0/16", "fd00::/8"]);
        assert!(
            policy
                .check("h.example", "10.2.200.1".parse().unwrap())
                .is_ok()
        );
        assert!(
            policy
                .check("h.example", "fd12::1".parse().unwrap())
                .is_ok()
        );
        assert!(
            policy
                .check("h.example", "10.3.0.1".parse().unwrap())
                .is_err()
        );
        assert!("10.0.0.0/33".parse::<AddressRange>().is_err());
    }
}
