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
        let wrong = || format!("`{text}` is not an address or a range such as 10.2.0.0/16");
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
        if localhost || proxy || self.ranges.iter().any(|range| range.contains(address)) {
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

/// What sort of address it is, where it is not one of the public internet: what IANA's registries
/// of special-purpose addresses have (iana.org/assignments/iana-ipv4-special-registry and
/// iana-ipv6-special-registry, as of October 2025), whether or not routers would carry it, and
/// what clouds serve to their machines alone.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [0, ..] => "an unspecified address",
        [127, ..] => "a loopback address",
        [169, 254, ..] => "a link-local address, where clouds keep their metadata",
        // Public by their numbers, and answered inside the cloud alone.
        [168, 63, 129, 16] => "the address where Azure serves its machines",
        [161, 26, ..] | [166, 8..=11, ..] => "an address where IBM's cloud serves its machines",
        [199, 36, 153, 4..=11] => "an address where Google's cloud serves its machines",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private address",
        [100, 64..=127, ..] => "a carrier's private address",
        [192, 0, 0, _] | [198, 18..=19, ..] => "an address set aside for networks",
        // AS112, which swallows questions about private names.
        [192, 31, 196, _] | [192, 175, 48, _] => "an address set aside for networks",
        // Automatic multicast tunnels, and the relays of 6to4.
        [192, 52, 193, _] | [192, 88, 99, _] => "an address of a tunnel",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            "an address set aside for documentation"
        }
        [224..=239, ..] => "a multicast address",
        [240..=255, ..] => "a reserved address",
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
    Some(match segments {
        // IPv4 in disguise: mapped, compatible, translated. The operator who means the
        // IPv4 address can write that.
        [0, 0, 0, 0, 0, 0xffff | 0, ..] => "an IPv4 address in IPv6 spelling",
        [0, 0, 0, 0, 0xffff, 0, ..] => "an IPv4 address in IPv6 spelling",
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => return special_v4(last_four),
        [0x64, 0xff9b, 1, ..] => "an address of a local translator",
        // Teredo, automatic multicast tunnels, 6to4; and ISATAP, below any prefix.
        [0x2001, 0 | 3, ..] | [0x2002, ..] => "an address of a tunnel",
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => "an address of a tunnel",
        // Hashes and numbers that only look like addresses: ORCHID, ORCHIDv2, drones.
        [0x2001, 0x10..=0x3f, ..] => "a number that is not an address",
        // The rest of what protocols were given: anycast, benchmarks, AS112.
        [0x2001, 0..=0x1ff, ..] | [0x2620, 0x4f, 0x8000, ..] => "an address set aside for networks",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "an address set aside for documentation",
        [0x100, 0, 0, 0 | 1, ..] => "an address that discards",
        [0x5f00, ..] => "an address set aside for networks",
        [0xfc00..=0xfdff, ..] => "a private address",
        [0xfe80..=0xfebf, ..] => "a link-local address",
        [0xfec0..=0xfeff, ..] => "a private address",
        [0xff00..=0xffff, ..] => "a multicast address",
        // All that has been given out to the public internet.
        [0x2000..=0x3fff, ..] => return None,
        _ => "a reserved address",
    })
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
            // Each entry of IANA's registries, at its ends where it has some.
            "0.255.255.255",
            "100.127.255.255",
            "192.0.0.1",
            "192.0.0.9",
            "192.0.0.171",
            "192.0.0.192",
            "192.0.2.255",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.88.99.2",
            "192.175.48.6",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "240.0.0.1",
            "64:ff9b:1::808:808",
            "64:ff9b:1:ffff::1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:1::1",
            "2001:1::2",
            "2001:1::3",
            "2001:2::1",
            "2001:3::1",
            "2001:4:112::1",
            "2001:10::1",
            "2001:1f:ffff::1",
            "2001:20::1",
            "2001:2f:ffff::1",
            "2001:30::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2001:db8:ffff::1",
            "2620:4f:8000::1",
            "3fff::1",
            "3fff:fff:ffff::1",
            "5f00::1",
            "fec0::1",
            // Beyond all that was given out.
            "1::1",
            "200::1",
            "4000::1",
            "e000::1",
            // What Azure, Oracle, Alibaba, IBM and Google serve to their machines.
            "168.63.129.16",
            "161.26.0.10",
            "166.8.0.1",
            "166.11.255.255",
            "199.36.153.4",
            "199.36.153.11",
            "fd20:ce::254",
            "100.100.100.200",
            // IPv4 addresses within others.
            "::ffff:168.63.129.16",
            "::ffff:0:10.0.0.1",
            "::10.0.0.1",
            "::168.63.129.16",
            "64:ff9b::a83f:8110",
            "64:ff9b::7f00:1",
            "64:ff9b::c058:6301",
            "2002:a83f:8110::1",
            "2002:808:808::1",
            "2001:0:a83f:8110::1",
            "2606:4700::5efe:10.0.0.1",
            "2606:4700::200:5efe:a00:1",
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
            // The neighbours of what is refused.
            "1.0.0.1",
            "168.63.129.15",
            "168.63.129.17",
            "161.25.255.255",
            "161.27.0.1",
            "166.7.255.255",
            "166.12.0.1",
            "199.36.153.3",
            "199.36.153.12",
            "192.0.1.1",
            "192.31.197.1",
            "192.88.98.1",
            "192.88.100.1",
            "198.17.1.1",
            "198.20.1.1",
            "223.255.255.255",
            "2001:200::1",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "2620:4f:8001::1",
            "3ffe::1",
            "2a00:1450:4009::200e",
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
