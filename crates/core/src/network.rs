//! IP networks in CIDR form.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A network such as `192.0.2.0/24`; host bits must be zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

impl Network {
    /// The network that holds this address alone.
    pub fn host(address: IpAddr) -> Self {
        Self(address.into())
    }

    /// Every network that there is, of both families.
    pub fn all() -> [Self; 2] {
        [Self(Ipv4Net::default().into()), Self(Ipv6Net::default().into())]
    }

    /// Its first address.
    pub fn first(&self) -> IpAddr {
        self.0.network()
    }

    /// Its last address.
    pub fn last(&self) -> IpAddr {
        self.0.broadcast()
    }

    /// Whether the address lies in the network; an IPv4-mapped IPv6 address counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) =
            text.split_once('/').ok_or_else(|| format!("{text} lacks a /prefix"))?;
        let base: IpAddr =
            address.parse().map_err(|_| format!("{address} is not an IP address"))?;
        let widest = if base.is_ipv4() { 32 } else { 128 };
        let network =
            prefix.parse().ok().and_then(|prefix| IpNet::new(base, prefix).ok()).ok_or_else(
                || format!("the prefix of {text} is not a number from 0 to {widest}"),
            )?;
        if network != network.trunc() {
            return Err(format!("{text} has host bits set"));
        }
        Ok(Self(network))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_own_addresses_only() {
        let network: Network = "192.0.2.0/25".parse().unwrap();
        for (address, inside) in [
            ("192.0.2.127", true),
            ("192.0.2.128", false),
            ("::ffff:192.0.2.1", true),
            ("::1", false),
        ] {
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn a_network_reaches_from_its_first_to_its_last_address() {
        for (network, last) in [
            ("192.0.2.0/25", "192.0.2.127"),
            ("192.0.2.1/32", "192.0.2.1"),
            ("0.0.0.0/0", "255.255.255.255"),
            ("2001:db8::/127", "2001:db8::1"),
            ("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.last(), last.parse::<IpAddr>().unwrap(), "{network}");
            assert!(network.contains(network.first()) && network.contains(network.last()));
        }
    }

    #[test]
    fn a_network_that_is_none_is_refused_with_a_reason() {
        for bad in ["192.0.2.1", "192.0.2.1/24", "192.0.2.0/33", "x/8", "2001:db8::1/64"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
